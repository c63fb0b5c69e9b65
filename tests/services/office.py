"""A whole office on one SQL database: registry, keys and services, with a clock that a test moves.

Keys and trust are those of `tests.world`, so a licence issued here can be verified there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from ecert.crypto import PrivateKey
from ecert.errors import KeyFault
from ecert.licence import Draft, load_types
from ecert.services import Actor, Issuing, Licences, Publishing, RequestKey, Role, StatusChanges
from ecert.services.ports import StoredTrustList
from ecert.store import DataKeys
from ecert.store.sql import Database, SqlRegistry, SqlStatusLog, SqlTrustLists, migrate
from ecert.verify import StatusAnswer
from tests.licence.samples import BUSINESS_DRAFT, DRIVING_DRAFT
from tests.world import BASE_URL, DELEGATES, IDS, NOW, ROOT_ID, World, private_key, standard

MARKET = IDS["market"]
HOUSING = IDS["housing"]
CLERK = Actor(client_id="c-market", role=Role.DEPARTMENT, authority=MARKET)
STRANGER = Actor(client_id="c-housing", role=Role.DEPARTMENT, authority=HOUSING)
WINDOW = Actor(client_id="c-window", role=Role.WINDOW)
OPERATOR = Actor(client_id="c-operator", role=Role.OPERATOR)
DRAFT = replace(BUSINESS_DRAFT, valid_from=date(2026, 6, 1))
SECRET_DRAFT = replace(DRIVING_DRAFT, valid_from=date(2026, 6, 1), valid_until=date(2032, 5, 31))


class WorldSigner:
    """The keys of the world by authority; `missing` ones are refused as a lost key would be."""

    def __init__(self) -> None:
        self.names = {id_: name for name, id_ in IDS.items()}
        self.missing: set[str] = set()
        self.calls = 0

    def key_for(self, authority: str, use: str, *, at: datetime) -> PrivateKey:
        self.calls += 1
        if authority in self.missing:
            raise KeyFault("expected a key in force, got none")
        return private_key(f"{self.names[authority]} {use}")


class LogView:
    """A `StatusView` straight from SQL, always fresh: what a mirror would show once it has everything."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
        list_id = uri.rsplit("/", 1)[1]
        _, packed, superseded = self._office.log.snapshot(list_id)
        if idx >= 4 * len(packed):
            return None
        value = packed[idx // 4] >> 2 * (idx % 4) & 3
        return StatusAnswer(value, idx in superseded, self._office.now)


class Office:
    """See the module."""

    def __init__(self, home: Path, *, url: str | None = None, watch: object = None) -> None:
        self.home = home
        self.url = url or f"sqlite:///{home / 'ecert.db'}"
        self.now = NOW
        self.database = Database(self.url, wait=timedelta(seconds=20))
        migrate(self.database)
        self.keys = DataKeys.open(home / "data.keys")
        self.registry = SqlRegistry(self.database, self.keys)
        self.log = SqlStatusLog(self.database)
        self.lists = SqlTrustLists(self.database)
        self.signer = WorldSigner()
        self.world: World = standard()
        self.issuing = Issuing(
            self.registry,
            self.signer,
            types=load_types(),
            trust=lambda: self.world.trust,
            clock=self.clock,
            random_bytes=os.urandom,
            base_url=BASE_URL,
            watch=watch,
        )
        self.changes = StatusChanges(self.registry, clock=self.clock, watch=watch)
        self.licences = Licences(self.registry, base_url=BASE_URL)
        self.publishing = Publishing(
            self.log,
            self.lists,
            self.signer,
            trust=lambda: self.world.trust,
            clock=self.clock,
            base_url=BASE_URL,
        )

    def clock(self) -> datetime:
        return self.now

    def issue(
        self,
        draft: Draft = DRAFT,
        *,
        by: Actor = CLERK,
        issuer: str = MARKET,
        request: RequestKey | None = None,
    ):
        return self.issuing.issue(draft, issuer=issuer, by=by, request=request)

    @staticmethod
    def signer_id(name: str) -> str:
        """The USCC of an authority of the world."""
        return IDS[name]

    def value(self, list_id: str, idx: int) -> int:
        """One entry as the log's snapshot has it."""
        return LogView(self).lookup(f"x/{list_id}", idx).value

    def verdict(self, token: str):
        """What a verifier with perfect knowledge says."""
        return self.world.verify(token, status=LogView(self), at=self.now)

    def publish_trust(self, seq: int = 1) -> None:
        """Keep the world's lists in SQL."""
        self.lists.put(
            [
                StoredTrustList(
                    authority=ROOT_ID if name == "root" else IDS[name],
                    seq=seq,
                    token=token.decode(),
                    stored_at=self.now,
                )
                for name, token in zip(("root", *DELEGATES), self.world.lists, strict=True)
            ]
        )

    def close(self) -> None:
        self.database.close()


@contextmanager
def office(home: Path, **options: object) -> Iterator[Office]:
    """An office that is closed in the end."""
    made = Office(home, **options)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def any_desk(sql_url: str, tmp_path: Path) -> Iterator[Office]:
    """An office on SQLite and on PostgreSQL, for what the two databases do differently: racing."""
    with office(tmp_path, url=sql_url) as made:
        yield made


def numbered(number: int | str, draft: Draft = DRAFT, **changes: object) -> Draft:
    """The sample draft under another licence number."""
    text = f"5299002026{number:08d}" if isinstance(number, int) else number
    return replace(draft, number=text, **changes)


def in_threads(count: int, work, results: Mapping[int, object] | None = None) -> list[object]:
    """Run `work(n)` in `count` threads that start together; give results or exceptions in order of n."""
    barrier = threading.Barrier(count)
    found: list[object] = [None] * count

    def run(n: int) -> None:
        barrier.wait()
        try:
            found[n] = work(n)
        except Exception as fault:
            found[n] = fault

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
