"""Clients in SQL: the port `ClientStore`. Secrets are SHA-256 here; 256 random bits need no slow hash."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Row, insert, select, update

from ecert.services.ports import ClientRecord, NewClient, Role
from ecert.store.sql.database import Database
from ecert.store.sql.schema import clients, micros, moment

__all__ = ["SqlClients"]


class SqlClients:
    """See `ecert.services.ports.ClientStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, client: NewClient) -> None:
        """Keep a client; Conflict when its id or secret is already there."""
        record = client.record
        with self._database.write() as connection:
            connection.execute(
                insert(clients),
                {
                    "id": record.client_id,
                    "name": record.name,
                    "role": record.role.value,
                    "authority": record.authority,
                    "secret_hash": client.secret_hash,
                    "created_at": micros(record.created_at),
                    "withdrawn_at": None,
                },
            )

    def withdraw(self, client_id: str, *, at: datetime) -> bool:
        """Withdraw a client; False when there is none, or it was withdrawn before."""
        with self._database.write() as connection:
            done = connection.execute(
                update(clients)
                .where(clients.c.id == client_id, clients.c.withdrawn_at.is_(None))
                .values(withdrawn_at=micros(at))
            )
            return done.rowcount == 1

    def all(self) -> Sequence[ClientRecord]:
        """Every client, withdrawn ones included, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(clients).order_by(clients.c.created_at, clients.c.id)).all()
        return tuple(_record(row) for row in rows)

    def active(self) -> Mapping[bytes, ClientRecord]:
        """Clients that may call now, by the hash of their secret."""
        with self._database.read() as connection:
            rows = connection.execute(select(clients).where(clients.c.withdrawn_at.is_(None))).all()
        return {row.secret_hash: _record(row) for row in rows}


def _record(row: Row[tuple[object, ...]]) -> ClientRecord:
    return ClientRecord(
        client_id=row.id,
        name=row.name,
        role=Role(row.role),
        authority=row.authority,
        created_at=moment(row.created_at),
        withdrawn_at=None if row.withdrawn_at is None else moment(row.withdrawn_at),
    )
