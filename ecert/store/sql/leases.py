"""Leases and epochs in SQL: the port `Leases`."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from ecert.store.sql.database import Database
from ecert.store.sql.schema import counters, leases, micros

__all__ = ["SqlLeases"]


class SqlLeases:
    """One leader for each name, by the clock of whoever asks. The fence limits what a wrong clock can do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, holder: str, ttl: timedelta, now: datetime) -> int | None:
        """Take or renew a lease; returns its fence, or None while somebody else's is running."""
        until = micros(now + ttl)
        with self._database.write() as connection:
            # The counter's row is there from the first migration on: locking it makes first holders queue
            # as well.
            connection.execute(select(counters).where(counters.c.name == "epoch").with_for_update())
            row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            if row is None:
                connection.execute(
                    insert(leases), {"name": name, "holder": holder, "fence": 1, "until": until}
                )
                return 1
            if row.holder != holder and row.until > micros(now):
                return None
            fence: int = row.fence if row.holder == holder else row.fence + 1
            connection.execute(
                update(leases).where(leases.c.name == name).values(holder=holder, fence=fence, until=until)
            )
            return fence

    def release(self, name: str, holder: str) -> None:
        """Give the lease up if it is this holder's. Its fence stays, so that the next one's is higher."""
        with self._database.write() as connection:
            connection.execute(
                update(leases)
                .where(leases.c.name == name, leases.c.holder == holder)
                .values(holder="", until=0)
            )

    def next_epoch(self) -> int:
        """A number that no call has returned before, higher than all of them."""
        with self._database.write() as connection:
            value: int = connection.execute(
                update(counters)
                .where(counters.c.name == "epoch")
                .values(value=counters.c.value + 1)
                .returning(counters.c.value)
            ).scalar_one()
            return value
