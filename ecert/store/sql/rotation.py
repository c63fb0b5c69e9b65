"""Bring every row to the current data key (数据密钥轮换), while the registry is in use.

Order matters: first the new key reaches every process (`DataKeys.add` writes it to the file all of them
read), then rows follow here. Until a row has followed it is found and read by its old key. Stopped half
way, the next call goes on. An old key may be taken out of the ring when nothing names it any more and no
backup that needs it is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Table, bindparam, delete, func, select, update

from ecert.store.data_keys import DataKeyRing, DataKeys
from ecert.store.sql import bodies
from ecert.store.sql.database import Database
from ecert.store.sql.schema import data_keys, licences, status_events

__all__ = ["Rotated", "rotate"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation did: rows now under the current key, licences and reasons."""

    key_id: str
    licences: int
    reasons: int


def rotate(
    database: Database, keys: DataKeys, *, progress: Progress | None = None, batch: int = 500
) -> Rotated:
    """Re-encrypt and re-hash all rows that name another data key than the current one.

    Args:
        database: The registry.
        keys: A ring with the new key as its last and the old ones still in it.
        progress: Called after each batch with rows done and rows in all.
        batch: Rows of one transaction.

    Returns:
        How many rows followed.

    Raises:
        KeyFault: A row names a key that is not in the ring, or does not open under it; the rows before it
        are done. Unavailable: The database can't be reached.
    """
    keys.refresh()
    ring = keys.ring
    total = _left(database, ring, licences) + _left(database, ring, status_events)
    done = 0
    counts = []
    for step in (_licence_batch, _reason_batch):
        counted = 0
        while True:
            moved = step(database, ring, batch)
            if moved == 0:
                break
            counted += moved
            done += moved
            if progress is not None:
                progress(done, max(total, done))
        counts.append(counted)
    with database.write() as connection:
        bodies.check_ring(connection, ring)
        connection.execute(delete(data_keys).where(data_keys.c.id != ring.current_id))
    return Rotated(key_id=ring.current_id, licences=counts[0], reasons=counts[1])


def _left(database: Database, ring: DataKeyRing, table: Table) -> int:
    with database.read() as connection:
        count: int = connection.execute(
            select(func.count()).select_from(table).where(table.c.data_key_id != ring.current_id)
        ).scalar_one()
        return count


_LICENCE = (
    update(licences)
    .where(licences.c.n == bindparam("of_n"))
    .values(
        body=bindparam("of_body"),
        number_mac=bindparam("of_number"),
        holder_mac=bindparam("of_holder"),
        data_key_id=bindparam("of_key"),
    )
)


def _licence_batch(database: Database, ring: DataKeyRing, batch: int) -> int:
    with database.write() as connection:
        rows = connection.execute(
            select(
                licences.c.n,
                licences.c.id,
                licences.c.issuer,
                licences.c.type_code,
                licences.c.body,
                licences.c.data_key_id,
            )
            .where(licences.c.data_key_id != ring.current_id)
            .order_by(licences.c.n)
            .limit(batch)
            .with_for_update()
        ).all()
        moved = []
        for row in rows:
            body = bodies.open_body(row.body, ring, key_id=row.data_key_id, licence_id=row.id)
            moved.append(
                {
                    "of_n": row.n,
                    "of_body": bodies.seal_body(body, ring, licence_id=row.id),
                    "of_number": ring.mac(*bodies.number_parts(row.issuer, row.type_code, body.number)),
                    "of_holder": ring.mac(*bodies.holder_parts(body.holder_code)),
                    "of_key": ring.current_id,
                }
            )
        if moved:
            connection.execute(_LICENCE, moved)
        return len(moved)


_REASON = (
    update(status_events)
    .where(status_events.c.seq == bindparam("of_seq"))
    .values(reason=bindparam("of_reason"), data_key_id=bindparam("of_key"))
)


def _reason_batch(database: Database, ring: DataKeyRing, batch: int) -> int:
    with database.write() as connection:
        rows = connection.execute(
            select(status_events.c.seq, status_events.c.reason, status_events.c.data_key_id, licences.c.id)
            .join_from(status_events, licences, licences.c.n == status_events.c.licence)
            .where(status_events.c.data_key_id != ring.current_id)
            .order_by(status_events.c.seq)
            .limit(batch)
            .with_for_update(of=status_events)
        ).all()
        moved = []
        for row in rows:
            owner = f"reason:{row.id}"
            plain = ring.open_sealed(row.reason, key_id=row.data_key_id, owner=owner)
            sealed = ring.seal(plain, owner=owner)
            moved.append({"of_seq": row.seq, "of_reason": sealed, "of_key": ring.current_id})
        if moved:
            connection.execute(_REASON, moved)
        return len(moved)
