"""Load over HTTP/1.1 with keep-alive: closed loop (as fast as answers come) and open loop (at a given rate).

- Open loop: arrivals are fixed beforehand, `rate` a second. A latency is counted from the moment the request
  was *due*, not from when it could be sent, so a server that stalls is charged for everyone who had to wait
  (no coordinated omission). What is never answered counts with the time waited.
- Every answer is looked at: HTTP 200 and the expected words, as often as expected; any other one is `wrong`.
- Request bytes are built beforehand and answers are cut by Content-Length alone, so that one client process
  outruns every server measured here; `client_share` says how much of one core it used.
- `select` and not asyncio: its time-out is in microseconds, where epoll's is in milliseconds.

Not for other use: no TLS, no chunked answers, loopback only.
"""

import re
import select
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from benchmarks.histogram import Histogram

__all__ = ["Load", "Shot", "closed_loop", "endless", "once_through", "open_loop", "post", "wrk_rate"]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_GRACE = 5.0  # seconds that answers may take after the last request
_PATIENCE = 30.0  # seconds to wait for the first answer, however short the loop


@dataclass(frozen=True, slots=True)
class Shot:
    """One request ready to be sent, and the words that must stand in its answer at least `times` times."""

    wire: bytes
    expects: bytes
    times: int = 1


def post(path: str, body: bytes, *, key: str = "", expects: bytes, times: int = 1) -> Shot:
    """Build a POST of a JSON body; `key` becomes the bearer token."""
    bearer = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Shot(head.encode() + body, expects, times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one loop came to. `first_wrong` is the first answer that was not as expected."""

    answered: int
    wrong: int
    unanswered: int
    seconds: float
    latency: Histogram
    client_share: float
    first_wrong: bytes = b""

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return (self.answered - self.wrong) / self.seconds

    def checked(self) -> "Load":
        """Return itself, or stop the run: a fast wrong answer is not a measurement."""
        if self.wrong or self.unanswered or not self.answered:
            raise RuntimeError(
                f"expected every answer to be right, got {self.wrong} wrong and {self.unanswered} missing "
                f"of {self.answered + self.unanswered}: {self.first_wrong[:12]!r} {self.first_wrong[-300:]!r}"
            )
        return self


class _Line:
    """One keep-alive connection with at most one request under way."""

    __slots__ = ("buffer", "due", "end", "port", "shot", "socket")

    def __init__(self, port: int) -> None:
        self.port = port
        self.shot: Shot | None = None
        self.due = 0.0
        self.connect()

    def connect(self) -> None:
        self.buffer = bytearray()
        self.end = 0
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, shot: Shot, due: float) -> None:
        self.shot, self.due = shot, due
        try:
            self.socket.sendall(shot.wire)
        except (BrokenPipeError, ConnectionResetError):  # closed while idle, as a keep-alive server may
            self.reopen()
            self.socket.sendall(shot.wire)

    def reopen(self) -> None:
        self.socket.close()
        self.connect()

    def receive(self) -> bytes | None:
        """Read what is there; returns the whole answer when it is complete, b"" when the server hung up."""
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            return b""
        if not data:
            return b""
        self.buffer += data
        if not self.end:
            head = self.buffer.find(b"\r\n\r\n")
            if head < 0:
                return None
            length = _LENGTH.search(self.buffer, 0, head + 2)
            if length is None:
                raise RuntimeError("expected an answer with Content-Length, got one without")
            self.end = head + 4 + int(length[1])
        if len(self.buffer) < self.end:
            return None
        answer = bytes(self.buffer[: self.end])
        del self.buffer[: self.end]
        self.end = 0
        return answer


class _Tally:
    """Answers as they come in."""

    def __init__(self) -> None:
        self.answered = 0
        self.wrong = 0
        self.first_wrong = b""
        self.latency = Histogram()
        self._cpu = time.process_time()

    def take(self, line: _Line, now: float) -> bool:
        """Read from a line; True when its request is done with."""
        answer = line.receive()
        if answer is None:
            return False
        shot = line.shot
        if not answer:
            line.reopen()
            if shot is None:
                return False
        if shot is None:
            raise RuntimeError("expected no answer before a request, got one")
        self.answered += 1
        self.latency.record(now - line.due)
        if answer[9:12] != b"200" or answer.count(shot.expects) < shot.times:
            self.wrong += 1
            self.first_wrong = self.first_wrong or answer or b"(hung up)"
        line.shot = None
        return True

    def load(self, *, seconds: float, unanswered: int = 0) -> Load:
        return Load(
            answered=self.answered,
            wrong=self.wrong,
            unanswered=unanswered,
            seconds=seconds,
            latency=self.latency,
            client_share=(time.process_time() - self._cpu) / seconds,
            first_wrong=self.first_wrong,
        )


def closed_loop(port: int, shots: Iterator[Shot], *, connections: int, seconds: float) -> Load:
    """Keep every connection busy for `seconds`, at least until the first answer; the rest is not counted."""
    lines = [_Line(port) for _ in range(connections)]
    tally = _Tally()
    start = now = time.perf_counter()
    for line in lines:
        line.send(next(shots), now)
    while now - start < seconds or (not tally.answered and now - start < _PATIENCE):
        ready, _, _ = select.select(lines, [], [], 1.0)
        now = time.perf_counter()
        for line in ready:
            if tally.take(line, now):
                line.send(next(shots), now)
    load = tally.load(seconds=now - start)
    _drain(lines)
    return load


def once_through(port: int, shots: Sequence[Shot], *, connections: int) -> Load:
    """Send each request once, as fast as answers come."""
    supply = iter(shots)
    tally = _Tally()
    start = now = time.perf_counter()
    busy = [_Line(port) for _ in range(min(connections, len(shots)))]
    for line in busy:
        line.send(next(supply), now)
    while busy and now - start < _PATIENCE + len(shots):
        ready, _, _ = select.select(busy, [], [], 1.0)
        now = time.perf_counter()
        for line in ready:
            if tally.take(line, now):
                shot = next(supply, None)
                if shot is None:
                    line.socket.close()
                    busy.remove(line)
                else:
                    line.send(shot, now)
    return tally.load(seconds=now - start, unanswered=len(shots) - tally.answered)


def open_loop(port: int, shots: Iterator[Shot], *, connections: int, seconds: float, rate: float) -> Load:
    """Send `rate` requests a second for `seconds`, whatever the server does."""
    idle = [_Line(port) for _ in range(connections)]
    lines = list(idle)
    waiting: deque[float] = deque()
    tally = _Tally()
    count, sent = max(1, int(rate * seconds)), 0
    start = time.perf_counter() + 0.01
    until = start + seconds + _GRACE
    while tally.answered < count:
        now = time.perf_counter()
        if now > until:
            break
        while sent < count and start + sent / rate <= now:
            waiting.append(start + sent / rate)
            sent += 1
        while waiting and idle:
            idle.pop().send(next(shots), waiting.popleft())
        timeout = max(0.0, start + sent / rate - time.perf_counter()) if sent < count else 0.1
        ready, _, _ = select.select(lines, [], [], timeout)
        if ready:
            now = time.perf_counter()
            idle.extend(line for line in ready if tally.take(line, now))
    now = time.perf_counter()
    missing = [line.due for line in lines if line.shot is not None] + list(waiting)
    for due in missing:
        tally.latency.record(now - due)
    _drain([line for line in lines if line.shot is None])
    return tally.load(seconds=now - start, unanswered=len(missing))


def _drain(lines: Sequence[_Line]) -> None:
    until = time.perf_counter() + _GRACE
    for line in lines:
        line.socket.settimeout(_GRACE)
        while line.shot is not None and time.perf_counter() < until:
            if line.receive() is not None:
                line.shot = None
        line.socket.close()


_LUA = """
local requests, at = {}, 0
for line in io.lines("%s") do requests[#requests + 1] = wrk.format("POST", "%s", %s, line) end
request = function() at = at %% #requests + 1; return requests[at] end
"""


def wrk_rate(
    wrk: str, port: int, bodies: Sequence[bytes], *, path: str, key: str, seconds: int, folder: Path
) -> float:
    """Ask `wrk` for requests a second with the same bodies: other people's code checks ours."""
    lines, script = folder / "wrk-bodies.ndjson", folder / "wrk.lua"
    lines.write_bytes(b"\n".join(bodies) + b"\n")
    headers = f'{{["Content-Type"] = "application/json", ["Authorization"] = "Bearer {key}"}}'
    script.write_text(_LUA % (lines, path, headers))
    command = [wrk, "-t1", "-c16", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    found = re.search(r"Requests/sec: *([\d.]+)", printed)
    if found is None or "Non-2xx" in printed:
        raise RuntimeError(f"expected wrk to report only 2xx answers, got: {printed[-300:]}")
    return float(found[1])


def endless(shots: Sequence[Shot]) -> Iterator[Shot]:
    """Shots over and over, in order."""
    return cycle(shots)
