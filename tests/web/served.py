"""A real `ecert serve`: its own process (or several), a real Redis-compatible server, a real port."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from ecert.assembly import Settings, build, found_trust, read_plan
from tests.web.counter import authorities, with_clients


@dataclass
class Served:
    """A running service: its address, client keys, process and log file."""

    url: str
    port: int
    keys: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path

    def auth(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[who]}"}

    def faults(self) -> list[str]:
        """What the log says went wrong; an assertion shows it."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if '"level":"error"' in line]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(home: Path, *, workers: int = 1, **variables: str) -> Iterator[Served]:
    """Found a home, serve it, wait until it is ready, and end it in good order."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = build(Settings.read(home=home, base_url=url), launch=False)
    try:
        found_trust(read_plan(authorities()), keys=app.key_files, lists=app.trust_lists, at=app.clock())
        keys = with_clients(app)
    finally:
        app.close()
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("ECERT_")}
    environment |= {"ECERT_HOME": str(home), "ECERT_BASE_URL": url} | variables
    log = home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from ecert.cli import main; raise SystemExit(main())",
                "serve",
                "--port",
                str(port),
                "--workers",
                str(workers),
            ],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    made = Served(url=url, port=port, keys=keys, process=process, log=log)
    try:
        _await_ready(made)
        yield made
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _await_ready(made: Served) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and made.process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"{made.url}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the service did not get ready: {made.log.read_text(errors='replace')[-2000:]}")
