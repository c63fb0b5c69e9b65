"""How often the relay does what, and what it tells about its work."""

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["RelayPace", "RelayStats", "RelayTurn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPace:
    """How often the relay does what."""

    lease: timedelta = timedelta(seconds=2)
    # One large list may take seconds to read; nobody must take over in the middle, to be interrupted in turn.
    rebuilding_lease: timedelta = timedelta(seconds=30)
    renew: timedelta = timedelta(milliseconds=500)
    beat: timedelta = timedelta(milliseconds=250)
    poll: timedelta = timedelta(milliseconds=20)
    standby: timedelta = timedelta(milliseconds=250)
    audit: timedelta = timedelta(seconds=2)
    shortest_pause: timedelta = timedelta(milliseconds=50)
    longest_pause: timedelta = timedelta(seconds=2)
    batch: int = 1000
    # More events than this behind SQL: building anew is quicker than catching up.
    far_behind: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayTurn:
    """What one turn did."""

    leading: bool
    applied: int = 0
    beat: bool = False
    rebuilt: bool = False


@dataclass(slots=True, kw_only=True)
class RelayStats:
    """Counters since the start, and where the relay stands."""

    leading: bool = False
    epoch: int = 0
    seq: int = 0
    applied: int = 0
    batches: int = 0
    beats: int = 0
    late_beats: int = 0
    rebuilds: int = 0
    takeovers: int = 0
    deposed: int = 0
    damaged_lists: int = 0
    kept_invalid: int = 0
    errors: int = 0
