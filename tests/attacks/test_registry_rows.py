"""Rows 35, 36 and 56 of the hostile inputs, against the registry itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecert.errors import Conflict, KeyFault, Unavailable
from ecert.services import Checking, Operation, Row
from ecert.services.preparing import sign
from tests.services.office import CLERK, DRAFT, MARKET, LogView, Office, in_threads, numbered, office
from tests.services.test_issue import Crash
from tests.store.sql_truth import ISSUER, Truth, row, truth  # noqa: F401
from tests.world import codes, licence_id, private_key

WRITERS = 50
WRITER = """
import sys
from pathlib import Path
from ecert.store import DataKeys
from ecert.store.sql import Database, SqlRegistry
from tests.store.sql_truth import ISSUER, row
url, keys, count, name = sys.argv[1:]
registry = SqlRegistry(Database(url), DataKeys.open(Path(keys)))
for n in range(int(count)):
    with registry.begin() as t:
        t.lock_issuer(ISSUER)
        (slot,) = t.take(ISSUER, 1)
        t.reserve([row(slot, issuer=ISSUER, serial=f"{name}{n}")])
    print(slot.list_id, slot.idx)
"""


@pytest.fixture
def desk(tmp_path: Path):
    with office(tmp_path) as made:
        yield made


def forged(desk: Office, *, idx: int, serial: str, version: int = 1, **changes) -> str:
    """A licence signed with the department's real key, behind the registry's back."""
    type_code = DRAFT.type_code
    return desk.world.issue(
        "market",
        idx=idx,
        status=None,
        vct=type_code,
        jti=licence_id(type_code, MARKET, serial, version),
        key=private_key("market licence"),
        **changes,
    )


def checking(desk: Office, *, registered: bool = False) -> Checking:
    return Checking(
        trust=lambda: desk.world.trust,
        status=LogView(desk),
        clock=desk.clock,
        random_bytes=os.urandom,
        registered=desk.registry if registered else None,
    )


def test_row_35_an_unused_entry_can_not_be_used(desk: Office):
    issued = desk.issue()
    unused = next(i for i in range(4096) if i != issued.idx)
    verdict = checking(desk).check(forged(desk, idx=unused, serial="10000777")).verdict
    assert codes(verdict) == ["not_issued"]


def test_row_35_an_entry_that_is_reserved_and_not_signed_can_not_be_used(desk: Office, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ecert.services.finishing.sign", lambda *a, **k: (_ for _ in ()).throw(Crash()))
        with pytest.raises(Crash):
            desk.issue()
    (held,) = desk.registry.reserved(before=desk.now.replace(year=2027))
    verdict = checking(desk).check(forged(desk, idx=held.idx, serial="10000777")).verdict
    assert codes(verdict) == ["not_issued"]


@pytest.mark.parametrize("serial", ["10000777", "10000000"], ids=["unknown identifier", "copied identifier"])
def test_row_35_online_a_living_entry_serves_no_licence_but_its_own(desk: Office, serial: str):
    issued = desk.issue()
    assert issued.id.split(".")[-3] == "10000000"
    copy = forged(desk, idx=issued.idx, serial=serial)
    online = checking(desk, registered=True)
    assert codes(online.check(copy).verdict) == ["not_issued"]
    assert online.check(issued.token).verdict.outcome == "accepted"


@pytest.mark.parametrize("fault", [Unavailable, KeyFault])
def test_row_38_with_the_registry_out_of_reach_the_verdict_stands_and_nothing_is_confirmed(
    desk: Office, fault: type[Exception], monkeypatch
):
    issued = desk.issue()
    online = checking(desk, registered=True)
    with monkeypatch.context() as patch:
        patch.setattr(desk.registry, "token_of", lambda _: (_ for _ in ()).throw(fault("out of reach")))
        assert online.check(issued.token).verdict.outcome == "accepted"
    assert not online.in_memory(issued.token)
    desk.changes.change(issued.id, Operation.REVOKE, reason=None, by=CLERK)
    assert codes(online.check(issued.token).verdict) == ["revoked"]


def test_row_36_fifty_threads_get_fifty_entries(truth: Truth):  # noqa: F811
    def write(n: int) -> tuple[str, int]:
        with truth.registry.begin() as t:
            t.lock_issuer(ISSUER)
            (slot,) = t.take(ISSUER, 1)
            t.reserve([row(slot, issuer=ISSUER, serial=f"S{n}")])
        return slot.list_id, slot.idx

    assert len(set(in_threads(WRITERS, write))) == WRITERS


def test_row_36_two_processes_never_get_the_same_entry(truth: Truth, tmp_path: Path):  # noqa: F811
    script = [sys.executable, "-c", WRITER, truth.url, str(tmp_path / "data.keys"), str(WRITERS // 2)]
    started = [subprocess.Popen([*script, name], stdout=subprocess.PIPE, text=True) for name in "AB"]
    given = [line for process in started for line in process.communicate(timeout=120)[0].splitlines()]
    assert len(given) == len(set(given)) == WRITERS


def test_row_36_a_second_licence_on_a_used_entry_is_refused_by_the_database(truth: Truth):  # noqa: F811
    (first,) = truth.issue(1)
    with pytest.raises(Conflict):
        truth.reserve(1, serial="T", idx=first.idx)


def test_row_56_nothing_is_signed_before_its_row_is_committed(desk: Office, monkeypatch):
    seen: list[bool] = []

    def watching(reserved, *args, **kwargs):
        found = desk.registry.find(reserved.licence_id)  # another connection: only what is committed
        seen.append(found is not None and found.claims == reserved.claims)
        return sign(reserved, *args, **kwargs)

    monkeypatch.setattr("ecert.services.finishing.sign", watching)
    desk.issue()
    list(desk.issuing.issue_rows([Row(line=2, draft=numbered(2))], issuer=MARKET, by=CLERK))
    assert seen == [True, True]


def test_row_56_when_sql_can_not_commit_the_key_is_never_used(desk: Office, monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("signed without a record")

    def full(*_args, **_kwargs):
        raise Crash

    monkeypatch.setattr("ecert.services.finishing.sign", never)
    monkeypatch.setattr("ecert.store.sql.transaction.SqlTransaction.reserve", full)
    with pytest.raises(Crash):
        desk.issue()
