"""Rounds: every case once in each, in turns, and the speed of one call in this process.

Speed is calls per second of *CPU time* of the whole process: on a quiet core the same as by the clock, on a
busy machine without what others took.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import TypeVar

__all__ = ["alternate", "calls_per_second", "speed_of"]

T = TypeVar("T")
_AT_ONCE = 50  # short calls between two looks at the clock
_SHORT = 0.001  # seconds


def calls_per_second(call: Callable[[T], object], arguments: Iterator[T], seconds: float) -> float:
    """Call with the next arguments of an endless supply for `seconds` of CPU time; includes the loop."""
    clock = time.process_time
    done, at_once, start = 0, 1, clock()
    while True:
        for argument in islice(arguments, at_once):
            call(argument)
        done += at_once
        taken = clock() - start
        if taken >= seconds:
            return done / taken
        if taken / done < _SHORT:
            at_once = _AT_ONCE


def speed_of(call: Callable[[T], object], arguments: Sequence[T], seconds: float) -> Callable[[], float]:
    """A case that goes on, each round, with the arguments after those of the round before."""
    supply = cycle(arguments)
    return lambda: calls_per_second(call, supply, seconds)


def alternate(cases: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Run every case once a round, starting each round one case later, so that drift hits all alike.

    A round before the first warms up and is not kept.
    """
    outcomes: dict[str, list[T]] = {name: [] for name in cases}
    names = list(cases)
    for name in names:
        cases[name]()
    gc.collect()
    for number in range(rounds):
        for name in _turned(names, number):
            outcomes[name].append(cases[name]())
    return outcomes


def _turned(names: Sequence[str], by: int) -> Iterator[str]:
    start = by % len(names) if names else 0
    yield from names[start:]
    yield from names[:start]
