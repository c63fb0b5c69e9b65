"""Latencies counted in buckets at most 0.1 % wide, as HdrHistogram does it: none is kept, none is lost.

Whole microseconds. Values below 2,048 have a bucket each; above, every doubling is cut into 1,024 buckets.
A percentile is the upper edge of its bucket, so rounding never flatters.

Sources: HdrHistogram's bucket layout.
"""

import math
from array import array

__all__ = ["Histogram"]

_LONGEST = 3_600_000_000  # one hour; anything longer is counted as one hour


def _bucket(micros: int) -> int:
    if micros < 2048:
        return micros
    shift = micros.bit_length() - 11
    return (shift << 10) + (micros >> shift)


def _upper_edge(bucket: int) -> int:
    if bucket < 2048:
        return bucket
    shift = (bucket >> 10) - 1
    return ((bucket - (shift << 10) + 1) << shift) - 1


class Histogram:
    """A count for each bucket of microseconds."""

    __slots__ = ("_counts", "_longest", "total")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * (_bucket(_LONGEST) + 1)))
        self._longest = 0
        self.total = 0

    def record(self, seconds: float) -> None:
        """Count one latency; a negative one (two clocks apart) counts as 0."""
        micros = min(max(math.ceil(seconds * 1e6), 0), _LONGEST)
        self._counts[_bucket(micros)] += 1
        self.total += 1
        self._longest = max(self._longest, micros)

    def add(self, other: "Histogram") -> None:
        """Take over every count of another histogram."""
        for bucket, count in enumerate(other._counts):
            if count:
                self._counts[bucket] += count
        self.total += other.total
        self._longest = max(self._longest, other._longest)

    def percentile(self, percent: float) -> float:
        """The time in milliseconds within which `percent` of the samples lie; NaN without samples."""
        if not self.total:
            return math.nan
        wanted = max(1, math.ceil(self.total * percent / 100))
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return min(_upper_edge(bucket), self._longest) / 1000
        return self._longest / 1000
