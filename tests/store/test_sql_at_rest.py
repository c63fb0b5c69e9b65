"""A stolen database names nobody, and changing its data key leaves nothing behind."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from ecert.errors import KeyFault, Unavailable
from ecert.services import Operation, RequestKey
from ecert.services.ports import NumberKey
from ecert.store import DataKeys
from ecert.store.sql import SqlRegistry, rotate
from tests.services.office import CLERK, DRAFT, MARKET, SECRET_DRAFT, numbered, office
from tests.store.sql_truth import HOLDER, ISSUER, NOW, SAFETY_TYPE, Truth, truth  # noqa: F401
from tests.store.test_sql_registry import REQUEST, Standing, change

REASON = "当事人甲示例违规"


def used_office(home: Path):
    """An office in which everything that may name a person was done once."""
    with office(home) as made:
        request = RequestKey(client_id="c1", key="key-1", digest="ab" * 32)
        first = made.issue(request=request)
        second = made.issue(numbered("JZ-安-0007", SECRET_DRAFT))
        made.changes.change(first.id, Operation.SUSPEND, reason=REASON, by=CLERK)
        with made.registry.begin() as t:  # one that is reserved and not signed
            slot = t.take(MARKET, 1)[0]
        made.issuing._finisher.finish = lambda *a, **k: (_ for _ in ()).throw(RuntimeError("crash"))
        with pytest.raises(RuntimeError):
            made.issue(numbered(9))
        assert slot
        yield made, first, second


def spellings(text_: str) -> list[bytes]:
    return [text_.encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")]


def test_no_byte_of_the_database_names_a_holder_or_a_number(tmp_path: Path):
    for made, first, second in used_office(tmp_path):
        files = {
            path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("ecert.db")
        }
        assert "ecert.db-wal" in files
        assert b"licences" in files["ecert.db"] + files["ecert.db-wal"]  # we do look at the content
        secrets = [
            DRAFT.holder.name,
            DRAFT.holder.code,
            DRAFT.number,
            SECRET_DRAFT.holder.name,
            SECRET_DRAFT.holder.code,
            "JZ-安-0007",
            numbered(9).number,
            REASON,
            "虚构市样例区示例路1号",
            first.token[60:90],
            second.token[-60:-30],
            "ab" * 32,
            "key-1",
        ]
        for name, data in files.items():
            for place, secret in enumerate(secrets):
                for spelled in spellings(secret):
                    assert spelled not in data, f"secret {place} in {name}"
        for secret in (first, second):
            record = made.registry.find(secret.id)
            for data in files.values():
                assert record.secret[:16] not in data


def test_a_body_moved_to_another_row_does_not_open(tmp_path: Path):
    with office(tmp_path) as made:
        one, two = made.issue(numbered(1)), made.issue(numbered(2))
        with made.database.write() as connection:
            swap = "UPDATE licences SET body = (SELECT body FROM licences WHERE id = :a) WHERE id = :b"
            connection.execute(text(swap), {"a": one.id, "b": two.id})
        with pytest.raises(KeyFault):
            made.registry.find(two.id)


def test_without_its_data_keys_a_database_says_nothing(truth: Truth, tmp_path: Path):  # noqa: F811
    (one,) = truth.issue(1)
    strangers = SqlRegistry(truth.database, DataKeys.open(tmp_path / "other.keys"))
    with pytest.raises(KeyFault):
        strangers.find(one.licence_id)
    assert strangers.find_number(ISSUER, NumberKey(SAFETY_TYPE, one.number)) is None
    assert strangers.of_holder(HOLDER) == ()


def test_rotating_changes_every_body_and_hash_and_loses_nothing(truth: Truth):  # noqa: F811
    rows = truth.issue(5)
    reserved = truth.reserve(1, serial="R")
    change(truth, rows[0].licence_id, Operation.SUSPEND, Standing.SUSPENDED, REASON)
    before = _macs(truth)
    old, new = truth.keys.current_id, truth.keys.add()
    told: list[tuple[int, int]] = []
    done = rotate(truth.database, truth.keys, progress=lambda n, of: told.append((n, of)), batch=2)
    assert (done.key_id, done.licences, done.reasons) == (new, 6, 1)
    assert told == [(2, 7), (4, 7), (6, 7), (7, 7)]
    after = _macs(truth)
    assert before.isdisjoint(after)
    assert len(after) == len(before)
    text_ = truth.keys._path.read_text()
    only_new = "\n".join(line for line in text_.splitlines() if not line.startswith(old))
    registry = SqlRegistry(truth.database, DataKeys(only_new))
    for row in rows:
        assert registry.find(row.licence_id).number == row.number
        assert registry.find_number(ISSUER, NumberKey(SAFETY_TYPE, row.number)).licence_id == row.licence_id
    assert len(registry.of_holder(HOLDER)) == 5
    assert registry.find(reserved[0].licence_id).claims == reserved[0].claims
    assert registry.history(rows[0].licence_id)[1][2] == REASON
    assert rotate(truth.database, truth.keys).licences == 0


def _macs(truth: Truth) -> set[tuple[str, bytes]]:  # noqa: F811
    query = text("SELECT id, number_mac, holder_mac, body FROM licences")
    with truth.database.read() as connection:
        return {(row.id, bytes(value)) for row in connection.execute(query) for value in row[1:]}


def test_a_rotation_that_was_stopped_goes_on_and_nothing_is_out_of_reach_meanwhile(truth: Truth):  # noqa: F811
    rows = truth.issue(5)
    truth.keys.add()

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(truth.database, truth.keys, progress=stop, batch=2)
    for row in rows:
        assert truth.registry.find_number(ISSUER, NumberKey(SAFETY_TYPE, row.number)) is not None
    with truth.registry.begin() as t:
        assert len(t.numbers(ISSUER, [NumberKey(SAFETY_TYPE, row.number) for row in rows])) == 5
    assert rotate(truth.database, truth.keys, batch=2).licences == 3


def test_a_key_that_another_process_added_is_known_before_a_number_is_looked_up(truth: Truth):  # noqa: F811
    (one,) = truth.issue(1)
    elsewhere = DataKeys.open(truth.keys._path)
    elsewhere.add()
    rotate(truth.database, elsewhere)
    with truth.registry.begin() as t:
        t.lock_issuer(ISSUER)
        assert len(t.numbers(ISSUER, [NumberKey(SAFETY_TYPE, one.number)])) == 1
    assert truth.keys.current_id == elsewhere.current_id


def test_a_process_that_lacks_a_data_key_issues_nothing(truth: Truth):  # noqa: F811
    """It could not find a number that another process hashed under that key, and would give it twice."""
    truth.issue(1)
    older = DataKeys(truth.keys._path.read_text())
    truth.keys.add()
    with truth.registry.begin() as t:
        t.lock_issuer(ISSUER)
    lagging = SqlRegistry(truth.database, older)
    with pytest.raises(Unavailable, match="data key"), lagging.begin() as t:
        t.lock_issuer(ISSUER)


def test_a_request_s_digest_is_compared_under_the_key_it_was_kept_with(truth: Truth):  # noqa: F811
    with truth.registry.begin() as t:
        t.remember(REQUEST, kind="issued", licence_id="x", seq=1, at=NOW)
    truth.keys.add()
    rotate(truth.database, truth.keys)
    with truth.registry.begin() as t:
        assert t.request(REQUEST).digest_fits is True


def test_the_file_really_is_a_sqlite_database(tmp_path: Path):
    with office(tmp_path) as made:
        made.issue()
        raw = sqlite3.connect(tmp_path / "ecert.db")
        assert raw.execute("SELECT count(*) FROM licences").fetchone() == (1,)
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        raw.close()
