"""Resident memory of a worker: after its start, and after many scans of many licences."""

import sys
import time

from benchmarks.counter import largest, open_counter
from benchmarks.http import batches
from benchmarks.load import closed_loop, endless
from benchmarks.office import open_office
from benchmarks.processes import CLIENT_CORE, on_cores
from benchmarks.stage import Stage

__all__ = ["measure"]


def measure(stage: Stage) -> None:
    """Write the rows `memory: …`."""
    if sys.platform != "linux":
        stage.sheet.skip("memory", "memory of a process is read from /proc")
        return
    office, ours = stage.once(open_office), stage.once(open_counter)
    stage.sheet.add("memory: worker after its start", ours.at_start / 1e6, "MB")
    stream = endless(batches(office, office.dealt.batch, stage.size.batch))
    done, seen = 0, [largest(ours.child) / 1e6]
    until = time.perf_counter() + stage.size.memory_seconds
    with on_cores(CLIENT_CORE):
        while done < stage.size.remembered_scans and time.perf_counter() < until:
            load = closed_loop(ours.port, stream, connections=2, seconds=stage.size.http_seconds).checked()
            done += load.answered * stage.size.batch
            seen.append(largest(ours.child) / 1e6)
    stage.sheet.add(f"memory: worker after {done:,} scans more", seen[-1], "MB")
    stage.sheet.add("memory: growth over the second half of them", seen[-1] - seen[len(seen) // 2], "MB")
