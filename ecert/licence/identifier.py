"""The identifier of a licence (电子证照标识): strict for issuing and verifying, flagged for import.

    1.2.156.3005.2 . <type 21> . <issuer 18> . <serial> . <version 3> . <check 1>

- One spelling: capital letters, OID root in front. `parse` also takes the text without its root, as standards
  print it, and `str()` gives the root back.
- A 6-digit region in the issuer's place stands in old licences that are still about. `parse` reads it; `make`
  never writes it, and a verifier refuses it because it can't agree with `iss`.

Sources: GB/T 36904-2018; GB/T 17710 MOD 37,36.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from ecert.errors import IdentifierFault
from ecert.licence.check_digits import (
    ALPHANUMERIC,
    MOD37_36_START,
    MOD37_36_STEP,
    check_char_mod37_36,
    check_char_of_state,
)
from ecert.licence.numbers import Region, Uscc

__all__ = ["OID_ROOT", "ImportFlag", "ImportedId", "LicenceId", "check_type_code"]

OID_ROOT: Final = "1.2.156.3005.2."
_OLD_ROOT: Final = "1.2.156.3003.2."
_LONGEST_SERIAL: Final = 64
_LONGEST_TEXT: Final = 256
_SERIAL_CHARACTERS: Final = frozenset(ALPHANUMERIC)


def check_type_code(text: str) -> str:
    """Check a type code (证照类型代码): the USCC of the body that defines the type, and 3 digits.

    Returns:
        The same text.

    Raises:
        IdentifierFault: Wrong length, check digit, or no digits at the end.
    """
    if not isinstance(text, str) or len(text) != 21 or not (text.isascii() and text[18:].isdigit()):
        raise IdentifierFault("expected a type code of 18 characters and 3 digits, other text came")
    Uscc.parse(text[:18])
    return text


@lru_cache(maxsize=4096)
def _read_stem(stem: str) -> tuple[str, str, int]:
    """Type, issuer and the MOD 37,36 state behind both, all checked. Few of them, each on many licences."""
    type_code, dot, issuer = stem.removeprefix(OID_ROOT).partition(".")
    if not dot:
        raise IdentifierFault(
            "expected type, issuer, serial, version and check with dots between, other came"
        )
    check_type_code(type_code)
    if len(issuer) == 6:
        Region.parse(issuer)
    else:
        Uscc.parse(issuer)
    return type_code, issuer, _advance(MOD37_36_START, type_code + issuer)


def _advance(state: int, text: str) -> int:
    for byte in text.encode("utf-8", "replace"):
        state = MOD37_36_STEP[state][byte]
    return state


@dataclass(frozen=True, slots=True)
class LicenceId:
    """A licence's identifier (电子证照标识), all its check digits right. Made by `parse` or `make`."""

    type_code: str
    issuer: str
    serial: str
    version: int
    check: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an identifier strictly, with or without its OID root.

        Raises:
            IdentifierFault: A wrong form, check digit of a USCC, or check character.
        """
        if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
            raise IdentifierFault(f"expected an identifier of at most {_LONGEST_TEXT} characters, other came")
        parts = text.rsplit(".", 3)
        if len(parts) != 4:
            raise IdentifierFault(
                "expected type, issuer, serial, version and check with dots between, other came"
            )
        stem, serial, version, check = parts
        type_code, issuer, state = _read_stem(stem)
        if not serial or len(serial) > _LONGEST_SERIAL:
            raise IdentifierFault(
                f"expected a serial of 1 to {_LONGEST_SERIAL} characters, another length came"
            )
        if len(version) != 3 or not version.isdigit() or version == "000":
            raise IdentifierFault("expected a version from 001 to 999, other text came")
        for byte in (serial + version).encode("utf-8", "replace"):
            state = MOD37_36_STEP[state][byte]
        if not state:
            raise IdentifierFault("expected a serial of digits and capital letters, another character came")
        if check != check_char_of_state(state):
            raise IdentifierFault("expected the check character of the identifier, another came")
        return cls(type_code, issuer, serial, int(version), check)

    @classmethod
    def make(cls, *, type_code: str, issuer: str, serial: str, version: int) -> Self:
        """Make an identifier and its check character.

        Args:
            type_code: 21 characters, GB/T 36904.
            issuer: USCC of the issuing department (发证单位).
            serial: 1 to 64 digits and capital letters, unique for this type and issuer.
            version: 1 to 999, one higher with each change or renewal.

        Raises:
            IdentifierFault: A part is not as said.
        """
        Uscc.parse(issuer)
        if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= 999:
            raise IdentifierFault("expected a version from 1 to 999, another came")
        if not serial or len(serial) > _LONGEST_SERIAL or not _SERIAL_CHARACTERS.issuperset(serial):
            raise IdentifierFault("expected a serial of 1 to 64 digits and capital letters, other text came")
        state = _advance(_read_stem(f"{type_code}.{issuer}")[2], f"{serial}{version:03}")
        return cls(type_code, issuer, serial, version, check_char_of_state(state))

    @classmethod
    def parse_tolerant(cls, text: str) -> tuple["ImportedId", tuple["ImportFlag", ...]]:
        """Read an identifier of old data, and say by flags where it breaks the rules.

        No flag means that `parse` takes the same text.

        Raises:
            IdentifierFault: Not even the parts can be told.
        """
        return _parse_tolerant(text)

    @property
    def family(self) -> str:
        """What all versions of one licence share: the identifier without version and check character."""
        return f"{OID_ROOT}{self.type_code}.{self.issuer}.{self.serial}"

    def __str__(self) -> str:
        return f"{OID_ROOT}{self.type_code}.{self.issuer}.{self.serial}.{self.version:03}.{self.check}"


class ImportFlag(StrEnum):
    """What is wrong with an imported identifier. Append-only."""

    OTHER_ROOT = "other_root"
    OUTER_SPACE = "outer_space"
    LOWER_CASE = "lower_case"
    WRONG_TYPE_CODE = "wrong_type_code"
    WRONG_ISSUER = "wrong_issuer"
    REGION_CODE_ISSUER = "region_code_issuer"
    UNDERSCORE_IN_SERIAL = "underscore_in_serial"
    WRONG_SERIAL = "wrong_serial"
    WRONG_VERSION = "wrong_version"
    MISSING_CHECK = "missing_check"
    WRONG_CHECK = "wrong_check"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedId:
    """The parts of an identifier as old data has them, in capitals; `check` is empty when there was none."""

    type_code: str
    issuer: str
    serial: str
    version: str
    check: str


def _parse_tolerant(text: str) -> tuple[ImportedId, tuple[ImportFlag, ...]]:
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
        raise IdentifierFault(f"expected an identifier of at most {_LONGEST_TEXT} characters, other came")
    flags = []
    body = text.strip()
    if body != text:
        flags.append(ImportFlag.OUTER_SPACE)
    if body != body.upper():
        flags.append(ImportFlag.LOWER_CASE)
        body = body.upper()
    if body.startswith(_OLD_ROOT):
        flags.append(ImportFlag.OTHER_ROOT)
    parts = body.removeprefix(OID_ROOT).removeprefix(_OLD_ROOT).split(".")
    if len(parts) == 4:
        flags.append(ImportFlag.MISSING_CHECK)
        parts.append("")
    if len(parts) != 5 or not all(parts[:4]):
        raise IdentifierFault(
            "expected type, issuer, serial, version and check with dots between, other came"
        )
    read = ImportedId(type_code=parts[0], issuer=parts[1], serial=parts[2], version=parts[3], check=parts[4])
    return read, (*flags, *_faults(read))


def _faults(read: ImportedId) -> list[ImportFlag]:
    flags = []
    if not _passes(check_type_code, read.type_code):
        flags.append(ImportFlag.WRONG_TYPE_CODE)
    if _passes(Region.parse, read.issuer):
        flags.append(ImportFlag.REGION_CODE_ISSUER)
    elif not _passes(Uscc.parse, read.issuer):
        flags.append(ImportFlag.WRONG_ISSUER)
    serial = read.serial.replace("_", "")
    if serial != read.serial:
        flags.append(ImportFlag.UNDERSCORE_IN_SERIAL)
    if not 1 <= len(serial) <= _LONGEST_SERIAL or not _SERIAL_CHARACTERS.issuperset(serial):
        flags.append(ImportFlag.WRONG_SERIAL)
    version = read.version
    if len(version) != 3 or not (version.isascii() and version.isdigit()) or version == "000":
        flags.append(ImportFlag.WRONG_VERSION)
    # The underscore has no value in MOD 37,36; systems that write it leave it out of the sum.
    checked = read.type_code + read.issuer + serial + version
    if read.check and not _passes(lambda text: _same_check(text, read.check), checked):
        flags.append(ImportFlag.WRONG_CHECK)
    return flags


def _same_check(text: str, check: str) -> None:
    if check_char_mod37_36(text) != check:
        raise IdentifierFault("expected the check character of the identifier, another came")


def _passes(check: object, text: str) -> bool:
    try:
        check(text)  # type: ignore[operator]
    except IdentifierFault:
        return False
    return True
