"""The cache in memory keeps the rules of the real one."""

from ecert.services.cache_ports import CacheWrite
from ecert.store.memory import MemoryStatus
from tests.status_line import BASE_URL, LIST, event


def test_it_refuses_what_the_real_cache_refuses() -> None:
    cache = MemoryStatus(base_url=BASE_URL)
    assert cache.heartbeat(epoch=1, fence=1, seq=0, since=0) == CacheWrite.LOST
    cache.begin_rebuild(epoch=1, fence=2, over=None)
    cache.finish_rebuild(epoch=1, fence=2, seq=0)
    head = cache.head()
    assert head is not None
    sizes = {LIST: 64}
    assert cache.apply([], epoch=1, fence=1, after=0, sizes=sizes).outcome == CacheWrite.DEPOSED
    assert cache.apply([event(2, 0, 0)], epoch=1, fence=2, after=1, sizes=sizes).outcome == CacheWrite.LOST
    assert cache.heartbeat(epoch=1, fence=2, seq=0, since=head.clock - 10**7) == CacheWrite.LATE
    assert cache.put_list(LIST, size=4, entries=b"\0", superseded=[], epoch=1, fence=2) == CacheWrite.LOST
    assert cache.begin_rebuild(epoch=2, fence=1, over=None) == CacheWrite.DEPOSED
