"""Which status list entry the n-th licence of a list gets: a keyed permutation of a counter.

Neighbours in time must not be neighbours in the list, or a published list would tell who was issued when
(Token Status List section 12). A permutation needs no search for a free entry, and never gives one twice.

A balanced Feistel network over the index's bits, eight rounds, each round a keyed BLAKE2b. It hides order
from someone without the list's key; it is no cipher for anything else.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["FIRST_SIZE", "GROWTH", "LAST_SIZE", "permute", "permuted"]

FIRST_SIZE = 1 << 12
LAST_SIZE = 1 << 20
GROWTH = 4
_ROUNDS = 8


def permute(counter: int, *, size: int, key: bytes) -> int:
    """Map a counter to an index of the same range, one to one.

    Args:
        counter: 0 ≤ counter < size.
        size: A power of four, from 2^12 to 2^20.
        key: The list's key, 32 bytes.

    Returns:
        The index, 0 ≤ index < size.
    """
    return next(permuted(range(counter, counter + 1), size=size, key=key))[1]


def permuted(counters: range, *, size: int, key: bytes) -> Iterator[tuple[int, int]]:
    """Map a run of counters; gives each with its index."""
    half = (size.bit_length() - 1) // 2
    if size != 1 << (2 * half) or counters.start < 0 or counters.stop > size:
        raise ValueError(f"expected counters below a power of four, got up to {counters.stop} of {size}")
    mask = (1 << half) - 1
    tables = _tables(half, key)
    for counter in counters:
        left, right = counter >> half, counter & mask
        for table in tables:
            left, right = right, left ^ table[right]
        yield counter, left << half | right


@lru_cache(maxsize=256)
def _tables(half: int, key: bytes) -> tuple[tuple[int, ...], ...]:
    # A half has at most 2^10 values, so every round is a table, made once a list: 10 ms at most, then 1 µs
    # an index.
    mask = (1 << half) - 1

    def entry(turn: int, value: int) -> int:
        digest = hashlib.blake2b(
            value.to_bytes(2, "big"), key=key, digest_size=2, salt=bytes([turn])
        ).digest()
        return int.from_bytes(digest, "big") & mask

    return tuple(tuple(entry(turn, value) for value in range(1 << half)) for turn in range(_ROUNDS))
