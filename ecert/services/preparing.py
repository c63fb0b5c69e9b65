"""From a draft to the exact thing that will be signed, and the signing itself.

What is signed is fixed when it is reserved: claims, and by its secret the salts of its disclosures. Signing
it a second time after a crash gives another signature over the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import msgspec

from ecert.crypto import PrivateKey
from ecert.errors import FieldFault, Forbidden, Unavailable
from ecert.licence import Draft, LicenceId, LicenceType, Uscc, build_claims
from ecert.services.records import LicenceRecord, ReservedRow, Slot
from ecert.trust import TrustTable
from ecert.wire import b64, jws, sd_jwt

__all__ = [
    "LICENCE_TYP",
    "SECRET_BYTES",
    "IssuerDesk",
    "claims_of",
    "family_serial",
    "prepare",
    "row_of",
    "sign",
    "status_uri",
]

LICENCE_TYP = "dc+sd-jwt"
SECRET_BYTES = 32
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(dict[str, object]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerDesk:
    """A department (发证单位) at its desk: its name, its key, and what the trust lists let it issue."""

    issuer: Uscc
    name: str
    key: PrivateKey
    allows: Callable[[str], bool]

    @classmethod
    def open(cls, issuer: str, key: PrivateKey, trust: TrustTable, *, at: datetime) -> "IssuerDesk":
        """Check that verifiers would take what this department signs with this key now.

        Raises:
            Forbidden: No trust list names the department.
            Unavailable: The list names it without this key, with the key's window elsewhere, or is out of
                date.
        """
        authority = trust.authority(issuer)
        if authority is None:
            raise Forbidden("expected an issuer that the trust lists name, got another")
        listed = trust.find(issuer, key.kid)
        if listed is None or listed.compromised_at is not None or int(at.timestamp()) not in listed.window:
            raise Unavailable(
                "expected the issuer's current key on the trust list, got another: sign the list anew"
            )
        if at >= listed.chain_until:
            raise Unavailable("expected trust lists in force, got an expired one: sign it anew")
        return cls(issuer=Uscc.parse(issuer), name=authority.name, key=key, allows=listed.types.allows)

    def check_type(self, type_code: str) -> None:
        """Refuse a type that verifiers would not take from this department."""
        if not self.allows(type_code):
            raise Forbidden("expected a licence type that the trust lists let this issuer issue, got another")


def status_uri(base_url: str, list_id: str) -> str:
    """The address of a status list."""
    return f"{base_url}/status-lists/{list_id}"


def family_serial(slot: Slot) -> str:
    """The serial of a new licence: made of an entry, and so given once like it.

    It is the entry's place in time, not its index, so that identifiers made together stand together in SQL.
    """
    return f"{slot.list_number}{slot.counter:07d}"


def prepare(
    draft: Draft,
    kind: LicenceType,
    *,
    desk: IssuerDesk,
    slot: Slot,
    serial: str,
    version: int,
    secret: bytes,
    base_url: str,
    at: datetime,
    holder_jwk: Mapping[str, str] | None = None,
) -> tuple[ReservedRow, dict[str, object]]:
    """Fix everything about a licence before it is signed.

    Returns:
        The row to reserve, and its claims (the same as `row.claims`, not yet encoded).

    Raises:
        FieldFault: The type asks for the holder's key and none came, or one came that it does not ask for.
    """
    if kind.binding != (holder_jwk is not None):
        raise FieldFault(
            "holder.jwk", "expected the holder's key where the type asks for one, and nowhere else"
        )
    licence_id = LicenceId.make(type_code=kind.code, issuer=desk.issuer, serial=serial, version=version)
    claims = build_claims(
        draft,
        kind,
        licence_id=licence_id,
        issuer=desk.issuer,
        issuer_name=desk.name,
        status_uri=status_uri(base_url, slot.list_id),
        status_idx=slot.idx,
        issued_at=at,
        holder_jwk=holder_jwk,
    )
    row = ReservedRow(
        row=slot.row,
        licence_id=claims["jti"],
        family=licence_id.family,
        version=version,
        issuer=desk.issuer,
        type_code=kind.code,
        number=draft.number,
        holder_code=draft.holder.code,
        list_id=slot.list_id,
        idx=slot.idx,
        claims=_ENCODE(claims),
        secret=secret,
        created_at=at,
    )
    return row, claims


def sign(
    row: ReservedRow, kind: LicenceType, key: PrivateKey, *, claims: Mapping[str, object] | None = None
) -> str:
    """Sign a reserved row as an SD-JWT; `claims` saves decoding them where they are at hand."""
    if kind.public:
        # Nothing to disclose: what was reserved is the payload, byte for byte.
        return f"{jws.sign_compact({'typ': LICENCE_TYP}, row.claims, key)}~"
    salts = iter(range(sd_jwt.MAX_DISCLOSURES))
    seed = row.secret[16:]

    def salt() -> str:
        return b64.encode(blake2b(b"salt%d" % next(salts), key=seed, digest_size=16).digest())

    return sd_jwt.issue(
        _DECODE(row.claims) if claims is None else claims,
        disclosable=kind.disclosable,
        typ=LICENCE_TYP,
        key=key,
        salt=salt,
    )


def claims_of(record: LicenceRecord) -> dict[str, object]:
    """All claims of a licence on record, the disclosable ones in their places."""
    if record.token is None:
        return _DECODE(record.claims)
    presentation = sd_jwt.split(record.token)
    return sd_jwt.process_bytes(jws.read_compact(presentation.jwt).payload, presentation.disclosures)


def row_of(record: LicenceRecord) -> ReservedRow:
    """A reserved row as the registry gives it back."""
    return ReservedRow(
        row=record.row,
        licence_id=record.licence_id,
        family=record.family,
        version=record.version,
        issuer=record.issuer,
        type_code=record.type_code,
        number=record.number,
        holder_code=record.holder_code,
        list_id=record.list_id,
        idx=record.idx,
        claims=record.claims,
        secret=record.secret,
        created_at=record.created_at,
    )
