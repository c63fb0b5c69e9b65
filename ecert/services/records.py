"""The small things that pass between services and stores: who asks, what a licence stands at, what is kept.

Every `datetime` is timezone-aware UTC. Nothing here holds a secret key.
Those that are made for every licence of a large table are msgspec structs, which are made five times as fast.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

import msgspec

__all__ = [
    "Actor",
    "ClientRecord",
    "EventDraft",
    "IssuedRow",
    "LicenceRecord",
    "LicenceState",
    "ListInfo",
    "NewClient",
    "NumberKey",
    "Operation",
    "RequestKey",
    "RequestRecord",
    "ReservedRow",
    "Role",
    "Slot",
    "Standing",
    "StatusEvent",
    "StatusValue",
    "StoredTrustList",
]


class Role(StrEnum):
    """What a client (接入方) may do: a department issues, a window checks, an operator runs the system."""

    DEPARTMENT = "department"
    WINDOW = "window"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An authenticated caller. `authority` is the USCC of a department (发证单位), None for other roles."""

    client_id: str
    role: Role
    authority: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """An Idempotency-Key: who sent it, the key, and a digest (hex SHA-256) of the request it stands for."""

    client_id: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """What an earlier request with the same key came to: its kind and the licence (and event) it made."""

    kind: str
    digest_fits: bool
    licence_id: str
    seq: int


class StatusValue(IntEnum):
    """The two bits of a status list entry (Token Status List with our value 3)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2
    NEVER_ISSUED = 3


class Operation(StrEnum):
    """What was done to a licence: 新发 暂扣 恢复 吊销 注销 撤销 变更/延续."""

    ISSUE = "issue"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"
    CANCEL = "cancel"
    WITHDRAW = "withdraw"
    SUPERSEDE = "supersede"


class Standing(StrEnum):
    """Where a licence stands: 有效 暂扣 吊销 注销 撤销 已变更; `reserved` has no signature yet."""

    RESERVED = "reserved"
    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class LicenceState(StrEnum):
    """How far issuing has come. An abandoned row keeps its identifier and index, and never gets a token."""

    RESERVED = "reserved"
    ISSUED = "issued"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """One line of the append-only log: entry `idx` of `list_id` became `value` by event number `seq`."""

    seq: int
    list_id: str
    idx: int
    value: int
    superseded: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInfo:
    """A status list that exists: its id (`<USCC>.<number>`), its number of entries, and its issuer."""

    id: str
    size: int
    issuer: str = ""


class Slot(msgspec.Struct, frozen=True, gc=False):
    """One entry of a status list, taken for one licence for ever: the `counter`-th of its list.

    `row` is the store's own number of the licence.
    """

    row: int
    list_id: str
    list_number: int
    counter: int
    idx: int


class NumberKey(msgspec.Struct, frozen=True, gc=False):
    """What makes a licence one and the same in its issuer's eyes: type and licence number (证照编号)."""

    type_code: str
    number: str


class ReservedRow(msgspec.Struct, frozen=True, kw_only=True):
    """All that is fixed before signing. `claims` is the exact JSON to be signed, `secret` 32 random bytes.

    The first half of `secret` is the licence's short handle, the second the seed of its disclosures' salts.
    `row` is the store's own number, from the slot.
    """

    row: int
    licence_id: str
    family: str
    version: int
    issuer: str
    type_code: str
    number: str
    holder_code: str
    list_id: str
    idx: int
    claims: bytes
    secret: bytes
    created_at: datetime


class IssuedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A signature made for a reserved row."""

    reserved: ReservedRow
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceRecord:
    """A licence as the registry holds it. `claims` is empty once it has a token, which is None until then."""

    row: int
    licence_id: str
    family: str
    version: int
    issuer: str
    type_code: str
    number: str
    holder_code: str
    list_id: str
    idx: int
    state: LicenceState
    standing: Standing
    value: int
    superseded: bool
    token: str | None
    claims: bytes
    secret: bytes
    created_at: datetime
    issued_at: datetime | None


class EventDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A status event before it has its number. `reason` is free text of the department, encrypted at rest."""

    row: int
    licence_id: str
    list_id: str
    idx: int
    operation: Operation
    client_id: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrustList:
    """A signed trust list of one authority."""

    authority: str
    seq: int
    token: str
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRecord:
    """A client (接入方) as kept: no secret, only who it is."""

    client_id: str
    name: str
    role: Role
    authority: str | None
    created_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client being made, with the SHA-256 of its secret."""

    record: ClientRecord
    secret_hash: bytes
