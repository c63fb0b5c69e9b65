"""Looking after the status cache by hand: compare it with SQL, or have it built anew.

- `check_cache` compares every list of the cache, and every published list that can be signed here, with SQL
  at the same event number, and names each difference.
- `rebuild_cache` marks the cache as being rebuilt, which whichever relay leads takes as its order; where none
  runs, it does the work itself. Verifiers say Undecided meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ecert.errors import EcertError, Unavailable
from ecert.services import Publishing, Relay
from ecert.services.cache_ports import CacheState
from ecert.services.ports import Clock, Leases, StatusLog
from ecert.store.mirror_reading import CacheReading, Damaged
from ecert.store.redis_client import connect
from ecert.store.redis_status import RedisStatus
from ecert.trust import TrustTable
from ecert.verify import check_status_token
from ecert.wire.status_list import StatusToken

__all__ = ["CacheDifference", "check_cache", "rebuild_cache"]

_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheDifference:
    """One list that is not what SQL says, and where."""

    where: str
    list_id: str
    what: str


def check_cache(
    url: str, log: StatusLog, *, publishing: Publishing | None, trust: TrustTable, base_url: str, clock: Clock
) -> Sequence[CacheDifference]:
    """Compare the cache and the published lists with SQL.

    Args:
        url: Of the Redis-compatible server.
        log: The truth.
        publishing: Makes the published lists; None leaves them out.
        trust: Says whose status lists count.
        base_url: Of our service.
        clock: Timezone-aware UTC.

    Raises:
        Unavailable: SQL or the cache is out of reach, or the cache never came level with SQL.
    """
    found = list(_cache_differences(url, log))
    if publishing is not None:
        for info in log.lists():
            uri = f"{base_url.rstrip('/')}/status-lists/{info.id}"
            try:
                published = publishing.status_list(info.id).token.encode("ascii")
                token = check_status_token(published, uri, trust, clock())
            except EcertError as fault:
                found.append(CacheDifference(where="published", list_id=info.id, what=str(fault)))
                continue
            found.extend(_published_difference(info.id, log, token))
    return found


def _cache_differences(url: str, log: StatusLog) -> Iterator[CacheDifference]:
    reading = CacheReading(connect(url))
    until = time.monotonic() + _PATIENCE.total_seconds()
    while time.monotonic() < until:
        try:
            before = reading.head()
            lists = reading.lists() if before is not None else {}
            after = reading.head()
        except Damaged as fault:
            yield CacheDifference(where="cache", list_id="", what=f"can't be believed: {fault}")
            return
        except Exception as fault:  # whatever the client raises, its text may repeat an address
            raise Unavailable(f"expected the status cache to answer, got {type(fault).__name__}") from None
        level = before is not None and after is not None and before.seq == after.seq == log.head()
        if not level:
            time.sleep(0.2)
            continue
        known = {info.id for info in log.lists()}
        for list_id in sorted(known - lists.keys()):
            yield CacheDifference(where="cache", list_id=list_id, what="the list is missing")
        for list_id in sorted(lists.keys() - known):
            yield CacheDifference(where="cache", list_id=list_id, what="SQL knows no such list")
        for list_id in sorted(known & lists.keys()):
            seq, entries, superseded = log.snapshot(list_id)
            held = lists[list_id]
            if before is not None and seq > before.seq and log.head() != before.seq:
                break  # something was issued meanwhile: look again
            wrong = _entries_that_differ(entries, bytes(held.entries))
            if wrong:
                yield CacheDifference(where="cache", list_id=list_id, what=f"{wrong} entries differ")
            if list(held.superseded) != list(superseded):
                yield CacheDifference(
                    where="cache", list_id=list_id, what="other entries are marked superseded"
                )
        else:
            return
    raise Unavailable("expected the status cache to come level with SQL, it did not: is a relay running?")


def _published_difference(list_id: str, log: StatusLog, token: StatusToken) -> Iterator[CacheDifference]:
    seq, entries, _ = log.snapshot(list_id)
    told = token.statuses
    wrong = sum(told.get(i) != entries[i // 4] >> (2 * (i % 4)) & 3 for i in range(told.size))
    if wrong and seq == token.seq:
        yield CacheDifference(where="published", list_id=list_id, what=f"{wrong} entries differ")


def _entries_that_differ(one: bytes, other: bytes) -> int:
    if one == other:
        return 0
    if len(one) != len(other):
        return 4 * max(len(one), len(other))
    return sum(
        (a >> shift & 3) != (b >> shift & 3)
        for a, b in zip(one, other, strict=True)
        for shift in (0, 2, 4, 6)
    )


def rebuild_cache(url: str, *, leases: Leases, relay: Relay | None) -> int:
    """Have the cache built anew from SQL.

    Args:
        url: Of the Redis-compatible server.
        leases: Gives the epoch.
        relay: Does the work where no running server's relay leads.

    Returns:
        The new epoch.

    Raises:
        Unavailable: SQL or the cache is out of reach, or nobody rebuilt it in time.
    """
    cache = RedisStatus(connect(url))
    head = cache.head()
    marked = leases.next_epoch()
    cache.begin_rebuild(epoch=marked, fence=0, over=None if head is None else head.fence)
    until = time.monotonic() + _PATIENCE.total_seconds()
    while time.monotonic() < until:
        if relay is not None:
            relay.run_once()
        head = cache.head()
        if head is not None and head.state is CacheState.READY and head.epoch > marked:
            return head.epoch
        time.sleep(0.1)
    raise Unavailable("expected the cache to be rebuilt within 30 s, it was not")
