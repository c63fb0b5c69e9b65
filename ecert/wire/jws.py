"""Compact JWS (RFC 7515), read byte for byte and verified with a key that is already known.

- Three base64url segments, one spelling; nothing is skipped, nothing repaired.
- ``alg`` is in the closed set and equals the key's; a token never brings or chooses its key: ``jwk``,
  ``jku``, ``x5u``, ``x5c``, ``x5t`` and ``x5t#S256`` are refused, and so is what changes the meaning of the
  bytes: ``crit``, ``b64``, ``zip``, ``enc``.
- Not checked here: ``typ`` and ``kid`` beyond their form, and everything about the payload.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import msgspec

from ecert.crypto import SUITES, PrivateKey, PublicKey
from ecert.errors import KeyFault, Malformed, TooLarge, UnsupportedAlgorithm
from ecert.wire import b64, json

__all__ = [
    "MAX_HEADER_BYTES",
    "MAX_TOKEN_BYTES",
    "UnverifiedJws",
    "read_compact",
    "sign_compact",
    "verify_compact",
]

MAX_TOKEN_BYTES: Final = 16 * 1024
MAX_HEADER_BYTES: Final = 1024

_MAX_HEADER_CHARS: Final = (MAX_HEADER_BYTES * 4 + 2) // 3
_MAX_KID_CHARS: Final = 64
_REFUSED_MEMBERS: Final = frozenset(
    {"b64", "crit", "enc", "jku", "jwk", "x5c", "x5t", "x5t#S256", "x5u", "zip"},
)


class UnverifiedJws(msgspec.Struct, frozen=True, kw_only=True):
    """A JWS of good form whose signature nobody has checked yet."""

    header: Mapping[str, object]
    """The protected header, read-only; ``alg`` is one of `SUITES`, ``kid`` and ``typ`` are text."""
    payload: bytes
    """What was signed, decoded."""
    signature: bytes
    """The signature, decoded; its length is the suite's business."""
    signing_input: bytes
    """The ASCII bytes that the signature covers."""


def read_compact(token: bytes | str, *, max_bytes: int = MAX_TOKEN_BYTES) -> UnverifiedJws:
    """Read the grammar and the header of a compact JWS. Does not check the signature.

    Args:
        token: The token in ASCII. Untrusted.
        max_bytes: The limit on its length, in bytes.

    Returns:
        Its parts.

    Raises:
        TooLarge: Token or header over the limit; nothing of it was decoded.
        UnsupportedAlgorithm: ``alg`` is missing or outside the closed set.
        Malformed: Anything else that is wrong with it.

    Sources: RFC 7515 sections 3.1, 4 and 5.2; RFC 8725 section 3.
    """
    if len(token) > max_bytes:
        raise TooLarge(f"expected a token of at most {max_bytes} bytes, more came")
    raw = _ascii(token) if isinstance(token, str) else token
    # Searching for a byte is much cheaper than splitting. A third dot is foreign to the signature's text.
    first = raw.find(b".")
    second = raw.find(b".", first + 1)
    if first < 0 or second < 0:
        raise Malformed("expected three segments with dots between, fewer came")
    header = _read_header(raw[:first])
    if second == first + 1 or second == len(raw) - 1:
        raise Malformed("expected a payload and a signature, an empty segment came")
    return UnverifiedJws(
        header=header,
        payload=b64.decode(raw[first + 1 : second]),
        signature=b64.decode(raw[second + 1 :]),
        signing_input=raw[:second],
    )


def verify_compact(
    token: bytes | str, key: PublicKey, *, max_bytes: int = MAX_TOKEN_BYTES
) -> tuple[dict[str, object], bytes]:
    """Read a compact JWS and check its signature with one given key.

    Does not check ``typ`` or ``kid``, and reads nothing of the payload.

    Args:
        token: The token in ASCII. Untrusted.
        key: The signer's key, known beforehand.
        max_bytes: The limit on its length, in bytes.

    Returns:
        The header and the payload's bytes.

    Raises:
        UnsupportedAlgorithm: ``alg`` is not the key's.
        BadSignature: The signature does not belong to these bytes and this key.
        InputError: As `read_compact`.

    Sources: RFC 7515 section 5.2.
    """
    unverified = read_compact(token, max_bytes=max_bytes)
    if unverified.header["alg"] != key.alg:
        raise UnsupportedAlgorithm("expected the algorithm of the key, another came")
    key.verify(unverified.signature, unverified.signing_input)
    return dict(unverified.header), unverified.payload


def sign_compact(header: Mapping[str, object], payload: bytes, key: PrivateKey) -> str:
    """Sign bytes as a compact JWS.

    Args:
        header: Members besides ``alg`` and ``kid``, which are the key's.
        payload: What to sign; not empty.
        key: The signer's key.

    Returns:
        The token.

    Raises:
        KeyFault: `header` names another algorithm or key.
        InputError: The header or the payload is one that `read_compact` would refuse.
    """
    if header.get("alg", key.alg) != key.alg or header.get("kid", key.kid) != key.kid:
        raise KeyFault("expected alg and kid of the signing key, others came")
    encoded_header = b64.encode(json.dumps({"alg": key.alg, "kid": key.kid, **header})).encode("ascii")
    _read_header(encoded_header)
    if not payload:
        raise Malformed("expected a payload, none came")
    signing_input = b"%b.%b" % (encoded_header, b64.encode(payload).encode("ascii"))
    return f"{signing_input.decode('ascii')}.{b64.encode(key.sign(signing_input))}"


# An issuer's header is the same on all of its tokens, so few come again and again. Refusals aren't kept.
@lru_cache(maxsize=256)
def _read_header(encoded: bytes) -> Mapping[str, object]:
    if len(encoded) > _MAX_HEADER_CHARS:
        raise TooLarge(f"expected a header of at most {MAX_HEADER_BYTES} bytes, more came")
    header = json.loads(b64.decode(encoded), max_bytes=MAX_HEADER_BYTES)
    if not isinstance(header, dict):
        raise Malformed("expected a JSON object as header, another value came")
    if not _REFUSED_MEMBERS.isdisjoint(header):
        raise Malformed("expected a header without key material and extensions, a refused member came")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in SUITES:
        raise UnsupportedAlgorithm(f"expected alg to be one of {', '.join(SUITES)}, another came or none")
    if not isinstance(header.get("typ", ""), str):
        raise Malformed("expected typ to be a string, another type came")
    kid = header.get("kid", "")
    if not isinstance(kid, str) or len(kid) > _MAX_KID_CHARS or not (kid.isascii() and kid.isprintable()):
        raise Malformed(
            f"expected kid to be at most {_MAX_KID_CHARS} printable ASCII characters, another came"
        )
    return MappingProxyType(header)


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise Malformed("expected a token in ASCII, another character came") from None
