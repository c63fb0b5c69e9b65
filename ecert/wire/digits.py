"""Bytes as decimal digits with two check digits: what survives keyboards, Caps Lock and input methods.

- Each 7 bytes, big-endian, become 17 digits; a tail of 1 to 6 bytes becomes 3, 5, 8, 10, 13 or 15 digits.
- The last two digits are ISO 7064 MOD 97-10 over all others: a lost or changed digit says *scan again*.
- One spelling: a group whose number needs more bytes than it stands for is refused.
"""

import struct
from typing import Final

from ecert.errors import Malformed, Misread, TooLarge

__all__ = ["MAX_DIGITS", "check_digits", "decode", "encode", "with_check", "without_check"]

MAX_DIGITS: Final = 4000
"""More than any QR symbol that we draw holds, and fewer than Python's limit for one number."""

_TAIL_DIGITS: Final = (0, 3, 5, 8, 10, 13, 15)
_TAIL_BYTES: Final = {digits: length for length, digits in enumerate(_TAIL_DIGITS)}


def encode(data: bytes) -> str:
    """Write bytes as digits, without check digits."""
    whole = len(data) // 7 * 7
    groups = [f"{int.from_bytes(data[i : i + 7]):017}" for i in range(0, whole, 7)]
    tail = data[whole:]
    if tail:
        groups.append(f"{int.from_bytes(tail):0{_TAIL_DIGITS[len(tail)]}}")
    return "".join(groups)


def decode(text: str) -> bytes:
    """Read digits (without check digits) as bytes.

    Args:
        text: ASCII digits and nothing else. Untrusted.

    Returns:
        The bytes.

    Raises:
        Misread: A length that no bytes have.
        Malformed: A group stands for more than its bytes can hold.
    """
    count, rest = divmod(len(text), 17)
    tail = _TAIL_BYTES.get(rest)
    if tail is None:
        raise Misread("expected a number of digits that bytes can have, another came: scan again")
    whole = count * 17
    octets = bytearray(struct.pack(f">{count}Q", *[int(text[i : i + 17]) for i in range(0, whole, 17)]))
    last = int(text[whole:]) if tail else 0
    if any(octets[::8]) or last >> 8 * tail:
        raise Malformed("expected groups of digits in range, a larger number came")
    del octets[::8]
    return bytes(octets) + last.to_bytes(tail)


def check_digits(text: str) -> str:
    """Give the two ISO 7064 MOD 97-10 check digits over a text of 1 to 4000 digits."""
    return f"{98 - int(text) * 100 % 97:02}"


def with_check(text: str) -> str:
    """Append the check digits.

    Raises:
        TooLarge: More than `MAX_DIGITS`.
    """
    if len(text) > MAX_DIGITS:
        raise TooLarge(f"expected at most {MAX_DIGITS} digits, more came")
    return text + check_digits(text)


def without_check(text: str) -> str:
    """Verify the check digits and take them off.

    Args:
        text: ASCII digits and nothing else. Untrusted.

    Returns:
        All but the last two.

    Raises:
        TooLarge: More than `MAX_DIGITS`.
        Misread: Too few digits, or the check digits are not those of the others.

    Sources: ISO/IEC 7064 MOD 97-10.
    """
    if len(text) > MAX_DIGITS:
        raise TooLarge(f"expected at most {MAX_DIGITS} digits, more came")
    if len(text) < 3 or check_digits(text[:-2]) != text[-2:]:
        raise Misread("expected digits whose check digits are right, others came: scan again")
    return text[:-2]
