"""A registry on either database, and licences to put into it by hand."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ecert.services.ports import IssuedRow, ReservedRow
from ecert.store import DataKeys
from ecert.store.sql import Database, SqlClients, SqlLeases, SqlRegistry, SqlStatusLog, SqlTrustLists, migrate
from tests.world import IDS, SAFETY_TYPE, licence_id

NOW = datetime(2026, 6, 15, 2, 0, tzinfo=UTC)
ISSUER = IDS["housing"]
OTHER = IDS["market"]
HOLDER = "11010519491231002X"
NAME = "甲示例"


@dataclass
class Truth:
    """Everything that stands on one database."""

    url: str
    database: Database
    keys: DataKeys
    registry: SqlRegistry
    log: SqlStatusLog
    leases: SqlLeases
    clients: SqlClients
    lists: SqlTrustLists

    def reserve(
        self, count: int = 1, *, issuer: str = ISSUER, serial: str = "S", version: int = 1, **changes
    ) -> list[ReservedRow]:
        """Reserve licences; numbers and serials count up."""
        with self.registry.begin() as t:
            t.lock_issuer(issuer)
            rows = [
                row(slot, issuer=issuer, serial=f"{serial}{place}", version=version, **changes)
                for place, slot in enumerate(t.take(issuer, count))
            ]
            t.reserve(rows)
        return rows

    def issue(self, count: int = 1, **options) -> list[ReservedRow]:
        """Reserve licences and commit a made-up token for each."""
        rows = self.reserve(count, **options)
        self.commit(rows)
        return rows

    def commit(self, rows: Sequence[ReservedRow]) -> dict[str, int]:
        with self.registry.begin() as t:
            issued = [IssuedRow(reserved=row, token=f"token of {row.licence_id}~") for row in rows]
            return dict(t.commit_issued(issued, client_id="c1", at=NOW))


def row(slot, *, issuer: str, serial: str, version: int = 1, **changes) -> ReservedRow:
    """A row for one slot."""
    id_ = licence_id(SAFETY_TYPE, issuer, serial, version)
    made = ReservedRow(
        row=slot.row,
        licence_id=id_,
        family=id_.rsplit(".", 2)[0],
        version=version,
        issuer=issuer,
        type_code=SAFETY_TYPE,
        number=f"（示）{serial}",
        holder_code=HOLDER,
        list_id=slot.list_id,
        idx=slot.idx,
        claims=f'{{"CZZT":"{NAME}"}}'.encode(),
        secret=os.urandom(32),
        created_at=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def open_truth(url: str, home: Path) -> Truth:
    """Open, migrate and equip a database."""
    database = Database(url, wait=timedelta(seconds=20))
    migrate(database)
    keys = DataKeys.open(home / "data.keys")
    return Truth(
        url=url,
        database=database,
        keys=keys,
        registry=SqlRegistry(database, keys),
        log=SqlStatusLog(database),
        leases=SqlLeases(database),
        clients=SqlClients(database),
        lists=SqlTrustLists(database),
    )


@pytest.fixture
def truth(sql_url: str, tmp_path: Path) -> Iterator[Truth]:
    """A migrated registry on SQLite and on PostgreSQL."""
    made = open_truth(sql_url, tmp_path)
    yield made
    made.database.close()
