"""SD-JWT (RFC 9901): a signed payload whose holder may withhold some claims (选择性披露).

- Grammar: ``<JWT>~<disclosure>~…~`` with the last ``~``, or the same followed by a key binding JWT.
- Only SHA-256. Every disclosure must be referenced exactly once; no digest may occur twice.
- ``_sd``, ``...`` and ``_sd_alg`` occur where they convey digests and nowhere else; the result has none.
- Digests without a disclosure are withheld claims or decoys; the two can't be told apart: ignored.
- Whether key binding is needed is decided by the caller's policy, never by what a presentation brings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from ecert.crypto import PrivateKey, PublicKey
from ecert.errors import BindingFailed, EcertError, Malformed, TooLarge
from ecert.wire import b64, json, jws

__all__ = [
    "MAX_DISCLOSURES",
    "NEVER_DISCLOSABLE",
    "Presentation",
    "check_key_binding",
    "digest",
    "issue",
    "process",
    "process_bytes",
    "read",
    "split",
]

MAX_DISCLOSURES: Final = 64
MAX_NESTED_DISCLOSURES: Final = 8
"""How deep a disclosure may hang below other disclosures."""

NEVER_DISCLOSABLE: Final = frozenset({"cnf", "exp", "iat", "iss", "jti", "nbf", "status", "vct"})
"""Claims that a licence never hides: what a verifier needs before it may believe the rest."""

_RESERVED: Final = frozenset({"...", "_sd", "_sd_alg"})


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an SD-JWT as it was presented (出示). Nothing of it is verified."""

    jwt: bytes
    """The issuer's JWS."""
    disclosures: tuple[bytes, ...]
    """The encoded disclosures, in the order they came."""
    key_binding: bytes | None
    """The holder's JWS, where there is one."""

    @property
    def signed_part(self) -> bytes:
        """All up to and including the last ``~``: what ``sd_hash`` covers."""
        return b"~".join((self.jwt, *self.disclosures, b""))


def split(text: bytes | str, *, max_bytes: int = jws.MAX_TOKEN_BYTES) -> Presentation:
    """Cut an SD-JWT into its parts. Checks the grammar of tildes only.

    Args:
        text: The SD-JWT in ASCII. Untrusted.
        max_bytes: The limit on its length, in bytes.

    Returns:
        Its parts.

    Raises:
        TooLarge: Longer than `max_bytes`.
        Malformed: No ``~``, an empty disclosure, or more than 64 of them.

    Sources: RFC 9901 section 4.
    """
    if len(text) > max_bytes:
        raise TooLarge(f"expected an SD-JWT of at most {max_bytes} bytes, more came")
    if isinstance(text, str):
        try:
            text = text.encode("ascii")
        except UnicodeEncodeError:
            raise Malformed("expected an SD-JWT in ASCII, another character came") from None
    end = text.find(b"~")
    if end < 0:
        raise Malformed("expected an SD-JWT with a ~, none came")
    *disclosures, key_binding = text[end + 1 :].split(b"~", MAX_DISCLOSURES + 1)
    if len(disclosures) > MAX_DISCLOSURES:
        raise Malformed(f"expected at most {MAX_DISCLOSURES} disclosures, more came")
    if b"" in disclosures:
        raise Malformed("expected a disclosure between two ~, nothing came")
    return Presentation(
        jwt=text[:end],
        disclosures=tuple(disclosures),
        key_binding=key_binding or None,
    )


def read(text: bytes | str, key: PublicKey) -> dict[str, object]:
    """Verify an SD-JWT with one given key and give its processed payload.

    Where a key binding JWT is present, its form, ``typ``, ``sd_hash`` and its signature by ``cnf.jwk`` are
    checked as well. Its ``aud``, ``nonce`` and ``iat`` are not: see `check_key_binding`. Nor are ``typ``,
    times, status and the right of the signer to make such a statement.

    Args:
        text: The SD-JWT in ASCII. Untrusted.
        key: The issuer's key, known beforehand.

    Returns:
        The claims, with the disclosed ones in their places and nothing left of the digests.

    Raises:
        BadSignature: The issuer's signature does not verify.
        BindingFailed: The key binding JWT does not fit.
        InputError: Anything else that is wrong with it.

    Sources: RFC 9901 sections 7.1 and 7.3.
    """
    presentation = split(text)
    _, payload = jws.verify_compact(presentation.jwt, key)
    claims = process_bytes(payload, presentation.disclosures)
    if presentation.key_binding is not None:
        confirmation = claims.get("cnf")
        _read_key_binding(presentation, confirmation.get("jwk") if isinstance(confirmation, dict) else None)
    return claims


def process_bytes(
    payload: bytes, disclosures: Sequence[bytes], *, never_disclosable: Set[str] = frozenset()
) -> dict[str, object]:
    """Read a payload's JSON and `process` it; quick where nothing in it is selectively disclosable."""
    claims = json.loads(payload)
    if not isinstance(claims, dict):
        raise Malformed("expected a JSON object as payload, another value came")
    if not disclosures and not _has_digests(claims):
        return claims
    return process(claims, disclosures, never_disclosable=never_disclosable)


def process(
    payload: Mapping[str, object], disclosures: Sequence[bytes], *, never_disclosable: Set[str] = frozenset()
) -> dict[str, object]:
    """Put the disclosed claims in their places and take the digests out.

    Args:
        payload: The issuer's payload, its signature verified. Not changed.
        disclosures: The encoded disclosures.
        never_disclosable: Names of claims that must stand in the payload itself, whole, or be absent. (One
            that an issuer hid and a holder withheld looks like a decoy: issuing must not hide it.)

    Returns:
        The claims.

    Raises:
        Malformed: One of the refusals of RFC 9901, a hidden claim of `never_disclosable`, more than 64
            disclosures, or nesting over the limits.

    Sources: RFC 9901 section 7.1, steps 2 to 5.
    """
    if payload.get("_sd_alg", "sha-256") != "sha-256":
        raise Malformed("expected _sd_alg sha-256, another came")
    if len(disclosures) > MAX_DISCLOSURES:
        raise Malformed(f"expected at most {MAX_DISCLOSURES} disclosures, more came")
    unfolding = _Unfolding(disclosures)
    visible = {name: value for name, value in payload.items() if name != "_sd_alg"}
    claims = unfolding.unfold_object(visible, json.MAX_DEPTH, 0)
    if unfolding.waiting:
        raise Malformed("expected disclosures that a digest refers to, another came")
    for name in never_disclosable & claims.keys():
        if name not in payload or _has_digests((payload[name],)):
            raise Malformed(f"expected {name} in the payload itself, it was selectively disclosable")
    return claims


class _Unfolding:
    """One run through a payload: the disclosures still waiting for their digest, and the digests seen."""

    __slots__ = ("seen", "waiting")

    def __init__(self, disclosures: Sequence[bytes]) -> None:
        self.waiting = {digest(disclosure): _read_disclosure(disclosure) for disclosure in disclosures}
        if len(self.waiting) != len(disclosures):
            raise Malformed("expected each disclosure once, one came twice")
        self.seen: set[str] = set()

    def unfold(self, value: object, depth: int, nested: int) -> object:
        if isinstance(value, dict):
            return self.unfold_object(value, depth, nested)
        if isinstance(value, list):
            return self.unfold_array(value, depth, nested)
        return value

    def unfold_object(self, members: Mapping[str, object], depth: int, nested: int) -> dict[str, object]:
        if not depth:
            raise Malformed(f"expected claims of depth {json.MAX_DEPTH} at most, more came")
        if "..." in members or "_sd_alg" in members:
            raise Malformed("expected ... and _sd_alg only where they have a meaning, one came elsewhere")
        unfolded = {
            name: self.unfold(value, depth - 1, nested) for name, value in members.items() if name != "_sd"
        }
        digests = members.get("_sd", [])
        if not isinstance(digests, list):
            raise Malformed("expected _sd to be a list, another type came")
        for digest in digests:
            disclosure = self.take(digest, nested)
            if disclosure is None:
                continue
            if len(disclosure) != 3:
                raise Malformed("expected a disclosure with a name in an object, one without came")
            name, value = disclosure[1:]
            if not isinstance(name, str) or name in _RESERVED or name in unfolded:
                raise Malformed("expected a disclosure of a new and free name, another came")
            unfolded[name] = self.unfold(value, depth - 1, nested + 1)
        return unfolded

    def unfold_array(self, items: list[object], depth: int, nested: int) -> list[object]:
        if not depth:
            raise Malformed(f"expected claims of depth {json.MAX_DEPTH} at most, more came")
        unfolded = []
        for item in items:
            if not (isinstance(item, dict) and "..." in item):
                unfolded.append(self.unfold(item, depth - 1, nested))
                continue
            if len(item) != 1:
                raise Malformed("expected ... to stand alone, other names came with it")
            disclosure = self.take(item["..."], nested)
            if disclosure is None:
                continue
            if len(disclosure) != 2:
                raise Malformed("expected a disclosure without a name in a list, one with a name came")
            unfolded.append(self.unfold(disclosure[1], depth - 1, nested + 1))
        return unfolded

    def take(self, digest: object, nested: int) -> list[object] | None:
        """Give the disclosure that a digest stands for, once."""
        if not isinstance(digest, str):
            raise Malformed("expected digests to be strings, another type came")
        if digest in self.seen:
            raise Malformed("expected each digest once, one came twice")
        self.seen.add(digest)
        disclosure = self.waiting.pop(digest, None)
        if disclosure is not None and nested >= MAX_NESTED_DISCLOSURES:
            raise Malformed(f"expected at most {MAX_NESTED_DISCLOSURES} nested disclosures, more came")
        return disclosure


def check_key_binding(
    presentation: Presentation,
    holder_jwk: object,
    *,
    audience: str,
    nonce: str,
    at: datetime,
    max_age: timedelta,
    clock_skew: timedelta = timedelta(),
) -> None:
    """Check that the holder of a key made this presentation for this verifier, just now.

    Args:
        presentation: What was presented.
        holder_jwk: ``cnf.jwk`` of the verified payload.
        audience: Who the presentation must be for.
        nonce: The verifier's challenge.
        at: The moment of decision, timezone-aware.
        max_age: How old the holder's signature may be.
        clock_skew: How far the holder's clock may be ahead or behind.

    Raises:
        BindingFailed: It is missing, or anything in it does not fit.
        TypeError: `at` is naive.

    Sources: RFC 9901 section 7.3.
    """
    if at.tzinfo is None:
        raise TypeError("expected an aware datetime")
    claims = _read_key_binding(presentation, holder_jwk)
    if claims["aud"] != audience:
        raise BindingFailed("expected a key binding for this verifier, one for another came")
    if claims["nonce"] != nonce:
        raise BindingFailed("expected a key binding with this nonce, another came")
    age = at.timestamp() - claims["iat"]  # type: ignore[operator]
    if not -clock_skew.total_seconds() <= age <= (max_age + clock_skew).total_seconds():
        raise BindingFailed("expected a fresh key binding, one from another time came")


def _read_key_binding(presentation: Presentation, holder_jwk: object) -> dict[str, object]:
    """Check form, signature and sd_hash of the key binding JWT; give its claims."""
    if presentation.key_binding is None:
        raise BindingFailed("expected a key binding JWT, none came")
    if not isinstance(holder_jwk, dict):
        raise BindingFailed("expected the holder's key in cnf.jwk, none came")
    try:
        header, payload = jws.verify_compact(presentation.key_binding, PublicKey.from_jwk(holder_jwk))
        claims = json.loads(payload)
    except EcertError as fault:
        raise BindingFailed(f"key binding: {fault}") from None
    if header.get("typ") != "kb+jwt":
        raise BindingFailed("expected a key binding of typ kb+jwt, another came")
    if not isinstance(claims, dict) or type(claims.get("iat")) is not int:
        raise BindingFailed("expected a key binding with an integer iat, another came")
    if not all(isinstance(claims.get(name), str) for name in ("aud", "nonce", "sd_hash")):
        raise BindingFailed("expected a key binding with text as aud, nonce and sd_hash, another came")
    if claims["sd_hash"] != digest(presentation.signed_part):
        raise BindingFailed("expected a key binding over this presentation, one over another came")
    return claims


def issue(
    claims: Mapping[str, object], *, disclosable: Set[str], typ: str, key: PrivateKey, salt: Callable[[], str]
) -> str:
    """Sign claims as an SD-JWT, the disclosable ones as disclosures that all go with it.

    The same arguments (and salts) give the same payload; claims keep their order, digests are sorted.

    Args:
        claims: The payload's claims; values of JSON types.
        disclosable: Names of top-level claims to make selectively disclosable; absent ones don't matter.
        typ: The header's ``typ``.
        key: The issuer's key.
        salt: Gives a fresh salt of at least 128 random bits as base64url for each disclosure.

    Returns:
        The SD-JWT with all disclosures; ``<JWT>~`` where none is disclosable.

    Raises:
        Malformed: A name reserved for digests, a claim that must never be disclosable, or values that JSON
            does not allow.
        TooLarge: The result is over the limit of readers.

    Sources: RFC 9901 sections 4.1 to 4.2.
    """
    if NEVER_DISCLOSABLE & disclosable:
        raise Malformed("expected disclosable claims only, a name that must stand in the payload came")
    if _has_digests(dict(claims)):
        raise Malformed("expected claims without reserved names, one of _sd, _sd_alg and ... came")
    payload = {name: value for name, value in claims.items() if name not in disclosable}
    disclosures = [
        b64.encode(json.dumps([salt(), name, value])) for name, value in claims.items() if name in disclosable
    ]
    if disclosures:
        payload["_sd"] = sorted({digest(disclosure.encode("ascii")) for disclosure in disclosures})
        payload["_sd_alg"] = "sha-256"
    jwt = jws.sign_compact({"typ": typ}, json.dumps(payload), key)
    text = "".join(f"{part}~" for part in (jwt, *disclosures))
    if len(text) > jws.MAX_TOKEN_BYTES or len(disclosures) > MAX_DISCLOSURES:
        raise TooLarge(
            f"expected at most {jws.MAX_TOKEN_BYTES} bytes, {MAX_DISCLOSURES} disclosures; more came"
        )
    return text


def digest(text: bytes) -> str:
    """Give the base64url of the SHA-256 of a text: how disclosures are referred to."""
    return b64.encode(sha256(text).digest())


def _read_disclosure(encoded: bytes) -> list[object]:
    disclosure = json.loads(b64.decode(encoded))
    if (
        not isinstance(disclosure, list)
        or len(disclosure) not in (2, 3)
        or not isinstance(disclosure[0], str)
    ):
        raise Malformed("expected a disclosure [salt, name, value] or [salt, value], another value came")
    return disclosure


def _has_digests(value: dict[str, object] | Iterable[object]) -> bool:
    members: Iterable[object]
    if isinstance(value, dict):
        if not _RESERVED.isdisjoint(value):
            return True
        members = value.values()
    else:
        members = value
    for member in members:
        kind = type(member)  # cheaper than isinstance, and every licence comes through here
        if (kind is dict or kind is list or kind is tuple) and _has_digests(member):  # type: ignore[arg-type]
            return True
    return False
