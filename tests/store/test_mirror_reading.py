"""What a mirror reads from the server is checked piece by piece before it is believed."""

from collections.abc import Callable, Iterator

import msgspec
import pytest
from redis.exceptions import ResponseError

from ecert.store.mirror_reading import CacheReading, Damaged
from ecert.store.redis_client import RedisClient, connect
from ecert.store.redis_status import CHANGES, HEAD, LISTS, SUMS, RedisStatus, bits_key, marks_key
from tests.status_line import LIST, event


@pytest.fixture
def server(redis_url: str) -> Iterator[RedisClient]:
    """A server with one list of 64 entries, one of them invalid, at event 1."""
    client = connect(redis_url)
    cache = RedisStatus(client)
    cache.begin_rebuild(epoch=1, fence=1, over=None)
    cache.finish_rebuild(epoch=1, fence=1, seq=0)
    cache.apply([event(1, 4, 1, superseded=True)], epoch=1, fence=1, after=0, sizes={LIST: 64})
    yield client
    client.close()


def test_what_is_sound_is_read(server: RedisClient) -> None:
    reading = CacheReading(server)
    head = reading.head()
    assert head is not None
    assert (head.epoch, head.seq, head.beat, head.lag) == (1, 1, 0, 0.0)
    bits = reading.lists()[LIST]
    assert (bits.size, bits.get(4), bits.get(5), list(bits.superseded)) == (64, 1, 3, [4])
    (change,) = reading.changes(0, wait=None)
    assert (change.after, change.seq, change.events) == (0, 1, [(LIST, 4, 1, True)])
    assert change.opened == [(LIST, 64)]
    assert reading.changes(1, wait=None) == []


def test_a_cache_that_is_being_rebuilt_has_no_head(server: RedisClient) -> None:
    server.hset(HEAD, "state", "rebuilding")
    assert CacheReading(server).head() is None
    server.hset(HEAD, "state", "something")
    assert CacheReading(server).head() is None
    server.delete(HEAD)
    assert CacheReading(server).head() is None


@pytest.mark.parametrize("field", ["epoch", "seq", "beat", "lag"])
@pytest.mark.parametrize("value", ["", "-1", "1.0", "many", "١", "9" * 16])
def test_a_head_that_is_no_number_is_not_read(server: RedisClient, field: str, value: str) -> None:
    server.hset(HEAD, field, value)
    with pytest.raises(Damaged):
        CacheReading(server).head()


LISTS_SPOILT: dict[str, Callable[[RedisClient], object]] = {
    "gone": lambda s: s.delete(bits_key(LIST)),
    "a-zero-byte-longer": lambda s: (
        s.append(bits_key(LIST), b"\0"),
        s.hset(SUMS, LIST, int.from_bytes(s.get(bits_key(LIST)), "little") % 67_108_859),
    ),
    "shorter": lambda s: s.set(bits_key(LIST), s.getrange(bits_key(LIST), 0, 14)),
    "one-bit-other": lambda s: s.setbit(bits_key(LIST), 9, 0),
    "two-entries-exchanged": lambda s: s.set(bits_key(LIST), b"\xfd\xff" + b"\xff" * 14),
    "no-sum": lambda s: s.hdel(SUMS, LIST),
    "sum-no-number": lambda s: s.hset(SUMS, LIST, "x"),
    "size-no-number": lambda s: s.hset(LISTS, LIST, "x"),
    "another-size": lambda s: s.hset(LISTS, LIST, "128"),
    "name-not-ascii": lambda s: s.hset(LISTS, b"\xff", "64"),
    "mark-outside": lambda s: s.sadd(marks_key(LIST), "64"),
    "mark-no-number": lambda s: s.sadd(marks_key(LIST), "x"),
}


@pytest.mark.parametrize("spoil", LISTS_SPOILT.values(), ids=LISTS_SPOILT.keys())
def test_a_spoilt_list_is_not_read(server: RedisClient, spoil: Callable[[RedisClient], object]) -> None:
    spoil(server)
    with pytest.raises(Damaged):
        CacheReading(server).lists()


@pytest.mark.parametrize("key", [LISTS, SUMS, bits_key(LIST), marks_key(LIST), HEAD, CHANGES])
def test_a_key_of_another_type_is_not_read(server: RedisClient, key: str) -> None:
    server.delete(key)
    server.hset("{ecert}:other", "a", "b")
    server.lpush(key, "x")
    reading = CacheReading(server)
    with pytest.raises((ResponseError, Damaged)):
        (reading.head(), reading.lists(), reading.changes(0, wait=None))


pack = msgspec.msgpack.encode
SOUND = {"epoch": "1", "from": "1", "to": "2", "data": pack([[LIST, 0, 0, False]])}


@pytest.mark.parametrize(
    "wrong",
    [
        {"epoch": "x"},
        {"from": "-1"},
        {"to": ""},
        {"data": b"rubbish"},
        {"data": b""},
        {"data": pack([[LIST, "0", 0, False]])},
        {"data": pack([[LIST, 0, 0]])},
        {"data": pack({"a": 1})},
        {"opened": pack([[LIST]])},
        {"opened": b"\xc1"},
    ],
    ids=str,
)
def test_a_change_that_is_not_of_the_form_is_not_read(server: RedisClient, wrong: dict[str, bytes]) -> None:
    server.xadd(CHANGES, {**SOUND, **wrong}, id="2-0")
    with pytest.raises(Damaged):
        CacheReading(server).changes(1, wait=None)
