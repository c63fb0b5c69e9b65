"""What the services ask of the outside: registry, status log, keys, clients, time and randomness.

Services see only these Protocols; `ecert.store` implements them and `ecert.assembly` brings the two together.

- A reading port and a writing port are two Protocols, so a verifier can't be handed a writer.
- A write happens inside `with registry.begin() as t:`: committed when the block ends, undone when it raises.
- Plain values cross a port. What is stored of a person (the holder's name and code, the licence's number,
  the token) is hashed with a key or encrypted by the store, so no service can forget to.
- Every `datetime` is timezone-aware UTC. A store that is out of reach raises `Unavailable`, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from ecert.services.records import (
    Actor,
    ClientRecord,
    EventDraft,
    IssuedRow,
    LicenceRecord,
    LicenceState,
    ListInfo,
    NewClient,
    NumberKey,
    Operation,
    RequestKey,
    RequestRecord,
    ReservedRow,
    Role,
    Slot,
    Standing,
    StatusEvent,
    StatusValue,
    StoredTrustList,
)

if TYPE_CHECKING:
    from ecert.crypto import PrivateKey

__all__ = [
    "Actor",
    "CacheWatch",
    "ClientRecord",
    "ClientStore",
    "Clock",
    "EventDraft",
    "HandleReading",
    "IssuedRow",
    "Leases",
    "LicenceRecord",
    "LicenceState",
    "ListInfo",
    "NewClient",
    "NumberKey",
    "Operation",
    "RandomBytes",
    "Registry",
    "RegistryReading",
    "RequestKey",
    "RequestRecord",
    "ReservedRow",
    "Role",
    "Signer",
    "Slot",
    "Standing",
    "StatusEvent",
    "StatusLog",
    "StatusValue",
    "StoredTrustList",
    "TrustListStore",
    "WriteTransaction",
]

Clock = Callable[[], datetime]
RandomBytes = Callable[[int], bytes]


class WriteTransaction(Protocol):
    """One SQL transaction on the registry. Others see nothing of it until the block has ended well."""

    def request(self, key: RequestKey) -> RequestRecord | None:
        """Say what an earlier request with this key came to."""

    def remember(self, key: RequestKey, *, kind: str, licence_id: str, seq: int, at: datetime) -> None:
        """Keep the outcome of this request; Conflict if another transaction kept one meanwhile."""

    def lock_issuer(self, issuer: str) -> None:
        """Wait until no other transaction reserves for this issuer, so that what is read next stays true."""

    def numbers(self, issuer: str, keys: Sequence[NumberKey]) -> Mapping[NumberKey, LicenceRecord]:
        """Find the newest version of each licence by its number; those unknown are left out."""

    def take(self, issuer: str, count: int) -> Sequence[Slot]:
        """Take unused entries of the issuer's status lists, opening a larger list when one is full."""

    def reserve(self, rows: Sequence[ReservedRow]) -> None:
        """Write rows that will be signed; Conflict when an identifier, index or number is already there."""

    def commit_issued(self, rows: Sequence[IssuedRow], *, client_id: str, at: datetime) -> Mapping[str, int]:
        """Turn reserved rows into issued ones and log one event each.

        Returns:
            The event number of each identifier that was still reserved. The others were signed by someone
            else first, or abandoned, and are untouched.
        """

    def abandon(self, rows: Sequence[int]) -> None:
        """Give up reserved rows. Their identifiers and indexes stay used."""

    def find(self, licence_id: str, *, lock: bool = False) -> LicenceRecord | None:
        """Read one licence, waiting for other writers of it when `lock`."""

    def newest(self, family: str) -> LicenceRecord | None:
        """Read the highest version of a family, abandoned ones included."""

    def newest_issued(self, family: str) -> LicenceRecord | None:
        """Read the highest version of a family that was issued, waiting for other writers of it."""

    def set_standing(self, changes: Sequence[tuple[EventDraft, Standing]]) -> int:
        """Write the standing of licences and log one event each; returns the number (seq) of the last."""


class RegistryReading(Protocol):
    """What may be asked of the registry without changing it."""

    def find(self, licence_id: str) -> LicenceRecord | None:
        """Read one licence by its identifier (电子证照标识)."""

    def find_number(self, issuer: str, key: NumberKey) -> LicenceRecord | None:
        """Read the newest version of a licence by its number."""

    def of_holder(self, holder_code: str, *, limit: int = 100) -> Sequence[LicenceRecord]:
        """Read the issued licences of one holder (持证主体), newest first."""

    def reserved(
        self, *, before: datetime, limit: int = 1000, after_row: int = -1
    ) -> Sequence[LicenceRecord]:
        """Read rows that were reserved before a moment and never signed, by rising row number."""

    def walk(self, *, batch: int = 1000) -> Iterator[Sequence[tuple[LicenceRecord, int | None]]]:
        """Read every row in batches, each with the value of its newest event (None: it has none)."""

    def history(self, licence_id: str) -> Sequence[tuple[StatusEvent, Operation, str | None]]:
        """Read every event of one licence in order, with its operation and reason."""


class Registry(RegistryReading, Protocol):
    """The registry with its writing half."""

    def begin(self) -> AbstractContextManager[WriteTransaction]:
        """Open a write transaction; Unavailable if none can be had within the store's limit."""


class HandleReading(Protocol):
    """Short codes (短码) to tokens."""

    def token_by_handle(self, handle: bytes) -> str | None:
        """Find the token of the licence whose 16-byte short handle this is; None if nobody's."""


class StatusLog(Protocol):
    """The truth about statuses, to be read by relay, mirror checks and publisher."""

    def head(self) -> int:
        """The highest committed event number, 0 before the first."""

    def events_after(self, seq: int, limit: int) -> Sequence[StatusEvent]:
        """The next events after `seq` in order, without a gap."""

    def lists(self) -> Sequence[ListInfo]:
        """Every status list there is."""

    def snapshot(self, list_id: str) -> tuple[int, bytes, Sequence[int]]:
        """One list as it stands, read in one transaction.

        Returns:
            The event number at which it is true, its entries packed 2 bits each in Token Status List order
            (least significant bits first, never issued = 3), and the indexes that are superseded, rising.

        Raises:
            NotFound: There is no such list.
        """


class Leases(Protocol):
    """Who leads. A fence rises with each new holder, so that a paused leader's late write can be refused."""

    def acquire(self, name: str, holder: str, ttl: timedelta, now: datetime) -> int | None:
        """Take or renew a lease; returns its fence, or None while somebody else's is running."""

    def release(self, name: str, holder: str) -> None:
        """Give the lease up if it is this holder's."""

    def next_epoch(self) -> int:
        """A number that no call has returned before, higher than all of them."""


class CacheWatch(Protocol):
    """Lets a status change wait for the cache."""

    def wait_applied(self, seq: int, timeout: timedelta) -> bool:
        """Wait until the cache holds event `seq`, at most `timeout`; False if it hasn't it by then."""


class Signer(Protocol):
    """Holds private keys and hands out the one that is current."""

    def key_for(self, authority: str, use: str, *, at: datetime) -> PrivateKey:
        """The key an authority signs with now, for one use (`licence`, `status` or `trust`).

        Raises:
            KeyFault: There is none whose window covers `at`.
        """


class TrustListStore(Protocol):
    """Trust lists (信任列表) by authority; a list's `seq` only rises."""

    def current(self, authority: str) -> StoredTrustList | None:
        """The list with the highest seq of this authority."""

    def all_current(self) -> Sequence[StoredTrustList]:
        """The newest list of every authority."""

    def put(self, lists: Sequence[StoredTrustList]) -> None:
        """Keep lists, all or none; Conflict when one's seq does not rise."""


class ClientStore(Protocol):
    """Clients and the hashes of their secrets."""

    def add(self, client: NewClient) -> None:
        """Keep a client; Conflict when its id or secret is already there."""

    def withdraw(self, client_id: str, *, at: datetime) -> bool:
        """Withdraw a client; False when there is none, or it was withdrawn before."""

    def all(self) -> Sequence[ClientRecord]:
        """Every client, withdrawn ones included, oldest first."""

    def active(self) -> Mapping[bytes, ClientRecord]:
        """Clients that may call now, by the hash of their secret."""
