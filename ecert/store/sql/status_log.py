"""The log of status events and the lists they make up: the port `StatusLog` in SQL."""

from collections.abc import Sequence

from sqlalchemy import select

from ecert.errors import NotFound
from ecert.services.ports import ListInfo, Standing, StatusEvent
from ecert.store.sql import bodies
from ecert.store.sql.database import Database
from ecert.store.sql.schema import counters, moment, status_entries, status_events, status_lists

__all__ = ["SqlStatusLog"]

_SUPERSEDED = bodies.STANDING_CODES[Standing.SUPERSEDED]
_RESERVED = bodies.STANDING_CODES[Standing.RESERVED]
_HEAD = select(counters.c.value).where(counters.c.name == "status_seq")


class SqlStatusLog:
    """Reads the truth about statuses; it has no way to write."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self) -> int:
        """The highest committed event number, 0 before the first."""
        with self._database.read() as connection:
            seq: int = connection.execute(_HEAD).scalar_one()
            return seq

    def events_after(self, seq: int, limit: int) -> Sequence[StatusEvent]:
        """The next events after `seq` in order, without a gap."""
        query = (
            select(
                status_events.c.seq,
                status_lists.c.id,
                status_events.c.idx,
                status_events.c.value,
                status_events.c.superseded,
                status_events.c.at,
            )
            .join_from(status_events, status_lists, status_lists.c.n == status_events.c.list)
            .where(status_events.c.seq > seq)
            .order_by(status_events.c.seq)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            StatusEvent(
                seq=number, list_id=list_id, idx=idx, value=value, superseded=superseded, at=moment(at)
            )
            for number, list_id, idx, value, superseded, at in rows
        )

    def lists(self) -> Sequence[ListInfo]:
        """Every status list there is, in order of opening."""
        query = select(status_lists.c.id, status_lists.c.size, status_lists.c.issuer).order_by(
            status_lists.c.n
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(ListInfo(id=row.id, size=row.size, issuer=row.issuer) for row in rows)

    def snapshot(self, list_id: str) -> tuple[int, bytes, Sequence[int]]:
        """One list as it stands: the event number it is true at, its packed entries, its superseded indexes.

        Raises:
            NotFound: There is no such list.
        """
        with self._database.read() as connection:
            seq: int = connection.execute(_HEAD).scalar_one()
            found = connection.execute(
                select(status_lists.c.n, status_lists.c.size).where(status_lists.c.id == list_id)
            ).one_or_none()
            if found is None:
                raise NotFound("expected the id of a status list, got none that exists")
            rows = connection.execute(
                select(status_entries.c.idx, status_entries.c.standing)
                .where(status_entries.c.list == found.n, status_entries.c.standing != _RESERVED)
                .order_by(status_entries.c.idx)
            ).all()
        values = bytearray(b"\x03") * found.size  # an entry never issued says so
        superseded: list[int] = []
        for idx, standing in rows:
            values[idx] = bodies.value_of(standing)
            if standing == _SUPERSEDED:
                superseded.append(idx)
        return seq, _pack(values), superseded


def _pack(values: bytearray) -> bytes:
    # Four entries a byte, the first in the lowest bits. Big integers do it without a loop over the entries.
    parts = [int.from_bytes(values[place::4], "big") << (2 * place) for place in range(4)]
    return (parts[0] | parts[1] | parts[2] | parts[3]).to_bytes(len(values) // 4, "big")
