"""QR codes (二维码): a web address whose trailing digits are the code, so that any keyboard carries it.

- Offline code ``HTTPS://HOST/Q#/`` + digits: the whole licence. Short code ``HTTPS://HOST/V/`` + 42 digits: a
  handle that a service resolves.
- Only the trailing run of digits is read; full-width digits count as digits; the address is never opened.
- The last two digits check the others: a lost key is `Misread` (scan again), never a forgery.
- Not checked: anything about the licence. What is read here is untrusted.
"""

import re
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import qrcode  # type: ignore[import-untyped]
from qrcode import base, constants, util

from ecert.errors import Malformed, SettingsFault, TooLarge
from ecert.wire import container, digits, jws

__all__ = [
    "MAX_TEXT_CHARS",
    "MAX_VERSION",
    "ShortCode",
    "ShortKind",
    "draw_png",
    "draw_svg",
    "encode_short",
    "encode_token",
    "read",
    "version_of",
]

MAX_TEXT_CHARS: Final = jws.MAX_TOKEN_BYTES
MAX_VERSION: Final = 22
"""The largest symbol that common scanner modules read comfortably; larger ones are never made."""

_SHORT_DIGITS: Final = 42
_SECRET_BYTES: Final = 16
_BORDER: Final = 4
_MAX_SCALE: Final = 40
_ASCII_DIGITS: Final = "0123456789"
_FOLD: Final = str.maketrans("０１２３４５６７８９", _ASCII_DIGITS)
# A JWS begins with the base64url of "{" and one more character of its header.
_TOKEN_START: Final = re.compile(r"e[w-z0-9_-][^/]*\.")
_BASE_URL: Final = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)((?:/[A-Za-z0-9._~-]+)*)/?", re.IGNORECASE)
_CAPACITY_BITS: Final = tuple(
    8 * sum(block.data_count for block in base.rs_blocks(version, constants.ERROR_CORRECT_M))
    for version in range(1, MAX_VERSION + 1)
)


class ShortKind(IntEnum):
    """What a short code stands for; its first digit."""

    LICENCE = 1
    """A licence's handle (证照短码): stays the same as long as the version does."""
    LIVE = 2
    """A live code (动态码): once, and for a minute."""
    REQUEST = 3
    """A window's request for a presentation (亮证请求)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCode:
    """A short code as it was read (短码): 128 bits that mean nothing by themselves."""

    kind: ShortKind
    value: bytes = field(repr=False)
    """16 bytes; whoever has them has the code, so they are never logged."""


def encode_token(token: str, base_url: str) -> str:
    """Write an SD-JWT as the text of an offline code.

    Args:
        token: The SD-JWT, without key binding.
        base_url: Where the public page lives, ``https://host`` or ``https://host/path``.

    Returns:
        ``HTTPS://HOST/Q#/`` and digits.

    Raises:
        TooLarge: It would need a symbol above version 22-M.
        InputError: The token can't be packed losslessly.
        SettingsFault: `base_url` is not an address of that form.
    """
    text = _address(base_url) + "/Q#/" + digits.with_check(digits.encode(container.pack(token)))
    version_of(text)
    return text


def encode_short(kind: ShortKind, secret: bytes, base_url: str) -> str:
    """Write 128 random bits as the text of a short code.

    Args:
        kind: What it stands for.
        secret: 16 random bytes.
        base_url: As for `encode_token`.

    Returns:
        ``HTTPS://HOST/V/`` and 42 digits.

    Raises:
        Malformed: `secret` is not 16 bytes.
        SettingsFault: `base_url` is not an address of that form.
    """
    if len(secret) != _SECRET_BYTES:
        raise Malformed(f"expected {_SECRET_BYTES} bytes, another number came")
    return _address(base_url) + "/V/" + digits.with_check(f"{kind:d}{int.from_bytes(secret):039}")


def read(text: str) -> str | ShortCode:
    """Read what a scanner, a camera or a person gave: a code of ours, or a token as it is.

    Args:
        text: What came. Untrusted.

    Returns:
        The SD-JWT of an offline code; a `ShortCode`; or `text` itself where it is (or tries to be) a token,
        for the token's reader to judge.

    Raises:
        Misread: No digits at the end, an impossible number of them, or wrong check digits: scan again.
        Malformed: The digits are right and what they carry is not of the form.
        TooLarge: Longer than any code or token.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise TooLarge(f"expected at most {MAX_TEXT_CHARS} characters, more came")
    if "~" in text or _TOKEN_START.match(text):
        return text
    if text.lstrip().startswith(("{", "[")):
        raise Malformed("expected a code or a compact token, JSON came")
    folded = text.rstrip().translate(_FOLD)
    code = digits.without_check(folded[len(folded.rstrip(_ASCII_DIGITS)) :])
    if len(code) == _SHORT_DIGITS - 2:
        return _read_short(code)
    return container.unpack(digits.decode(code))


def version_of(text: str) -> int:
    """Say which QR version (at level M) a code's text needs, 1 to 22.

    Raises:
        Malformed: Not a text of ASCII characters that ends with digits.
        TooLarge: It needs more than version 22.
    """
    address, code = _segments(text)
    for version, capacity in enumerate(_CAPACITY_BITS, start=1):
        byte_header, digits_header = (12, 14) if version < 10 else (20, 16)
        whole, rest = divmod(len(code), 3)
        numeric = digits_header + 10 * whole + (0, 4, 7)[rest]
        if byte_header + 8 * len(address) + numeric <= capacity:
            return version
    raise TooLarge(f"expected a code for version {MAX_VERSION}-M at most, it needs a larger symbol")


def draw_svg(text: str) -> str:
    """Draw a code as SVG, one unit a module, with its quiet zone.

    Raises:
        InputError: As `version_of`.
    """
    rows = _draw(text)
    size = len(rows)
    path = "".join(
        f"M{run.start()} {y}h{run.end() - run.start()}v1H{run.start()}z"
        for y, row in enumerate(rows)
        for run in re.finditer("1+", row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{path}"/></svg>'
    )


def draw_png(text: str, *, scale: int = 4) -> bytes:
    """Draw a code as a black and white PNG, with its quiet zone.

    Args:
        text: The code's text.
        scale: Pixels a module, 1 to 40.

    Raises:
        InputError: As `version_of`; Malformed also for another scale.
    """
    if not 1 <= scale <= _MAX_SCALE:
        raise Malformed(f"expected a scale of 1 to {_MAX_SCALE}, another came")
    rows = _draw(text)
    size = len(rows) * scale
    stride = (size + 7) // 8
    to_pixels = str.maketrans({"0": "1" * scale, "1": "0" * scale})  # in PNG, 1 is white
    lines = (int(row.translate(to_pixels), 2) << stride * 8 - size for row in rows)
    pixels = b"".join((b"\0" + line.to_bytes(stride)) * scale for line in lines)
    header = struct.pack(">2I5B", size, size, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _read_short(code: str) -> ShortCode:
    number = int(code[1:])
    if code[0] not in "123" or number >> 8 * _SECRET_BYTES:
        raise Malformed("expected a short code of a known kind and 128 bits, another came")
    return ShortCode(kind=ShortKind(int(code[0])), value=number.to_bytes(_SECRET_BYTES))


def _address(base_url: str) -> str:
    """Write scheme and host in capitals, as the codes have it; a path keeps its case."""
    match = _BASE_URL.fullmatch(base_url)
    if match is None:
        raise SettingsFault("base_url: expected http(s)://host[:port][/path], another text came")
    return match[1].upper() + match[2]


def _segments(text: str) -> tuple[str, str]:
    address = text.rstrip(_ASCII_DIGITS)
    code = text[len(address) :]
    if not code or not text.isascii():
        raise Malformed("expected an ASCII text that ends with digits, another came")
    return address, code


def _draw(text: str) -> list[str]:
    """Give the symbol's rows with quiet zone as texts of 0 and 1, 1 being dark."""
    version = version_of(text)
    address, code = _segments(text)
    symbol = qrcode.QRCode(version=version, error_correction=constants.ERROR_CORRECT_M, border=_BORDER)
    # Digits must go as digits: left to itself, the library would write all of it as bytes.
    if address:
        symbol.add_data(util.QRData(address.encode("ascii"), mode=util.MODE_8BIT_BYTE), optimize=0)
    symbol.add_data(util.QRData(code.encode("ascii"), mode=util.MODE_NUMBER), optimize=0)
    symbol.make(fit=False)
    return ["".join("1" if module else "0" for module in row) for row in symbol.get_matrix()]
