"""Bring a database to the newest schema, at start, under the write lock, so that processes starting at once
agree.

A step and its version number are committed together: a crash in the middle leaves the version before it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ecert.errors import SettingsFault
from ecert.store.sql.database import Database

__all__ = ["head_revision", "migrate"]

_STEPS = Path(__file__).with_name("migrations")
_ADVISORY_LOCK = 0x6563657274  # "ecert": any number that all our processes share


def migrate(database: Database) -> str:
    """Run the missing steps.

    Returns:
        The revision that the database has now.

    Raises:
        SettingsFault: The database was migrated by a newer ecert.
        Unavailable: It can't be reached.
    """
    config = Config()
    config.set_main_option("script_location", str(_STEPS))
    with database.write() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _ADVISORY_LOCK})
        now, newest = _revision(connection), head_revision()
        if now == newest:
            return newest
        known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
        if now is not None and now not in known:
            raise SettingsFault(
                "expected a database of this version of ecert or an older one, got a newer one"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return newest


def head_revision() -> str:
    """The newest revision that this version of ecert has."""
    config = Config()
    config.set_main_option("script_location", str(_STEPS))
    return str(ScriptDirectory.from_config(config).get_current_head())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
