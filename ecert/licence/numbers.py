"""Numbers of bodies, people and places, each a `str` that only `parse` makes.

- What is checked: length, alphabet, check digit, and for a resident identity number that its date exists.
- What is not: that the number was ever given to anybody, or that a place of that code exists today (codes
  retire).
"""

from datetime import date
from functools import lru_cache
from typing import Final, Self

from ecert.errors import IdentifierFault
from ecert.licence.check_digits import resident_id_check_char, uscc_check_char

__all__ = ["Region", "ResidentId", "Uscc"]

# Provinces, autonomous regions, municipalities and special administrative regions of GB/T 2260.
_PROVINCES: Final = frozenset(
    f"{number}"
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
    for number in range(first, last + 1)
)


class Uscc(str):
    """A unified social credit code (统一社会信用代码) with its check digit right. Made by `parse`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 18 characters.

        Raises:
            IdentifierFault: Wrong length, alphabet or check digit.

        Sources: GB 32100-2015.
        """
        if not isinstance(text, str) or len(text) != 18:
            raise IdentifierFault(
                "expected 18 characters of a unified social credit code, another length came"
            )
        if _uscc_check(text[:17]) != text[17]:
            raise IdentifierFault("expected the check digit of a unified social credit code, another came")
        if not text[2:8].isdigit():
            raise IdentifierFault(
                "expected 6 digits of a region inside a unified social credit code, others came"
            )
        return cls(text)


# Issuers repeat from row to row; a holder's code does not, and leaves soon.
_uscc_check = lru_cache(maxsize=1024)(uscc_check_char)


class Region(str):
    """An administrative division (行政区划): 2 digits each of province, city, county; 000000 is all."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 6 digits.

        Raises:
            IdentifierFault: Not 6 digits, an unknown province, or a county without a city.

        Sources: GB/T 2260.
        """
        if not isinstance(text, str) or len(text) != 6 or not (text.isascii() and text.isdigit()):
            raise IdentifierFault("expected 6 digits of a region, other text came")
        if text != "000000":
            if text[:2] not in _PROVINCES:
                raise IdentifierFault("expected a province's 2 digits at the start of a region, others came")
            if text[2:4] == "00" and text[4:] != "00":
                raise IdentifierFault("expected a city before the county of a region, 00 came")
        return cls(text)

    def contains(self, other: "Region") -> bool:
        """Say whether `other` is this place or lies in it."""
        if self == "000000":
            return True
        stem = self[:2] if self[2:] == "0000" else self[:4] if self[4:] == "00" else str(self)
        return other.startswith(stem)


class ResidentId(str):
    """A resident identity number (公民身份号码) with its check digit right. Made by `parse`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 18 characters; a lower-case x at the end becomes X.

        Raises:
            IdentifierFault: Wrong length, alphabet, region, date or check digit.

        Sources: GB 11643-1999.
        """
        if not isinstance(text, str) or len(text) != 18:
            raise IdentifierFault("expected 18 characters of a resident identity number, another length came")
        text = text.replace("x", "X")
        if resident_id_check_char(text[:17]) != text[17]:
            raise IdentifierFault("expected the check digit of a resident identity number, another came")
        try:
            date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
        except ValueError:
            raise IdentifierFault("expected a date of birth that exists, another came") from None
        if text[:2] not in _PROVINCES:
            raise IdentifierFault("expected a province's 2 digits at the start of a number, others came")
        return cls(text)

    @property
    def born(self) -> date:
        """The date of birth."""
        return date(int(self[6:10]), int(self[10:12]), int(self[12:14]))
