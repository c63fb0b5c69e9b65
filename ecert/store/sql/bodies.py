"""Between rows of `licences` and records: what is encrypted, what is hashed, and how a standing is kept.

The body holds the token (or, until there is one, the claims to be signed), the secret behind the short
handle, what the issuer asked for, and the plain number and holder's code, which make rotation to another
data key possible.
"""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection, Row, Select, insert, select

from ecert.errors import KeyFault, Unavailable
from ecert.services.ports import LicenceRecord, LicenceState, ReservedRow, Standing, StatusValue
from ecert.store.data_keys import DataKeyRing, DataKeys
from ecert.store.sql.schema import data_keys, licences, micros, moment, status_entries, status_lists

__all__ = [
    "STANDING_CODES",
    "STATE_CODES",
    "Body",
    "check_ring",
    "family_of",
    "handle_hash",
    "holder_parts",
    "number_parts",
    "open_body",
    "record_of",
    "reserved_values",
    "seal_body",
    "select_records",
    "value_of",
]

STATE_CODES: Mapping[LicenceState, int] = MappingProxyType(
    {LicenceState.RESERVED: 0, LicenceState.ISSUED: 1, LicenceState.ABANDONED: 2}
)
# Below 4 the code is the status list's own value, so that a list is packed from it without thinking.
STANDING_CODES: Mapping[Standing, int] = MappingProxyType(
    {
        Standing.VALID: 0,
        Standing.SUSPENDED: 2,
        Standing.RESERVED: 3,
        Standing.REVOKED: 4,
        Standing.CANCELLED: 5,
        Standing.WITHDRAWN: 6,
        Standing.SUPERSEDED: 7,
    }
)
_STATES = {code: state for state, code in STATE_CODES.items()}
_STANDINGS = {code: standing for standing, code in STANDING_CODES.items()}
_PREFIX = "licence:"


class Body(msgspec.Struct, array_like=True, frozen=True):
    """The encrypted part of a row. New members go at the end, with a default."""

    token: str | None
    claims: bytes
    secret: bytes
    number: str
    holder_code: str


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Body)


def value_of(standing_code: int) -> int:
    """The status list value of a standing's code."""
    return standing_code if standing_code < 4 else StatusValue.INVALID


def seal_body(body: Body, ring: DataKeyRing, *, licence_id: str) -> bytes:
    """Encrypt a body under the ring's current data key."""
    return ring.seal(_ENCODER.encode(body), owner=_PREFIX + licence_id)


def open_body(sealed: bytes, keys: DataKeys | DataKeyRing, *, key_id: str, licence_id: str) -> Body:
    """Decrypt a body; KeyFault when its key is missing or the bytes are another row's."""
    plain = keys.open_sealed(sealed, key_id=key_id, owner=_PREFIX + licence_id)
    try:
        return _DECODER.decode(plain)
    except msgspec.DecodeError:
        raise KeyFault("expected the body of a licence, got something else under the right key") from None


def number_parts(issuer: str, type_code: str, number: str) -> tuple[str, str, str, str]:
    """What the hash of a licence number is made over."""
    return ("number", issuer, type_code, number)


def holder_parts(holder_code: str) -> tuple[str, str]:
    """What the hash of a holder's code is made over."""
    return ("holder", holder_code)


def handle_hash(secret: bytes) -> bytes:
    """The look-up value of a short handle, the first 16 bytes of a secret: 128 random bits need no key."""
    return sha256(secret[:16]).digest()[:16]


def reserved_values(
    row: ReservedRow, ring: DataKeyRing, *, list_number: int, number_mac: bytes | None = None
) -> tuple[object, ...]:
    """The columns of a reserved row, in the table's order; `number_mac` where it was made before."""
    body = Body(None, row.claims, row.secret, row.number, row.holder_code)
    return (
        row.row,
        row.licence_id,
        row.version,
        row.issuer,
        row.type_code,
        number_mac or ring.mac(*number_parts(row.issuer, row.type_code, row.number)),
        ring.mac(*holder_parts(row.holder_code)),
        handle_hash(row.secret),
        STATE_CODES[LicenceState.RESERVED],
        list_number,
        row.idx,
        seal_body(body, ring, licence_id=row.licence_id),
        ring.current_id,
        micros(row.created_at),
        None,
    )


def select_records() -> Select[tuple[object, ...]]:
    """The columns that `record_of` wants."""
    return (
        select(
            licences.c.n,
            licences.c.id,
            licences.c.version,
            licences.c.issuer,
            licences.c.type_code,
            licences.c.state,
            licences.c.idx,
            licences.c.body,
            licences.c.data_key_id,
            licences.c.created_at,
            licences.c.issued_at,
            licences.c.number_mac,
            status_lists.c.id.label("list_id"),
            status_entries.c.standing,
        )
        .join_from(
            licences,
            status_entries,
            (status_entries.c.list == licences.c.list) & (status_entries.c.idx == licences.c.idx),
        )
        .join(status_lists, status_lists.c.n == licences.c.list)
    )


def record_of(row: Row[tuple[object, ...]], keys: DataKeys) -> LicenceRecord:
    """Decrypt one row into a record."""
    body = open_body(row.body, keys, key_id=row.data_key_id, licence_id=row.id)
    standing = _STANDINGS[row.standing]
    return LicenceRecord(
        row=row.n,
        licence_id=row.id,
        family=family_of(row.id),
        version=row.version,
        issuer=row.issuer,
        type_code=row.type_code,
        number=body.number,
        holder_code=body.holder_code,
        list_id=row.list_id,
        idx=row.idx,
        state=_STATES[row.state],
        standing=standing,
        value=value_of(row.standing),
        superseded=standing is Standing.SUPERSEDED,
        token=body.token,
        claims=body.claims,
        secret=body.secret,
        created_at=moment(row.created_at),
        issued_at=None if row.issued_at is None else moment(row.issued_at),
    )


def family_of(licence_id: str) -> str:
    """An identifier without its version and check character."""
    return licence_id.rsplit(".", 2)[0]


def check_ring(connection: Connection, ring: DataKeyRing) -> None:
    """Make sure that what other processes hashed is found, and say under which key this one hashes.

    Raises:
        Unavailable: Rows are under a data key that this process does not have; a number could be given twice.
    """
    known = set(connection.execute(select(data_keys.c.id)).scalars())
    missing = known.difference(ring.ids)
    if missing:
        raise Unavailable(
            f"expected data key {min(missing)} in this process's ring, which rows of the registry are under"
        )
    if ring.current_id not in known:
        connection.execute(insert(data_keys), {"id": ring.current_id})
