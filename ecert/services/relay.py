"""The relay (状态中继): carries status events from SQL to the cache, in order, and vouches for all of them.

- Many processes may run one; a lease in SQL lets one lead, and its fence goes into every write.
- Each turn: look at SQL, apply what the cache lacks, and at least every `RelayPace.beat` vouch for it. A beat
  is sent only after SQL was read, so verifiers notice a relay that lost SQL as well as one that died.
- The cache is believed only as this leader left it. Missing, emptied, rolled back, rewritten, of another
  epoch or ahead of SQL: it is built anew from SQL under a new epoch, and verifiers say Undecided meanwhile.
- A new leader takes a cache over without rebuilding when the head's `term` is the number drawn just before
  its own: then nobody else has built since.
- Nothing ends the thread but `stop`: a fault is counted, logged without data, and tried again later.

Doesn't check what SQL says, except one thing: an entry that is 1 (invalid for good) stays 1, and is counted.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import fields

from ecert.errors import Unavailable
from ecert.services.cache_ports import CacheHead, CacheState, CacheWrite, StatusCache
from ecert.services.ports import Clock, Leases, StatusEvent, StatusLog
from ecert.services.relay_pace import RelayPace, RelayStats, RelayTurn

__all__ = ["LEASE", "Relay", "RelayPace", "RelayStats", "RelayTurn"]

LEASE = "relay"
_log = logging.getLogger("ecert.relay")


class _WriteRefusedError(Exception):
    """The cache refused a write of this leader."""

    def __init__(self, outcome: CacheWrite) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class Relay:
    """One relay of one process.

    Args:
        log: The status events, from SQL.
        leases: Who leads.
        cache: Where the events go.
        holder: A name no other relay has, for instance host, process and a random part.
        clock: The wall clock, for the lease.
        pace: How often.
        steady: A clock that never jumps, in seconds.
        jitter: A number in 0..1 that spreads the pauses after faults.
    """

    def __init__(
        self,
        *,
        log: StatusLog,
        leases: Leases,
        cache: StatusCache,
        holder: str,
        clock: Clock,
        pace: RelayPace | None = None,
        steady: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._events = log
        self._leases = leases
        self._cache = cache
        self._holder = holder
        self._clock = clock
        self._pace = pace or RelayPace()
        self._steady = steady
        self._jitter = jitter
        self._bell = threading.Event()
        self._fence: int | None = None
        self._lease = self._pace.lease
        self._deadline = self._renew_at = self._beat_at = self._audit_at = 0.0
        # Where the cache stands as this leader left it; None: not known.
        self._at: tuple[int, int] | None = None
        # Up to where it may stand, when the outcome of the last write is unknown.
        self._perhaps = 0
        # Something in the cache was not as it should be: only a rebuild helps.
        self._broken = False
        self._sizes: dict[str, int] = {}
        # Lists that this leader knows to be in the cache.
        self._there: set[str] = set()
        self._audits = 0
        self._stats = RelayStats()

    def wake(self) -> None:
        """Say that SQL has something new, so that it needn't be found by polling."""
        self._bell.set()

    def stats(self) -> RelayStats:
        """Copy the counters."""
        self._stats.leading = self._fence is not None
        self._stats.epoch, self._stats.seq = self._at or (0, 0)
        return RelayStats(**{field.name: getattr(self._stats, field.name) for field in fields(RelayStats)})

    def run(self, stop: threading.Event) -> None:
        """Take turns until `stop` is set (`wake` makes it notice at once); then give the lease up."""
        failures = 0
        while not stop.is_set():
            pace = self._pace
            try:
                turn = self.run_once()
                failures = 0
                pause = pace.poll if turn.leading else pace.standby
            except Exception as error:  # whatever a store throws, the thread goes on
                failures += 1
                self._stats.errors += 1
                _log.warning("relay turn failed: %s (%d in a row)", type(error).__name__, failures)
                longest = min(pace.longest_pause, pace.shortest_pause * 2 ** min(failures - 1, 10))
                pause = longest * (0.5 + self._jitter() / 2)
            self._bell.wait(pause.total_seconds())
            self._bell.clear()
        self._retire()

    def run_once(self) -> RelayTurn:
        """Take one turn.

        Raises:
            Unavailable: SQL or the cache is out of reach; the next turn finds out what was done.
        """
        if not self._lead():
            return RelayTurn(leading=False)
        try:
            return self._turn()
        except _WriteRefusedError as refused:
            if refused.outcome is CacheWrite.DEPOSED:
                self._stats.deposed += 1
                self._step_down()
                return RelayTurn(leading=False)
            self._distrust()
            self._broken = True
            return RelayTurn(leading=True)

    def _turn(self) -> RelayTurn:
        since = None
        rebuilt = False
        if self._at is None or self._steady() >= self._beat_at:
            head = self._cache.head()
            truth = self._events.head()
            if not self._settle(head, truth):
                self._rebuild(head)
                rebuilt = True
                head = self._cache.head()
            since = head.clock if head else None
        # Read after `since`: what the beat vouches for was committed before this line.
        truth = self._events.head()
        if truth < self._where()[1]:
            # SQL went back (an old backup), or the cache is another's; it knows events that never were.
            self._rebuild(self._cache.head())
            return RelayTurn(leading=True, rebuilt=True)
        applied = self._catch_up(truth)
        beat = since is not None and self._beat(since)
        if self._steady() >= self._audit_at:
            self._audit()
        return RelayTurn(leading=True, applied=applied, beat=beat, rebuilt=rebuilt)

    # Leading

    def _lead(self) -> bool:
        if self._fence is not None and self._steady() < self._renew_at:
            return True
        before = self._steady()
        fence = self._leases.acquire(LEASE, self._holder, self._lease, self._clock())
        if fence is None:
            self._step_down()
            return False
        if fence != self._fence:
            self._step_down()
            self._fence = fence
        # A tenth is left for clocks that run apart.
        self._deadline = before + self._lease.total_seconds() * 0.9
        self._renew_at = before + self._pace.renew.total_seconds()
        return True

    def _hold(self) -> int:
        """Make sure of the lease before a write; returns the fence."""
        fence = self._fence
        if fence is None or not self._lead() or self._fence != fence or self._steady() >= self._deadline:
            raise _WriteRefusedError(CacheWrite.DEPOSED)
        return fence

    def _step_down(self) -> None:
        self._fence = None
        self._distrust()

    def _distrust(self) -> None:
        self._at = None
        self._perhaps = 0
        self._beat_at = 0.0

    def _retire(self) -> None:
        try:
            if self._fence is not None:
                self._leases.release(LEASE, self._holder)
        except Exception as error:  # the lease runs out by itself
            _log.warning("lease not given up: %s", type(error).__name__)
        self._step_down()

    # Believing or rebuilding the cache

    def _where(self) -> tuple[int, int]:
        if self._at is None:
            raise _WriteRefusedError(CacheWrite.LOST)
        return self._at

    def _settle(self, head: CacheHead | None, truth: int) -> bool:
        """Decide whether the cache is as it should be; False asks for a rebuild."""
        fence = self._hold()
        if head is not None and self._at is not None and head.fence > fence:
            raise _WriteRefusedError(CacheWrite.DEPOSED)
        if (
            self._broken
            or head is None
            or head.state is not CacheState.READY
            or head.fence > fence  # our lease is newer than this reading of it, so SQL knows no such fence
            or truth - head.seq > self._pace.far_behind
        ):
            return False
        if self._at is None:
            return self._take_over(head, fence)
        epoch, seq = self._at
        if head.epoch != epoch or not (head.seq == seq or seq < head.seq <= self._perhaps):
            return False
        self._at, self._perhaps = (epoch, head.seq), 0
        return True

    def _take_over(self, head: CacheHead, fence: int) -> bool:
        term = self._leases.next_epoch()
        self._there = set()
        if head.term != term - 1 or self._damaged(head.seq) != []:
            return False
        self._write(self._cache.adopt(epoch=head.epoch, seq=head.seq, fence=self._hold(), term=term))
        self._at = (head.epoch, head.seq)
        self._stats.takeovers += 1
        _log.info("relay took the cache over: epoch %d, seq %d, fence %d", head.epoch, head.seq, fence)
        return True

    def _rebuild(self, head: CacheHead | None) -> None:
        """Write every list from SQL under a new epoch."""
        self._distrust()
        self._lease, self._renew_at = self._pace.rebuilding_lease, 0.0
        try:
            self._write_all(head)
        finally:
            self._lease, self._renew_at = self._pace.lease, 0.0

    def _write_all(self, head: CacheHead | None) -> None:
        self._hold()
        start = self._events.head()
        epoch = self._leases.next_epoch()
        # After SQL came back from a backup its numbers may be behind those that mirrors have seen.
        for _ in range(100):
            if head is None or epoch > head.epoch:
                break
            epoch = self._leases.next_epoch()
        over = head.fence if head else None
        self._write(self._cache.begin_rebuild(epoch=epoch, fence=self._hold(), over=over))
        true_at: dict[str, int] = {}
        self._sizes, self._there = {}, set()
        for info in self._events.lists():
            seq, entries, superseded = self._events.snapshot(info.id)
            self._write(
                self._cache.put_list(
                    info.id,
                    size=info.size,
                    entries=entries,
                    superseded=superseded,
                    epoch=epoch,
                    fence=self._hold(),
                )
            )
            true_at[info.id], self._sizes[info.id] = seq, info.size
            self._there.add(info.id)
        end = max(true_at.values(), default=start)
        seq = start
        while seq < end:
            events = [event for event in self._next_events(seq) if event.seq <= end]
            seq = events[-1].seq
            # A list was read at its own moment, so it lacks only what came after that.
            lacking = [event for event in events if event.seq > true_at.get(event.list_id, start)]
            if lacking:
                self._apply(lacking, epoch=epoch, after=start)
        self._write(self._cache.finish_rebuild(epoch=epoch, fence=self._hold(), seq=end))
        self._at = (epoch, end)
        self._broken = False
        # The first build of a new cache is nothing to worry about, a later one is.
        level = logging.WARNING if self._stats.rebuilds or self._stats.takeovers else logging.INFO
        self._stats.rebuilds += 1
        _log.log(level, "relay built the cache: epoch %d, seq %d, %d lists", epoch, end, len(true_at))

    # Carrying

    def _catch_up(self, truth: int) -> int:
        epoch, seq = self._where()
        begun = seq
        while seq < truth:
            events = self._next_events(seq)
            self._perhaps = events[-1].seq
            self._apply(events, epoch=epoch, after=seq)
            seq = events[-1].seq
            self._at, self._perhaps = (epoch, seq), 0
        return seq - begun

    def _next_events(self, seq: int) -> Sequence[StatusEvent]:
        events = self._events.events_after(seq, self._pace.batch)
        if [event.seq for event in events] != list(range(seq + 1, seq + 1 + len(events))) or not events:
            raise Unavailable("status log: expected the next events without a gap, got a gap")
        return events

    def _apply(self, events: Sequence[StatusEvent], *, epoch: int, after: int) -> None:
        names = {event.list_id for event in events}
        if not names <= self._sizes.keys():
            self._sizes = {info.id: info.size for info in self._events.lists()}
        sizes = {name: self._sizes[name] for name in names if name in self._sizes}
        if len(sizes) < len(names):
            raise Unavailable("status log: expected the list of every event, got an event of an unknown list")
        applied = self._cache.apply(events, epoch=epoch, fence=self._hold(), after=after, sizes=sizes)
        self._write(applied.outcome)
        self._there |= names
        self._stats.applied += len(events)
        self._stats.batches += 1
        if applied.kept_invalid:
            self._stats.kept_invalid += applied.kept_invalid
            _log.error("SQL would make %d invalid entries valid again; kept", applied.kept_invalid)

    def _beat(self, since: int) -> bool:
        epoch, seq = self._where()
        outcome = self._cache.heartbeat(epoch=epoch, fence=self._hold(), seq=seq, since=since)
        if outcome is CacheWrite.LATE:
            self._stats.late_beats += 1
            return False
        self._write(outcome)
        self._stats.beats += 1
        self._beat_at = self._steady() + self._pace.beat.total_seconds()
        return True

    def _audit(self) -> None:
        self._audit_at = self._steady() + self._pace.audit.total_seconds()
        damaged = self._damaged(self._where()[1])
        if damaged is None or damaged:
            self._stats.damaged_lists += len(damaged or ())
            _log.error("status cache damaged: %s lists", "all" if damaged is None else len(damaged))
            self._rebuild(self._cache.head())

    def _damaged(self, seq: int) -> Sequence[str] | None:
        self._audits += 1
        # Where there are events there is a list, even if this leader has seen none yet.
        at_least = max(len(self._there), min(seq, 1))
        return self._cache.audit(thorough=self._audits, at_least=at_least, seq=seq)

    @staticmethod
    def _write(outcome: CacheWrite) -> None:
        if outcome is not CacheWrite.DONE:
            raise _WriteRefusedError(outcome)
