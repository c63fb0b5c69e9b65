"""A province in memory for the parts that need no server: a root, lists on four levels, licences.

Real keys and signatures, made by the project's own code. Every name and number is invented.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from ecert.crypto import PrivateKey, PublicKey
from ecert.licence import (
    Draft,
    FieldDef,
    Format,
    Holder,
    HolderKind,
    LicenceId,
    LicenceType,
    Region,
    Uscc,
    build_claims,
    load_types,
    resident_id_check_char,
    uscc_check_char,
)
from ecert.trust import Authority, KeyUse, ListedKey, TrustTable, TypeSet, resolve, sign_list
from ecert.verify import ListsStatusView
from ecert.wire import b64, sd_jwt, status_list

__all__ = [
    "NOW",
    "Department",
    "Province",
    "draft_of",
    "make_key",
    "make_province",
    "personal_type",
    "public_type",
    "tokens_of",
]

NOW: Final = datetime(2026, 6, 15, 2, 0, tzinfo=UTC)
_YEAR: Final = timedelta(days=365)
_BASE_URL: Final = "https://ecert.example"
_ENTRIES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Department:
    """A department (发证单位) with its licence key."""

    id: str
    name: str
    key: PrivateKey

    @property
    def status_uri(self) -> str:
        """Where its status list would be published."""
        return f"{_BASE_URL}/status-lists/{self.id}.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """Everything that a verifier is given, and the departments' keys."""

    root: PublicKey
    root_id: str
    lists: tuple[bytes, ...]
    trust: TrustTable
    departments: tuple[Department, ...]
    serials: Iterator[int] = field(default_factory=count)

    def statuses(self) -> ListsStatusView:
        """Every status of the first department valid, as of `NOW`."""
        return self.statuses_with(b"\x00" * (_ENTRIES // 4))

    def statuses_with(self, packed: bytes) -> ListsStatusView:
        """The statuses of the first department, packed 2 bits each, as of `NOW`."""
        department = self.departments[0]
        token = status_list.StatusToken(
            uri=department.status_uri,
            issuer=f"uscc:{department.id}",
            kid=None,
            issued_at=NOW,
            expires_at=NOW + _YEAR,
            ttl=None,
            seq=1,
            statuses=status_list.StatusList.from_bytes(packed),
        )
        return ListsStatusView([token])


def make_key(alg: str) -> PrivateKey:
    """A new key; its randomness comes from OpenSSL."""
    if alg == "EdDSA":
        return PrivateKey.from_cryptography(ed25519.Ed25519PrivateKey.generate())
    return PrivateKey.from_cryptography(ec.generate_private_key(ec.SECP256R1()))


def _uscc(number: int, region: str = "440305") -> str:
    body = f"11{region}{number:09d}"
    return body + uscc_check_char(body)


def make_province(*, alg: str = "ES256", departments: int = 3) -> Province:
    """Sign lists for a nation, a province, a city and the given number of departments under it."""
    root, root_id = make_key(alg), _uscc(1, "000000")
    chain = [
        (_uscc(2, "000000"), 1, "000000"),
        (_uscc(3, "440000"), 2, "440000"),
        (_uscc(4, "440300"), 3, "440300"),
    ]
    signers = [(root_id, root)]
    lists = []
    for id_, level, region in chain:
        key = make_key(alg)
        listed = _authority(id_, level=level, region=region, key=key, use=KeyUse.TRUST)
        lists.append(_sign([listed], *signers[-1]))
        signers.append((id_, key))
    offices = tuple(
        Department(_uscc(100 + number), f"虚构市第{number + 1}示例局", make_key(alg))
        for number in range(departments)
    )
    entries = [
        _authority(o.id, level=4, region="440305", key=o.key, use=KeyUse.LICENCE, name=o.name)
        for o in offices
    ]
    lists.append(_sign(entries, *signers[-1]))
    trust = resolve(root.public, lists, root_id=root_id, at=NOW)
    if trust.problems or len(trust.keys) < departments:
        raise RuntimeError(
            f"expected every list to stand, got {len(trust.problems)} problems: {trust.problems[:3]}"
        )
    return Province(root=root.public, root_id=root_id, lists=tuple(lists), trust=trust, departments=offices)


def _authority(
    id_: str, *, level: int, region: str, key: PrivateKey, use: KeyUse, name: str = "示例机构"
) -> Authority:
    listed = ListedKey(key=key.public, use=use, valid_from=NOW - _YEAR, valid_until=NOW + _YEAR)
    return Authority(
        id=id_,
        name=name,
        level=level,
        region=Region.parse(region),
        types=TypeSet.parse(["*"]),
        may_delegate=use is KeyUse.TRUST,
        keys=(listed,),
    )


def _sign(entries: list[Authority], signer_id: str, key: PrivateKey) -> bytes:
    text = sign_list(entries, signer_id=signer_id, seq=1, issued_at=NOW, expires_at=NOW + _YEAR, key=key)
    return text.encode()


def public_type() -> LicenceType:
    """A type without selective disclosure, such as the business licence (营业执照)."""
    return next(kind for kind in load_types().values() if kind.public and not kind.binding)


def personal_type() -> LicenceType:
    """The type with most to disclose among those without binding: the dearest to verify."""
    kinds = [kind for kind in load_types().values() if not kind.binding]
    return max(kinds, key=lambda kind: len(kind.disclosable))


def draft_of(kind: LicenceType, number: int, today: date) -> Draft:
    """An invented licence of a type, in force today; another number, another holder."""
    if HolderKind.PERSON in kind.holder_kinds:
        body = f"1101051949{1 + number % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
        holder = Holder(name=f"示例人{number:06d}", code=body + resident_id_check_char(body), code_type="111")
    else:
        holder = Holder(name=f"虚构市第{number:06d}示例餐饮有限公司", code=_uscc(number), code_type="001")
    return Draft(
        type_code=kind.code,
        number=f"SL{number:010d}",
        holder=holder,
        valid_from=today - timedelta(days=30),
        valid_until=None if kind.longest_validity_years is None else today + timedelta(days=300),
        fields={one.name: _value(one, number) for one in kind.fields if one.required},
    )


def _value(one: FieldDef, number: int) -> str | int:
    match one.format:
        case Format.DATE:
            return "2020-01-01"
        case Format.USCC:
            return _uscc(number)
        case Format.RESIDENT_ID:
            return "11010519491231002X"
        case Format.REGION:
            return "440305"
        case Format.INTEGER:
            return one.smallest
        case Format.AMOUNT:
            return "100.00"
        case Format.ENUMERATION:
            return one.values[0]
        case Format.NUMBER:
            return f"N{number:08d}"[: one.max_length]
        case Format.TEXT:
            return "虚构路一号示例大厦二层,热食类食品制售;冷食类食品制售"[: one.max_length]


def tokens_of(province: Province, how_many: int, kind: LicenceType | None = None) -> list[str]:
    """Sign licences of the first department, each different from all others made of this province."""
    kind = kind or public_type()
    department = province.departments[0]
    tokens = []
    for _ in range(how_many):
        number = next(province.serials)
        licence_id = LicenceId.make(
            type_code=kind.code, issuer=department.id, serial=f"2026{number:08d}", version=1
        )
        claims = build_claims(
            draft_of(kind, number, NOW.date()),
            kind,
            licence_id=licence_id,
            issuer=Uscc.parse(department.id),
            issuer_name=department.name,
            status_uri=department.status_uri,
            status_idx=number % _ENTRIES,
            issued_at=NOW - timedelta(days=30),
        )
        salts = count()
        tokens.append(
            sd_jwt.issue(
                claims,
                disclosable=kind.disclosable,
                typ="dc+sd-jwt",
                key=department.key,
                salt=lambda number=number, salts=salts: b64.encode(b"%08d%08d" % (number, next(salts))),  # type: ignore[misc]
            )
        )
    return tokens


def with_other_keys(province: Province, count_: int) -> Province:
    """The same departments in a table that holds many more authorities."""
    return replace(province, trust=make_province(departments=count_).trust)
