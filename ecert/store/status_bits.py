"""One status list in memory: 2 bits an entry, packed as in a Token Status List, and which are superseded.

- Entry i stands in byte i // 4 at shift 2 * (i % 4), least significant bits first.
- 1 (invalid for good) is never overwritten: `set` and `keep_invalid` hold on to it and say so.
- The check sum is the whole list, read as one little-endian number, modulo `SUM_PRIME`: cheap to follow one
  entry at a time, and cheap to compute anew over a million entries. It finds accidents, not forgers.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable

from ecert.services.ports import StatusValue

__all__ = ["SUM_PRIME", "StatusBits", "check_sum", "packed_length"]

# The largest prime below 2**26: products stay exact in Lua's doubles, and Python divides by it in one pass.
SUM_PRIME = 67_108_859
_INVALID = int(StatusValue.INVALID)


def packed_length(size: int) -> int:
    """Bytes that `size` entries take."""
    return (size + 3) // 4


def check_sum(entries: bytes | bytearray) -> int:
    """Compute the check sum of packed entries."""
    return int.from_bytes(entries, "little") % SUM_PRIME


class StatusBits:
    """A status list that one thread changes and many read without a lock.

    Args:
        size: Number of entries.
        entries: Packed entries, `packed_length(size)` bytes; without them every entry is 3 (never issued).
        superseded: Indexes whose 1 means superseded, in any order.
    """

    __slots__ = ("entries", "size", "superseded")

    def __init__(
        self, size: int, entries: bytes | bytearray | None = None, superseded: Iterable[int] = ()
    ) -> None:
        self.size = size
        self.entries = bytearray(entries) if entries is not None else bytearray(b"\xff" * packed_length(size))
        self.superseded = array("I", sorted(superseded))

    def get(self, idx: int) -> int:
        """Read one entry; the caller has checked that `idx` is inside."""
        return self.entries[idx >> 2] >> ((idx & 3) << 1) & 3

    def is_superseded(self, idx: int) -> bool:
        """Say whether the entry is marked superseded."""
        marks = self.superseded
        at = bisect_left(marks, idx)
        return at < len(marks) and marks[at] == idx

    def set(self, idx: int, value: int, *, superseded: bool = False) -> bool:
        """Write one entry.

        Returns:
            False when the entry is 1 and `value` is not: then nothing was changed.
        """
        at, shift = idx >> 2, (idx & 3) << 1
        byte = self.entries[at]
        if byte >> shift & 3 == _INVALID and value != _INVALID:
            return False
        # The mark comes first: a reader between the two lines then sees the old value, never a bare 1.
        if superseded != self.is_superseded(idx):
            self._mark(idx, superseded)
        self.entries[at] = byte & ~(3 << shift) | value << shift
        return True

    def _mark(self, idx: int, superseded: bool) -> None:
        # A copy, because a reader may be searching in the old one.
        marks = array("I", self.superseded)
        if superseded:
            insort(marks, idx)
        else:
            del marks[bisect_left(marks, idx)]
        self.superseded = marks

    def keep_invalid(self, older: "StatusBits") -> int:
        """Carry over every 1 of an older state of the same list that this one has not.

        Returns:
            How many had to be carried over; anything but 0 means that someone tried to un-revoke.
        """
        low = int.from_bytes(b"\x55" * len(self.entries), "little")
        new = int.from_bytes(self.entries, "little")
        old = int.from_bytes(older.entries[: len(self.entries)], "little")
        lost = (old & ~(old >> 1) & low) & ~(new & ~(new >> 1) & low)
        if lost:
            self.entries = bytearray((new & ~(lost * 3) | lost).to_bytes(len(self.entries), "little"))
        return lost.bit_count()
