"""The registry (证照库) in SQL: the ports `Registry`, `RegistryReading` and `HandleReading`."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select

from ecert.services.ports import (
    LicenceRecord,
    LicenceState,
    NumberKey,
    Operation,
    RandomBytes,
    StatusEvent,
)
from ecert.store.data_keys import DataKeys
from ecert.store.sql import bodies
from ecert.store.sql.database import Database
from ecert.store.sql.schema import licences, micros, moment, status_events, status_lists
from ecert.store.sql.transaction import SqlTransaction

__all__ = ["SqlRegistry"]

_RESERVED = bodies.STATE_CODES[LicenceState.RESERVED]
_ISSUED = bodies.STATE_CODES[LicenceState.ISSUED]
_ABANDONED = bodies.STATE_CODES[LicenceState.ABANDONED]


class SqlRegistry:
    """Licences in a migrated database, with what tells about persons encrypted.

    Args:
        database: Where they are.
        keys: The data keys that its rows name.
        random_bytes: Gives the keys of new status lists.
    """

    def __init__(self, database: Database, keys: DataKeys, *, random_bytes: RandomBytes = os.urandom) -> None:
        self._database = database
        self._keys = keys
        self._random = random_bytes

    @contextlib.contextmanager
    def begin(self) -> Iterator[SqlTransaction]:
        """Open a write transaction.

        Raises:
            Unavailable: The database can't be reached, is full, or others held it too long.
            Conflict: What was written is there already.
        """
        with self._database.write() as connection:
            # Under the lock, so that a key which any row was written with before is known here.
            self._keys.refresh()
            yield SqlTransaction(connection, self._keys, self._random)

    def find(self, licence_id: str) -> LicenceRecord | None:
        """Read one licence by its identifier."""
        with self._database.read() as connection:
            row = connection.execute(bodies.select_records().where(licences.c.id == licence_id)).one_or_none()
        return None if row is None else bodies.record_of(row, self._keys)

    def find_number(self, issuer: str, key: NumberKey) -> LicenceRecord | None:
        """Read the newest version of a licence by its number."""
        macs = self._keys.ring.macs(*bodies.number_parts(issuer, key.type_code, key.number))
        query = (
            bodies.select_records()
            .where(licences.c.number_mac.in_(macs), licences.c.state != _ABANDONED)
            .order_by(licences.c.version.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else bodies.record_of(row, self._keys)

    def of_holder(self, holder_code: str, *, limit: int = 100) -> Sequence[LicenceRecord]:
        """Read the issued licences of one holder, newest first."""
        query = (
            bodies.select_records()
            .where(
                licences.c.holder_mac.in_(self._keys.ring.macs(*bodies.holder_parts(holder_code))),
                licences.c.state == _ISSUED,
            )
            .order_by(licences.c.issued_at.desc(), licences.c.n.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(bodies.record_of(row, self._keys) for row in rows)

    def reserved(
        self, *, before: datetime, limit: int = 1000, after_row: int = -1
    ) -> Sequence[LicenceRecord]:
        """Read rows that were reserved before a moment and never signed, by rising row number."""
        query = (
            bodies.select_records()
            .where(
                licences.c.state == _RESERVED,
                licences.c.created_at < micros(before),
                licences.c.n > after_row,
            )
            .order_by(licences.c.n)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(bodies.record_of(row, self._keys) for row in rows)

    def walk(self, *, batch: int = 1000) -> Iterator[Sequence[tuple[LicenceRecord, int | None]]]:
        """Read every row in batches, each with the value that its newest event gave it."""
        newest = (
            select(func.max(status_events.c.seq))
            .where(status_events.c.licence == licences.c.n)
            .correlate(licences)
            .scalar_subquery()
        )
        event_value = (
            select(status_events.c.value)
            .where(status_events.c.seq == newest)
            .correlate(licences)
            .scalar_subquery()
        )
        query = bodies.select_records().add_columns(event_value.label("event_value"))
        after = -1
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    query.where(licences.c.n > after).order_by(licences.c.n).limit(batch)
                ).all()
            if not rows:
                return
            after = rows[-1].n
            yield tuple((bodies.record_of(row, self._keys), row.event_value) for row in rows)

    def history(self, licence_id: str) -> Sequence[tuple[StatusEvent, Operation, str | None]]:
        """Read every event of one licence in order, with its operation and reason."""
        query = (
            select(status_events, status_lists.c.id.label("list_id"))
            .join_from(status_events, licences, licences.c.n == status_events.c.licence)
            .join(status_lists, status_lists.c.n == status_events.c.list)
            .where(licences.c.id == licence_id)
            .order_by(status_events.c.seq)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            (
                StatusEvent(
                    seq=row.seq,
                    list_id=row.list_id,
                    idx=row.idx,
                    value=row.value,
                    superseded=row.superseded,
                    at=moment(row.at),
                ),
                Operation(row.operation),
                self._reason(row.reason, row.data_key_id, licence_id),
            )
            for row in rows
        )

    def _reason(self, sealed: bytes | None, key_id: str | None, licence_id: str) -> str | None:
        if sealed is None or key_id is None:
            return None
        return self._keys.open_sealed(sealed, key_id=key_id, owner=f"reason:{licence_id}").decode()

    def token_of(self, licence_id: str) -> str | None:
        """The licence as it was issued; None when there is none under this identifier."""
        with self._database.read() as connection:
            row = connection.execute(_TOKEN, {"of_id": licence_id}).one_or_none()
        if row is None:
            return None
        return bodies.open_body(row.body, self._keys, key_id=row.data_key_id, licence_id=licence_id).token

    def token_by_handle(self, handle: bytes) -> str | None:
        """Find the token of the licence whose 16-byte short handle this is; None if nobody's."""
        query = bodies.select_records().where(
            licences.c.handle_hash == bodies.handle_hash(handle), licences.c.state == _ISSUED
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else bodies.record_of(row, self._keys).token


# Asked at each licence's first scan, so it is built once and reads no more than it needs.
_TOKEN = select(licences.c.body, licences.c.data_key_id).where(
    licences.c.id == bindparam("of_id"), licences.c.state == _ISSUED
)
