"""The real server as a child process, and the HTTP caller that the demo talks to it with.

The child ends with the demo: by SIGTERM at the end of the block, and by the kernel (Linux) if the demo is
killed.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from ecert.cli.listening import check_port, hear_ctrl_c
from ecert.errors import Unavailable

__all__ = ["Caller", "ends_orderly", "free_port", "running_server"]

_START_LIMIT = 60.0
_STOP_LIMIT = 15.0
_ANSWER_LIMIT = 60.0

# Asks the kernel to be ended with the demo, then becomes the command line. The check comes after the request,
# for a demo that was gone before it.
_CHILD = """
import ctypes, os, signal, sys
parent = int(sys.argv.pop(1))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
from ecert.cli import main
sys.exit(main())
"""


class Caller:
    """One client of the service: a connection that stays open, and its key.

    Every write carries an Idempotency-Key, so a request that is sent again after a lost connection is done
    once.
    """

    def __init__(self, port: int, key: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_LIMIT)
        self._key = key

    def get(self, path: str) -> bytes:
        """Read something; Unavailable unless it is there."""
        status, body = self._send("GET", path, None, {})
        if status != 200:
            raise Unavailable(f"GET {path}: expected 200, got {status}")
        return body

    def read(self, path: str) -> dict[str, Any]:
        """Read a JSON document."""
        document: dict[str, Any] = json.loads(self.get(path))
        return document

    def post(self, path: str, document: Mapping[str, object]) -> dict[str, Any]:
        """Send a JSON document and read the answer."""
        return self.send(path, json.dumps(document, ensure_ascii=False).encode(), "application/json")

    def send(self, path: str, body: bytes, media_type: str) -> dict[str, Any]:
        """Send a body and read the JSON answer; Unavailable unless it is 200 or 201."""
        headers = {"Content-Type": media_type, "Idempotency-Key": uuid.uuid4().hex}
        status, answer = self._send("POST", path, body, headers)
        if status not in (200, 201):
            raise Unavailable(f"POST {path}: expected 200 or 201, got {status}: {_problem(answer)}")
        document: dict[str, Any] = json.loads(answer)
        return document

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        for again in (True, False):
            try:
                self._connection.request(method, path, body, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, ConnectionError, TimeoutError) as fault:
                # The server closes a connection that was idle for some seconds; the next request finds out.
                self._connection.close()
                if not again:
                    kind = type(fault).__name__
                    raise Unavailable(f"{method} {path}: expected an answer, got {kind}") from None
        raise AssertionError("unreachable")


def _problem(answer: bytes) -> str:
    try:
        return str(json.loads(answer).get("detail", "no detail"))
    except (ValueError, AttributeError):
        return "no problem document"


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_server(home: Path, *, port: int, base_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `ecert serve` on the loopback for the length of a block, ready when the block begins.

    Raises:
        SettingsFault: Something listens on the port already.
        Unavailable: The server does not get ready; its log says why.
    """
    check_port("127.0.0.1", port)
    log = home / "server.log"
    arguments = ["serve", "--home", str(home), "--port", str(port)]
    command = [sys.executable, "-c", _CHILD, str(os.getpid()), *arguments]
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - this same program
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "ECERT_BASE_URL": base_url},
            # Ctrl-C goes to the demo alone, which then ends the server in good order.
            start_new_session=True,
        )
    try:
        _await_ready(child, port, log)
        yield child
    finally:
        _end(child)


def _await_ready(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_LIMIT
    while time.monotonic() < until:
        if child.poll() is not None:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise Unavailable(f"the server ended at its start: {' '.join(last) or 'it said nothing'}")
        with contextlib.suppress(Unavailable), contextlib.closing(Caller(port)) as caller:
            caller.get("/readyz")
            return
        time.sleep(0.05)
    raise Unavailable(f"expected the server to be ready within {_START_LIMIT:.0f} s; its log is {log}")


def _end(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextlib.contextmanager
def ends_orderly() -> Iterator[None]:
    """Let SIGTERM end the story as Ctrl-C does, so that what was started is ended too.

    Ctrl-C counts also for a story that a script started in the background.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    before_int = signal.getsignal(signal.SIGINT)
    hear_ctrl_c()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, before_int)
