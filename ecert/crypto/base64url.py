"""base64url without padding, one spelling only (RFC 4648 section 5, RFC 7515 section 2).

It stands on this floor because keys in JWK form need it; `ecert.wire.b64` is the same pair of functions.

- Refused: padding, white space, ``+`` and ``/``, any other foreign character, a length of 4n+1.
- Refused: a last character whose unused bits are not zero, so that no two texts mean the same bytes.
"""

from binascii import b2a_base64
from typing import Final

import msgspec

from ecert.errors import Malformed

__all__ = ["decode", "encode"]

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# msgspec's decoder of quoted base64 is twice as fast as binascii's. Everything outside the alphabet, quotes,
# escapes and padding included, becomes "!" first, which it refuses.
_TO_PLAIN: Final = bytes(
    (c if c not in b"-_" else b"+/"["-_".index(chr(c))]) if c in _ALPHABET else ord("!") for c in range(256)
)
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_CLOSING: Final = (b'"', b"", b'=="', b'="')
_LAST: Final = (frozenset(_ALPHABET), frozenset[int](), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))
_decode_quoted: Final = msgspec.json.Decoder(bytes).decode


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")


def decode(text: str | bytes) -> bytes:
    """Read base64url in its only spelling: ``encode(decode(text)) == text`` for all that is accepted.

    Args:
        text: The encoded text, ASCII, without padding. Untrusted; the caller bounds its length.

    Returns:
        The bytes.

    Raises:
        Malformed: Any other spelling.

    Sources: RFC 4648 sections 3.5 and 5; RFC 7515 section 2.
    """
    if isinstance(text, str):
        try:
            text = text.encode("ascii")
        except UnicodeEncodeError:
            raise Malformed("expected base64url, a character outside ASCII came") from None
    if not text:
        return b""
    tail = len(text) % 4
    if text[-1] not in _LAST[tail]:
        raise Malformed("expected unpadded base64url with zero unused bits, another ending came")
    try:
        return _decode_quoted(b'"%b%b' % (text.translate(_TO_PLAIN), _CLOSING[tail]))
    except msgspec.MsgspecError:
        raise Malformed("expected base64url, a character outside its alphabet came") from None
