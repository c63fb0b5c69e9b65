"""The status cache and its mirror in one object in memory, for tests and demonstrations without a server.

Keeps the rules of the real pair: fence, epoch, order, late beats, and 1 (invalid for good) stays 1. One
process only; nothing is ever lost or damaged unless `lose` says so.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ecert.services.cache_ports import Applied, CacheHead, CacheState, CacheWrite
from ecert.services.ports import StatusEvent
from ecert.store.redis_scripts import LATEST_BEAT
from ecert.store.status_bits import StatusBits
from ecert.verify import StatusAnswer

__all__ = ["MemoryStatus"]


class MemoryStatus:
    """`StatusCache`, `StatusView` and `CacheWatch` at once.

    Args:
        base_url: Of our service; lists are known as ``{base_url}/status-lists/{list}``.
        clock: The clock of the cache and of its answers, aware UTC.
    """

    def __init__(self, *, base_url: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._prefix = f"{base_url.rstrip('/')}/status-lists/"
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._head: CacheHead | None = None
        self._lists: dict[str, StatusBits] = {}
        self._as_of: datetime | None = None

    # For verifiers

    def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
        """Answer for one entry; None when it is unknown or the cache is not ready."""
        with self._changed:
            bits = self._lists.get(uri.removeprefix(self._prefix)) if uri.startswith(self._prefix) else None
            if bits is None or self._as_of is None or not 0 <= idx < bits.size:
                return None
            value = bits.get(idx)
            keeper = uri.removeprefix(self._prefix).partition(".")[0]
            return StatusAnswer(value, value == 1 and bits.is_superseded(idx), self._as_of, keeper)

    def wait_applied(self, seq: int, timeout: timedelta) -> bool:
        """Wait until event `seq` is here."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._head is not None and self._head.seq >= seq, timeout.total_seconds()
            )

    # For the relay

    def head(self) -> CacheHead | None:
        """Read the head and the clock."""
        with self._changed:
            return replace(self._head, clock=self._now()) if self._head else None

    def adopt(self, *, epoch: int, seq: int, fence: int, term: int) -> CacheWrite:
        """Take over from the leader before."""
        with self._changed:
            head, refusal = self._mine(epoch, fence, CacheState.READY)
            if head is None or head.seq != seq:
                return refusal
            self._head = replace(head, fence=fence, term=term)
            return CacheWrite.DONE

    def apply(
        self, events: Sequence[StatusEvent], *, epoch: int, fence: int, after: int, sizes: Mapping[str, int]
    ) -> Applied:
        """Apply a batch, all or none."""
        with self._changed:
            head, refusal = self._mine(epoch, fence, None)
            if head is None:
                return Applied(outcome=refusal)
            live = head.state is CacheState.READY
            if live and (head.seq != after or not events):
                return Applied(outcome=CacheWrite.LOST)
            kept = 0
            for event in events:
                bits = self._lists.setdefault(event.list_id, StatusBits(sizes[event.list_id]))
                kept += not bits.set(event.idx, int(event.value), superseded=event.superseded)
            self._head = replace(head, seq=events[-1].seq if live else head.seq, fence=fence)
            self._changed.notify_all()
            return Applied(outcome=CacheWrite.DONE, kept_invalid=kept)

    def heartbeat(self, *, epoch: int, fence: int, seq: int, since: int) -> CacheWrite:
        """Vouch for `seq`."""
        with self._changed:
            head, refusal = self._mine(epoch, fence, CacheState.READY)
            if head is None or head.seq != seq:
                return refusal
            now = self._now()
            if not 0 <= now - since <= LATEST_BEAT:
                return CacheWrite.LATE
            self._head = replace(head, beat=head.beat + 1, fence=fence)
            self._as_of = self._clock() - timedelta(microseconds=now - since)
            self._changed.notify_all()
            return CacheWrite.DONE

    def begin_rebuild(self, *, epoch: int, fence: int, over: int | None) -> CacheWrite:
        """Empty everything under a new epoch."""
        with self._changed:
            if self._head is not None and self._head.fence > fence and self._head.fence != over:
                return CacheWrite.DEPOSED
            self._lists, self._as_of = {}, None
            self._head = CacheHead(
                epoch=epoch, term=epoch, seq=0, fence=fence, beat=0, state=CacheState.REBUILDING, clock=0
            )
            return CacheWrite.DONE

    def put_list(
        self, list_id: str, *, size: int, entries: bytes, superseded: Sequence[int], epoch: int, fence: int
    ) -> CacheWrite:
        """Write one whole list."""
        with self._changed:
            head, refusal = self._mine(epoch, fence, CacheState.REBUILDING)
            if head is None:
                return refusal
            self._lists[list_id] = StatusBits(size, entries, superseded)
            return CacheWrite.DONE

    def finish_rebuild(self, *, epoch: int, fence: int, seq: int) -> CacheWrite:
        """Open it to the verifiers."""
        with self._changed:
            head, refusal = self._mine(epoch, fence, CacheState.REBUILDING)
            if head is None:
                return refusal
            self._head = replace(head, seq=seq, state=CacheState.READY)
            self._changed.notify_all()
            return CacheWrite.DONE

    def audit(self, *, thorough: int, at_least: int, seq: int) -> Sequence[str] | None:  # noqa: ARG002
        """Count the lists; memory has no other way to be damaged."""
        with self._changed:
            return [] if len(self._lists) >= at_least else None

    def lose(self) -> None:
        """Forget everything, as a cache that was restarted empty."""
        with self._changed:
            self._head, self._lists, self._as_of = None, {}, None

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)

    def _mine(self, epoch: int, fence: int, state: CacheState | None) -> tuple[CacheHead | None, CacheWrite]:
        head = self._head
        if head is not None and head.fence > fence:
            return None, CacheWrite.DEPOSED
        if head is None or head.epoch != epoch or (state is not None and head.state is not state):
            return None, CacheWrite.LOST
        return head, CacheWrite.LOST
