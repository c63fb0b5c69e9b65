"""Latency at a quarter, half and three quarters of the highest rate, and beside a stream of batches.

Of licences that the worker has scanned before.

Open loop: the rate is kept whatever happens, and waiting counts from the moment a request was due.
"""

import multiprocessing
from collections.abc import Sequence

from benchmarks.counter import Server, open_counter, sampled
from benchmarks.histogram import Histogram
from benchmarks.http import batches
from benchmarks.load import Shot, closed_loop, endless, once_through, open_loop
from benchmarks.office import open_office
from benchmarks.processes import CLIENT_CORE, on_cores
from benchmarks.stage import Stage

__all__ = ["measure"]

_LOADS = (25, 50, 75)
_PERCENTILES = (50, 99, 99.9)


def measure(stage: Stage) -> None:
    """Write the rows `latency: …`."""
    office, ours = stage.once(open_office), stage.once(open_counter)
    shots = office.shots(office.dealt.known)
    once_through(ours.port, shots, connections=stage.size.connections).checked()
    highest = max(sampled(ours, endless(shots), stage).items for _ in range(2))
    stage.sheet.add("latency: highest rate", highest, "scans/s")
    for load in _LOADS:
        counted = _counted(stage, ours, shots, rate=highest * load / 100)
        for percent in _PERCENTILES:
            name = f"latency: p{percent:g} at {load} % of the highest rate"
            stage.sheet.add(name, counted.percentile(percent), "ms")
    stream = batches(office, office.dealt.known, stage.size.batch)
    process = multiprocessing.get_context("fork").Process(
        target=keep_busy, args=(ours.port, stream, stage.size.latency_seconds + 2), daemon=True
    )
    process.start()
    try:
        counted = _counted(stage, ours, shots, rate=highest / 10)
    finally:
        process.terminate()
        process.join()
    for percent in _PERCENTILES:
        name = f"latency: p{percent:g} of single scans beside a stream of batches"
        stage.sheet.add(name, counted.percentile(percent), "ms")


def _counted(stage: Stage, ours: Server, shots: Sequence[Shot], *, rate: float) -> Histogram:
    with on_cores(CLIENT_CORE):
        load = open_loop(
            ours.port,
            endless(shots),
            connections=64,
            seconds=stage.size.latency_seconds,
            rate=max(rate, 10 / stage.size.latency_seconds),
        )
    if load.wrong:
        load.checked()
    return load.latency


def keep_busy(port: int, stream: Sequence[Shot], seconds: float) -> None:
    """Send one batch after another; runs in a process of its own."""
    with on_cores(CLIENT_CORE):
        closed_loop(port, endless(stream), connections=1, seconds=seconds)
