"""The mirror (状态镜像): every status list in this process's memory, kept fresh from Redis by one thread.

- A look-up touches no network, waits for no lock and takes well under a microsecond.
- What is shown was surely true `age` ago. Age counts from the look at Redis *before* the one that saw the
  beat rise, on a clock that goes on while the process or the machine is stopped. Without a beat it only
  grows, and the policy decides when that is too old.
- A gap, a lower seq, another epoch, a missing or rewritten list, rubbish: nothing is shown (`lookup` gives
  None, which means Undecided) until a whole reload and a new beat. Mere loss of the connection goes on
  showing what was known, at its true age.
- 1 (invalid for good) never becomes anything else while the process lives, whatever Redis says; each attempt
  counts as an alarm. An older epoch or seq than one already seen is never loaded.
- An index not in a list, a list not in the cache, an address that is not ours: None.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError, ResponseError

from ecert.store.mirror_reading import CacheReading, Damaged, ReadHead
from ecert.store.redis_client import RedisClient
from ecert.store.status_bits import StatusBits
from ecert.verify import StatusAnswer

__all__ = ["Mirror", "MirrorStats", "steady_clock"]

_log = logging.getLogger("ecert.mirror")
_POLL = timedelta(milliseconds=100)
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
# How long look-ups share one reading of the wall clock, in seconds.
_SHARED = 0.001
_NOTHING: tuple[float, datetime | None] = (float("-inf"), None)
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_clock() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(_STEADY)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorStats:
    """Where the mirror stands, and its counters since the start.

    `bytes` is what the lists take in memory; `gaps` counts reloads forced by missing changes or a lost cache,
    `damaged` those forced by unreadable or rewritten contents, `alarms` attempts to make an invalid licence
    valid again.
    """

    epoch: int
    seq: int
    lists: int
    entries: int
    bytes: int
    reloads: int
    gaps: int
    damaged: int
    alarms: int
    errors: int


class Mirror:
    """A `StatusView` and `CacheWatch` over the status cache.

    Args:
        client: A Redis client of the mirror's own; its time limit must be longer than 100 ms.
        base_url: Of our service; lists are known as ``{base_url}/status-lists/{list}``.
        clock: The wall clock, aware UTC.
        steady: A clock in seconds that nobody sets.
        jitter: A number in 0..1 that spreads the pauses after faults.
    """

    def __init__(
        self,
        client: RedisClient,
        *,
        base_url: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = steady_clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._reading = CacheReading(client)
        self._prefix = f"{base_url.rstrip('/')}/status-lists/"
        self._clock = clock
        self._steady = steady
        self._jitter = jitter
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        # What look-ups see: empty while nothing may be shown.
        self._shown: dict[str, tuple[StatusBits, str]] = {}
        self._shared: tuple[float, datetime | None] = _NOTHING
        self._true_at: float | None = None
        # What the thread works on, and every list it ever held, so that a 1 is never forgotten.
        self._lists: dict[str, StatusBits] = {}
        self._ever: dict[str, StatusBits] = {}
        self._loaded = False
        self._epoch = self._seq = self._beat = 0
        self._looked = self._look_again = 0.0
        self._reloads = self._gaps = self._damaged = self._alarms = self._errors = 0

    # For verifiers

    def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
        """Answer for one entry; None when the list or the entry is unknown, or nothing may be shown now."""
        # The age before list and entry: what changes in between is then newer than we say, never older.
        now = self._steady()
        made, as_of = self._shared
        if now - made > _SHARED:
            as_of = self._as_of(now)
        shown = self._shown.get(uri)
        if as_of is None or shown is None:
            return None
        bits, keeper = shown
        if not 0 <= idx < bits.size:
            return None
        value = bits.entries[idx >> 2] >> ((idx & 3) << 1) & 3
        return StatusAnswer(value, value == 1 and bits.is_superseded(idx), as_of, keeper)

    def _as_of(self, now: float) -> datetime | None:
        true_at = self._true_at
        if true_at is None:
            return None
        as_of = self._clock() - timedelta(seconds=now - true_at)
        self._shared = (now, as_of)
        return as_of

    def _place(self, name: str, bits: StatusBits) -> None:
        # A list's id begins with the USCC of the issuer whose list it is: it answers for no other.
        self._shown[self._prefix + name] = (bits, name.partition(".")[0])

    def view(self) -> "Mirror":
        """The reading side; it is this object."""
        return self

    @property
    def ready(self) -> bool:
        """Whether there is something to show, however old."""
        return self._true_at is not None

    def age(self) -> timedelta | None:
        """How long ago what is shown was surely true; None when nothing is shown."""
        true_at = self._true_at
        return None if true_at is None else timedelta(seconds=self._steady() - true_at)

    def stats(self) -> MirrorStats:
        """Count what is held and what has happened."""
        held = list(self._lists.values())
        return MirrorStats(
            epoch=self._epoch,
            seq=self._seq,
            lists=len(held),
            entries=sum(bits.size for bits in held),
            bytes=sum(len(bits.entries) + 4 * len(bits.superseded) for bits in held),
            reloads=self._reloads,
            gaps=self._gaps,
            damaged=self._damaged,
            alarms=self._alarms,
            errors=self._errors,
        )

    def wait_ready(self, timeout: timedelta) -> bool:
        """Wait until something is shown."""
        return self._wait(lambda: self._true_at is not None, timeout)

    def wait_applied(self, seq: int, timeout: timedelta) -> bool:
        """Wait until event `seq` has reached this mirror."""
        return self._wait(lambda: self._loaded and self._seq >= seq, timeout)

    def _wait(self, holds: Callable[[], bool], timeout: timedelta) -> bool:
        with self._changed:
            return self._changed.wait_for(holds, timeout.total_seconds())

    # The thread

    def start(self) -> None:
        """Start following. Once only."""
        if self._thread is not None:
            raise RuntimeError("mirror: expected to be started once, got a second start")
        self._thread = threading.Thread(target=self._run, name="ecert-mirror", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following, show nothing any more, and close the client."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._hide()
        self._reading.close()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                if not self._loaded:
                    self._load()
                self._follow()
                failures = 0
                continue
            except Damaged as fault:
                self._note(fault)
            except ResponseError as error:
                # A key of another type, or a server that will not answer: its contents can't be believed.
                self._note(Damaged(type(error).__name__))
            except (RedisError, OSError) as error:
                self._errors += 1
                if not failures:
                    _log.warning("status cache out of reach: %s", type(error).__name__)
            except Exception as error:  # whatever it was, the thread goes on and shows nothing
                self._errors += 1
                _log.exception("mirror failed: %s", type(error).__name__)
                self._hide()
            failures += 1
            pause = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(failures, 10))
            self._stop.wait(pause * (0.5 + self._jitter() / 2))

    def _note(self, fault: Damaged) -> None:
        if self._loaded:
            _log.warning("status mirror shows nothing and reloads: %s", fault)
        # Waiting for a cache that is not there is no loss; only losing it is one.
        self._gaps += fault.gap or (fault.absent and self._loaded)
        self._damaged += not (fault.gap or fault.absent)
        self._hide()

    def _hide(self) -> None:
        with self._changed:
            self._shown = {}
            self._true_at = None
            self._shared = _NOTHING
            self._loaded = False
            self._changed.notify_all()

    def _load(self) -> None:
        """Read everything, then the changes made meanwhile. Shown only after a beat."""
        sent = self._steady()
        head = self._believable(self._reading.head())
        lists = self._reading.lists()
        self._alarm(sum(self._keep(name, bits) for name, bits in lists.items()))
        self._epoch, self._seq, self._beat, self._looked = head.epoch, head.seq, head.beat, sent
        self._lists = lists
        # The lists were read after the head: until the seq of then is reached, old values may come again.
        end = self._believable(self._reading.head())
        if end.epoch != self._epoch:
            raise Damaged("epoch changed while loading", gap=True)
        self._catch_up(end.seq, again=True)
        self._reloads += 1
        with self._changed:
            self._loaded = True
            self._look_again = 0.0
            self._changed.notify_all()

    def _keep(self, name: str, bits: StatusBits) -> int:
        """Hold a list under its name, with every 1 that the one before had; returns how many it lacked."""
        older = self._ever.get(name)
        lacked = bits.keep_invalid(older) if older is not None else 0
        self._ever[name] = bits
        return lacked

    def _believable(self, head: ReadHead | None) -> ReadHead:
        if head is None:
            raise Damaged("no head, or a rebuild under way", absent=True)
        if (head.epoch, head.seq) < (self._epoch, self._seq):
            raise Damaged("cache went back to an older state")
        return head

    def _follow(self) -> None:
        """Take what has changed, waiting up to 100 ms for it, and look at the beat when it is time."""
        self._take(wait=_POLL)
        sent = self._steady()
        if sent < self._look_again:
            return
        head = self._believable(self._reading.head())
        if head.epoch != self._epoch:
            raise Damaged("another epoch", gap=True)
        self._catch_up(head.seq)
        if head.beat < self._beat:
            raise Damaged("beat went back")
        if head.beat > self._beat:
            self._beat = head.beat
            self._show(self._looked - head.lag)
        self._looked = sent
        self._look_again = sent + _POLL.total_seconds()

    def _show(self, true_at: float) -> None:
        with self._changed:
            if self._true_at is None:
                for name, bits in self._lists.items():
                    self._place(name, bits)
                self._true_at = true_at
            else:
                self._true_at = max(true_at, self._true_at)
            self._changed.notify_all()

    def _catch_up(self, seq: int, *, again: bool = False) -> None:
        while self._seq < seq:
            if not self._take(again=again):
                raise Damaged("changes are missing", gap=True)

    def _take(self, *, wait: timedelta | None = None, again: bool = False) -> bool:
        """Apply the next changes of the stream; `again`: some of them may be in the lists already."""
        changes = self._reading.changes(self._seq, wait=wait)
        for change in changes:
            if change.epoch != self._epoch:
                raise Damaged("a change of another epoch", gap=True)
            if change.after != self._seq:
                raise Damaged("changes are missing", gap=True)
            refused = 0
            for name, size in change.opened:
                if name not in self._lists:
                    bits = self._lists[name] = StatusBits(size)
                    refused += self._keep(name, bits)
                    if self._true_at is not None:
                        self._place(name, bits)
            for name, idx, value, superseded in change.events:
                held = self._lists.get(name)
                if held is None or not (0 <= idx < held.size and 0 <= value <= 3):
                    raise Damaged("a change of an unknown entry")
                refused += not held.set(idx, value, superseded=superseded)
            with self._changed:
                self._seq = change.seq
                self._changed.notify_all()
            if refused and not again:
                self._alarm(refused)
                raise Damaged("a change would make an invalid entry valid again")
        return bool(changes)

    def _alarm(self, count: int) -> None:
        if count:
            self._alarms += count
            _log.error("cache would make %d invalid entries valid again; kept", count)
