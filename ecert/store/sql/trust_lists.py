"""Signed trust lists in SQL: the port `TrustListStore`. Older lists stay, as evidence of what was trusted."""

from collections.abc import Sequence

from sqlalchemy import Row, func, insert, select

from ecert.errors import Conflict
from ecert.services.ports import StoredTrustList
from ecert.store.sql.database import Database
from ecert.store.sql.schema import micros, moment, trust_lists

__all__ = ["SqlTrustLists"]


class SqlTrustLists:
    """See `ecert.services.ports.TrustListStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self, authority: str) -> StoredTrustList | None:
        """The list with the highest seq of this authority."""
        query = (
            select(trust_lists)
            .where(trust_lists.c.authority == authority)
            .order_by(trust_lists.c.seq.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _stored(row)

    def all_current(self) -> Sequence[StoredTrustList]:
        """The newest list of every authority."""
        newest = (
            select(trust_lists.c.authority, func.max(trust_lists.c.seq).label("seq"))
            .group_by(trust_lists.c.authority)
            .subquery()
        )
        query = (
            select(trust_lists)
            .join(
                newest,
                (trust_lists.c.authority == newest.c.authority) & (trust_lists.c.seq == newest.c.seq),
            )
            .order_by(trust_lists.c.authority)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(_stored(row) for row in rows)

    def put(self, lists: Sequence[StoredTrustList]) -> None:
        """Keep lists, all or none; Conflict when one's seq does not rise."""
        with self._database.write() as connection:
            for new in lists:
                highest = connection.execute(
                    select(func.max(trust_lists.c.seq)).where(trust_lists.c.authority == new.authority)
                ).scalar_one()
                if highest is not None and new.seq <= highest:
                    raise Conflict(
                        f"expected a trust list of {new.authority} with a seq above {highest}, got {new.seq}"
                    )
                connection.execute(
                    insert(trust_lists),
                    {
                        "authority": new.authority,
                        "seq": new.seq,
                        "token": new.token,
                        "stored_at": micros(new.stored_at),
                    },
                )


def _stored(row: Row[tuple[object, ...]]) -> StoredTrustList:
    return StoredTrustList(
        authority=row.authority, seq=row.seq, token=row.token, stored_at=moment(row.stored_at)
    )
