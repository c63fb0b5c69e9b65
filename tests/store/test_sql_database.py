"""Opening, migrating and guarding a database."""

import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from ecert.errors import Conflict, SettingsFault, Unavailable
from ecert.store.sql import Database, head_revision, migrate
from ecert.store.sql.schema import counters, metadata
from tests.store.sql_truth import Truth, truth  # noqa: F401 - a fixture

WRITE = text("UPDATE counters SET value = value + 1 WHERE name = 'epoch'")
READ = text("SELECT value FROM counters WHERE name = 'epoch'")


def test_the_migrations_make_exactly_the_schema(truth: Truth):  # noqa: F811
    with truth.database.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(truth: Truth):  # noqa: F811
    truth.leases.next_epoch()
    assert migrate(truth.database) == head_revision()
    assert truth.leases.next_epoch() == 2


def test_a_database_of_a_newer_version_stops_the_start(truth: Truth):  # noqa: F811
    with truth.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsFault, match="newer"):
        migrate(truth.database)


def test_what_raises_is_undone(truth: Truth):  # noqa: F811
    with pytest.raises(RuntimeError), truth.database.write() as connection:  # noqa: PT012 - the crash comes after the write
        connection.execute(WRITE)
        raise RuntimeError("in the middle")
    with truth.database.read() as connection:
        assert connection.execute(READ).scalar_one() == 0


def test_a_reader_can_not_write(truth: Truth):  # noqa: F811
    with pytest.raises(Unavailable), truth.database.read() as connection:
        connection.execute(WRITE)


def test_a_reader_sees_one_state_from_beginning_to_end(truth: Truth):  # noqa: F811
    with truth.database.read() as connection:
        before = connection.execute(READ).scalar_one()
        with truth.database.write() as writer:
            writer.execute(WRITE)
        assert connection.execute(READ).scalar_one() == before
    with truth.database.read() as connection:
        assert connection.execute(READ).scalar_one() == before + 1


def test_a_broken_uniqueness_rule_is_a_conflict_without_values(truth: Truth):  # noqa: F811
    with pytest.raises(Conflict) as caught, truth.database.write() as connection:
        connection.execute(counters.insert(), {"name": "epoch", "value": 77123})
    assert "epoch" not in str(caught.value)
    assert "77123" not in str(caught.value)


def test_sqlite_files_are_for_their_owner_alone_and_synchronous(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'ecert.db'}")
    migrate(database)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    with database.write() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    database.close()


@pytest.mark.parametrize(
    "url",
    ["mysql://x/y", "sqlite://", "sqlite:////nowhere-at-all/x/y.db", "no address", ""],
    ids=["other kind", "in memory", "no folder", "no address", "empty"],
)
def test_a_wrong_address_stops_the_start_without_repeating_it(url: str):
    with pytest.raises(SettingsFault) as caught:
        Database(url)
    assert not url or url not in str(caught.value)


def test_a_server_out_of_reach_is_unavailable_and_its_password_unsaid(tmp_path: Path):
    pytest.importorskip("psycopg", reason="psycopg is not installed: `pip install 'ecert[postgres]'`")
    address = f"postgresql+psycopg://someone:unsaid-word@/none?host={tmp_path}"
    database = Database(address, wait=timedelta(seconds=1))
    with pytest.raises(Unavailable) as caught, database.read():
        pass
    assert "unsaid-word" not in str(caught.value)
    database.close()


def test_a_thread_that_waits_too_long_for_the_lock_is_told(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'ecert.db'}", wait=timedelta(milliseconds=50))
    migrate(database)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    with pytest.raises(Unavailable, match="thread"), database.write():
        pass
    done.set()
    holder.join()
    database.close()


def test_a_process_that_waits_too_long_for_the_lock_is_told(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'ecert.db'}"
    first, second = Database(url), Database(url, wait=timedelta(milliseconds=50))
    migrate(first)  # two Database objects hold two lock files, as two processes would
    with first.write(), pytest.raises(Unavailable, match="process"), second.write():
        pass
    with second.write() as connection:
        connection.execute(WRITE)
    first.close()
    second.close()


STARTER = """
import sys
from sqlalchemy import text
from ecert.store.sql import Database, migrate
database = Database(sys.argv[1])
print(migrate(database))
for _ in range(10):
    with database.write() as connection:
        connection.execute(text("UPDATE counters SET value = value + 1 WHERE name = 'epoch'"))
"""


def test_processes_that_start_at_once_migrate_once_and_lose_no_write(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'ecert.db'}"
    script = [sys.executable, "-c", STARTER, url]
    started = [subprocess.Popen(script, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].strip() for process in started]
    assert said == [head_revision()] * 2
    database = Database(url)
    with database.read() as connection:
        assert connection.execute(READ).scalar_one() == 20
    database.close()


def test_a_database_without_tables_is_unavailable_and_not_a_bug(tmp_path: Path, postgres):
    for url in (f"sqlite:///{tmp_path / 'ecert.db'}", postgres()):
        database = Database(url)
        with database.write() as connection:
            connection.execute(text("DROP TABLE IF EXISTS requests"))
        with pytest.raises(Unavailable), database.read() as connection:
            connection.execute(text("SELECT * FROM requests"))
        database.close()
