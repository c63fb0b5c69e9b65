"""Reading licences back, checking them by short code, and comparing what was signed with the record."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from ecert.errors import Conflict, NotFound, Unavailable
from ecert.services import Checking, Operation, QrForm, Scan, Standing, reconcile
from ecert.wire import qr
from tests.services.office import (
    CLERK,
    OPERATOR,
    SECRET_DRAFT,
    STRANGER,
    WINDOW,
    LogView,
    Office,
    numbered,
    office,
)
from tests.services.test_issue import Crash
from tests.world import BASE_URL, codes


@pytest.fixture
def desk(tmp_path: Path):
    with office(tmp_path) as made:
        yield made


def checking(desk: Office, **options) -> Checking:
    whole = {"handles": desk.registry, **options}
    return Checking(
        trust=lambda: desk.world.trust,
        status=LogView(desk),
        clock=desk.clock,
        random_bytes=os.urandom,
        **whole,
    )


def test_a_department_sees_its_licence_whole(desk: Office):
    issued = desk.issue(SECRET_DRAFT)
    desk.changes.change(issued.id, Operation.SUSPEND, reason="材料存疑", by=CLERK)
    view = desk.licences.get(issued.id, CLERK)
    draft = SECRET_DRAFT
    assert (view.number, view.holder_name, view.holder_code) == (
        draft.number,
        draft.holder.name,
        draft.holder.code,
    )
    assert (view.valid_from, view.valid_until, dict(view.fields)) == (
        draft.valid_from,
        draft.valid_until,
        dict(draft.fields),
    )
    assert (view.state, view.token, view.version) == (Standing.SUSPENDED, issued.token, 1)
    assert [(line.operation, line.reason) for line in view.history] == [
        (Operation.ISSUE, None),
        (Operation.SUSPEND, "材料存疑"),
    ]
    assert desk.licences.get(issued.id, OPERATOR) == view


@pytest.mark.parametrize("by", [STRANGER, WINDOW])
def test_nobody_else_sees_it(desk: Office, by):
    issued = desk.issue()
    for licence_id in (issued.id, "nothing", "\0"):
        with pytest.raises(NotFound):
            desk.licences.get(licence_id, by)
        with pytest.raises(NotFound):
            desk.licences.qr_text(licence_id, by)


def test_both_codes_lead_to_the_same_verdict(desk: Office):
    issued = desk.issue(SECRET_DRAFT)
    offline = desk.licences.qr_text(issued.id, CLERK)
    short = desk.licences.qr_text(issued.id, CLERK, form=QrForm.SHORT)
    assert qr.read(offline) == issued.token
    verdicts = [
        checking(desk).check(scanned).verdict for scanned in (offline, short, short[-42:], issued.token)
    ]
    assert [verdict.outcome for verdict in verdicts] == ["accepted"] * 4
    assert {str(verdict.licence.id) for verdict in verdicts} == {issued.id}


def test_a_licence_that_is_not_signed_has_no_code(desk: Office, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ecert.services.finishing.sign", lambda *a, **k: (_ for _ in ()).throw(Crash()))
        with pytest.raises(Crash):
            desk.issue()
    (held,) = desk.registry.reserved(before=desk.now.replace(year=2027))
    with pytest.raises(Conflict):
        desk.licences.qr_text(held.licence_id, CLERK)
    assert desk.licences.get(held.licence_id, CLERK).token is None
    short = qr.encode_short(qr.ShortKind.LICENCE, held.secret[:16], BASE_URL)
    assert codes(checking(desk).check(short).verdict) == ["code_unknown"]


def unknown(kind: qr.ShortKind) -> str:
    return qr.encode_short(kind, b"\x07" * 16, BASE_URL)


@pytest.mark.parametrize("kind", list(qr.ShortKind))
def test_a_short_code_of_nobody_or_of_another_kind_is_unknown(desk: Office, kind: qr.ShortKind):
    desk.issue()
    assert codes(checking(desk).check(unknown(kind)).verdict) == ["code_unknown"]


def test_without_sql_at_hand_a_short_code_is_unknown_and_an_offline_one_is_decided(desk: Office):
    issued = desk.issue()
    short = desk.licences.qr_text(issued.id, CLERK, form=QrForm.SHORT)
    alone = checking(desk, handles=None)
    assert codes(alone.check(short).verdict) == ["code_unknown"]
    assert alone.check(issued.token).verdict.outcome == "accepted"


def test_sql_out_of_reach_is_said_for_a_short_code_and_not_asked_for_an_offline_one(desk: Office):
    issued = desk.issue()

    class Lost:
        def token_by_handle(self, handle: bytes) -> str | None:
            raise Unavailable("expected the SQL database to answer, got none")

    check = checking(desk, handles=Lost()).check
    with pytest.raises(Unavailable):
        check(unknown(qr.ShortKind.LICENCE))
    assert check(issued.token).verdict.outcome == "accepted"


@pytest.mark.parametrize(
    ("scanned", "reason"),
    [
        ("", "misread"),
        ("1" * 42, "misread"),
        ("hello", "misread"),
        ("x" * 20_000, "too_large"),
        ("\ud800", "misread"),
    ],
)
def test_whatever_is_scanned_there_is_a_verdict(desk: Office, scanned: str, reason: str):
    assert codes(checking(desk).check(scanned).verdict) == [reason]


def test_many_are_decided_each_by_itself_and_each_decision_has_its_own_name(desk: Office):
    issued = desk.issue()
    found = checking(desk).check_many([Scan(issued.token), Scan("hello"), Scan(issued.token)])
    assert [one.verdict.outcome for one in found] == ["accepted", "refused", "accepted"]
    assert len({one.verification_id for one in found}) == 3
    assert {one.checked_at for one in found} == {desk.now}


def test_what_the_matter_asks_for_reaches_the_decision(desk: Office):
    issued = desk.issue()
    check = checking(desk).check
    assert codes(check(issued.token, accepted_types=frozenset({"other"})).verdict) == ["type_not_accepted"]
    assert codes(check(issued.token, holder_code="11010519491231002X").verdict) == ["holder_mismatch"]


# signed = recorded


def differences(desk: Office) -> list[tuple[str, str]]:
    return [(d.licence_id, d.expected) for d in reconcile(desk.registry, trust=lambda: desk.world.trust)]


def test_a_registry_in_order_has_no_differences(desk: Office, monkeypatch):
    issued = [desk.issue(numbered(n)) for n in range(3)]
    desk.changes.change(issued[0].id, Operation.REVOKE, reason=None, by=CLERK)
    with monkeypatch.context() as patch:
        patch.setattr("ecert.services.finishing.sign", lambda *a, **k: (_ for _ in ()).throw(Crash()))
        with pytest.raises(Crash):
            desk.issue(numbered(9))
    assert differences(desk) == []


TAMPERED = {
    "the event is gone": ("DELETE FROM status_events WHERE licence = :n", "a status event"),
    "the status was changed by hand": (
        "UPDATE status_entries SET standing = 2 WHERE licence = :n",
        "the status that its newest event gave it",
    ),
    "issuing was undone by hand": (
        "UPDATE licences SET state = 0 WHERE n = :n",
        "no token, no event and no status while it is not issued",
    ),
}


@pytest.mark.parametrize(("statement", "expected"), TAMPERED.values(), ids=TAMPERED.keys())
def test_what_was_changed_by_hand_is_named(desk: Office, statement: str, expected: str):
    one, _ = desk.issue(numbered(1)), desk.issue(numbered(2))
    row = desk.registry.find(one.id).row
    with desk.database.write() as connection:
        connection.execute(text(statement), {"n": row})
    assert differences(desk) == [(one.id, expected)]


def test_a_token_by_a_key_that_no_list_names_is_a_difference(desk: Office):
    one = desk.issue()
    desk.world = desk.world.with_authority("market", keys=())
    ((licence_id, expected),) = differences(desk)
    assert licence_id == one.id
    assert "listed key" in expected
