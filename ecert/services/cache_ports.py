"""What the relay asks of the status cache: one head, an ordered list of changes, and a beat that vouches.

- The cache holds nothing that SQL can't give again, and nothing about persons.
- Every write names the epoch and the fence of the leader that makes it. The cache itself compares them and
  applies the write wholly or not at all, so a leader that was paused can't harm what its successor wrote.
- `head()` is None when there is no head that can be believed: absent, of another type, or not numbers.
- A refused write is an answer (`CacheWrite`), not an exception. A cache out of reach raises `Unavailable`;
  then the write may have happened or not.
- A heartbeat says: everything committed in SQL at the moment `since` is in the cache at `seq`. It is refused
  when that moment lies too far back, so a leader that slept between reading and writing vouches for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ecert.services.records import StatusEvent

__all__ = [
    "Applied",
    "CacheHead",
    "CacheState",
    "CacheWrite",
    "StatusCache",
]


class CacheState(StrEnum):
    """Whether the cache's contents may be used."""

    READY = "ready"
    REBUILDING = "rebuilding"


class CacheWrite(StrEnum):
    """What came of a write: done, or why the cache refused it."""

    DONE = "done"
    DEPOSED = "deposed"  # a leader with a higher fence has written
    LOST = "lost"  # the cache is not as the writer left it: emptied, rolled back, rewritten
    LATE = "late"  # a heartbeat that would vouch for too old a reading


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHead:
    """The cache's account of itself.

    `epoch` names one build of the cache from SQL, `term` the last number drawn from `Leases.next_epoch` by a
    leader that wrote here, `beat` counts heartbeats, `clock` is the cache's own clock at the reading, in
    microseconds.
    """

    epoch: int
    term: int
    seq: int
    fence: int
    beat: int
    state: CacheState
    clock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of a batch; `kept_invalid` entries were 1 (invalid for good) and stayed so against it."""

    outcome: CacheWrite
    kept_invalid: int = 0


class StatusCache(Protocol):
    """The writing side of the status cache. Verifiers never see it; they read through a mirror."""

    def head(self) -> CacheHead | None:
        """Read the head and the cache's clock; None when there is none to be believed."""

    def adopt(self, *, epoch: int, seq: int, fence: int, term: int) -> CacheWrite:
        """Take over a sound cache from the leader before, without touching its lists."""

    def apply(
        self, events: Sequence[StatusEvent], *, epoch: int, fence: int, after: int, sizes: Mapping[str, int]
    ) -> Applied:
        """Apply the events that follow `after`, all or none, and tell the mirrors.

        While the cache is being rebuilt the order is not checked and nobody is told.

        Args:
            events: At most 1000, in order. In the READY state without a gap.
            epoch: The build the writer believes it writes to.
            fence: The writer's fence.
            after: The cache's `seq` before this batch.
            sizes: Entries of every list that occurs; a list the cache has not is opened filled with 3.
        """

    def heartbeat(self, *, epoch: int, fence: int, seq: int, since: int) -> CacheWrite:
        """Vouch for `seq`; `since` is `CacheHead.clock` from a reading made before SQL was read."""

    def begin_rebuild(self, *, epoch: int, fence: int, over: int | None) -> CacheWrite:
        """Empty the cache and start a new epoch, which verifiers can't use until it is finished.

        Args:
            epoch: A number never used before.
            fence: The writer's fence.
            over: A higher fence that may be overwritten, because the writer has seen SQL disown it.
        """

    def put_list(
        self, list_id: str, *, size: int, entries: bytes, superseded: Sequence[int], epoch: int, fence: int
    ) -> CacheWrite:
        """Write one whole list (2 bits an entry, Token Status List order) while rebuilding."""

    def finish_rebuild(self, *, epoch: int, fence: int, seq: int) -> CacheWrite:
        """Open the rebuilt cache, true at `seq`, to the verifiers."""

    def audit(self, *, thorough: int, at_least: int, seq: int) -> Sequence[str] | None:
        """Look for lists that were lost or changed by someone else.

        Superseded marks are not compared: without one, a superseded licence reads as revoked.

        Args:
            thorough: Which list's bits are compared with its check sum, counted round all lists.
            at_least: How many lists must be there.
            seq: The newest change that may be there.

        Returns:
            The ids of damaged lists (empty: none found), or None when the cache as a whole is no use.
        """
