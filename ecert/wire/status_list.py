"""Status lists (状态列表): one small number for each licence, packed, deflated, signed (Token Status List).

- Entry i stands at byte ``i * bits // 8``, shift ``i * bits % 8``, least significant bit first.
- ``lst`` is base64url of a zlib stream of any level, without preset dictionary and without bytes after it;
  inflating stops at a limit.
- An index outside of the list is refused: absence is never an answer.
- Not checked: whether the signer may speak for the issuer; `StatusToken` says who signed, trust decides.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from ecert.crypto import PrivateKey, PublicKey
from ecert.errors import Malformed, TooLarge, WrongTokenType
from ecert.wire import b64, json, jws

__all__ = [
    "MAX_LIST_BYTES",
    "MAX_LIST_TOKEN_BYTES",
    "TYP",
    "StatusList",
    "StatusToken",
    "read_token",
    "sign_token",
    "unverified_signer",
]

TYP: Final = "statuslist+jwt"
MAX_LIST_BYTES: Final = 1 << 20
"""Of an inflated list: 2^20 entries of 8 bits, or four times that many of 2 bits."""
MAX_LIST_TOKEN_BYTES: Final = 2 * (MAX_LIST_BYTES + (1 << 16))
"""Of a signed list: base64url twice over a list that can't be deflated at all."""

_BITS: Final = frozenset({1, 2, 4, 8})
_LAST_SECOND: Final = 253_402_300_799  # of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusList:
    """The packed statuses. Made by `from_claim` and `from_bytes`."""

    bits: int
    """Bits of one status: 1, 2, 4 or 8."""
    data: bytes
    """The packed statuses."""

    @classmethod
    def from_bytes(cls, data: bytes, bits: int = 2) -> Self:
        """Take statuses packed as the standard says.

        Raises:
            Malformed: `bits` is not 1, 2, 4 or 8.
        """
        if type(bits) is not int or bits not in _BITS:
            raise Malformed("expected bits to be 1, 2, 4 or 8, another came")
        return cls(bits=bits, data=bytes(data))

    @classmethod
    def from_claim(cls, claim: Mapping[str, object], max_bytes: int = MAX_LIST_BYTES) -> Self:
        """Read the ``status_list`` claim of a status list token.

        Args:
            claim: ``{"bits", "lst"}``; other members are ignored. Untrusted.
            max_bytes: The limit on the inflated list, in bytes.

        Returns:
            The list.

        Raises:
            TooLarge: The list is longer than `max_bytes`; inflating stopped there.
            Malformed: Anything else that is wrong with it.

        Sources: Token Status List sections 4.1 and 4.2.
        """
        if not isinstance(claim, Mapping):
            raise Malformed("expected status_list to be an object, another type came")
        lst = claim.get("lst")
        if not isinstance(lst, str):
            raise Malformed("expected lst to be a string, another type came or none")
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(b64.decode(lst), max_bytes + 1)
        except zlib.error:
            raise Malformed("expected lst to be a zlib stream, other bytes came") from None
        if len(data) > max_bytes:
            raise TooLarge(f"expected a status list of at most {max_bytes} bytes, more came")
        if not inflater.eof or inflater.unused_data:
            raise Malformed("expected lst to be one whole zlib stream, a shorter or longer one came")
        return cls.from_bytes(data, claim.get("bits"))  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """How many statuses there is room for."""
        return len(self.data) * 8 // self.bits

    def get(self, idx: int) -> int:
        """Give the status at an index.

        Raises:
            Malformed: The index is outside of the list, or no integer.
        """
        if type(idx) is not int or not 0 <= idx < self.size:
            raise Malformed("expected an index inside the status list, another came")
        byte, shift = divmod(idx * self.bits, 8)
        return self.data[byte] >> shift & ((1 << self.bits) - 1)

    def to_claim(self) -> dict[str, object]:
        """Write the ``status_list`` claim."""
        return {"bits": self.bits, "lst": b64.encode(zlib.compress(self.data, 9))}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusToken:
    """A verified status list token: which list, by whom, from when until when, and the statuses."""

    uri: str
    """The list's own address (``sub``)."""
    issuer: str | None
    """The ``iss`` claim, as it stands."""
    kid: str | None
    """The signing key's name in the header."""
    issued_at: datetime
    """What the list says was true at this moment."""
    expires_at: datetime | None
    """From when on it must not be used."""
    ttl: timedelta | None
    """How long a copy may be kept before asking again."""
    seq: int
    """The registry's count of changes that the list contains; 0 where the token says nothing."""
    statuses: StatusList


def read_token(
    token: bytes | str,
    key: PublicKey,
    *,
    uri: str,
    at: datetime,
    clock_skew: timedelta = timedelta(seconds=60),
) -> StatusToken:
    """Verify a status list token with one given key.

    Args:
        token: The token in ASCII, at most `MAX_LIST_TOKEN_BYTES`. Untrusted.
        key: The signer's key; that it may sign for the issuer is the caller's to know.
        uri: The address that the licence names; the token's ``sub`` must be the same.
        at: The moment of decision, timezone-aware.
        clock_skew: How far in the future ``iat`` may lie.

    Returns:
        The token's content.

    Raises:
        BadSignature: It isn't signed by this key.
        WrongTokenType: Its ``typ`` is not ``statuslist+jwt``.
        Malformed: It is about another address, expired, from the future, or not of the form.
        InputError: Anything else that is wrong with it.
        TypeError: `at` is naive.

    Sources: Token Status List sections 5.1 and 8.3.
    """
    if at.tzinfo is None:
        raise TypeError("expected an aware datetime")
    header, payload = jws.verify_compact(token, key, max_bytes=MAX_LIST_TOKEN_BYTES)
    if header.get("typ") != TYP:
        raise WrongTokenType(f"expected a token of typ {TYP}, another came")
    claims = _claims(payload)
    if claims.get("sub") != uri:
        raise Malformed("expected a status list about the address asked for, one about another came")
    issued_at = _moment(claims, "iat")
    if issued_at is None or issued_at > at + clock_skew:
        raise Malformed("expected a status list with an iat in the past, another came")
    expires_at = _moment(claims, "exp")
    if expires_at is not None and at >= expires_at:
        raise Malformed("expected a status list that is not expired, an expired one came")
    ttl = _count(claims, "ttl")
    return StatusToken(
        uri=uri,
        issuer=_text(claims, "iss"),
        kid=_text(header, "kid"),
        issued_at=issued_at,
        expires_at=expires_at,
        ttl=None if ttl is None else timedelta(seconds=ttl),
        seq=_count(claims, "seq") or 0,
        statuses=StatusList.from_claim(claims.get("status_list")),  # type: ignore[arg-type]
    )


def unverified_signer(token: bytes | str) -> tuple[str | None, str | None]:
    """Say who a status list token claims to be signed by, so that the key can be looked up.

    Returns:
        The ``iss`` claim and the ``kid`` of the header, each None where absent. Nothing of it is verified.

    Raises:
        InputError: Not a JWS, or not of the form.
    """
    unverified = jws.read_compact(token, max_bytes=MAX_LIST_TOKEN_BYTES)
    return _text(_claims(unverified.payload), "iss"), _text(unverified.header, "kid")


def sign_token(
    statuses: StatusList,
    *,
    uri: str,
    issuer: str,
    seq: int,
    issued_at: datetime,
    ttl: timedelta,
    lifetime: timedelta,
    key: PrivateKey,
) -> str:
    """Sign a status list.

    Args:
        statuses: The list.
        uri: Its own address.
        issuer: The signer's ``iss``.
        seq: The registry's count of changes that the list contains.
        issued_at: The moment at which it is true, timezone-aware.
        ttl: How long a copy may be kept before asking again.
        lifetime: How long after `issued_at` it may be used at all.
        key: The signer's key.

    Returns:
        The token.

    Raises:
        TypeError: `issued_at` is naive.
    """
    if issued_at.tzinfo is None:
        raise TypeError("expected an aware datetime")
    iat = int(issued_at.timestamp())
    claims = {
        "iss": issuer,
        "sub": uri,
        "iat": iat,
        "exp": iat + int(lifetime.total_seconds()),
        "ttl": int(ttl.total_seconds()),
        "seq": seq,
        "status_list": statuses.to_claim(),
    }
    return jws.sign_compact({"typ": TYP}, json.dumps(claims), key)


def _claims(payload: bytes) -> dict[str, object]:
    claims = json.loads(payload, max_bytes=MAX_LIST_TOKEN_BYTES)
    if not isinstance(claims, dict):
        raise Malformed("expected a JSON object as payload, another value came")
    return claims


def _text(members: Mapping[str, object], name: str) -> str | None:
    text = members.get(name)
    if text is not None and not isinstance(text, str):
        raise Malformed(f"expected {name} to be a string, another type came")
    return text


def _count(claims: Mapping[str, object], name: str) -> int | None:
    if name not in claims:
        return None
    count = claims[name]
    if type(count) is not int or not 0 <= count <= _LAST_SECOND:
        raise Malformed(f"expected {name} to be a whole number, another value came")
    return count


def _moment(claims: Mapping[str, object], name: str) -> datetime | None:
    seconds = _count(claims, name)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
