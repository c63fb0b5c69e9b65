"""A truth in memory behind the real ports of the relay, and the line from it through Redis to a mirror."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from ecert.errors import NotFound, Unavailable
from ecert.services.cache_ports import StatusCache
from ecert.services.ports import ListInfo, StatusEvent
from ecert.services.relay import Relay, RelayPace
from ecert.store.mirror import Mirror
from ecert.store.redis_client import RedisClient, connect
from ecert.store.redis_status import RedisStatus
from ecert.store.status_bits import StatusBits

BASE_URL = "https://ecert.example"
ISSUER = "11440300MB2C000018"
LIST = f"{ISSUER}.1"
SOON = timedelta(seconds=10)
QUICK = RelayPace(
    beat=timedelta(milliseconds=40),
    poll=timedelta(milliseconds=5),
    standby=timedelta(milliseconds=10),
    audit=timedelta(milliseconds=100),
    shortest_pause=timedelta(milliseconds=5),
    longest_pause=timedelta(milliseconds=20),
)


def uri(list_id: str = LIST) -> str:
    """The address of a list."""
    return f"{BASE_URL}/status-lists/{list_id}"


def event(seq: int, idx: int, value: int, *, list_id: str = LIST, superseded: bool = False) -> StatusEvent:
    """One status event."""
    return StatusEvent(
        seq=seq, list_id=list_id, idx=idx, value=value, superseded=superseded, at=datetime.now(UTC)
    )


def until(holds: Callable[[], object], what: str, timeout: timedelta = SOON) -> None:
    """Wait for a condition that has no event of its own."""
    tick = threading.Event()
    for _ in range(int(timeout / timedelta(milliseconds=5))):
        if holds():
            return
        tick.wait(0.005)
    raise AssertionError(f"did not come about: {what}")


class Truth:
    """`StatusLog` and `Leases` over plain lists; what SQL would say. `down` makes every call fail."""

    def __init__(self) -> None:
        self.events: list[StatusEvent] = []
        self.sizes: dict[str, int] = {}
        self.down = False
        self.epoch = 0
        self.fence = 0
        self.leader: tuple[str, datetime] | None = None
        self.during_snapshot: Callable[[], None] = lambda: None
        self._lock = threading.RLock()

    def add(
        self, idx: int, value: int, *, list_id: str = LIST, superseded: bool = False, size: int = 4096
    ) -> int:
        """Commit one event; returns its number."""
        with self._lock:
            self.sizes.setdefault(list_id, size)
            seq = len(self.events) + 1
            self.events.append(event(seq, idx, value, list_id=list_id, superseded=superseded))
            return seq

    def restore(self, seq: int) -> None:
        """Go back to an older state, as SQL does when a backup is put back."""
        with self._lock:
            del self.events[seq:]

    def head(self) -> int:
        self._reach()
        return len(self.events)

    def events_after(self, seq: int, limit: int) -> Sequence[StatusEvent]:
        self._reach()
        return self.events[seq : seq + limit]

    def lists(self) -> Sequence[ListInfo]:
        self._reach()
        with self._lock:
            return [ListInfo(id=name, size=size) for name, size in self.sizes.items()]

    def snapshot(self, list_id: str) -> tuple[int, bytes, Sequence[int]]:
        self._reach()
        with self._lock:
            if list_id not in self.sizes:
                raise NotFound("no such list")
            bits = StatusBits(self.sizes[list_id])
            for one in self.events:
                if one.list_id == list_id:
                    bits.set(one.idx, one.value, superseded=one.superseded)
            answer = len(self.events), bytes(bits.entries), tuple(bits.superseded)
        self.during_snapshot()
        return answer

    def acquire(self, name: str, holder: str, ttl: timedelta, now: datetime) -> int | None:
        self._reach()
        with self._lock:
            if self.leader and self.leader[0] != holder and now < self.leader[1]:
                return None
            if not self.leader or self.leader[0] != holder:
                self.fence += 1
            self.leader = (holder, now + ttl)
            return self.fence

    def release(self, name: str, holder: str) -> None:
        self._reach()
        with self._lock:
            if self.leader and self.leader[0] == holder:
                self.leader = None

    def next_epoch(self) -> int:
        self._reach()
        with self._lock:
            self.epoch += 1
            return self.epoch

    def _reach(self) -> None:
        if self.down:
            raise Unavailable("truth: expected to be up, got down")


def make_relay(
    truth: Truth,
    cache: StatusCache,
    *,
    holder: str = "relay-a",
    pace: RelayPace = QUICK,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Relay:
    """A relay over the truth."""
    return Relay(log=truth, leases=truth, cache=cache, holder=holder, clock=clock, pace=pace)


class Line:
    """Truth, a relay in a thread, a real server, and a mirror. Leave it by `close`."""

    def __init__(self, url: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.url = url
        self.truth = Truth()
        self.server: RedisClient = connect(url)
        self.cache = RedisStatus(self.server)
        self.mirror = Mirror(connect(url), base_url=BASE_URL, clock=clock)
        self._relay_client = connect(url)
        self.start_relay()
        self.mirror.start()

    def start_relay(self, holder: str = "relay-a") -> None:
        """Start a relay in a thread of its own."""
        self.relay = make_relay(self.truth, RedisStatus(self._relay_client), holder=holder)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.relay.run, args=(self._stop,), daemon=True)
        self._thread.start()

    def stop_relay(self) -> None:
        """End the relay."""
        self._stop.set()
        self.relay.wake()
        self._thread.join()

    def add(self, idx: int, value: int, **more: object) -> int:
        """Commit one event and wake the relay."""
        seq = self.truth.add(idx, value, **more)  # type: ignore[arg-type]
        self.relay.wake()
        return seq

    def shows(self, idx: int, list_id: str = LIST) -> str | None:
        """What the mirror says of an entry, in a word; None for nothing."""
        answer = self.mirror.lookup(uri(list_id), idx)
        return None if answer is None else answer.state

    def settled(self, idx: int, state: str | None) -> None:
        """Wait until the mirror says so."""
        until(lambda: self.shows(idx) == state, f"entry {idx} shows {state}, it shows {self.shows(idx)}")

    def close(self) -> None:
        """End everything."""
        self.stop_relay()
        self.mirror.close()
        self.server.close()
        self._relay_client.close()
