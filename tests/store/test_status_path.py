"""The status path whole: SQL, the relay, a real server, a mirror, and the cache rebuilt from SQL alone."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecert.services.ports import EventDraft, Operation, Standing
from ecert.services.relay import Relay
from ecert.store.mirror import Mirror
from ecert.store.redis_client import connect
from ecert.store.redis_status import RedisStatus
from tests.status_line import BASE_URL, QUICK, SOON, until, uri
from tests.store.sql_truth import Truth, open_truth

STEPS = [
    ([], "valid"),
    ([(Operation.SUSPEND, Standing.SUSPENDED)], "suspended"),
    ([(Operation.SUSPEND, Standing.SUSPENDED), (Operation.REINSTATE, Standing.VALID)], "valid"),
    ([(Operation.REVOKE, Standing.REVOKED)], "revoked"),
    ([(Operation.SUPERSEDE, Standing.SUPERSEDED)], "superseded"),
    ([(Operation.SUPERSEDE, Standing.SUPERSEDED), (Operation.REVOKE, Standing.REVOKED)], "revoked"),
]


@pytest.fixture
def truth(tmp_path: Path) -> Iterator[Truth]:
    """A migrated registry on SQLite."""
    made = open_truth(f"sqlite:///{tmp_path}/ecert.db", tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def relay(truth: Truth, redis_url: str) -> Iterator[Relay]:
    """A relay that runs."""
    client = connect(redis_url)
    made = Relay(
        log=truth.log,
        leases=truth.leases,
        cache=RedisStatus(client),
        holder="relay-a",
        clock=lambda: datetime.now(UTC),
        pace=QUICK,
    )
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    yield made
    stop.set()
    made.wake()
    thread.join()
    client.close()


def test_every_standing_in_sql_is_what_verifiers_see_now_and_after_a_rebuild(
    truth: Truth, relay: Relay, redis_url: str
) -> None:
    mirror = Mirror(connect(redis_url), base_url=BASE_URL)
    mirror.start()
    try:
        assert mirror.wait_ready(SOON)
        rows = truth.issue(len(STEPS))
        reserved = truth.reserve(serial="R")[0]
        for row, (changes, _) in zip(rows, STEPS, strict=True):
            for operation, standing in changes:
                draft = EventDraft(
                    row=row.row,
                    licence_id=row.licence_id,
                    list_id=row.list_id,
                    idx=row.idx,
                    operation=operation,
                    client_id="c1",
                    at=datetime.now(UTC),
                )
                with truth.registry.begin() as t:
                    t.set_standing([(draft, standing)])
        assert mirror.wait_applied(truth.log.head(), SOON)

        def seen() -> list[str | None]:
            found = [mirror.lookup(uri(row.list_id), row.idx) for row in [*rows, reserved]]
            return [None if answer is None else answer.state for answer in found]

        wanted = [state for _, state in STEPS] + ["not_issued"]
        assert seen() == wanted
        epoch = mirror.stats().epoch
        server = connect(redis_url)
        server.flushall()
        server.close()
        until(lambda: mirror.stats().epoch > epoch and mirror.ready, "the cache is rebuilt and shown")
        assert seen() == wanted
        assert mirror.stats().alarms == relay.stats().kept_invalid == 0
        # The lists read from SQL are byte for byte what the events had made of the empty ones.
        listed = truth.log.lists()
        for info in listed:
            _, entries, superseded = truth.log.snapshot(info.id)
            held = mirror._lists[info.id]
            assert (bytes(held.entries), list(held.superseded)) == (entries, list(superseded))
    finally:
        mirror.close()


def test_leases_of_sql_let_one_relay_lead(truth: Truth, relay: Relay, redis_url: str) -> None:
    until(lambda: relay.stats().leading, "the first relay leads")
    now = datetime.now(UTC)
    assert truth.leases.acquire("relay", "relay-b", timedelta(seconds=2), now) is None
    fence = truth.leases.acquire("relay", "relay-b", timedelta(seconds=2), now + timedelta(hours=1))
    assert fence is not None
    until(lambda: not relay.stats().leading, "the first relay steps down when its lease is taken")
