"""The service counter: servers that answer scans, ours and the peers', and the load on them as samples."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from redis import Redis

from benchmarks.load import Load, Shot, closed_loop
from benchmarks.office import Office, Scan, open_office
from benchmarks.peers import node_peers
from benchmarks.processes import (
    CLIENT_CORE,
    SERVER_CORE,
    Child,
    cpu_seconds,
    family,
    free_port,
    on_cores,
    resident_bytes,
)
from benchmarks.stage import Stage
from benchmarks.workers import wait_for_each_worker

__all__ = [
    "Sample",
    "Server",
    "answer_to",
    "constant",
    "largest",
    "mark_revoked",
    "node",
    "open_counter",
    "open_two",
    "plain",
    "sampled",
]

_REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Server:
    """One server that is measured. `at_start`: resident bytes of its largest process before any request."""

    port: int
    child: Child
    at_start: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of load: answers and items a second by the clock, CPU time an item, the client's share."""

    load: Load
    items: float
    cpu_micros: float


def sampled(
    server: Server, shots: Iterator[Shot], stage: Stage, *, items: int = 1, connections: int = 0
) -> Sample:
    """Load a server for one round; every answer must be right."""
    before = cpu_seconds(server.child.pid)
    with on_cores(CLIENT_CORE):
        load = closed_loop(
            server.port,
            shots,
            connections=connections or stage.size.connections,
            seconds=stage.size.http_seconds,
        ).checked()
    used = cpu_seconds(server.child.pid) - before
    return Sample(load, load.rate * items, 1e6 * used / (load.answered * items))


@contextmanager
def open_counter(stage: Stage) -> Iterator[Server]:
    """Our verifier with one worker on the server's core."""
    office = stage.once(open_office)
    with office.serving(role="verifier", cores=SERVER_CORE) as (port, child):
        yield Server(port, child, largest(child))


@contextmanager
def open_two(stage: Stage) -> Iterator[Server]:
    """Our verifier with two workers, on any core."""
    office = stage.once(open_office)
    with office.serving(role="verifier", workers=2) as (port, child):
        if sys.platform == "linux":
            wait_for_each_worker(port, child.pid, workers=2)
        yield Server(port, child)


def largest(child: Child) -> int:
    """Resident bytes of the largest process of a server: its worker. 0 where there is no /proc."""
    return max(map(resident_bytes, family(child.pid))) if sys.platform == "linux" else 0


def answer_to(office: Office, port: int, scan: Scan) -> bytes:
    """The body that a server answers one scan with."""
    line = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {office.window_key}", "Content-Type": "application/json"}
    line.request("POST", "/v1/verify", scan.body, headers)
    body = line.getresponse().read()
    line.close()
    return body


def mark_revoked(office: Office, scans: Sequence[Scan]) -> None:
    """Tell the peers in their own way: a bit in Redis."""
    with Redis.from_url(office.redis_url) as cache:
        for scan in scans:
            cache.setbit(f"revoked:{scan.uri}", scan.idx, 1)


@contextmanager
def plain(stage: Stage, office: Office) -> Iterator[Server]:
    """The FastAPI service, one worker, without an access log as ours is."""
    world = _world(stage, office)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.plain:app", "--port", str(port)]
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    with Child(
        [*command, *options],
        log=stage.folder / "plain.log",
        cores=SERVER_CORE,
        environment={"BENCH_WORLD": str(world)},
        folder=_REPOSITORY,
    ) as child:
        yield Server(port, child.wait_port(port))


@contextmanager
def node(stage: Stage, office: Office) -> Iterator[Server]:
    """The Node service. Look at `why_no_node` first."""
    world = _world(stage, office)
    port = free_port()
    with Child(
        ["node", str(node_peers.FOLDER / "service.js")],
        log=stage.folder / "node.log",
        cores=SERVER_CORE,
        environment={"BENCH_WORLD": str(world), "BENCH_PORT": str(port), "NODE_ENV": "production"},
    ) as child:
        yield Server(port, child.wait_port(port))


@contextmanager
def constant(stage: Stage, answer: bytes) -> Iterator[Server]:
    """Our HTTP server with an application that answers a constant."""
    path = stage.folder / "answer.json"
    path.write_bytes(answer)
    port = free_port()
    with Child(
        [sys.executable, "-m", "benchmarks.peers.constant", str(port)],
        log=stage.folder / "constant.log",
        cores=SERVER_CORE,
        environment={"BENCH_ANSWER": str(path)},
        folder=_REPOSITORY,
    ) as child:
        yield Server(port, child.wait_port(port))


def _world(stage: Stage, office: Office) -> Path:
    path = stage.folder / "world.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(office.world(), out)
    return path
