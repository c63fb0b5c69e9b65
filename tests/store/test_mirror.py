"""From the truth through a real server to a mirror: everything arrives, nothing doubtful is shown."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from ecert.services.relay import RelayPace
from ecert.store.mirror import Mirror
from ecert.store.redis_client import connect
from ecert.store.redis_status import CHANGES, HEAD, LISTS, SUMS, RedisStatus, bits_key, marks_key
from ecert.verify import StatusView
from tests.status_line import BASE_URL, ISSUER, LIST, SOON, Line, Truth, make_relay, until, uri


def test_every_change_of_status_arrives(line: Line) -> None:
    assert line.shows(2) == "not_issued"
    for value, superseded, state in [
        (0, False, "valid"),
        (2, False, "suspended"),
        (0, False, "valid"),
        (1, True, "superseded"),
        (1, False, "revoked"),
        (1, True, "superseded"),
    ]:
        seq = line.add(2, value, superseded=superseded)
        assert line.mirror.wait_applied(seq, SOON)
        assert line.shows(2) == state
    assert line.shows(1) == "valid"


def test_unknown_addresses_and_indexes_get_no_answer(line: Line) -> None:
    look: StatusView = line.mirror.view()
    for address, idx in [
        (uri(), -1),
        (uri(), 4096),
        (uri(f"{ISSUER}.2"), 1),
        (f"https://other.example/status-lists/{LIST}", 1),
        (LIST, 1),
        ("", 1),
    ]:
        assert look.lookup(address, idx) is None


def test_an_answer_names_the_keeper_of_its_list_and_its_moment(line: Line) -> None:
    before = datetime.now(UTC)
    answer = line.mirror.lookup(uri(), 1)
    age = line.mirror.age()
    assert answer is not None
    assert answer.signer == ISSUER
    assert answer.as_of <= datetime.now(UTC)
    assert age is not None
    assert abs((before - answer.as_of) - age) < SOON


def test_a_list_opened_later_is_known_at_once(line: Line) -> None:
    other = f"{ISSUER}.2"
    assert line.shows(0, other) is None
    seq = line.add(0, 0, list_id=other, size=16384)
    assert line.mirror.wait_applied(seq, SOON)
    assert line.shows(0, other) == "valid"
    assert line.shows(16383, other) == "not_issued"


def test_the_very_first_list_is_known_without_waiting_for_a_beat(redis_url: str) -> None:
    truth = Truth()
    relay = make_relay(truth, RedisStatus(connect(redis_url)), pace=RelayPace(beat=timedelta(hours=1)))
    mirror = Mirror(connect(redis_url), base_url=BASE_URL, steady=lambda: 100.0)
    relay.run_once()
    mirror._load()
    mirror._show(100.0)
    truth.add(1, 0)
    relay.run_once()
    mirror._follow()
    assert (answer := mirror.lookup(uri(), 1)) is not None
    assert answer.state == "valid"


def test_a_late_mirror_loads_what_was_before_it(line: Line) -> None:
    for idx in range(2, 400):
        line.truth.add(idx, idx % 3, superseded=idx % 3 == 1 and idx % 2 == 0)
    seq = line.add(400, 0)
    late = Mirror(connect(line.url), base_url=BASE_URL)
    late.start()
    try:
        assert late.wait_applied(seq, SOON)
        assert late.wait_ready(SOON)
        for idx in range(2, 400):
            answer = late.lookup(uri(), idx)
            assert answer is not None
            assert answer.value == idx % 3
            assert answer.superseded == (idx % 3 == 1 and idx % 2 == 0)
        stats = late.stats()
        assert (stats.lists, stats.entries, stats.reloads, stats.alarms) == (1, 4096, 1, 0)
        assert stats.bytes <= 4096 // 4 + 4 * 400
    finally:
        late.close()
    assert late.lookup(uri(), 1) is None


def test_nothing_is_shown_before_a_beat_was_seen_to_rise(line: Line) -> None:
    line.stop_relay()
    late = Mirror(connect(line.url), base_url=BASE_URL)
    late.start()
    try:
        assert late.wait_applied(1, SOON)
        assert not late.wait_ready(timedelta(milliseconds=300))
        assert late.lookup(uri(), 1) is None
        line.start_relay()
        assert late.wait_ready(SOON)
    finally:
        late.close()


def test_without_a_relay_the_knowledge_grows_old(line: Line) -> None:
    line.stop_relay()
    first = line.mirror.age()
    assert first is not None
    until(lambda: (line.mirror.age() or first) > first + timedelta(milliseconds=300), "the age grows")
    assert line.shows(1) == "valid"
    line.start_relay("relay-b")
    until(lambda: (line.mirror.age() or SOON) < timedelta(milliseconds=300), "the age falls")


def test_a_relay_without_sql_vouches_for_nothing(line: Line) -> None:
    line.truth.down = True
    until(lambda: (line.mirror.age() or SOON) > timedelta(milliseconds=500), "the age grows")
    line.truth.down = False
    until(lambda: (line.mirror.age() or SOON) < timedelta(milliseconds=300), "the age falls")


def test_the_age_counts_from_the_look_before_the_one_that_saw_the_beat(redis_url: str) -> None:
    """The beat rose some time between two looks; only at the earlier one was everything surely known."""
    now = 100.0
    truth = Truth()
    truth.add(1, 0)
    relay = make_relay(truth, RedisStatus(connect(redis_url)), pace=RelayPace(beat=timedelta(0)))
    mirror = Mirror(connect(redis_url), base_url=BASE_URL, steady=lambda: now)
    relay.run_once()
    mirror._load()
    now = 101.0
    mirror._follow()
    assert not mirror.ready
    relay.run_once()
    now = 111.0
    mirror._follow()
    age = mirror.age()
    assert age is not None
    assert timedelta(seconds=10) <= age < timedelta(seconds=11)


def test_a_new_epoch_is_loaded_anew(line: Line) -> None:
    head = line.cache.head()
    assert head is not None
    line.server.hset(HEAD, "state", "rebuilding")
    until(lambda: line.mirror.stats().epoch > head.epoch, "the mirror is in a new epoch")
    line.settled(1, "valid")
    assert line.mirror.stats().reloads >= 2


@pytest.mark.parametrize("trimmed", [False, True], ids=["entry-deleted", "stream-cut"])
def test_a_missing_change_is_noticed(line: Line, trimmed: bool) -> None:
    """A mirror that was away while changes were lost from the stream must not go on from behind the gap."""
    away = Mirror(connect(line.url), base_url=BASE_URL)
    away.start()
    assert away.wait_ready(SOON)
    with _stopped(away):
        line.mirror.wait_applied(line.add(2, 0), SOON)
        line.mirror.wait_applied(line.add(2, 1), SOON)
        last = line.add(3, 0)
        line.mirror.wait_applied(last, SOON)
        if trimmed:
            line.server.xtrim(CHANGES, maxlen=1, approximate=False)
        else:
            line.server.xdel(CHANGES, f"{last - 1}-0")
    try:
        assert away.wait_applied(last, SOON)
        assert away.stats().gaps == 1
        until(lambda: (a := away.lookup(uri(), 2)) is not None and a.value == 1, "entry 2 is revoked")
    finally:
        away.close()


class _stopped:  # noqa: N801  (reads as a phrase)
    """Hold a mirror's thread inside its next reading of the stream, as if it were far away."""

    def __init__(self, mirror: Mirror) -> None:
        self._reading = mirror._reading
        self._read = self._reading.changes
        self._held, self._go = threading.Event(), threading.Event()

    def __enter__(self) -> None:
        def hold(seq: int, *, wait: timedelta | None) -> object:
            self._held.set()
            self._go.wait(10)
            return self._read(seq, wait=wait)

        self._reading.changes = hold  # type: ignore[method-assign,assignment]
        assert self._held.wait(10)

    def __exit__(self, *_: object) -> None:
        self._reading.changes = self._read  # type: ignore[method-assign]
        self._go.set()


def test_an_emptied_cache_shows_nothing_until_it_is_right_again(line: Line) -> None:
    line.mirror.wait_applied(line.add(2, 1), SOON)
    line.truth.down = True
    line.server.flushall()
    line.settled(1, None)
    line.settled(2, None)
    line.truth.down = False
    line.settled(2, "revoked")
    line.settled(1, "valid")
    assert line.relay.stats().rebuilds >= 2


def _spoil_lists(line: Line) -> None:
    line.server.delete(LISTS)
    line.server.set(LISTS, "rubbish")


def _spoil_head(line: Line) -> None:
    line.server.delete(HEAD)
    line.server.lpush(HEAD, "rubbish")


SPOILING = {
    "head-of-another-type": _spoil_head,
    "head-without-numbers": lambda line: line.server.hset(HEAD, "seq", "many"),
    "head-seq-ahead": lambda line: line.server.hset(HEAD, "seq", "999"),
    "head-seq-behind": lambda line: line.server.hset(HEAD, "seq", "0"),
    "head-other-epoch": lambda line: line.server.hset(HEAD, "epoch", "77"),
    "register-of-another-type": _spoil_lists,
    "register-gone": lambda line: line.server.delete(LISTS),
    "list-gone": lambda line: line.server.delete(bits_key(LIST)),
    "list-shorter": lambda line: line.server.set(bits_key(LIST), b"\0"),
    "list-of-another-type": lambda line: line.server.rename(LISTS, bits_key(LIST)),
    "list-rewritten": lambda line: line.server.setbit(bits_key(LIST), 2, 1),
    "list-all-valid": lambda line: line.server.set(bits_key(LIST), bytes(1024)),
    "sums-gone": lambda line: line.server.delete(SUMS),
    "foreign-change": lambda line: line.server.xadd(CHANGES, {"data": b"rubbish"}),
    "stream-of-another-type": lambda line: line.server.rename(HEAD, CHANGES),
}


@pytest.mark.parametrize("spoil", SPOILING.values(), ids=SPOILING.keys())
def test_rubbish_in_the_cache_is_rebuilt_and_never_believed(line: Line, spoil: object) -> None:
    line.mirror.wait_applied(line.add(2, 1), SOON)
    line.server.sadd(marks_key(LIST), "3")
    rebuilds = line.relay.stats().rebuilds
    spoil(line)  # type: ignore[operator]
    seen: set[str | None] = set()
    until(
        lambda: seen.add(line.shows(2)) or line.relay.stats().rebuilds > rebuilds,  # type: ignore[func-returns-value]
        "the relay rebuilds",
    )
    late = Mirror(connect(line.url), base_url=BASE_URL)
    late.start()
    try:
        assert late.wait_ready(SOON)
        answer = late.lookup(uri(), 2)
        assert answer is not None
        assert answer.state == "revoked"
    finally:
        late.close()
    line.settled(2, "revoked")
    assert seen <= {"revoked", None}
    assert line.mirror.wait_applied(line.add(5, 0), SOON)


def test_a_revocation_outlives_a_truth_that_forgot_it(line: Line) -> None:
    """SQL put back from a backup: what this process knew to be revoked stays revoked, and it says so."""
    kept = len(line.truth.events)
    line.mirror.wait_applied(line.add(1, 1), SOON)
    epoch = line.mirror.stats().epoch
    line.truth.restore(kept)
    until(lambda: line.mirror.stats().epoch > epoch and line.mirror.ready, "a new epoch is shown")
    assert line.shows(1) == "revoked"
    assert line.mirror.stats().alarms == 1


def test_a_change_that_would_unrevoke_is_not_applied_and_alarms(line: Line) -> None:
    line.mirror.wait_applied(line.add(1, 1), SOON)
    seq = line.add(1, 0)
    until(lambda: line.mirror.stats().alarms == 1, "the mirror counts an alarm")
    assert line.mirror.wait_applied(seq, SOON)
    line.settled(1, "revoked")
    until(lambda: line.relay.stats().kept_invalid == 1, "the relay counts it")


def test_a_cache_put_back_from_yesterday_is_not_shown(line: Line) -> None:
    """The whole database as it was an event ago, beat and all: not shown until the relay rebuilt it."""
    line.mirror.wait_applied(line.add(2, 0), SOON)
    line.stop_relay()
    old = {key: line.server.dump(key) for key in line.server.keys("{ecert}*")}
    line.start_relay("relay-b")
    line.mirror.wait_applied(line.add(2, 1), SOON)
    line.truth.down = True
    line.server.flushall()
    for key, value in old.items():
        line.server.restore(key, 0, value)
    line.settled(2, None)
    line.truth.down = False
    line.settled(2, "revoked")


def test_a_fenced_leader_harms_nothing(line: Line) -> None:
    """A second leader takes over with a higher fence; what the first still sends is refused by the server."""
    old = line.cache.head()
    assert old is not None
    line.stop_relay()
    line.start_relay("relay-b")
    line.mirror.wait_applied(line.add(2, 1), SOON)
    now = line.cache.head()
    assert now is not None
    assert now.fence > old.fence
    stale = RedisStatus(line.server)
    writes = [
        stale.apply([], epoch=now.epoch, fence=old.fence, after=now.seq, sizes={}).outcome,
        stale.heartbeat(epoch=now.epoch, fence=old.fence, seq=now.seq, since=now.clock),
        stale.adopt(epoch=now.epoch, seq=now.seq, fence=old.fence, term=99),
        stale.begin_rebuild(epoch=99, fence=old.fence, over=None),
        stale.put_list(LIST, size=4, entries=b"\0", superseded=[], epoch=now.epoch, fence=old.fence),
        stale.finish_rebuild(epoch=now.epoch, fence=old.fence, seq=0),
    ]
    assert writes == ["deposed"] * 6
    line.settled(2, "revoked")


def test_a_takeover_goes_on_in_the_same_epoch(line: Line) -> None:
    line.stop_relay()
    line.start_relay("relay-b")
    assert line.mirror.wait_applied(line.add(2, 0), SOON)
    assert line.relay.stats().takeovers == 1
    assert line.relay.stats().rebuilds == 0
    assert line.mirror.stats().reloads == 1


def test_a_mass_of_changes_arrives_in_order(line: Line) -> None:
    for idx in range(2, 3000):
        line.truth.add(idx, 0)
    for idx in range(2, 3000, 7):
        line.truth.add(idx, 1)
    seq = line.add(3001, 0)
    assert line.mirror.wait_applied(seq, SOON)
    assert all(line.shows(idx) == ("revoked" if idx % 7 == 2 else "valid") for idx in range(2, 3000))


def test_a_second_start_is_a_mistake_of_the_program(line: Line) -> None:
    with pytest.raises(RuntimeError):
        line.mirror.start()


def test_a_relay_of_its_own_can_be_stepped_by_hand(redis_url: str, line: Line) -> None:
    """Standing by while another leads: no write, no harm."""
    second = make_relay(line.truth, RedisStatus(line.server), holder="relay-c")
    assert not second.run_once().leading
    assert second.stats().beats == 0
