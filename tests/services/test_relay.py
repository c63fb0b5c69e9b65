"""The relay over a cache in memory: what it believes, when it rebuilds, and who may write."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecert.errors import Unavailable
from ecert.services.cache_ports import CacheState
from ecert.services.relay import Relay, RelayPace
from ecert.store.memory import MemoryStatus
from tests.status_line import BASE_URL, ISSUER, LIST, QUICK, SOON, Truth, event, make_relay, until, uri

EVERY_TURN = RelayPace(beat=timedelta(0), audit=timedelta(0), batch=10, far_behind=100)


@pytest.fixture
def truth() -> Truth:
    """SQL with one valid entry."""
    made = Truth()
    made.add(1, 0)
    return made


@pytest.fixture
def cache() -> MemoryStatus:
    """An empty cache."""
    return MemoryStatus(base_url=BASE_URL)


@pytest.fixture
def relay(truth: Truth, cache: MemoryStatus) -> Relay:
    """A relay that has built the cache."""
    made = make_relay(truth, cache, pace=EVERY_TURN)
    made.run_once()
    return made


def shows(cache: MemoryStatus, idx: int, list_id: str = LIST) -> str | None:
    answer = cache.lookup(uri(list_id), idx)
    return None if answer is None else answer.state


def test_an_empty_cache_is_built_and_vouched_for(relay: Relay, cache: MemoryStatus) -> None:
    assert shows(cache, 1) == "valid"
    assert shows(cache, 2) == "not_issued"
    assert shows(cache, 4096) is None
    stats = relay.stats()
    assert (stats.leading, stats.epoch, stats.seq, stats.rebuilds, stats.beats) == (True, 1, 1, 1, 1)


def test_events_are_applied_in_batches_and_in_order(truth: Truth, cache: MemoryStatus, relay: Relay) -> None:
    for value in (2, 0) * 17 + (1,):
        truth.add(1, value)
    turn = relay.run_once()
    assert (turn.applied, turn.beat, turn.rebuilt) == (35, True, False)
    assert relay.stats().batches == 4
    assert shows(cache, 1) == "revoked"


def test_far_behind_it_rebuilds_instead(truth: Truth, cache: MemoryStatus, relay: Relay) -> None:
    for idx in range(2, 150):
        truth.add(idx, 0)
    assert relay.run_once().rebuilt
    assert shows(cache, 149) == "valid"


def test_no_beat_without_a_look_at_sql(truth: Truth, cache: MemoryStatus, relay: Relay) -> None:
    beats = relay.stats().beats
    truth.down = True
    with pytest.raises(Unavailable):
        relay.run_once()
    assert relay.stats().beats == beats


def test_a_beat_is_refused_when_sql_was_slow(truth: Truth) -> None:
    """What was read long before the beat is not vouched for; the next turn is."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    cache = MemoryStatus(base_url=BASE_URL, clock=lambda: now)
    relay = make_relay(truth, cache, pace=EVERY_TURN)
    relay.run_once()
    beats = relay.stats().beats
    read = truth.events_after

    def slow(seq: int, limit: int) -> Any:
        nonlocal now
        now += timedelta(seconds=3)
        return read(seq, limit)

    truth.events_after = slow  # type: ignore[method-assign]
    truth.add(1, 1)
    assert not relay.run_once().beat
    assert (relay.stats().beats, relay.stats().late_beats) == (beats, 1)
    assert relay.run_once().beat


LOSSES: dict[str, Callable[[MemoryStatus, Truth], object]] = {
    "emptied": lambda cache, truth: cache.lose(),
    "being-rebuilt-by-nobody": lambda cache, truth: cache.begin_rebuild(epoch=2, fence=1, over=None),
    "other-epoch": lambda cache, truth: (
        cache.begin_rebuild(epoch=40, fence=1, over=None),
        cache.finish_rebuild(epoch=40, fence=1, seq=1),
    ),
    "ahead-of-sql": lambda cache, truth: (
        cache.apply([event(2, 1, 0)], epoch=1, fence=1, after=1, sizes={LIST: 4096}),
    ),
    "sql-went-back": lambda cache, truth: truth.restore(0),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES.keys())
def test_a_cache_that_is_not_as_it_was_left_is_rebuilt(
    truth: Truth, cache: MemoryStatus, relay: Relay, lose: Callable[[MemoryStatus, Truth], object]
) -> None:
    before = cache.head()
    assert before is not None
    lose(cache, truth)
    relay.run_once()
    relay.run_once()
    after = cache.head()
    assert after is not None
    assert after.epoch > before.epoch
    assert (after.state, after.seq) == (CacheState.READY, truth.head())
    assert relay.stats().rebuilds == 2
    assert shows(cache, 1) == ("valid" if truth.events else "not_issued")


def test_verifiers_see_nothing_while_it_rebuilds(truth: Truth, cache: MemoryStatus, relay: Relay) -> None:
    seen = []
    truth.during_snapshot = lambda: seen.append(shows(cache, 1))
    cache.lose()
    relay.run_once()
    assert seen == [None]
    assert shows(cache, 1) == "valid"


def test_changes_made_during_a_rebuild_are_not_lost_nor_undone(truth: Truth, cache: MemoryStatus) -> None:
    """Lists are read one after the other, each at its own moment; events between two readings count once."""
    other, later = f"{ISSUER}.2", f"{ISSUER}.3"
    truth.add(5, 0, list_id=other)
    moments = [
        lambda: (
            truth.add(1, 2),
            truth.add(1, 1),
            truth.add(6, 0, list_id=other),
            truth.add(9, 2, list_id=other),
            truth.add(9, 1, list_id=other),
        ),
        lambda: (truth.add(7, 2, list_id=other), truth.add(8, 0, list_id=later), truth.add(2, 0)),
        lambda: None,
    ]
    truth.during_snapshot = lambda: moments.pop(0)() if moments else None  # type: ignore[func-returns-value]
    relay = make_relay(truth, cache, pace=EVERY_TURN)
    relay.run_once()
    relay.run_once()
    assert [shows(cache, idx) for idx in (1, 2, 3)] == ["revoked", "valid", "not_issued"]
    assert [shows(cache, idx, other) for idx in (5, 6, 7)] == ["valid", "valid", "suspended"]
    assert shows(cache, 9, other) == "revoked"
    assert shows(cache, 8, later) == "valid"
    assert relay.stats().kept_invalid == 0


def test_nobody_takes_over_while_a_large_list_is_read(truth: Truth, cache: MemoryStatus) -> None:
    """Else two relays on a slow machine would interrupt each other's rebuilding for ever."""
    begun = datetime.now(UTC)
    relay = make_relay(truth, cache, clock=lambda: begun)
    second = make_relay(truth, cache, holder="relay-b", clock=lambda: begun + timedelta(seconds=20))
    leading = []
    truth.during_snapshot = lambda: leading.append(second.run_once().leading)
    assert relay.run_once().rebuilt
    assert leading == [False]
    relay.run_once()
    assert truth.leader == ("relay-a", begun + QUICK.lease)


def test_one_leads_and_the_other_stands_by(truth: Truth, cache: MemoryStatus, relay: Relay) -> None:
    second = make_relay(truth, cache, holder="relay-b", pace=EVERY_TURN)
    assert not second.run_once().leading
    assert relay.run_once().leading
    truth.leader = None
    assert second.run_once().leading
    assert (second.stats().takeovers, second.stats().rebuilds) == (1, 0)


def test_a_leader_that_was_paused_steps_down_at_its_first_write(
    truth: Truth, cache: MemoryStatus, relay: Relay
) -> None:
    """It still believes in its lease (its renewal is not due), the cache knows better."""
    truth.leader = None
    second = make_relay(truth, cache, holder="relay-b", pace=EVERY_TURN)
    second.run_once()
    truth.add(1, 1)
    assert not relay.run_once().leading
    assert relay.stats().deposed == 1
    assert shows(cache, 1) == "valid"
    assert not relay.run_once().leading
    assert second.run_once().applied == 1
    assert shows(cache, 1) == "revoked"


def test_a_lease_that_ran_out_while_it_was_asked_for_is_not_written_with(
    truth: Truth, cache: MemoryStatus
) -> None:
    """SQL said yes, but so slowly that the lease is over when the answer comes."""
    passed = 0.0
    relay = Relay(
        log=truth,
        leases=truth,
        cache=cache,
        holder="relay-a",
        clock=lambda: datetime.now(UTC),
        pace=EVERY_TURN,
        steady=lambda: passed,
    )
    acquire = truth.acquire

    def slow(*asked: Any) -> int | None:
        nonlocal passed
        passed += 1.9
        return acquire(*asked)

    truth.acquire = slow  # type: ignore[method-assign]
    assert not relay.run_once().leading
    assert cache.head() is None
    truth.acquire = acquire  # type: ignore[method-assign]
    assert relay.run_once().rebuilt


def test_a_lease_that_another_took_is_noticed_before_the_write(truth: Truth, cache: MemoryStatus) -> None:
    """Reading SQL took longer than the lease; it is renewed first, and that fails."""
    passed = 0.0
    relay = Relay(
        log=truth,
        leases=truth,
        cache=cache,
        holder="relay-a",
        clock=lambda: datetime.now(UTC),
        pace=EVERY_TURN,
        steady=lambda: passed,
    )
    relay.run_once()
    read = truth.events_after

    def paused(seq: int, limit: int) -> Any:
        nonlocal passed
        passed += 1.9
        truth.leader = ("relay-b", datetime.now(UTC) + SOON)
        return read(seq, limit)

    truth.events_after = paused  # type: ignore[method-assign]
    truth.add(1, 1)
    assert not relay.run_once().leading
    head = cache.head()
    assert head is not None
    assert head.seq == 1


def test_sql_that_went_back_is_noticed_between_beats(truth: Truth, cache: MemoryStatus) -> None:
    relay = make_relay(truth, cache, pace=RelayPace(beat=timedelta(hours=1)))
    truth.add(2, 0)
    relay.run_once()
    truth.restore(1)
    assert relay.run_once().rebuilt
    assert shows(cache, 2) in (None, "not_issued")


@pytest.mark.parametrize("epoch", [0, 40])
def test_a_fence_that_sql_does_not_know_is_overwritten(truth: Truth, cache: MemoryStatus, epoch: int) -> None:
    """SQL restored from a backup hands out lower fences and epochs than the cache has seen."""
    cache.begin_rebuild(epoch=epoch, fence=30, over=None)
    cache.put_list(LIST, size=4, entries=b"\xff", superseded=[], epoch=epoch, fence=30)
    cache.finish_rebuild(epoch=epoch, fence=30, seq=1)
    relay = make_relay(truth, cache, pace=EVERY_TURN)
    assert relay.run_once().rebuilt
    head = cache.head()
    assert head is not None
    assert head.epoch > epoch
    assert head.fence == truth.fence
    assert shows(cache, 1) == "valid"


def test_a_cache_that_others_built_since_is_not_taken_over(
    truth: Truth, cache: MemoryStatus, relay: Relay
) -> None:
    """An old state of the cache came back; between it and now a number was drawn that it does not bear."""
    truth.next_epoch()
    truth.leader = None
    second = make_relay(truth, cache, holder="relay-b", pace=EVERY_TURN)
    assert second.run_once().rebuilt
    assert second.stats().takeovers == 0


def test_a_cache_ahead_of_sql_is_not_taken_over_as_it_is(
    truth: Truth, cache: MemoryStatus, relay: Relay
) -> None:
    truth.restore(0)
    truth.leader = None
    second = make_relay(truth, cache, holder="relay-b", pace=EVERY_TURN)
    assert second.run_once().rebuilt
    assert shows(cache, 1) in (None, "not_issued")


class Flaky(MemoryStatus):
    """Applies what it is given, and loses the answer of every second write."""

    writes = 0

    def apply(self, *args: object, **more: object) -> object:  # type: ignore[override]
        """Apply, and perhaps not say so."""
        answer = super().apply(*args, **more)  # type: ignore[arg-type]
        self.writes += 1
        if self.writes % 2:
            raise Unavailable("cache: expected an answer, got none")
        return answer


def test_a_write_whose_answer_was_lost_is_found_out_not_repeated(truth: Truth) -> None:
    cache = Flaky(base_url=BASE_URL)
    relay = make_relay(truth, cache, pace=EVERY_TURN)
    relay.run_once()
    truth.add(1, 1)
    with pytest.raises(Unavailable):
        relay.run_once()
    turn = relay.run_once()
    assert (turn.applied, turn.rebuilt) == (0, False)
    assert (relay.stats().seq, relay.stats().rebuilds, cache.writes) == (2, 1, 1)


def test_a_list_opened_after_the_first_build_is_missed_when_it_is_lost(
    truth: Truth, cache: MemoryStatus, relay: Relay
) -> None:
    """The audit must count lists that came by events, not only those that were there at the build."""
    truth.add(1, 0, list_id=f"{ISSUER}.2")
    relay.run_once()
    del cache._lists[f"{ISSUER}.2"]
    relay.run_once()
    relay.run_once()
    assert relay.stats().rebuilds == 2
    assert shows(cache, 1, f"{ISSUER}.2") == "valid"


def test_a_gap_in_sql_is_not_skipped(truth: Truth, cache: MemoryStatus, relay: Relay) -> None:
    truth.add(2, 0)
    truth.add(1, 1)
    hidden = truth.events.pop(1)
    truth.events.append(hidden)
    with pytest.raises(Unavailable, match="without a gap"):
        relay.run_once()
    assert relay.stats().seq == 1


def test_sql_that_unrevokes_is_counted_and_not_followed(
    truth: Truth, cache: MemoryStatus, relay: Relay
) -> None:
    truth.add(1, 1)
    truth.add(1, 0)
    relay.run_once()
    assert relay.stats().kept_invalid == 1
    assert relay.stats().seq == 3
    assert shows(cache, 1) == "revoked"


def test_no_fault_ends_the_thread(truth: Truth, cache: MemoryStatus) -> None:
    relay = make_relay(truth, cache, pace=QUICK)
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        assert cache.wait_applied(1, SOON)
        truth.down = True
        until(lambda: relay.stats().errors >= 3, "errors are counted")
        truth.down = False
        cache.head = _broken  # type: ignore[method-assign]
        errors = relay.stats().errors
        until(lambda: relay.stats().errors > errors, "an error of any kind is counted")
        del cache.head
        seq = truth.add(1, 1)
        relay.wake()
        assert cache.wait_applied(seq, SOON)
    finally:
        stop.set()
        relay.wake()
        thread.join(10)
    assert not thread.is_alive()
    assert truth.leader is None


def _broken() -> None:
    raise RuntimeError("a fault nobody thought of")
