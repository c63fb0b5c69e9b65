"""A whole world in memory: a root, five levels of authorities with their keys, lists, statuses and licences.

Nothing is mocked: keys are real, every list and licence is signed, and `World.trust` is what `resolve` makes
of the lists. Keys are derived from names, so that the world is the same in every run. Check characters are
computed here a second time, independently of `ecert.licence`. Every name and number is invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ecert.crypto import PrivateKey, PublicKey
from ecert.licence import Region
from ecert.trust import Authority, KeyUse, ListedKey, TrustTable, TypeSet, resolve, sign_list
from ecert.verify import Policy, StatusAnswer, Verdict, verify
from ecert.wire import json, jws, sd_jwt, status_list

NOW: Final = datetime(2026, 6, 15, 2, 0, tzinfo=UTC)
DAY: Final = timedelta(days=1)
BASE_URL: Final = "https://ecert.example"
USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
SAFETY_TYPE: Final = "11100000000013338W011"
MARRIAGE_TYPE: Final = "11100000000013338W909"


def uscc(first17: str) -> str:
    """Complete a 统一社会信用代码 with its check character (GB 32100)."""
    total = sum(w * USCC_ALPHABET.index(c) for w, c in zip(USCC_WEIGHTS, first17, strict=True))
    return first17 + USCC_ALPHABET[(31 - total % 31) % 31]


def check_37_36(text: str) -> str:
    """The check character of ISO 7064 MOD 37,36."""
    p = 36
    for c in text:
        s = (p + int(c, 36)) % 36 or 36
        p = 2 * s % 37
    return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(37 - p) % 36]


def licence_id(type_code: str, issuer: str, serial: str, version: int = 1) -> str:
    """A whole 电子证照标识 with its root and check character."""
    body = (type_code, issuer, serial, f"{version:03d}")
    return ".".join(("1.2.156.3005.2", *body, check_37_36("".join(body))))


@cache
def private_key(name: str, alg: str = "ES256") -> PrivateKey:
    """The same key for the same name, in every run. Never used outside tests."""
    seed = sha256(name.encode()).digest()
    if alg == "EdDSA":
        return PrivateKey.from_cryptography(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    return PrivateKey.from_cryptography(ec.derive_private_key(int.from_bytes(seed) >> 1, ec.SECP256R1()))


ROOT_ID: Final = uscc("1110000000000000R")
IDS: Final[Mapping[str, str]] = {
    "nation": uscc("111000000000000A1"),
    "province": uscc("114400000000000A2"),
    "city": uscc("114403000000000A3"),
    "district": uscc("114403050000000A4"),
    "township": uscc("114403050000000A5"),
    "housing": uscc("114400000000000B1"),
    "market": uscc("114403000000000B2"),
    "civil": uscc("114403050000000B3"),
    "provider": uscc("114400000000000C1"),
}
"""The plain USCC of each authority by its short name."""

_PLACES: Final[Mapping[str, tuple[str, int, str, tuple[str, ...], str | None]]] = {
    # short name: (who lists it, level, region, types, status provider)
    "nation": ("root", 1, "000000", ("*",), None),
    "province": ("nation", 2, "440000", ("*",), None),
    "housing": ("province", 3, "440000", ("11100000000013338W*",), None),
    "provider": ("province", 3, "440000", (), None),
    "city": ("province", 3, "440300", ("*",), None),
    "market": ("city", 4, "440300", ("*",), "provider"),
    "district": ("city", 4, "440305", ("*",), None),
    "civil": ("district", 5, "440305", ("11100000000013338W9*",), None),
    "township": ("district", 5, "440305", (SAFETY_TYPE, MARRIAGE_TYPE), None),
}
_NAMES: Final[Mapping[str, str]] = {
    "nation": "示例国证照中心",
    "province": "示例省政务服务局",
    "city": "虚构市政务服务局",
    "district": "虚构区政务服务局",
    "township": "虚构镇政务服务中心",
    "housing": "示例省住房和城乡建设厅",
    "market": "虚构市市场监督管理局",
    "civil": "虚构区民政局",
    "provider": "示例省证照状态服务中心",
}
DELEGATES: Final = ("nation", "province", "city", "district")


class Statuses:
    """A `StatusView` that a test writes to. What was never set is not known."""

    def __init__(self, as_of: datetime) -> None:
        self.as_of = as_of
        self.answers: dict[tuple[str, int], StatusAnswer] = {}

    def set(
        self,
        uri: str,
        idx: int,
        value: int,
        *,
        superseded: bool = False,
        as_of: datetime | None = None,
        signer: str | None = None,
    ) -> None:
        self.answers[uri, idx] = StatusAnswer(value, superseded, as_of or self.as_of, signer)

    def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
        return self.answers.get((uri, idx))


def status_uri(issuer_id: str, number: int = 1) -> str:
    """Where the status list of an issuer is published."""
    return f"{BASE_URL}/status-lists/{issuer_id}.{number}"


def authority(name: str, /, **changes: Any) -> Authority:
    """One authority of the world, with a key for each of its uses; `changes` replace fields."""
    _, level, region, types, provider = _PLACES[name]
    uses = [KeyUse.LICENCE, KeyUse.STATUS] + ([KeyUse.TRUST] if name in DELEGATES else [])
    made = Authority(
        id=IDS[name],
        name=_NAMES[name],
        level=level,
        region=Region.parse(region),
        types=TypeSet.parse(types),
        may_delegate=name in DELEGATES,
        status_provider=None if provider is None else IDS[provider],
        keys=tuple(listed_key(f"{name} {use}", use) for use in uses),
    )
    return replace(made, **changes)


def listed_key(name: str, use: KeyUse, /, *, alg: str = "ES256", **changes: Any) -> ListedKey:
    """The public half of `private_key(name)` as a trust list gives it, a year around `NOW`."""
    made = ListedKey(
        key=private_key(name, alg).public, use=use, valid_from=NOW - 180 * DAY, valid_until=NOW + 180 * DAY
    )
    return replace(made, **changes)


@dataclass(frozen=True)
class World:
    """Five levels and what they signed. Frozen; each change makes another world."""

    authorities: Mapping[str, Authority] = field(
        default_factory=lambda: {name: authority(name) for name in IDS}
    )
    seqs: Mapping[str, int] = field(default_factory=dict)
    at: datetime = NOW
    lists_until: Mapping[str, datetime] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy.window)
    statuses: Statuses = field(default_factory=lambda: Statuses(NOW - timedelta(seconds=1)))

    @property
    def root(self) -> PublicKey:
        return private_key("root trust").public

    @property
    def root_id(self) -> str:
        return ROOT_ID

    def children(self, signer: str) -> list[Authority]:
        """Whom a signer ("root" or a short name) lists."""
        return [self.authorities[name] for name, place in _PLACES.items() if place[0] == signer]

    def trust_list(self, signer: str, entries: Sequence[Authority] | None = None) -> bytes:
        """The signed list of "root" or of a delegating authority."""
        token = sign_list(
            self.children(signer) if entries is None else entries,
            signer_id=ROOT_ID if signer == "root" else IDS[signer],
            seq=self.seqs.get(signer, 1),
            issued_at=self.at - DAY,
            expires_at=self.lists_until.get(signer, self.at + 30 * DAY),
            key=private_key(f"{signer} trust"),
        )
        return token.encode("ascii")

    @property
    def lists(self) -> tuple[bytes, ...]:
        """Every list, the root's first."""
        return tuple(self.trust_list(signer) for signer in ("root", *DELEGATES))

    @property
    def trust(self) -> TrustTable:
        return _resolved(self.lists_key(), self)

    def lists_key(self) -> tuple[object, ...]:
        return (
            tuple(self.authorities.items()),
            tuple(self.seqs.items()),
            tuple(self.lists_until.items()),
            self.at,
        )

    def with_authority(self, name: str, /, **changes: Any) -> World:
        """The same world with fields of one authority replaced."""
        return replace(
            self, authorities={**self.authorities, name: replace(self.authorities[name], **changes)}
        )

    def with_key(self, name: str, use: KeyUse, /, **changes: Any) -> World:
        """The same world with fields of one authority's key replaced (its window, say)."""
        keys = tuple(
            replace(each, **changes) if each.use is use else each for each in self.authorities[name].keys
        )
        return self.with_authority(name, keys=keys)

    def claims(
        self, issuer: str = "housing", *, idx: int = 7, serial: str = "2026000001", **changes: Any
    ) -> dict[str, Any]:
        """The payload of a good licence; a change to None leaves a claim out."""
        id_ = IDS[issuer]
        type_code = changes.get("vct", SAFETY_TYPE)
        made: dict[str, Any] = {
            "iss": f"uscc:{id_}",
            "vct": type_code,
            "jti": licence_id(type_code if isinstance(type_code, str) else SAFETY_TYPE, id_, serial),
            "iat": int((self.at - 10 * DAY).timestamp()),
            # 2026-06-05 00:00 and 2029-06-05 00:00 in China, where a licence's days begin and end.
            "nbf": 1_780_588_800,
            "exp": 1_875_283_200,
            "status": {"status_list": {"idx": idx, "uri": status_uri(id_)}},
            "ZZBH": "（示）JZ安许证字〔2026〕000001",
            "CZZT": "虚构市示例建筑有限公司",
            "CZZTDM": uscc("91440300MA5EXAMP0"),
            "CZZTDMLXDM": "001",
            "ZZBFJG": _NAMES[issuer],
            "KZ_XKFW": "建筑施工",
        }
        made.update(changes)
        return {name: value for name, value in made.items() if value is not None}

    def sign(
        self,
        payload: Mapping[str, Any] | bytes,
        *,
        issuer: str = "housing",
        header: Mapping[str, Any] | None = None,
        key: PrivateKey | None = None,
    ) -> str:
        """A compact JWS with the issuer's licence key over any payload; `header` adds to `typ`."""
        text = payload if isinstance(payload, bytes) else json.dumps(dict(payload))
        return jws.sign_compact(
            {"typ": "dc+sd-jwt"} | dict(header or {}), text, key or private_key(f"{issuer} licence")
        )

    def issue(
        self,
        issuer: str = "housing",
        *,
        idx: int = 7,
        status: int | None = 0,
        disclosable: frozenset[str] = frozenset(),
        key: PrivateKey | None = None,
        superseded: bool = False,
        claims: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A signed licence whose status is `status` in `statuses` (None: not known there).

        `changes` and `claims` both replace claims; the `status` claim can only be replaced in `claims`.
        """
        made = self.claims(issuer, idx=idx, **changes, **(claims or {}))
        salts = iter(f"salt{number:018d}" for number in range(99))
        token = sd_jwt.issue(
            made,
            disclosable=disclosable,
            typ="dc+sd-jwt",
            key=key or private_key(f"{issuer} licence"),
            salt=lambda: next(salts),
        )
        if status is not None:
            self.statuses.set(status_uri(IDS[issuer]), idx, status, superseded=superseded)
        return token

    def status_token(
        self,
        issuer: str = "housing",
        *,
        values: Mapping[int, int] | None = None,
        size: int = 64,
        signer: str | None = None,
        seq: int = 1,
        issued_at: datetime | None = None,
        key: PrivateKey | None = None,
        uri: str | None = None,
    ) -> str:
        """A signed status list of an issuer, all "never issued" but for `values`."""
        packed = bytearray(b"\xff" * (size // 4))
        for idx, value in (values or {}).items():
            shift = 2 * (idx % 4)
            packed[idx // 4] = packed[idx // 4] & ~(3 << shift) | value << shift
        name = signer or issuer
        return status_list.sign_token(
            status_list.StatusList.from_bytes(bytes(packed), bits=2),
            uri=uri or status_uri(IDS[issuer]),
            issuer=f"uscc:{IDS[name]}",
            seq=seq,
            issued_at=issued_at or self.at - timedelta(minutes=1),
            ttl=timedelta(minutes=5),
            lifetime=timedelta(hours=12),
            key=key or private_key(f"{name} status"),
        )

    def verify(self, evidence: Any, **changes: Any) -> Verdict:
        """`verify` with this world's table, statuses, policy and time; `changes` replace any of them."""
        arguments: dict[str, Any] = {
            "trust": None,
            "status": self.statuses,
            "policy": self.policy,
            "at": self.at,
        } | changes
        if arguments["trust"] is None:
            arguments["trust"] = self.trust
        return verify(evidence, **arguments)


_TABLES: Final[dict[tuple[object, ...], TrustTable]] = {}


def _resolved(key: tuple[object, ...], world: World) -> TrustTable:
    # Equal worlds share a table: signing and checking a world's lists costs a few milliseconds.
    if key not in _TABLES:
        if len(_TABLES) > 256:
            _TABLES.clear()
        _TABLES[key] = resolve(world.root, world.lists, root_id=ROOT_ID, at=world.at)
    return _TABLES[key]


@cache
def standard() -> World:
    """One shared world for tests that only add licences to it, each with an index of its own."""
    return World()


def codes(verdict: Verdict) -> list[str]:
    """The reason codes of a verdict, in order; [] when accepted."""
    return [str(finding.code) for finding in getattr(verdict, "findings", ())]
