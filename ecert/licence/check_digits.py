"""Check characters (校验码) of the numbers that stand on a licence.

Sources: GB/T 17710 (ISO 7064) MOD 37,36; GB 32100 for the unified social credit code; GB 11643 for the
resident identity number. docs/formats/licence.md works an example of each.
"""

from typing import Final

from ecert.errors import IdentifierFault

__all__ = [
    "ALPHANUMERIC",
    "MOD37_36_START",
    "MOD37_36_STEP",
    "check_char_mod37_36",
    "check_char_of_state",
    "resident_id_check_char",
    "uscc_check_char",
]

ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_RESIDENT_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS: Final = "10X98765432"

MOD37_36_START: Final = 36


def _steps() -> tuple[bytes, ...]:
    # State 0 can't be reached by a right character (2s is never 0 modulo 37), so it stands for "broken" and
    # stays.
    rows = [bytes(256)]
    for state in range(1, 37):
        row = bytearray(256)
        for value, character in enumerate(ALPHANUMERIC):
            row[ord(character)] = 2 * ((state + value) % 36 or 36) % 37
        rows.append(bytes(row))
    return tuple(rows)


#: The next state by state and byte; 0 once a byte was outside 0-9A-Z.
MOD37_36_STEP: Final = _steps()


def check_char_of_state(state: int) -> str:
    """Give the check character that closes a MOD 37,36 computation standing at `state` (1 to 36)."""
    return ALPHANUMERIC[(37 - state) % 36]


def check_char_mod37_36(text: str) -> str:
    """Compute the check character of an identifier (电子证照标识) over 0-9 and A-Z.

    Args:
        text: The characters to be protected, without OID root, dots and check character.

    Raises:
        IdentifierFault: `text` is empty or has another character.

    Sources: GB/T 17710 MOD 37,36; GB/T 36904-2018.
    """
    state = MOD37_36_START
    for byte in text.encode("utf-8", "replace"):
        state = MOD37_36_STEP[state][byte]
    if not state or not text:
        raise IdentifierFault(
            "expected digits and capital letters to compute a check character, other text came"
        )
    return check_char_of_state(state)


_USCC_VALUES: Final = {character: value for value, character in enumerate(_USCC_ALPHABET)}


def uscc_check_char(first17: str) -> str:
    """Compute the 18th character of a unified social credit code (统一社会信用代码).

    Raises:
        IdentifierFault: Not 17 characters of the code's alphabet (no I, O, S, V, Z).
    """
    try:
        total = sum(weight * _USCC_VALUES[c] for weight, c in zip(_USCC_WEIGHTS, first17, strict=True))
    except (KeyError, ValueError):
        raise IdentifierFault(
            "expected 17 characters of a unified social credit code, other text came"
        ) from None
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def resident_id_check_char(first17: str) -> str:
    """Compute the 18th character of a resident identity number (公民身份号码).

    Raises:
        IdentifierFault: Not 17 digits.
    """
    if len(first17) != 17 or not (first17.isascii() and first17.isdigit()):
        raise IdentifierFault("expected 17 digits of a resident identity number, other text came")
    total = sum(weight * int(c) for weight, c in zip(_RESIDENT_WEIGHTS, first17, strict=True))
    return _RESIDENT_CHECKS[total % 11]
