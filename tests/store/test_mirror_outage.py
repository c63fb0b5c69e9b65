"""Servers that die, processes that stop, a cluster: what is shown is true at the age that is told with it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from ecert.store.embedded import ServerBinary, start_server
from tests.status_line import SOON, Line, until


def test_a_server_killed_and_started_empty_loses_no_revocation(
    server_binary: ServerBinary, tmp_path: Path
) -> None:
    server = start_server(server_binary, tmp_path)
    line = Line(server.url)
    try:
        line.add(1, 0)
        line.settled(1, "valid")
        line.mirror.wait_applied(line.add(2, 1), SOON)
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        line.add(1, 1)
        until(lambda: line.mirror.stats().errors > 0, "the mirror notices")
        age = line.mirror.age()
        assert age is not None
        until(lambda: (line.mirror.age() or SOON) > age + timedelta(milliseconds=100), "it grows older")
        assert line.shows(2) == "revoked"
        server = start_server(server_binary, tmp_path)
        line.settled(1, "revoked")
        line.settled(2, "revoked")
        assert line.mirror.stats().epoch == 2
    finally:
        line.close()
        server.close()


STOPPING = """
import sys
from datetime import timedelta
from ecert.store.mirror import Mirror
from ecert.store.redis_client import connect
mirror = Mirror(connect(sys.argv[1]), base_url="https://ecert.example")
mirror.start()
assert mirror.wait_ready(timedelta(seconds=30))
print("ready", flush=True)
for _ in sys.stdin:
    print(mirror.age().total_seconds(), flush=True)
"""


def test_a_stopped_process_tells_its_true_age_when_it_goes_on(line: Line) -> None:
    """The first look after SIGSTOP and SIGCONT counts the time in between, though beats went on."""
    stopped = 0.5
    with subprocess.Popen(
        [sys.executable, "-c", STOPPING, line.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        # On a busy machine its main thread may come so late that its mirror is young again: then once more.
        for _ in range(5):
            os.kill(other.pid, signal.SIGSTOP)
            other.stdin.write("\n")
            other.stdin.flush()
            begun, beats = time.monotonic(), line.relay.stats().beats
            until(lambda: time.monotonic() - begun > stopped, "some time passes")  # noqa: B023
            assert line.relay.stats().beats > beats
            os.kill(other.pid, signal.SIGCONT)
            age = float(other.stdout.readline())
            if age >= stopped:
                break
        assert age >= stopped
        other.stdin.close()


@pytest.fixture
def cluster_url(server_binary: ServerBinary, tmp_path: Path) -> Iterator[str]:
    """A cluster of one node that owns every slot. Clusters need TCP."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(server_binary.path), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--cluster-enabled", "yes", "--cluster-port", "0", "--dir", str(tmp_path)]
    # The bus port is chosen by the server as port + 10000, which need not exist for high ports.
    command[command.index("--cluster-port") + 1] = str(port - 10_000 if port > 50_000 else port + 10_000)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        client = Redis(port=port)
        try:
            until(lambda: _ready(client), "the cluster is whole")
            yield f"redis+cluster://127.0.0.1:{port}"
        finally:
            client.close()
            process.kill()


def _ready(client: Redis) -> bool:
    with contextlib.suppress(RedisError):
        if client.execute_command("CLUSTER INFO").get("cluster_state") == "ok":
            return True
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    return False


def test_every_write_and_reading_stays_within_one_slot_of_a_cluster(cluster_url: str) -> None:
    line = Line(cluster_url)
    try:
        line.add(1, 0)
        line.settled(1, "valid")
        line.mirror.wait_applied(line.add(1, 1), SOON)
        line.server.flushall()
        line.settled(1, None)
        line.settled(1, "revoked")
    finally:
        line.close()
