"""What `ecert doctor` looks at: each part by itself, so that one missing part does not hide the next."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from ecert.assembly.authorities import root_id_file
from ecert.assembly.redis_at import located
from ecert.assembly.settings import PREFIX, Settings
from ecert.assembly.trust_keeper import TrustKeeper, read_root
from ecert.errors import EcertError
from ecert.store import DataKeys, KeyFiles
from ecert.store.sql import Database, SqlTrustLists, head_revision

__all__ = ["PartFound", "examine", "setting_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFound:
    """One part: what was found, and what to type when it is missing."""

    part: str
    ok: bool
    found: str
    remedy: str = ""


def examine(settings: Settings) -> tuple[PartFound, ...]:
    """Look at every part. Starts nothing and changes nothing."""
    return tuple(_parts(settings))


def setting_rows() -> list[tuple[str, str, str]]:
    """Every setting: its variable, its default and its meaning."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, timedelta):
            default = f"{default.total_seconds():g}"
        rows.append((PREFIX + name.upper(), "" if default is None else str(default), field.description or ""))
    return rows


def _parts(settings: Settings) -> Iterator[PartFound]:
    right = sys.version_info >= (3, 11)
    yield PartFound(
        part="python", ok=right, found=platform.python_version(), remedy="" if right else "use 3.11 or newer"
    )
    yield _home(settings)
    yield _looked(
        "sql", lambda: _sql(settings), remedy="check ECERT_DATABASE_URL; `ecert serve` makes the tables"
    )
    yield _looked(
        "redis",
        lambda: located(_secret(settings.redis_url), settings.home),
        remedy="set ECERT_REDIS_URL, or apt install redis-server, or pip install 'ecert[embedded]'",
    )
    yield _looked("trust root", lambda: _root(settings), remedy="ecert trust init")
    yield _looked("trust lists", lambda: _lists(settings), remedy="ecert trust init")
    if settings.issues:
        yield _looked("signing keys", lambda: _keys(settings), remedy="ecert trust init")
        yield _looked(
            "data keys",
            lambda: _data_keys(settings),
            remedy="made by the first `ecert trust init` or `ecert serve`",
        )
    seen = importlib.util.find_spec("zxingcpp") is not None
    yield PartFound(
        part="pictures",
        ok=True,
        found="zxing-cpp reads codes from pictures"
        if seen
        else "no zxing-cpp: pictures can't be read (everything else works)",
        remedy="" if seen else "pip install 'ecert[batch]'",
    )


def _looked(part: str, look: Callable[[], str], *, remedy: str) -> PartFound:
    try:
        return PartFound(part=part, ok=True, found=look())
    except EcertError as fault:
        return PartFound(part=part, ok=False, found=str(fault), remedy=remedy)


def _home(settings: Settings) -> PartFound:
    home = settings.home.absolute()
    if not home.exists():
        return PartFound(part="home", ok=True, found=f"{home} is made when first needed")
    usable = home.is_dir() and os.access(home, os.W_OK)
    return PartFound(
        part="home",
        ok=usable,
        found=str(home),
        remedy="" if usable else f"make {home} a folder you may write to",
    )


def _sql(settings: Settings) -> str:
    if settings.database_url is None and not (settings.home / "ecert.db").exists():
        return "SQLite, made when first needed"
    database = Database(settings.database, wait=timedelta(seconds=3))
    try:
        SqlTrustLists(database).all_current()
        return f"{database.dialect}, schema {head_revision()}"
    finally:
        database.close()


def _root(settings: Settings) -> str:
    return f"{settings.root_file}, kid {read_root(settings.root_file).kid}"


def _lists(settings: Settings) -> str:
    if settings.database_url is None and not (settings.home / "ecert.db").exists():
        raise EcertError("no database yet, so no trust list")
    database = Database(settings.database, wait=timedelta(seconds=3))
    try:
        keeper = TrustKeeper(
            SqlTrustLists(database),
            root_file=settings.root_file,
            root_id=lambda: root_id_of(settings),
            clock=lambda: datetime.now(UTC),
        )
        keeper.refresh()
    finally:
        database.close()
    if not keeper.loaded:
        raise EcertError("no trust list that counts")
    table = keeper.table
    if table.expires_at <= datetime.now(UTC):
        raise EcertError(f"a trust list expired on {table.expires_at:%Y-%m-%d}")
    said = f"{len(table.authorities)} authorities, in force until {table.expires_at:%Y-%m-%d}"
    if table.problems:
        # Verifiers leave a bad entry out and use the rest: nothing is missing here.
        first, count = table.problems[0], len(table.problems)
        told = "1 problem" if count == 1 else f"{count} problems"
        said += f"; {told}, the first: {first.authority}: {first.reason}"
    return said


def root_id_of(settings: Settings) -> str | None:
    """The root's USCC: the setting, or the file that `ecert trust init` wrote."""
    if settings.root_id is not None:
        return settings.root_id
    try:
        return root_id_file(settings.keys).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _keys(settings: Settings) -> str:
    if not settings.keys.is_dir():
        raise EcertError(f"no folder {settings.keys}")
    count = sum(1 for path in KeyFiles(settings.keys).directory.glob("*.pem"))
    if not count:
        raise EcertError(f"no key in {settings.keys}")
    return f"{count} in {settings.keys}"


def _data_keys(settings: Settings) -> str:
    given = _secret(settings.data_keys)
    if given is not None:
        return f"{len(DataKeys(given).ids)} in ECERT_DATA_KEYS"
    path = settings.keys / "data.keys"
    if not path.exists():
        raise EcertError(f"no {path} yet")
    return f"{len(DataKeys.open(path).ids)} in {path}"


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()
