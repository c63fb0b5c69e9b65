"""Strict JSON (RFC 8259 narrowed): one meaning for every text that is accepted.

- Refused: duplicate names, NaN and Infinity, integers beyond 64 signed bits, numbers that overflow a float,
  depth over 16, lone surrogates, a byte order mark, anything but UTF-8, and bytes after the value.
- ``-0`` is read as the float ``-0.0``: it is legal JSON, and no reader of integers takes it for one.
- Not checked: names and types of members; that is the business of whoever reads the object.

Compact text as we write it is read by a fast path: decoding and writing it again must give the same bytes,
and text that comes out the same has no duplicate names and no odd spelling. Other text goes the slow way.
"""

import json
import math
import re
from typing import Annotated, Any, Final, NoReturn

import msgspec

from ecert.errors import Malformed, TooLarge

__all__ = ["MAX_BYTES", "MAX_DEPTH", "dumps", "loads"]

MAX_BYTES: Final = 16 * 1024
MAX_DEPTH: Final = 16

# Each level doubles what msgspec compiles at import, so the fast path ends early: our deepest text has 6.
_QUICK_DEPTH: Final = 6
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1
_INT_DIGITS: Final = 20  # of the longest, sign included
# Always matches at a quote, also where the string never ends, so that a scan stays linear.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def _value_type(depth: int) -> Any:
    """Build the type of a JSON value whose containers nest at most `depth` deep."""
    scalar = str | Annotated[int, msgspec.Meta(ge=_INT_MIN, le=_INT_MAX)] | float | bool | None
    value: Any = scalar
    for _ in range(depth):
        value = scalar | list[value] | dict[str, value]
    return value


_decode: Final = msgspec.json.Decoder(_value_type(_QUICK_DEPTH)).decode
_encode: Final = msgspec.json.Encoder().encode


def loads(data: bytes, *, max_bytes: int = MAX_BYTES) -> object:
    """Read one JSON value.

    Args:
        data: The text in UTF-8. Untrusted.
        max_bytes: The limit on its length, in bytes.

    Returns:
        dict, list, str, int, float, bool or None.

    Raises:
        TooLarge: Longer than `max_bytes`; nothing of it was read.
        Malformed: Not JSON, or JSON that this reader refuses.

    Sources: RFC 8259; RFC 7515 section 4 (duplicate names); RFC 7493 (I-JSON).
    """
    if len(data) > max_bytes:
        raise TooLarge(f"expected at most {max_bytes} bytes of JSON, more came")
    try:
        value: object = _decode(data)
        if _encode(value) == data:
            return value
    except (msgspec.MsgspecError, UnicodeError):
        pass
    return _loads_slowly(data)


def dumps(value: object) -> bytes:
    """Write a JSON value compactly in UTF-8, in the one spelling that `loads` reads fastest.

    Args:
        value: dict (with str names), list, tuple, str, int, float, bool or None.

    Returns:
        The text.

    Raises:
        Malformed: What `loads` would refuse: NaN, an integer beyond 64 bits, a lone surrogate, depth over 16.
        TypeError: A type that JSON doesn't have.
    """
    _check_writable(value, MAX_DEPTH)
    try:
        return _encode(value)
    except UnicodeError:
        raise Malformed("expected Unicode text, a lone surrogate came") from None


def _check_writable(value: object, depth: int) -> None:
    if isinstance(value, (dict, list, tuple)):
        if not depth:
            raise Malformed(f"expected depth of at most {MAX_DEPTH}, more came")
        if isinstance(value, dict):
            if not all(type(name) is str for name in value):
                raise TypeError("expected str as names of a JSON object")
            value = tuple(value.values())
        for item in value:
            _check_writable(item, depth - 1)
    elif isinstance(value, float):
        _check_float(value)
    elif isinstance(value, int):
        if not _INT_MIN <= value <= _INT_MAX:
            raise Malformed("expected an integer of at most 64 signed bits, a larger one came")
    elif not isinstance(value, str) and value is not None:
        raise TypeError(f"expected a type of JSON, got {type(value).__name__}")


def _loads_slowly(data: bytes) -> object:
    """Read JSON in any spelling with the standard library's reader, and close each of its openings."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("expected JSON in UTF-8, other bytes came") from None
    _check_depth(data)
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except ValueError:
        raise Malformed("expected JSON, something else came") from None
    try:
        _encode(value)
    except UnicodeError:
        raise Malformed("expected Unicode text, a lone surrogate came") from None
    return value


def _check_depth(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for byte in _STRING.sub(b"", data):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Malformed(f"expected JSON of depth {MAX_DEPTH} at most, more came")
        elif byte in b"]}":
            depth -= 1


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("expected each name once in a JSON object, one came twice")
    return members


def _integer(text: str) -> int | float:
    if text == "-0":
        return -0.0
    if len(text) > _INT_DIGITS or not _INT_MIN <= int(text) <= _INT_MAX:
        raise Malformed("expected an integer of at most 64 signed bits, a larger one came")
    return int(text)


def _finite(text: str) -> float:
    return _check_float(float(text))


def _check_float(value: float) -> float:
    if not math.isfinite(value):
        raise Malformed("expected a finite number, another came")
    return value


def _refuse_constant(_: str) -> NoReturn:
    raise Malformed("expected JSON, NaN or Infinity came")
