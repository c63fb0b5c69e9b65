"""The mirror: its memory and the time to load it, for 1, 10 and 100 million licences.

The cache is filled by the project's own writer. One entry in a hundred is invalid for good, half of those
superseded, spread at random. A fresh process then loads its mirror: this module, run as a program.

Loading ends when the mirror has every list; that it is shown takes until the relay's next beat.
"""

import gc
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from benchmarks.processes import CLIENT_CORE, SERVER_CORE, free_port, on_cores, resident_bytes, start_redis
from benchmarks.stage import Stage
from ecert.store.mirror import Mirror
from ecert.store.redis_client import connect
from ecert.store.redis_status import RedisStatus

__all__ = ["beating", "fill", "measure"]

_SIZE = 1 << 20  # entries of one full list
_BEAT = 0.25  # seconds, as the relay's
_BASE_URL = "https://ecert.example"


def fill(cache: RedisStatus, *, licences: int, epoch: int) -> None:
    """Write full status lists for so many licences, as a rebuild of the cache does."""
    chance = random.Random(1)
    entries, superseded = bytearray(_SIZE // 4), []
    for place, idx in enumerate(sorted(chance.sample(range(_SIZE), _SIZE // 100))):
        entries[idx >> 2] |= 1 << ((idx & 3) << 1)
        if place % 2:
            superseded.append(idx)
    cache.begin_rebuild(epoch=epoch, fence=1, over=None)
    for number in range(-(-licences // _SIZE)):
        name = f"11440305000000100L.{number + 1}"
        cache.put_list(name, size=_SIZE, entries=bytes(entries), superseded=superseded, epoch=epoch, fence=1)
    cache.finish_rebuild(epoch=epoch, fence=1, seq=licences)


@contextmanager
def beating(cache: RedisStatus, *, epoch: int, seq: int) -> Iterator[None]:
    """Vouch for the cache as the relay does, in a thread, while the block runs."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(_BEAT):
            head = cache.head()
            if head is not None:
                cache.heartbeat(epoch=epoch, fence=1, seq=seq, since=head.clock)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def measure(stage: Stage) -> None:
    """Write the rows `mirror: …`."""
    if sys.platform != "linux":
        stage.sheet.skip("mirror", "memory of a process is read from /proc")
        return
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with start_redis(stage.folder / "mirror-redis", port), on_cores(CLIENT_CORE):
        cache = RedisStatus(connect(url, timeout=timedelta(seconds=10)))
        for epoch, millions in enumerate(stage.size.mirror_millions, start=1):
            licences = millions * 1_000_000
            fill(cache, licences=licences, epoch=epoch)
            with beating(cache, epoch=epoch, seq=licences):
                loads = [_load_once(url, licences) for _ in range(min(3, stage.size.rounds))]
            what = f"{millions} million licences"
            stage.sheet.add(f"mirror: memory, {what}", [one["bytes"] / 1e6 for one in loads], "MB")
            per = [one["bytes"] / licences for one in loads]
            target = "value <= 0.3" if millions >= 100 else None  # below, buffers weigh more than lists
            stage.sheet.add(f"mirror: memory a licence, {what}", per, "byte", target=target)
            target = "value <= 1" if millions == 10 else None
            stage.sheet.add(f"mirror: load, {what}", [one["loaded"] for one in loads], "s", target=target)
            stage.sheet.add(f"mirror: load until shown, {what}", [one["shown"] for one in loads], "s")


def _load_once(url: str, seq: int) -> dict[str, float]:
    with on_cores(SERVER_CORE):
        command = [sys.executable, "-m", "benchmarks.mirror", url, str(seq)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    outcome: dict[str, float] = json.loads(done.stdout)
    return outcome


def _as_a_fresh_process(url: str, seq: int) -> dict[str, Any]:
    """Load one mirror; memory is what the process has more of afterwards."""
    mirror = Mirror(connect(url), base_url=_BASE_URL)
    gc.collect()
    before, start = resident_bytes(os.getpid()), time.perf_counter()
    mirror.start()
    if not mirror.wait_applied(seq, timedelta(seconds=60)):
        raise RuntimeError("expected the mirror to load within a minute, it did not")
    loaded = time.perf_counter() - start
    if not mirror.wait_ready(timedelta(seconds=10)):
        raise RuntimeError("expected the mirror to be shown after a beat, it was not")
    shown = time.perf_counter() - start
    gc.collect()
    outcome = {"bytes": resident_bytes(os.getpid()) - before, "loaded": loaded, "shown": shown}
    mirror.close()
    return outcome


if __name__ == "__main__":
    print(json.dumps(_as_a_fresh_process(sys.argv[1], int(sys.argv[2]))))
