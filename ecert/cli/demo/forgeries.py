"""Forgeries, each made with more than an outsider has: real tokens, real keys, a real place on a trust list.

Each comes with the one reason code that a verdict must give for it.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from ecert.assembly import AuthorityPlan
from ecert.cli.demo.server import Caller
from ecert.crypto import PrivateKey
from ecert.errors import Unavailable
from ecert.licence import (
    Draft,
    Holder,
    LicenceId,
    LicenceType,
    Region,
    Uscc,
    build_claims,
    load_types,
)
from ecert.store import KeyFiles, SigningKey
from ecert.trust import Authority, TypeSet
from ecert.verify import ReasonCode
from ecert.wire import b64, qr, sd_jwt, status_list

__all__ = ["OUTSIDER", "Forgery", "Workshop", "make_retired_key", "with_outsider"]

_TYP: Final = "dc+sd-jwt"
_NEVER_ISSUED: Final = 3
_DRIVING: Final = "11100000MB9990002J001"
_BUSINESS: Final = "11100000MB9990001F001"
_TRAFFIC: Final = "11529900MB9993003C"
_MARKET: Final = "11529900MB99930029"
_CITY: Final = "11529900MB99930016"

#: A department that the city lists although it lies in another city: what the city does not have it can't
#: hand on.
OUTSIDER: Final = Authority(
    id="11529800MB9993009R",
    name="邻市越界管理局",
    level=4,
    region=Region.parse("529800"),
    types=TypeSet.parse([_BUSINESS]),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """One forgery: what it is, the text of its code, and the reason it must be refused for.

    `drawn` says that it comes as a picture; the others are what a scanner made of a good one.
    """

    what: str
    text: str
    expected: ReasonCode
    drawn: bool = True


def with_outsider(plan: AuthorityPlan) -> AuthorityPlan:
    """The same authorities, and one whom the city has no right to list."""
    return replace(
        plan, authorities=(*plan.authorities, OUTSIDER), parents={**plan.parents, OUTSIDER.id: _CITY}
    )


def make_retired_key(keys: KeyFiles, *, at: datetime) -> SigningKey:
    """Make a licence key of the traffic police whose window closed a year ago."""
    year = timedelta(days=365)
    return keys.make(_TRAFFIC, "licence", valid_from=at - 3 * year, valid_until=at - year)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What the forger got hold of: every private key, a good licence, its code, and a caller for published
    lists."""

    keys: KeyFiles
    retired: SigningKey
    good_token: str
    good_text: str
    base_url: str
    caller: Caller

    def forgeries(self) -> Iterator[Forgery]:
        """Make all of them, one after the other."""
        yield self._code("one bit flipped in the signed text", self._flipped(), ReasonCode.BAD_SIGNATURE)
        yield self._code(
            "a business licence signed by the traffic police",
            self._signed(_BUSINESS, _TRAFFIC),
            ReasonCode.TYPE_NOT_AUTHORISED,
        )
        yield self._code(
            "a department that a city lists outside its own region",
            self._signed(_BUSINESS, OUTSIDER.id),
            ReasonCode.UNKNOWN_ISSUER,
        )
        yield self._code(
            "signed today with a key retired a year ago",
            self._signed(_DRIVING, _TRAFFIC, key=self.retired.key),
            ReasonCode.KEY_OUTSIDE_WINDOW,
        )
        yield self._code("a good licence as it stands after its end", self._expired(), ReasonCode.EXPIRED)
        yield self._code(
            "signed with the real key behind the registry's back",
            self._signed(_DRIVING, _TRAFFIC),
            ReasonCode.NOT_ISSUED,
        )
        yield Forgery(
            what="a good code with one digit dropped by the scanner",
            text=self.good_text[:-40] + self.good_text[-39:],
            expected=ReasonCode.MISREAD,
            drawn=False,
        )

    def _code(self, what: str, token: str, expected: ReasonCode) -> Forgery:
        return Forgery(what=what, text=qr.encode_token(token, self.base_url), expected=expected)

    def _key(self, authority: str) -> PrivateKey:
        return self.keys.key_for(authority, "licence", at=datetime.now(UTC))

    def _flipped(self) -> str:
        jwt, tilde, rest = self.good_token.partition("~")
        header, payload, signature = jwt.split(".")
        text = bytearray(b64.decode(payload))
        text[text.index(b'"ZZBH":"') + 8] ^= 1  # a digit into its neighbour
        return f"{header}.{b64.encode(bytes(text))}.{signature}{tilde}{rest}"

    def _expired(self) -> str:
        key = self._key(_TRAFFIC)
        claims = sd_jwt.read(self.good_token, key.public)
        first, last = date(2015, 1, 1), date(2025, 1, 1)
        for name, day in (("nbf", first), ("exp", last)):
            claims[name] = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        return _sign(claims, load_types()[_DRIVING], key)

    def _signed(self, type_code: str, issuer: str, *, key: PrivateKey | None = None) -> str:
        kind = load_types()[type_code]
        draft = _draft(kind)
        uri, idx = self._unused_entry()
        licence_id = LicenceId.make(type_code=type_code, issuer=issuer, serial="FORGED1", version=1)
        claims = build_claims(
            draft,
            kind,
            licence_id=licence_id,
            issuer=Uscc.parse(issuer),
            issuer_name="虚构市示例局",
            status_uri=uri,
            status_idx=idx,
            issued_at=datetime.now(UTC),
        )
        return _sign(claims, kind, key or self._key(issuer))

    def _unused_entry(self) -> tuple[str, int]:
        """An entry of the traffic police's list that was never issued, out of the published list itself."""
        path = f"/status-lists/{_TRAFFIC}.1"
        uri, now = self.base_url + path, datetime.now(UTC)
        key = self.keys.key_for(_TRAFFIC, "status", at=now)
        entries = status_list.read_token(self.caller.get(path), key.public, uri=uri, at=now).statuses
        for idx in range(entries.size):
            if entries.get(idx) == _NEVER_ISSUED:
                return uri, idx
        raise Unavailable("expected an unused entry in the published status list, found none")


def _sign(claims: Mapping[str, Any], kind: LicenceType, key: PrivateKey) -> str:
    def salt() -> str:
        return b64.encode(secrets.token_bytes(16))

    return sd_jwt.issue(claims, disclosable=kind.disclosable, typ=_TYP, key=key, salt=salt)


def _draft(kind: LicenceType) -> Draft:
    company = kind.code == _BUSINESS
    fields: dict[str, str | int] = (
        {
            "KZ_LX": "有限责任公司",
            "KZ_FDDBR": "甲示例",
            "KZ_ZCZB": "1",
            "KZ_CLRQ": "2026-01-01",
            "KZ_ZS": "虚构市样例区演示巷1号",
            "KZ_JYFW": "示例服务",
        }
        if company
        else {"KZ_ZJCX": "C1", "KZ_CCLZRQ": "2020-01-01", "KZ_ZZ": "虚构市样例区演示巷1号"}
    )
    return Draft(
        type_code=kind.code,
        number="529900999999",
        holder=Holder(name="虚构市伪示例有限公司", code="91529901MAEX00001H", code_type="001")
        if company
        else Holder(name="伪示例", code="11010519491231002X", code_type="111"),
        valid_from=date(2026, 1, 1),
        valid_until=None,
        fields=fields,
    )
