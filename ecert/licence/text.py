"""Text that people read: what may not stand in it, and how to show what stands in it anyway.

- A number (证照编号) takes letters, digits, Han characters and a little punctuation, in one spelling only: no
  full-width digit, no compatibility form, nothing that can't be seen.
- A name or a longer text may have any visible character. What can't be seen or turns the reading direction is
  refused when issuing, and shown escaped when reading.

Sources: Unicode UAX 9, UAX 15, UTS 39.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

__all__ = ["TextFlag", "hidden_flags", "is_plain_number", "shown"]


class TextFlag(StrEnum):
    """What is unusual about a text. The first four are refused when issuing."""

    CONTROL = "control"
    BIDI = "bidi"
    ZERO_WIDTH = "zero_width"
    BROKEN = "broken"
    PRIVATE_USE = "private_use"
    COMPATIBILITY = "compatibility"
    NOT_COMPOSED = "not_composed"


_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Invisible, though Unicode counts them as letters or marks: fillers, joiners, variation selectors.
_INVISIBLE: Final = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
_IS_BIDI: Final = re.compile(f"[{_BIDI}]")
_IS_INVISIBLE: Final = re.compile(f"[{_INVISIBLE}]")
_WIDE_SPACE: Final = "\u3000"

# Compatibility ideographs (F900-FAFF, 2F800-2FA1F) are left out: each is another spelling of an ordinary one.
_HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ebef\U00030000-\U000323af"
_NUMBER: Final = re.compile(rf"[!-~（）〔〕【】［］·—－{_HAN}]+")


def is_plain_number(text: str) -> bool:
    """Say whether a licence number (证照编号) has nothing but visible characters of one spelling."""
    return (text.isalnum() and text.isascii()) or _NUMBER.fullmatch(text) is not None


def hidden_flags(text: str) -> tuple[TextFlag, ...]:
    """Name what in `text` can't be seen, turns the reading direction or is no character; often nothing."""
    if text.isascii() and text.isprintable():
        return ()
    if text.replace(_WIDE_SPACE, "").isprintable() and not _IS_INVISIBLE.search(text):
        return ()
    found = {flag for character in text if (flag := _hidden(character)) is not None}
    return tuple(flag for flag in TextFlag if flag in found)


def shown(text: str) -> tuple[str, tuple[TextFlag, ...]]:
    """Make a text safe to be looked at, and say what is unusual about it.

    Hidden, turning, private and broken characters come out as ``[U+202E]``. Compatibility forms (full-width
    letters, CJK compatibility ideographs) and decomposed letters stay as they are and are flagged: they look
    like what they are, but comparing them with a typed name fails. Markup is not escaped; a page does that.

    Returns:
        The text to show, and its flags in the order of `TextFlag`.
    """
    if text.isascii() and text.isprintable():
        return text, ()
    found = set()
    pieces = []
    for character in text:
        flag = _hidden(character)
        if flag is None and unicodedata.category(character) == "Co":
            flag = TextFlag.PRIVATE_USE
        if flag is None:
            pieces.append(character)
            if _is_compatibility(character):
                found.add(TextFlag.COMPATIBILITY)
        else:
            pieces.append(f"[U+{ord(character):04X}]")
            found.add(flag)
    if not unicodedata.is_normalized("NFC", text):
        found.add(TextFlag.NOT_COMPOSED)
    return "".join(pieces), tuple(flag for flag in TextFlag if flag in found)


def _hidden(character: str) -> TextFlag | None:
    if _IS_BIDI.match(character):
        return TextFlag.BIDI
    if _IS_INVISIBLE.match(character):
        return TextFlag.ZERO_WIDTH
    category = unicodedata.category(character)
    if category == "Cf":
        return TextFlag.ZERO_WIDTH
    if category in ("Cc", "Zl", "Zp"):
        return TextFlag.CONTROL
    # Han characters are still being added to planes 2 and 3, and people bear them as names; a Python that
    # does not know them yet must not refuse what another one issued.
    if category == "Cs" or (category == "Cn" and not _is_han_plane(character)):
        return TextFlag.BROKEN
    return None


def _is_han_plane(character: str) -> bool:
    return 0x20000 <= ord(character) < 0x3FFFE and ord(character) & 0xFFFF < 0xFFFE


# Full-width punctuation and the ideographic space are how Chinese is written, not a second spelling of
# something.
_ORDINARY_WIDE: Final = frozenset("　（），：；？！％＋－＝～＜＞＆＊＃＠／｜［］｛｝＿…“”‘’")


def _is_compatibility(character: str) -> bool:
    return character not in _ORDINARY_WIDE and not unicodedata.is_normalized("NFKC", character)
