"""Trust lists (信任列表): one signed list per delegating authority, `typ: trustlist+jwt`.

- `read_list` is strict about the list and forgiving about its entries: an authority or a key that can't be
  read is left out with its reason, so that one bad entry doesn't take a province offline.
- Not checked here: whether the signer may say this. That is `resolve`'s question.
- `sign_list` refuses what `read_list` would leave out.

The format: docs/formats/trust.md.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from ecert.crypto import PrivateKey, PublicKey
from ecert.errors import EcertError, Malformed, TrustFault, WrongTokenType
from ecert.licence import Region, Uscc
from ecert.trust.authority import Authority, KeyUse, ListedKey, TypeSet
from ecert.trust.table import TrustProblem
from ecert.wire import json, jws

__all__ = ["MAX_LIST_BYTES", "TYP", "TrustList", "faults_of", "read_list", "sign_list", "unverified_signer"]

TYP: Final = "trustlist+jwt"
MAX_LIST_BYTES: Final = 4 << 20
_PREFIX: Final = "uscc:"
_MEMBERS: Final = frozenset({"alg", "kid", "typ"})

_Seconds = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
_Seq = Annotated[int, msgspec.Meta(ge=1, le=(1 << 53) - 1)]
_Level = Annotated[int, msgspec.Meta(ge=1, le=5)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class _KeyEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    kid: str
    jwk: dict[str, object]
    use: KeyUse
    from_: _Seconds = msgspec.field(name="from")
    until: _Seconds
    compromised_at: _Seconds | None = None


class _AuthorityEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    id: str
    name: _Name
    level: _Level
    region: str
    types: Annotated[list[str], msgspec.Meta(max_length=1024)]
    may_delegate: bool
    status_provider: str | None
    keys: Annotated[list[object], msgspec.Meta(max_length=64)]


class _ListClaims(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    iss: str
    seq: _Seq
    iat: _Seconds
    exp: _Seconds
    authorities: list[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """A list whose signature fits the key it was read with. `signer` is the plain USCC of its `iss`."""

    signer: str
    seq: int
    issued_at: datetime
    expires_at: datetime
    authorities: tuple[Authority, ...]
    problems: tuple[TrustProblem, ...]
    payload: bytes


def unverified_signer(token: bytes) -> tuple[str, str]:
    """Say who a list claims to be signed by, as (plain USCC, kid), so that a key can be looked up.

    Raises:
        InputError: Not a trust list's header, or no readable `iss`.
    """
    unverified = _gate(token)
    claims = json.loads(unverified.payload, max_bytes=MAX_LIST_BYTES)
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return _signer(issuer), str(unverified.header["kid"])


def read_list(token: bytes, key: PublicKey) -> TrustList:
    """Read one trust list and check its signature.

    Not checked: whether the signer may delegate, whether the list is in force, whether a newer one exists.

    Args:
        token: The compact JWS, at most 4 MiB. Untrusted.
        key: The key that the list must be signed with.

    Returns:
        The list, without the entries that can't be read; those are in `problems`.

    Raises:
        InputError: The token, its header, its signature or its JSON.
        TrustFault: The list as a whole breaks the format.

    Sources: docs/formats/trust.md; RFC 7515 section 5.2.
    """
    unverified = _gate(token)
    if unverified.header["kid"] != key.kid:
        raise TrustFault("expected a list signed with the key at hand, another kid came")
    _, payload = jws.verify_compact(token, key, max_bytes=MAX_LIST_BYTES)
    try:
        claims = msgspec.convert(json.loads(payload, max_bytes=MAX_LIST_BYTES), _ListClaims)
    except msgspec.ValidationError as fault:
        raise TrustFault(f"expected the claims of a trust list: {_where(fault)}") from None
    if claims.iat >= claims.exp:
        raise TrustFault("expected a list that expires after it was issued, another order came")
    signer = _signer(claims.iss)
    authorities: list[Authority] = []
    problems: list[TrustProblem] = []
    for entry in claims.authorities:
        try:
            authorities.append(_authority(entry, problems))
        except EcertError as fault:
            problems.append(TrustProblem(authority=_named(entry), reason=str(fault)))
    return TrustList(
        signer=signer,
        seq=claims.seq,
        issued_at=_moment(claims.iat),
        expires_at=_moment(claims.exp),
        authorities=_unambiguous(authorities, problems),
        problems=tuple(problems),
        payload=payload,
    )


def sign_list(
    entries: Sequence[Authority],
    *,
    signer_id: str,
    seq: int,
    issued_at: datetime,
    expires_at: datetime,
    key: PrivateKey,
) -> str:
    """Sign the list of those that an authority delegates to.

    Not checked: that each entry is narrower than the signer, which the signer's own list says; `resolve`
    checks it.

    Args:
        entries: The authorities, with their keys.
        signer_id: The signer's plain USCC.
        seq: One more than the last; a verifier refuses a smaller one than it has seen.
        issued_at: Timezone-aware; whole seconds are kept.
        expires_at: After it, verdicts through this list are undecided (`trust_stale`).
        key: The signer's key for trust lists.

    Returns:
        The compact JWS.

    Raises:
        TrustFault: An entry that a reader would leave out.
        TypeError: A naive datetime.
    """
    claims = {
        "iss": f"{_PREFIX}{Uscc.parse(signer_id)}",
        "seq": seq,
        "iat": _seconds(issued_at),
        "exp": _seconds(expires_at),
        "authorities": [_entry(authority) for authority in entries],
    }
    token = jws.sign_compact({"typ": TYP}, json.dumps(claims), key)
    for problem in read_list(token.encode("ascii"), key.public).problems:
        raise TrustFault(f"{problem.authority}: {problem.reason}")
    return token


def faults_of(authority: Authority) -> dict[str, str]:
    """Say which keys of an authority can't stand, by kid, with the reason."""
    times = Counter(listed.kid for listed in authority.keys)
    faults: dict[str, str] = {}
    for listed in authority.keys:
        if times[listed.kid] > 1:
            faults[listed.kid] = "expected each kid once, the same came twice: none of them is used"
        elif listed.valid_from >= listed.valid_until:
            faults[listed.kid] = "expected a key that ends after it begins, another order came"
        elif listed.use is KeyUse.TRUST and not authority.may_delegate:
            faults[listed.kid] = "expected no trust key where may_delegate is false, one came"
    return faults


def _gate(token: bytes) -> jws.UnverifiedJws:
    unverified = jws.read_compact(token, max_bytes=MAX_LIST_BYTES)
    header = unverified.header
    if header.get("typ") != TYP:
        raise WrongTokenType(f"expected typ {TYP}, another came")
    if header.keys() != _MEMBERS:
        raise Malformed("expected the header members alg, kid and typ, others came")
    return unverified


def _signer(issuer: object) -> str:
    if not isinstance(issuer, str) or not issuer.startswith(_PREFIX):
        raise Malformed("expected iss to be uscc: and a code, something else came")
    return str(Uscc.parse(issuer[len(_PREFIX) :]))


def _authority(entry: object, problems: list[TrustProblem]) -> Authority:
    try:
        read = msgspec.convert(entry, _AuthorityEntry)
    except msgspec.ValidationError as fault:
        raise TrustFault(f"expected an authority: {_where(fault)}") from None
    if not read.name.isprintable():
        raise TrustFault("expected a name of printable characters, others came")
    provider = read.status_provider
    authority = Authority(
        id=str(Uscc.parse(read.id)),
        name=read.name,
        level=read.level,
        region=Region.parse(read.region),
        types=TypeSet.parse(read.types),
        may_delegate=read.may_delegate,
        status_provider=None if provider is None else str(Uscc.parse(provider)),
    )
    keys: list[ListedKey] = []
    for key_entry in read.keys:
        try:
            keys.append(_key(key_entry))
        except EcertError as fault:
            problems.append(TrustProblem(authority=authority.id, reason=f"key left out: {fault}"))
    authority = replace(authority, keys=tuple(keys))
    faults = faults_of(authority)
    for kid, reason in faults.items():
        problems.append(TrustProblem(authority=authority.id, reason=f"key {kid} left out: {reason}"))
    return replace(authority, keys=tuple(listed for listed in keys if listed.kid not in faults))


def _key(entry: object) -> ListedKey:
    try:
        read = msgspec.convert(entry, _KeyEntry)
    except msgspec.ValidationError as fault:
        raise TrustFault(f"expected a key entry: {_where(fault)}") from None
    key = PublicKey.from_jwk(read.jwk)
    if read.kid != key.kid:
        raise TrustFault("expected kid to begin the key's thumbprint, another came")
    return ListedKey(
        key=key,
        use=read.use,
        valid_from=_moment(read.from_),
        valid_until=_moment(read.until),
        compromised_at=None if read.compromised_at is None else _moment(read.compromised_at),
    )


def _unambiguous(authorities: Sequence[Authority], problems: list[TrustProblem]) -> tuple[Authority, ...]:
    """Leave out what one list says twice: which of the two is meant can't be known."""
    ids = Counter(authority.id for authority in authorities)
    owners = Counter(listed.key.thumbprint for authority in authorities for listed in authority.keys)
    kept: list[Authority] = []
    for id_, times in ids.items():
        if times > 1:
            problems.append(TrustProblem(authority=id_, reason="expected each authority once, it came twice"))
    for authority in authorities:
        if ids[authority.id] > 1:
            continue
        keys = tuple(listed for listed in authority.keys if owners[listed.key.thumbprint] == 1)
        if len(keys) < len(authority.keys):
            reason = "key left out: expected a key of one authority only, two name it"
            problems.append(TrustProblem(authority=authority.id, reason=reason))
        kept.append(replace(authority, keys=keys))
    return tuple(kept)


def _entry(authority: Authority) -> Mapping[str, object]:
    return {
        "id": authority.id,
        "name": authority.name,
        "level": authority.level,
        "region": str(authority.region),
        "types": list(authority.types.patterns),
        "may_delegate": authority.may_delegate,
        "status_provider": authority.status_provider,
        "keys": [_key_entry(listed) for listed in authority.keys],
    }


def _key_entry(listed: ListedKey) -> dict[str, object]:
    entry: dict[str, object] = {
        "kid": listed.kid,
        "jwk": listed.key.to_jwk(),
        "use": listed.use.value,
        "from": _seconds(listed.valid_from),
        "until": _seconds(listed.valid_until),
    }
    if listed.compromised_at is not None:
        entry["compromised_at"] = _seconds(listed.compromised_at)
    return entry


def _named(entry: object) -> str:
    """The id that an unreadable entry gives itself, if it is one; a list is public and its ids with it."""
    claimed = entry.get("id") if isinstance(entry, dict) else None
    try:
        return str(Uscc.parse(claimed)) if isinstance(claimed, str) else ""
    except EcertError:
        return ""


def _where(fault: msgspec.ValidationError) -> str:
    """msgspec's words name types and places, never a value; an unknown field's name is cut off."""
    text = str(fault)
    return "an unknown field came" if "unknown field" in text else text


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise TypeError("expected a timezone-aware datetime, a naive one came")
    return int(moment.timestamp())
