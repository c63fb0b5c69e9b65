"""The only place where services meet stores: `build` wires one process, `prepare` what all need first.

- SQL is opened and brought to the newest schema under its own lock, so that processes starting at once agree.
- `build` joins a status cache that is running; only `prepare` starts one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from ecert.assembly.app import App
from ecert.assembly.redis_at import joined, opened_redis
from ecert.assembly.settings import Settings
from ecert.errors import SettingsFault, Unavailable
from ecert.services.ports import Clock
from ecert.store import DataKeys
from ecert.store.memory import MemoryStatus
from ecert.store.sql import (
    Database,
    migrate,
)

__all__ = ["Ready", "build", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What `prepare` found: a sentence about Redis, and the variables the server processes need."""

    redis: str
    environment: Mapping[str, str]


def build(
    settings: Settings,
    *,
    launch: bool = True,
    memory: MemoryStatus | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> App:
    """Wire one process. Starts no thread of its own.

    Args:
        settings: Read once, for all.
        launch: Whether the status cache is needed. When it is and none is named, found or running, that is an
        error;
            `ecert serve` has started one before. When it is not, a running one is joined.
        memory: A status cache in memory instead, for tests and demonstrations of one process.
        clock: Timezone-aware UTC.

    Raises:
        SettingsFault: A setting is wrong, or what it names is not there.
        KeyFault: A key file is damaged, or others may read it.
        Unavailable: SQL is out of reach, or a needed status cache.
    """
    redis = None if memory is not None else joined(_secret(settings.redis_url), settings.home)
    if redis is None and memory is None and launch:
        raise Unavailable(
            "expected ECERT_REDIS_URL or a running server of this home: `ecert serve` starts one"
        )
    database = _opened_database(settings)
    try:
        return App(
            settings,
            database=database,
            data_keys=_data_keys(settings),
            redis=redis,
            memory=memory,
            clock=clock,
        )
    except BaseException:
        database.close()
        raise


@contextlib.contextmanager
def prepare(settings: Settings) -> Iterator[Ready]:
    """Before the server processes start: make the home, bring SQL to the newest schema, find or start Redis.

    Raises:
        SettingsFault: A setting is wrong.
        Unavailable: SQL or Redis is out of reach.
    """
    if not settings.issues and joined(_secret(settings.redis_url), settings.home) is None:
        raise SettingsFault(
            "expected ECERT_REDIS_URL for the role verifier: an issuer's relay fills that server"
        )
    _opened_database(settings).close()
    with opened_redis(_secret(settings.redis_url), settings.home) as redis:
        environment = {**settings.as_environment(), "ECERT_REDIS_URL": redis.url}
        yield Ready(redis=redis.found, environment=environment)


def _opened_database(settings: Settings) -> Database:
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise SettingsFault(
            f"ECERT_HOME is wrong: expected a folder at {settings.home}, got {fault.strerror}"
        ) from None
    database = Database(settings.database)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _data_keys(settings: Settings) -> DataKeys | None:
    """The ring of data keys; a verifier has one only where it was given one."""
    given = _secret(settings.data_keys)
    if given is not None:
        return DataKeys(given)
    path = settings.keys / "data.keys"
    return DataKeys.open(path) if settings.issues or path.exists() else None


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()
