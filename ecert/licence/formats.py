"""Formats of a type's own fields: each checks one value and gives it its one spelling.

A value comes as text, or as an integer where the format is `integer`; it goes into the licence as it is
returned here. Messages say what was expected and never what came.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ecert.errors import FieldFault, IdentifierFault
from ecert.licence.numbers import Region, ResidentId, Uscc
from ecert.licence.text import hidden_flags, is_plain_number

__all__ = ["FieldDef", "Format", "Value", "checked_name", "checked_number", "checked_text"]

Value = str | int

_LARGEST_INTEGER: Final = 2**53 - 1
_LONGEST_AMOUNT: Final = 16


class Format(StrEnum):
    """How a field's value is written."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    USCC = "uscc"
    RESIDENT_ID = "resident_id"
    REGION = "region"
    INTEGER = "integer"
    AMOUNT = "amount"
    ENUMERATION = "enumeration"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDef:
    """One field of a type (照面信息项): its claim name, labels, format and bounds.

    `max_length` counts characters (text and number), `smallest` and `largest` bound an integer, `values`
    lists an enumeration's, `unit` is for people only (an amount's 万元).
    """

    name: str
    label_zh: str
    label_en: str
    format: Format
    required: bool = True
    max_length: int = 200
    smallest: int = 0
    largest: int = _LARGEST_INTEGER
    values: tuple[str, ...] = ()
    unit: str | None = None

    def normal(self, value: object) -> Value:
        """Check one value and give its one spelling.

        Raises:
            FieldFault: It is not of this field's format; names the field.
        """
        return _CHECKS[self.format](self, value)


def checked_text(name: str, value: object, *, max_length: int) -> str:
    """Check a text that people read: 1 to `max_length` visible characters, no space at its ends."""
    if not isinstance(value, str):
        raise FieldFault(name, "expected text")
    if not 1 <= len(value) <= max_length:
        raise FieldFault(name, f"expected 1 to {max_length} characters")
    if value[0].isspace() or value[-1].isspace():
        raise FieldFault(name, "expected text without space at its ends")
    flags = hidden_flags(value)
    if flags:
        raise FieldFault(name, f"expected visible characters only, found {' '.join(flags)}")
    return value


def checked_name(name: str, value: object) -> str:
    """Check the name of a person or body, at most 120 characters."""
    return checked_text(name, value, max_length=120)


def checked_number(name: str, value: object, *, max_length: int = 64) -> str:
    """Check a licence number or the like: letters, digits, Han and plain punctuation in one spelling."""
    if not isinstance(value, str) or not 1 <= len(value) <= max_length:
        raise FieldFault(name, f"expected a number of 1 to {max_length} characters")
    if not is_plain_number(value):
        raise FieldFault(
            name, "expected plain letters, digits and Han characters, without spaces or full-width digits"
        )
    return value


def _text(field: FieldDef, value: object) -> Value:
    return checked_text(field.name, value, max_length=field.max_length)


def _number(field: FieldDef, value: object) -> Value:
    return checked_number(field.name, value, max_length=field.max_length)


def _date(field: FieldDef, value: object) -> Value:
    if isinstance(value, str) and len(value) == 10 and value.isascii() and value[4] == value[7] == "-":
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise FieldFault(field.name, "expected a date as YYYY-MM-DD")


def _identifier(parse: Callable[[str], str], what: str) -> Callable[[FieldDef, object], Value]:
    def check(field: FieldDef, value: object) -> Value:
        try:
            return str(parse(value if isinstance(value, str) else ""))
        except IdentifierFault:
            raise FieldFault(field.name, f"expected {what}") from None

    return check


def _integer(field: FieldDef, value: object) -> Value:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        number = int(value)
        if str(number) == value:
            value = number
    if isinstance(value, bool) or not isinstance(value, int) or not field.smallest <= value <= field.largest:
        raise FieldFault(field.name, f"expected an integer from {field.smallest} to {field.largest}")
    return value


def _amount(field: FieldDef, value: object) -> Value:
    if isinstance(value, str) and value.isascii() and len(value) <= _LONGEST_AMOUNT:
        whole, dot, cents = value.partition(".")
        fits = whole.isdigit() and (whole == "0" or whole[0] != "0")
        if fits and (not dot or (cents.isdigit() and len(cents) <= 2)):
            return value
    raise FieldFault(field.name, "expected an amount such as 1200 or 1200.50")


def _enumeration(field: FieldDef, value: object) -> Value:
    if isinstance(value, str) and value in field.values:
        return value
    raise FieldFault(field.name, "expected one of the type's values")


_CHECKS: Final[Mapping[Format, Callable[[FieldDef, object], Value]]] = MappingProxyType(
    {
        Format.TEXT: _text,
        Format.NUMBER: _number,
        Format.DATE: _date,
        Format.USCC: _identifier(Uscc.parse, "a unified social credit code with its check digit"),
        Format.RESIDENT_ID: _identifier(ResidentId.parse, "a resident identity number with its check digit"),
        Format.REGION: _identifier(Region.parse, "6 digits of a region"),
        Format.INTEGER: _integer,
        Format.AMOUNT: _amount,
        Format.ENUMERATION: _enumeration,
    }
)
