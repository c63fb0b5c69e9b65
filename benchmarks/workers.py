"""Which worker of a server answers on which connection: the kernel's tables say (Linux only).

A connection stays with the worker process that accepted it.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from benchmarks.load import Shot
from benchmarks.processes import family

__all__ = ["line_to_each_worker", "send_to_each_worker", "wait_for_each_worker"]

_PATIENCE = 60.0  # seconds


def line_to_each_worker(port: int, pid: int, *, workers: int) -> list[HTTPConnection]:
    """Open connections to a server until every worker has one, and keep one of each."""
    kept: dict[int, HTTPConnection] = {}
    until = time.perf_counter() + _PATIENCE
    while time.perf_counter() < until:
        line = HTTPConnection("127.0.0.1", port, timeout=30)
        line.request("GET", "/healthz")
        line.getresponse().read()
        owner = _owner(port, line.sock.getsockname()[1], family(pid))
        if owner is None or owner in kept:
            line.close()
            continue
        kept[owner] = line
        if len(kept) == workers:
            return list(kept.values())
    raise RuntimeError(f"expected a connection to each of {workers} workers, got {len(kept)}")


def send_to_each_worker(port: int, pid: int, shots: Sequence[Shot], *, workers: int) -> None:
    """Send every request to every worker, one after another."""
    for line in line_to_each_worker(port, pid, workers=workers):
        for shot in shots:
            line.sock.sendall(shot.wire)
            answer = HTTPResponse(line.sock)
            answer.begin()
            if answer.read().count(shot.expects) < shot.times:
                raise RuntimeError("expected every answer to be right, got a wrong one")
        line.close()


def wait_for_each_worker(port: int, pid: int, *, workers: int) -> None:
    """Wait until every worker says that it may be sent requests; one that is ready speaks for itself only."""
    until = time.perf_counter() + _PATIENCE
    for line in line_to_each_worker(port, pid, workers=workers):
        while True:
            line.request("GET", "/readyz")
            answer = line.getresponse()
            answer.read()
            if answer.status == 200:
                break
            if time.perf_counter() > until:
                raise RuntimeError(f"expected every worker to be ready within {_PATIENCE:.0f} s, one is not")
            time.sleep(0.02)
        line.close()


def _owner(port: int, client_port: int, pids: list[int]) -> int | None:
    """The process that holds the server's end of a connection."""
    ends = f":{port:04X}", f":{client_port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
            socket = f"socket:[{fields[9]}]"
            return next((pid for pid in pids if socket in _open_files(pid)), None)
    return None


def _open_files(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):  # ended meanwhile
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                found.add(str(path.readlink()))
    return found
