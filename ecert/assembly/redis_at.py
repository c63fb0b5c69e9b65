"""Which Redis-compatible server belongs to a home: found or started by a server, found again by a command.

The process that serves writes the address of the home's server to a file, so that `ecert status` and the
others can join without starting one. An address from the setting is never written anywhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ecert.errors import Unavailable
from ecert.store.embedded import find_binary, find_redis
from ecert.store.redis_client import connect

__all__ = ["RedisAt", "answers", "joined", "located", "opened_redis"]

_QUICK = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAt:
    """A server's address (which may hold a password: never print it) and where it was found, for people."""

    url: str
    found: str


@contextlib.contextmanager
def opened_redis(setting: str | None, home: Path) -> Iterator[RedisAt]:
    """Find or start the server, and end it afterwards if it was started here.

    Raises:
        Unavailable: There is no server and none can be started.
    """
    server = find_redis(setting, home)
    note = home / "redis.url"
    mine = server.server is not None and server.server.process is not None
    try:
        if mine:
            note.write_text(server.url + "\n", encoding="utf-8")
        yield RedisAt(url=server.url, found=f"status cache: {server.source}")
    finally:
        if mine:
            note.unlink(missing_ok=True)
        server.close()


def joined(setting: str | None, home: Path) -> RedisAt | None:
    """The server that is running already, if there is one; starts none."""
    if setting:
        return RedisAt(url=setting, found="status cache: ECERT_REDIS_URL")
    try:
        url = (home / "redis.url").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return RedisAt(url=url, found="status cache: the running server of this home") if answers(url) else None


def located(setting: str | None, home: Path) -> str:
    """Say which server would be used.

    Raises:
        Unavailable: None is there, or it does not answer.
    """
    there = joined(setting, home)
    if there is None:
        return f"none is running; `ecert serve` starts {find_binary().source}"
    if not answers(there.url):
        raise Unavailable(f"{there.found} does not answer")
    return f"{there.found} answers"


def answers(url: str) -> bool:
    """Whether a server answers at this address, within half a second."""
    client = connect(url, timeout=_QUICK)
    try:
        return bool(client.ping())
    except Exception:
        return False
    finally:
        client.close()
