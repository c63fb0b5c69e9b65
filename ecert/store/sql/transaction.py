"""One write transaction on the registry: the port `WriteTransaction` in SQL.

Locks are always taken in this order, so two transactions never wait for each other: request, issuer,
licences (rising), the counter of events. On SQLite there is one writer at a time and the row locks say
nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from sqlalchemy import Connection, Select, bindparam, insert, select, text, update

from ecert.errors import KeyFault, Unavailable
from ecert.services.ports import (
    EventDraft,
    IssuedRow,
    LicenceRecord,
    LicenceState,
    NumberKey,
    Operation,
    RandomBytes,
    RequestKey,
    RequestRecord,
    ReservedRow,
    Slot,
    Standing,
)
from ecert.store.data_keys import DataKeys
from ecert.store.sql import bodies
from ecert.store.sql.many import insert_many, update_many
from ecert.store.sql.permutation import FIRST_SIZE, GROWTH, LAST_SIZE, permuted
from ecert.store.sql.schema import (
    counters,
    licences,
    micros,
    requests,
    status_entries,
    status_events,
    status_lists,
)

__all__ = ["SqlTransaction"]

_RESERVED = bodies.STATE_CODES[LicenceState.RESERVED]
_ISSUED = bodies.STATE_CODES[LicenceState.ISSUED]
_ABANDONED = bodies.STATE_CODES[LicenceState.ABANDONED]
_ROW_BITS = 20  # a list has at most 2^20 entries
_AT_ONCE = 500  # values of one IN (…)

_COUNT_EVENTS = (
    update(counters)
    .where(counters.c.name == "status_seq")
    .values(value=counters.c.value + bindparam("more"))
    .returning(counters.c.value)
)


class SqlTransaction:
    """See `ecert.services.ports.WriteTransaction`."""

    def __init__(self, connection: Connection, keys: DataKeys, random_bytes: RandomBytes) -> None:
        self._connection = connection
        self._keys = keys  # opens what any process wrote
        self._ring = keys.ring  # seals and hashes what this transaction writes
        self._random = random_bytes
        self._lists: dict[str, int] = {}
        self._macs: dict[tuple[str, str, str], bytes] = {}  # under the current key, as `numbers` made them

    # requests

    def request(self, key: RequestKey) -> RequestRecord | None:
        """Say what an earlier request with this key came to."""
        key_hash = _key_hash(key)
        self._lock(b"request" + key_hash)
        row = self._connection.execute(
            select(requests).where(requests.c.client_id == key.client_id, requests.c.key_hash == key_hash)
        ).one_or_none()
        if row is None:
            return None
        try:
            mac = self._ring.mac("digest", key.client_id, key.digest, key_id=row.data_key_id)
        except KeyFault:
            mac = b""  # its data key is gone: nobody can say that it is the same request
        return RequestRecord(
            kind=row.kind,
            digest_fits=compare_digest(mac, row.digest_mac),
            licence_id=row.licence_id,
            seq=row.seq,
        )

    def remember(self, key: RequestKey, *, kind: str, licence_id: str, seq: int, at: datetime) -> None:
        """Keep the outcome of this request."""
        self._connection.execute(
            insert(requests),
            {
                "client_id": key.client_id,
                "key_hash": _key_hash(key),
                "digest_mac": self._ring.mac("digest", key.client_id, key.digest),
                "data_key_id": self._ring.current_id,
                "kind": kind,
                "licence_id": licence_id,
                "seq": seq,
                "at": micros(at),
            },
        )

    # issuing

    def lock_issuer(self, issuer: str) -> None:
        """Wait until no other transaction reserves for this issuer."""
        self._lock(b"issuer" + issuer.encode())
        self._keys.refresh()  # a number hashed with a newer key must be found
        self._ring = self._keys.ring
        self._macs.clear()
        bodies.check_ring(self._connection, self._ring)

    def numbers(self, issuer: str, keys: Sequence[NumberKey]) -> Mapping[NumberKey, LicenceRecord]:
        """Find the newest version of each licence by its number."""
        wanted: dict[bytes, NumberKey] = {}
        for key in keys:
            macs = self._ring.macs(*bodies.number_parts(issuer, key.type_code, key.number))
            wanted.update((mac, key) for mac in macs)
            self._macs[issuer, key.type_code, key.number] = macs[-1]
        found: dict[NumberKey, LicenceRecord] = {}
        asked = list(wanted)
        query = bodies.select_records().where(licences.c.state != _ABANDONED)
        for start in range(0, len(asked), _AT_ONCE):
            part = query.where(licences.c.number_mac.in_(asked[start : start + _AT_ONCE]))
            for row in self._connection.execute(part):
                key = wanted[row.number_mac]
                if key not in found or found[key].version < row.version:
                    found[key] = bodies.record_of(row, self._keys)
        return found

    def take(self, issuer: str, count: int) -> Sequence[Slot]:
        """Take unused entries of the issuer's lists, opening a larger one when one is full."""
        taken: list[Slot] = []
        while len(taken) < count:
            newest = self._connection.execute(
                select(status_lists)
                .where(status_lists.c.issuer == issuer)
                .order_by(status_lists.c.number.desc())
                .limit(1)
                .with_for_update()
            ).one_or_none()
            if newest is None or newest.next == newest.size:
                self._open_list(issuer, newest)
                continue
            more = min(count - len(taken), newest.size - newest.next)
            self._connection.execute(
                update(status_lists).where(status_lists.c.n == newest.n).values(next=newest.next + more)
            )
            self._lists[newest.id] = newest.n
            taken.extend(
                Slot(
                    row=newest.n << _ROW_BITS | counter,
                    list_id=newest.id,
                    list_number=newest.number,
                    counter=counter,
                    idx=idx,
                )
                for counter, idx in permuted(
                    range(newest.next, newest.next + more), size=newest.size, key=newest.permutation_key
                )
            )
        return taken

    def _open_list(self, issuer: str, full: object) -> None:
        number = getattr(full, "number", 0) + 1
        self._connection.execute(
            insert(status_lists),
            {
                "id": f"{issuer}.{number}",
                "issuer": issuer,
                "number": number,
                "size": min(getattr(full, "size", FIRST_SIZE // GROWTH) * GROWTH, LAST_SIZE),
                "next": 0,
                "permutation_key": self._random(32),
            },
        )

    def reserve(self, rows: Sequence[ReservedRow]) -> None:
        """Write rows that will be signed."""
        if not rows:
            return
        self._find_lists({row.list_id for row in rows})
        insert_many(
            self._connection,
            licences,
            [
                bodies.reserved_values(
                    row,
                    self._ring,
                    list_number=self._lists[row.list_id],
                    number_mac=self._macs.get((row.issuer, row.type_code, row.number)),
                )
                for row in rows
            ],
        )
        standing = bodies.STANDING_CODES[Standing.RESERVED]
        entries = [(self._lists[row.list_id], row.idx, row.row, standing) for row in rows]
        insert_many(self._connection, status_entries, entries)

    def commit_issued(self, rows: Sequence[IssuedRow], *, client_id: str, at: datetime) -> Mapping[str, int]:
        """Turn reserved rows into issued ones and log one event each."""
        mine = sorted(rows, key=lambda row: row.reserved.row)
        when = micros(at)
        if not self._sign_rows(mine, when):
            # Somebody else finished some of them first; the attempt is undone and made with the rest.
            still = self._still_reserved([row.reserved.row for row in mine])
            mine = [row for row in mine if row.reserved.row in still]
            if not self._sign_rows(mine, when):
                raise Unavailable("expected locked rows to stay reserved, got some that did not")
        if not mine:
            return {}
        self._find_lists({row.reserved.list_id for row in mine})
        valid = bodies.STANDING_CODES[Standing.VALID]
        entries = [(self._lists[row.reserved.list_id], row.reserved.idx) for row in mine]
        update_many(
            self._connection,
            status_entries,
            [(valid, *entry) for entry in entries],
            setting=("standing",),
            where=("list", "idx"),
        )
        first = self._count_events(len(mine))
        value, operation = bodies.value_of(valid), Operation.ISSUE.value
        insert_many(
            self._connection,
            status_events,
            [
                (seq, row.reserved.row, *entry, operation, value, False, client_id, None, None, when)
                for seq, (row, entry) in enumerate(zip(mine, entries, strict=True), start=first)
            ],
        )
        return {row.reserved.licence_id: seq for seq, row in enumerate(mine, start=first)}

    def _sign_rows(self, rows: Sequence[IssuedRow], when: int) -> bool:
        """Write the tokens of rows that are all reserved still; otherwise nothing."""
        with self._connection.begin_nested() as attempt:
            changed = update_many(
                self._connection,
                licences,
                [(*self._signed_values(row), when, _ISSUED, row.reserved.row, _RESERVED) for row in rows],
                setting=("body", "data_key_id", "issued_at", "state"),
                where=("n", "state"),
            )
            if changed != len(rows):
                attempt.rollback()
        return changed == len(rows)

    def _signed_values(self, row: IssuedRow) -> tuple[bytes, str]:
        kept = row.reserved
        body = bodies.Body(row.token, b"", kept.secret, kept.number, kept.holder_code)
        return bodies.seal_body(body, self._ring, licence_id=kept.licence_id), self._ring.current_id

    def _still_reserved(self, rows: Sequence[int]) -> frozenset[int]:
        found: set[int] = set()
        ordered = sorted(rows)
        for start in range(0, len(ordered), _AT_ONCE):
            query = (
                select(licences.c.n)
                .where(licences.c.n.in_(ordered[start : start + _AT_ONCE]), licences.c.state == _RESERVED)
                .order_by(licences.c.n)
                .with_for_update()
            )
            found.update(self._connection.scalars(query))
        return frozenset(found)

    def abandon(self, rows: Sequence[int]) -> None:
        """Give up reserved rows."""
        self._connection.execute(
            update(licences)
            .where(licences.c.n.in_(rows), licences.c.state == _RESERVED)
            .values(state=_ABANDONED)
        )

    # reading for writing, and status

    def find(self, licence_id: str, *, lock: bool = False) -> LicenceRecord | None:
        """Read one licence, waiting for other writers of it when `lock`."""
        query = bodies.select_records().where(licences.c.id == licence_id)
        if lock:
            query = query.with_for_update(of=(licences, status_entries))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else bodies.record_of(row, self._keys)

    def newest(self, family: str) -> LicenceRecord | None:
        """Read the highest version of a family, abandoned ones included."""
        row = self._connection.execute(_versions(family)).one_or_none()
        return None if row is None else bodies.record_of(row, self._keys)

    def newest_issued(self, family: str) -> LicenceRecord | None:
        """Read the highest version of a family that was issued, waiting for other writers of it."""
        query = _versions(family).where(licences.c.state == _ISSUED)
        row = self._connection.execute(query.with_for_update(of=(licences, status_entries))).one_or_none()
        return None if row is None else bodies.record_of(row, self._keys)

    def set_standing(self, changes: Sequence[tuple[EventDraft, Standing]]) -> int:
        """Write the standing of licences and log one event each."""
        self._find_lists({draft.list_id for draft, _ in changes})
        codes = [bodies.STANDING_CODES[standing] for _, standing in changes]
        update_many(
            self._connection,
            status_entries,
            [
                (code, self._lists[draft.list_id], draft.idx)
                for (draft, _), code in zip(changes, codes, strict=True)
            ],
            setting=("standing",),
            where=("list", "idx"),
        )
        first = self._count_events(len(changes))
        key_id = self._ring.current_id
        superseded = bodies.STANDING_CODES[Standing.SUPERSEDED]
        insert_many(
            self._connection,
            status_events,
            [
                (
                    seq,
                    draft.row,
                    self._lists[draft.list_id],
                    draft.idx,
                    draft.operation.value,
                    bodies.value_of(code),
                    code == superseded,
                    draft.client_id,
                    self._sealed_reason(draft),
                    key_id if draft.reason else None,
                    micros(draft.at),
                )
                for seq, ((draft, _), code) in enumerate(zip(changes, codes, strict=True), start=first)
            ],
        )
        return first + len(changes) - 1

    def _count_events(self, more: int) -> int:
        """Take the next event numbers; gives the first. Others wait here until this transaction ends."""
        last: int = self._connection.execute(_COUNT_EVENTS, {"more": more}).scalar_one()
        return last - more + 1

    def _sealed_reason(self, draft: EventDraft) -> bytes | None:
        if not draft.reason:
            return None
        return self._ring.seal(draft.reason.encode(), owner=f"reason:{draft.licence_id}")

    def _find_lists(self, ids: set[str]) -> None:
        missing = ids - self._lists.keys()
        if missing:
            query = select(status_lists.c.id, status_lists.c.n).where(status_lists.c.id.in_(missing))
            self._lists.update((row.id, row.n) for row in self._connection.execute(query))

    def _lock(self, name: bytes) -> None:
        if self._connection.dialect.name == "postgresql":
            number = int.from_bytes(sha256(name).digest()[:8], "big", signed=True)
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": number})


def _versions(family: str) -> Select[tuple[object, ...]]:
    # All identifiers of a family stand together in their order: "/" is the character after ".".
    return (
        bodies.select_records()
        .where(licences.c.id > f"{family}.", licences.c.id < f"{family}/")
        .order_by(licences.c.version.desc())
        .limit(1)
    )


def _key_hash(key: RequestKey) -> bytes:
    return sha256(key.client_id.encode() + b"\0" + key.key.encode()).digest()[:16]
