"""One SQL database, SQLite or PostgreSQL: how it is opened, read and written.

SQLite (one machine):
- WAL and `synchronous=FULL`: a commit that was acknowledged is on disk.
- One writing connection a process, and a lock file beside the database around each write transaction of any
  process: two connections that write a WAL database at once could corrupt it in SQLite before 3.51.3.
- Readers have their own connections, opened read-only, and are never blocked by a writer.

PostgreSQL (several machines): READ COMMITTED with row locks for writing, one snapshot (REPEATABLE READ) for
reading.

Whatever goes wrong with the database itself leaves as `Unavailable`; a broken uniqueness rule as `Conflict`.
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ecert.errors import Conflict, SettingsFault, Unavailable

__all__ = ["Database"]

_WAIT = timedelta(seconds=30)


class Database:
    """An open database. Safe to use from many threads; not across a fork.

    Args:
        url: `sqlite:////path/to/file` or `postgresql+psycopg://…`.
        wait: How long a write waits for other writers before it is `Unavailable`.

    Raises:
        SettingsFault: The address is neither, or the folder of the file is missing.
    """

    def __init__(self, url: str, *, wait: timedelta = _WAIT) -> None:
        try:
            parsed = make_url(url)
            backend = parsed.get_backend_name()
        except ArgumentError:
            raise SettingsFault("expected a database address, got something else") from None
        self._gate: _WriteGate | None = None
        if backend == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise SettingsFault("expected the SQLite database to be a file, got none")
            path = Path(parsed.database).absolute()
            if not path.parent.is_dir():
                raise SettingsFault(f"expected a folder {path.parent} for the database, got none")
            _make_file(path)
            self._gate = _WriteGate(path.with_name(path.name + ".lock"), wait=wait)
            self._writer, self._reader = _open_sqlite(path)
        elif backend == "postgresql":
            self._writer, self._reader = _open_postgresql(url, wait=wait)
        else:
            raise SettingsFault("expected a database address of SQLite or PostgreSQL, got another kind")

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writer.dialect.name

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction: committed when the block ends, undone when it raises.

        Raises:
            Unavailable: The database can't be reached, is full, or others held it too long.
            Conflict: A uniqueness rule was broken.
        """
        with contextlib.ExitStack() as stack:
            if self._gate is not None:
                stack.enter_context(self._gate.held())
            stack.enter_context(_translated())
            yield stack.enter_context(self._writer.begin())

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only transaction that sees one state of the database from its first query to its last.

        Raises:
            Unavailable: The database can't be reached.
        """
        with _translated(), self._reader.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()
        self._writer.dispose()
        if self._gate is not None:
            self._gate.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    # The messages of drivers quote values, so none of them goes on.
    try:
        yield
    except IntegrityError:
        raise Conflict("expected a new entry, got one whose number, index or key is there already") from None
    except (DBAPIError, PoolTimeout) as fault:
        cause = type(fault.orig).__name__ if isinstance(fault, DBAPIError) else "no free connection"
        raise Unavailable(f"expected the SQL database to answer, got {cause}") from None


class _WriteGate:
    """One write transaction at a time: among threads by a lock, among processes by a lock file."""

    def __init__(self, path: Path, *, wait: timedelta) -> None:
        self._path = path
        self._wait = wait.total_seconds()
        self._thread = threading.Lock()
        self._descriptor: int | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        deadline = time.monotonic() + self._wait
        if not self._thread.acquire(timeout=self._wait):
            raise Unavailable("expected the database's write lock, got none in time: another thread keeps it")
        try:
            descriptor = self._locked(deadline)
            try:
                yield
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            self._thread.release()

    def _locked(self, deadline: float) -> int:
        pause = 0.0002
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            while True:
                try:
                    fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return self._descriptor
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Unavailable(
                            "expected the database's write lock, got none in time: another process keeps it"
                        ) from None
                    time.sleep(pause)
                    pause = min(pause * 2, 0.005)
        except OSError as fault:
            raise Unavailable(f"expected the database's lock file, got {fault.strerror}") from None

    def close(self) -> None:
        with self._thread:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _make_file(path: Path) -> None:
    # SQLite would make it readable to everybody; its -wal and -shm files take their mode from it.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        raise SettingsFault(f"expected a database file that can be written, got {fault.strerror}") from None


def _open_sqlite(path: Path) -> tuple[Engine, Engine]:
    writer = create_engine(
        f"sqlite:///{path}", pool_size=1, max_overflow=0, connect_args={"check_same_thread": False}
    )
    reader = create_engine(
        f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true",
        pool_size=8,
        max_overflow=56,
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(writer, "connect")
    def prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins no transaction of its own
        for pragma in (
            "page_size = 8192",  # of a new file: a licence is about 1.2 KB
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "busy_timeout = 10000",
            "cache_size = -65536",
            "wal_autocheckpoint = 4000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(reader, "connect")
    def prepare_reader(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 10000").close()

    @event.listens_for(writer, "begin")
    def begin_writing(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(reader, "begin")
    def begin_reading(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return writer, reader


def _open_postgresql(url: str, *, wait: timedelta) -> tuple[Engine, Engine]:
    try:
        engine = create_engine(
            url,
            pool_size=8,
            max_overflow=56,
            pool_pre_ping=True,
            pool_timeout=wait.total_seconds(),
            isolation_level="READ COMMITTED",
            connect_args={
                "connect_timeout": 5,
                "options": f"-c lock_timeout={int(wait.total_seconds() * 1000)} -c timezone=UTC",
            },
        )
    except ImportError:
        raise SettingsFault(
            "expected psycopg for a PostgreSQL database: pip install 'ecert[postgres]'"
        ) from None
    return engine, engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
