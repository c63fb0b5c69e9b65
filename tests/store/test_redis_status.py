"""The scripts that write the cache, on a real server: what they refuse, and that refusing changes nothing."""

from collections.abc import Iterator

import pytest

from ecert.errors import Unavailable
from ecert.services.cache_ports import CacheState, CacheWrite
from ecert.store.redis_client import RedisClient, connect
from ecert.store.redis_scripts import LATEST_BEAT
from ecert.store.redis_status import CHANGES, HEAD, LISTS, SUMS, RedisStatus, bits_key, marks_key
from ecert.store.status_bits import check_sum
from tests.status_line import ISSUER, LIST, event

SIZES = {LIST: 64, f"{ISSUER}.2": 4096}
EPOCH, FENCE = 5, 3


@pytest.fixture
def server(redis_url: str) -> Iterator[RedisClient]:
    """A client of the empty server."""
    client = connect(redis_url)
    yield client
    client.close()


@pytest.fixture
def cache(server: RedisClient) -> RedisStatus:
    """A cache that is ready at seq 0."""
    made = RedisStatus(server)
    assert made.begin_rebuild(epoch=EPOCH, fence=FENCE, over=None) == CacheWrite.DONE
    assert made.finish_rebuild(epoch=EPOCH, fence=FENCE, seq=0) == CacheWrite.DONE
    return made


def put(
    cache: RedisStatus, *events: tuple[int, int, int], after: int | None = None, **more: int
) -> CacheWrite:
    rows = [event(*one) for one in events]
    return cache.apply(
        rows,
        epoch=more.get("epoch", EPOCH),
        fence=more.get("fence", FENCE),
        after=rows[0].seq - 1 if after is None else after,
        sizes=SIZES,
    ).outcome


def everything(server: RedisClient) -> dict[bytes, bytes]:
    return {key: server.dump(key) for key in server.keys("*")}


def test_entries_stand_in_token_status_list_order(server: RedisClient, cache: RedisStatus) -> None:
    """TSL: entry i at byte i*bits//8, least significant bits first; a new list is all 3."""
    assert put(cache, (1, 0, 1), (2, 1, 2), (3, 5, 0), (4, 63, 1)) == CacheWrite.DONE
    entries = server.get(bits_key(LIST))
    assert entries == bytes([0b11111001, 0b11110011]) + b"\xff" * 13 + bytes([0b01111111])
    assert server.hgetall(LISTS) == {LIST.encode(): b"64"}
    assert server.hget(SUMS, LIST) == str(check_sum(entries)).encode()


def test_the_check_sum_follows_every_write(server: RedisClient, cache: RedisStatus) -> None:
    rows = [event(1, 7, 0, list_id=f"{ISSUER}.2")]
    for seq in range(2, 900):
        rows.append(event(seq, seq * 37 % 4096, seq % 3, list_id=f"{ISSUER}.2"))
    assert cache.apply(rows, epoch=EPOCH, fence=FENCE, after=0, sizes=SIZES).outcome == CacheWrite.DONE
    entries = server.get(bits_key(f"{ISSUER}.2"))
    assert server.hget(SUMS, f"{ISSUER}.2") == str(check_sum(entries)).encode()


def test_superseded_marks_come_and_go(server: RedisClient, cache: RedisStatus) -> None:
    sizes = {LIST: 64}
    first = [event(1, 4, 1, superseded=True), event(2, 5, 1)]
    cache.apply(first, epoch=EPOCH, fence=FENCE, after=0, sizes=sizes)
    assert server.smembers(marks_key(LIST)) == {b"4"}
    cache.apply([event(3, 4, 1)], epoch=EPOCH, fence=FENCE, after=2, sizes=sizes)
    assert server.smembers(marks_key(LIST)) == set()


def test_a_change_is_told_once_under_its_number(server: RedisClient, cache: RedisStatus) -> None:
    put(cache, (1, 0, 0), (2, 1, 0))
    (entry,) = server.xrange(CHANGES)
    assert entry[0] == b"2-0"
    assert (entry[1][b"epoch"], entry[1][b"from"], entry[1][b"to"]) == (b"5", b"0", b"2")
    head = cache.head()
    assert head is not None
    assert (head.epoch, head.seq, head.fence, head.beat, head.state) == (5, 2, 3, 0, CacheState.READY)


REFUSED = {
    "older-fence": ({"fence": FENCE - 1}, CacheWrite.DEPOSED),
    "other-epoch": ({"epoch": EPOCH + 1}, CacheWrite.LOST),
    "behind": ({"after": 0}, CacheWrite.LOST),
    "ahead": ({"after": 2}, CacheWrite.LOST),
}


@pytest.mark.parametrize(("how", "outcome"), REFUSED.values(), ids=REFUSED.keys())
def test_a_write_out_of_turn_changes_nothing(
    server: RedisClient, cache: RedisStatus, how: dict[str, int], outcome: CacheWrite
) -> None:
    put(cache, (1, 0, 0))
    before = everything(server)
    assert put(cache, (2, 1, 0), **({"after": 1} | how)) == outcome
    assert everything(server) == before


SPOILT = {
    "no-head": lambda s: s.delete(HEAD),
    "head-of-another-type": lambda s: (s.delete(HEAD), s.set(HEAD, "x")),
    "head-fence-not-a-number": lambda s: s.hset(HEAD, "fence", "-1"),
    "head-too-long-a-number": lambda s: s.hset(HEAD, "seq", "1" * 16),
    "head-of-no-state": lambda s: s.hset(HEAD, "state", "fine"),
    "register-of-another-type": lambda s: (s.delete(LISTS), s.set(LISTS, "x")),
    "list-gone": lambda s: s.delete(bits_key(LIST)),
    "list-longer": lambda s: s.append(bits_key(LIST), b"\0"),
    "list-of-another-size": lambda s: s.hset(LISTS, LIST, "4096"),
    "marks-of-another-type": lambda s: s.set(marks_key(LIST), "x"),
    "sum-gone": lambda s: s.delete(SUMS),
    "stream-of-another-type": lambda s: (s.delete(CHANGES), s.set(CHANGES, "x")),
    "stream-ahead": lambda s: s.xadd(CHANGES, {"a": "b"}, id="2-0"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_cache_is_not_written_on(server: RedisClient, cache: RedisStatus, spoil: object) -> None:
    put(cache, (1, 0, 0))
    spoil(server)  # type: ignore[operator]
    before = everything(server)
    assert put(cache, (2, 1, 0)) == CacheWrite.LOST
    assert everything(server) == before


def test_an_invalid_entry_stays_invalid(server: RedisClient, cache: RedisStatus) -> None:
    put(cache, (1, 4, 1))
    for seq, value in [(2, 0), (3, 2), (4, 3)]:
        applied = cache.apply(
            [event(seq, 4, value)], epoch=EPOCH, fence=FENCE, after=seq - 1, sizes={LIST: 64}
        )
        assert (applied.outcome, applied.kept_invalid) == (CacheWrite.DONE, 1)
    entries = server.get(bits_key(LIST))
    assert entries[1] & 3 == 1
    assert server.hget(SUMS, LIST) == str(check_sum(entries)).encode()


def test_a_beat_vouches_only_for_a_fresh_reading(cache: RedisStatus) -> None:
    head = cache.head()
    assert head is not None

    def beat(**more: int) -> CacheWrite:
        return cache.heartbeat(**({"epoch": EPOCH, "fence": FENCE, "seq": 0, "since": head.clock} | more))

    assert beat() == CacheWrite.DONE
    assert beat(since=head.clock - LATEST_BEAT - 1) == CacheWrite.LATE
    assert beat(since=head.clock + 3_600_000_000) == CacheWrite.LATE
    assert beat(seq=1) == CacheWrite.LOST
    assert beat(epoch=EPOCH - 1) == CacheWrite.LOST
    assert beat(fence=FENCE - 1) == CacheWrite.DEPOSED
    after = cache.head()
    assert after is not None
    assert after.beat == 1


def test_a_rebuild_replaces_all_and_is_closed_until_finished(server: RedisClient, cache: RedisStatus) -> None:
    put(cache, (1, 4, 1))
    assert cache.begin_rebuild(epoch=6, fence=FENCE, over=None) == CacheWrite.DONE
    head = cache.head()
    assert head is not None
    assert (head.epoch, head.term, head.state) == (6, 6, CacheState.REBUILDING)
    assert cache.heartbeat(epoch=6, fence=FENCE, seq=0, since=head.clock) == CacheWrite.LOST
    assert server.exists(CHANGES, LISTS, SUMS) == 0
    marks = list(range(0, 4096, 2))
    put_all = {"size": 4096, "entries": b"\x55" * 1024, "superseded": marks, "epoch": 6, "fence": FENCE}
    assert cache.put_list(LIST, **put_all) == CacheWrite.DONE
    assert cache.finish_rebuild(epoch=6, fence=FENCE, seq=9) == CacheWrite.DONE
    assert cache.put_list(LIST, **put_all) == CacheWrite.LOST
    assert server.scard(marks_key(LIST)) == len(marks)
    assert cache.audit(thorough=0, at_least=1, seq=9) == []
    rows = [event(10, 1, 1)]
    assert cache.apply(rows, epoch=6, fence=FENCE, after=9, sizes={LIST: 4096}).outcome == CacheWrite.DONE


def test_a_higher_fence_is_overwritten_only_when_named(cache: RedisStatus) -> None:
    assert cache.begin_rebuild(epoch=6, fence=1, over=None) == CacheWrite.DEPOSED
    assert cache.begin_rebuild(epoch=6, fence=1, over=2) == CacheWrite.DEPOSED
    assert cache.begin_rebuild(epoch=6, fence=1, over=FENCE) == CacheWrite.DONE


def test_the_stream_keeps_a_bounded_number_of_events(server: RedisClient) -> None:
    cache = RedisStatus(server, kept_events=500)
    cache.begin_rebuild(epoch=EPOCH, fence=FENCE, over=None)
    cache.finish_rebuild(epoch=EPOCH, fence=FENCE, seq=0)
    for start in range(0, 3000, 2):
        assert put(cache, (start + 1, 0, 0), (start + 2, 0, 0)) == CacheWrite.DONE
    oldest = int(server.xrange(CHANGES, count=1)[0][0].partition(b"-")[0])
    assert 3000 - 500 - 2 * 200 <= oldest <= 3000 - 500 + 2


def test_scripts_come_back_after_they_were_flushed(server: RedisClient, cache: RedisStatus) -> None:
    server.script_flush()
    assert put(cache, (1, 0, 0)) == CacheWrite.DONE


def test_an_unreachable_server_is_unavailable_and_names_no_address() -> None:
    cache = RedisStatus(connect("redis://user:secret@127.0.0.1:1/0"))
    with pytest.raises(Unavailable) as caught:
        cache.head()
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
