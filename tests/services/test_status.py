"""Changing where a licence stands, and its next versions: the state machine, who may, and once only."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ecert.errors import Conflict, FieldFault, NotFound, RequestMismatch
from ecert.services import Operation, RequestKey, Standing, VersionOperation
from ecert.services.ports import LicenceState
from ecert.services.status import standing_after
from tests.services.office import (
    CLERK,
    DRAFT,
    OPERATOR,
    SECRET_DRAFT,
    STRANGER,
    WINDOW,
    Office,
    any_desk,  # noqa: F401 - a fixture
    in_threads,
    office,
)
from tests.services.test_issue import Crash
from tests.world import codes

S, O = Standing, Operation  # noqa: E741
STEPS = {
    (O.SUSPEND, S.VALID): S.SUSPENDED,
    (O.REINSTATE, S.SUSPENDED): S.VALID,
    **{
        (op, before): after
        for before in (S.VALID, S.SUSPENDED)
        for op, after in ((O.REVOKE, S.REVOKED), (O.CANCEL, S.CANCELLED), (O.WITHDRAW, S.WITHDRAWN))
    },
}
REQUEST = RequestKey(client_id=CLERK.client_id, key="k-1", digest="a" * 64)


@pytest.fixture
def desk(tmp_path: Path):
    with office(tmp_path) as made:
        yield made


@pytest.mark.parametrize("standing", [s for s in S if s is not S.RESERVED])
@pytest.mark.parametrize("operation", [o for o in O if o not in (O.ISSUE, O.SUPERSEDE)])
def test_the_state_machine_is_this_table_and_nothing_else(operation: Operation, standing: Standing):
    if (operation, standing) in STEPS:
        assert standing_after(operation, standing) is STEPS[operation, standing]
    else:
        with pytest.raises(Conflict, match=f"got one that is {standing}$"):
            standing_after(operation, standing)


def change(desk: Office, licence_id: str, operation: Operation, **options):
    arguments = {"reason": None, "by": CLERK, **options}
    return desk.changes.change(licence_id, operation, **arguments)


def test_each_change_is_what_a_verifier_sees(desk: Office):
    issued = desk.issue()
    seen = []
    for operation in (O.SUSPEND, O.REINSTATE, O.SUSPEND, O.REVOKE):
        changed = change(desk, issued.id, operation)
        seen.append((changed.seq, str(changed.state), codes(desk.verdict(issued.token))))
    assert seen == [
        (2, "suspended", ["suspended"]),
        (3, "valid", []),
        (4, "suspended", ["suspended"]),
        (5, "revoked", ["revoked"]),
    ]


@pytest.mark.parametrize("operation", [O.REVOKE, O.CANCEL, O.WITHDRAW])
def test_what_is_for_good_stays_and_is_named(desk: Office, operation: Operation):
    issued = desk.issue()
    state = change(desk, issued.id, operation).state
    for next_one in (O.SUSPEND, O.REINSTATE, O.REVOKE, O.CANCEL, O.WITHDRAW):
        with pytest.raises(Conflict, match=str(state)):
            change(desk, issued.id, next_one)
    assert desk.value(issued.list_id, issued.idx) == 1
    assert desk.log.head() == 2


@pytest.mark.parametrize("by", [STRANGER, WINDOW], ids=["another department", "window"])
def test_others_licences_can_not_be_told_from_none(desk: Office, by):
    issued = desk.issue()
    answers = []
    for licence_id in (issued.id, issued.id[:-1] + "0", "nothing", "\0"):
        with pytest.raises(NotFound) as caught:
            change(desk, licence_id, O.REVOKE, by=by)
        answers.append(str(caught.value))
    assert len(set(answers)) == 1
    assert desk.log.head() == 1


def test_an_operator_reaches_every_licence(desk: Office):
    assert change(desk, desk.issue().id, O.SUSPEND, by=OPERATOR).state is S.SUSPENDED


@pytest.mark.parametrize("operation", [O.ISSUE, O.SUPERSEDE])
def test_issuing_and_superseding_are_no_status_changes(desk: Office, operation: Operation):
    with pytest.raises(FieldFault):
        change(desk, desk.issue().id, operation)


@pytest.mark.parametrize("reason", ["x" * 201, "a\nb", "a\0"])
def test_a_reason_is_one_short_printable_line(desk: Office, reason: str):
    issued = desk.issue()
    with pytest.raises(FieldFault):
        change(desk, issued.id, O.SUSPEND, reason=reason)


def test_a_licence_that_is_not_signed_yet_has_no_status_to_change(desk: Office, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ecert.services.finishing.sign", lambda *a, **k: (_ for _ in ()).throw(Crash()))
        with pytest.raises(Crash):
            desk.issue()
    (held,) = desk.registry.reserved(before=desk.now + timedelta(days=1))
    with pytest.raises(Conflict, match="not signed"):
        change(desk, held.licence_id, O.REVOKE)


def test_two_revocations_that_race_are_one(any_desk: Office):  # noqa: F811
    issued = any_desk.issue()
    found = in_threads(6, lambda n: change(any_desk, issued.id, O.REVOKE))
    assert [type(one).__name__ for one in found].count("StatusChanged") == 1
    assert [type(one).__name__ for one in found].count("Conflict") == 5
    assert any_desk.log.head() == 2


def test_the_same_key_gives_the_same_result_and_changes_nothing(desk: Office):
    issued = desk.issue()
    first = change(desk, issued.id, O.SUSPEND, request=REQUEST)
    desk.now += timedelta(hours=1)
    change(desk, issued.id, O.REINSTATE)
    again = change(desk, issued.id, O.SUSPEND, request=REQUEST)
    assert again == first
    assert desk.registry.find(issued.id).standing is S.VALID
    with pytest.raises(RequestMismatch):
        change(desk, issued.id, O.REVOKE, request=replace(REQUEST, digest="b" * 64))


def test_one_key_sent_many_times_at_once_changes_once(any_desk: Office):  # noqa: F811
    issued = any_desk.issue()
    found = in_threads(6, lambda n: change(any_desk, issued.id, O.SUSPEND, request=REQUEST))
    assert [one == found[0] for one in found] == [True] * 6
    assert any_desk.log.head() == 2


class Watch:
    """A cache that has everything up to `seq`."""

    def __init__(self, seq: int) -> None:
        self.seq, self.asked = seq, []

    def wait_applied(self, seq: int, timeout: timedelta) -> bool:
        self.asked.append((seq, timeout))
        return seq <= self.seq


def test_a_change_says_whether_the_cache_has_it_and_waits_200_ms_at_most(tmp_path: Path):
    watch = Watch(seq=1)
    with office(tmp_path, watch=watch) as desk:
        issued = desk.issue()
        assert issued.propagated is True
        assert change(desk, issued.id, O.SUSPEND).propagated is False
        assert watch.asked == [(1, timedelta(milliseconds=200)), (2, timedelta(milliseconds=200))]


# versions


def renew(desk: Office, licence_id: str, changes, *, operation=VersionOperation.CHANGE, **options):
    return desk.issuing.new_version(licence_id, changes, operation=operation, **{"by": CLERK, **options})


NEW_NAME = {"holder": {"name": "虚构市新名称餐饮有限公司"}}


def test_a_new_version_keeps_the_family_and_supersedes_the_old_one_at_once(desk: Office):
    first = desk.issue()
    second = renew(desk, first.id, NEW_NAME)
    assert first.id.rsplit(".", 2)[0] == second.id.rsplit(".", 2)[0]
    assert second.id.rsplit(".", 2)[1] == "002"
    assert (codes(desk.verdict(first.token)), desk.verdict(second.token).outcome) == (
        ["superseded"],
        "accepted",
    )
    assert desk.verdict(second.token).licence.holder.name == NEW_NAME["holder"]["name"]
    assert desk.verdict(second.token).licence.number == DRAFT.number
    third = renew(desk, second.id, {"fields": {"KZ_ZCZB": "900.00"}})
    assert third.id.rsplit(".", 2)[1] == "003"
    assert codes(desk.verdict(second.token)) == ["superseded"]
    assert desk.verdict(third.token).licence.holder.name == NEW_NAME["holder"]["name"]


def test_a_renewal_moves_the_end_on(desk: Office):
    first = desk.issue(SECRET_DRAFT)
    for until in ("2032-05-31", "2030-01-01"):
        with pytest.raises((FieldFault, Conflict)):
            renew(desk, first.id, {"valid_until": until}, operation=VersionOperation.RENEW)
    second = renew(desk, first.id, {"valid_until": "2038-05-31"}, operation=VersionOperation.RENEW)
    assert desk.verdict(second.token).licence.valid_until == date(2038, 5, 31)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, Conflict),
        ({"number": "another"}, FieldFault),
        ({"type": SECRET_DRAFT.type_code}, FieldFault),
        ({"fields": {"KZ_JYFW": None}}, FieldFault),
        ({"fields": {"KZ_X": "1"}}, FieldFault),
        ({"fields": []}, FieldFault),
        ({"holder": {"code": "1"}}, FieldFault),
        ({"remark": "x"}, FieldFault),
        ([], FieldFault),
    ],
    ids=["nothing", "number", "type", "field gone", "no such field", "fields", "holder", "name", "list"],
)
def test_a_change_that_can_not_be_issued_leaves_the_version_in_force(desk: Office, changes, fault):
    first = desk.issue()
    with pytest.raises(fault):
        renew(desk, first.id, changes)
    assert desk.verdict(first.token).outcome == "accepted"
    assert desk.log.head() == 1


@pytest.mark.parametrize("operation", [O.SUSPEND, O.REVOKE])
def test_only_a_valid_licence_gets_a_new_version(desk: Office, operation: Operation):
    first = desk.issue()
    change(desk, first.id, operation)
    with pytest.raises(Conflict):
        renew(desk, first.id, NEW_NAME)


def test_a_superseded_version_can_not_be_changed_or_followed_again(desk: Office):
    first = desk.issue()
    renew(desk, first.id, NEW_NAME)
    for operation in (O.SUSPEND, O.REINSTATE, O.REVOKE):
        with pytest.raises(Conflict, match="superseded"):
            change(desk, first.id, operation)
    with pytest.raises(Conflict, match="superseded"):
        renew(desk, first.id, {"fields": {"KZ_ZCZB": "1.00"}})


@pytest.mark.parametrize("by", [STRANGER, WINDOW])
def test_nobody_else_changes_a_licence(desk: Office, by):
    first = desk.issue()
    with pytest.raises(NotFound):
        renew(desk, first.id, NEW_NAME, by=by)
    with pytest.raises(NotFound):
        renew(desk, "nothing", NEW_NAME)


def crash_before(desk: Office, licence_id: str, place: str, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, lambda *a, **k: (_ for _ in ()).throw(Crash()))
        with pytest.raises(Crash):
            renew(desk, licence_id, NEW_NAME)


SIGN = "ecert.services.finishing.sign"
SUPERSEDE = "ecert.services.finishing.Finisher._supersede"


@pytest.mark.parametrize("place", [SIGN, SUPERSEDE], ids=["before signing", "before superseding"])
@pytest.mark.parametrize("retry", ["resume", "again"])
def test_a_crash_between_two_versions_never_leaves_both_or_neither(
    desk: Office, place: str, retry: str, monkeypatch
):
    first = desk.issue()
    crash_before(desk, first.id, place, monkeypatch)
    assert desk.verdict(first.token).outcome == "accepted"
    if retry == "resume":
        assert desk.issuing.resume().issued == 1
    else:
        renew(desk, first.id, NEW_NAME)
    records = [record for batch in desk.registry.walk() for record, _ in batch]
    assert [str(record.standing) for record in records] == ["superseded", "valid"]
    assert desk.log.head() == 3


def test_a_licence_revoked_while_its_next_version_was_under_way_is_not_brought_back(
    desk: Office, monkeypatch
):
    first = desk.issue()
    crash_before(desk, first.id, SIGN, monkeypatch)
    change(desk, first.id, O.REVOKE)
    assert desk.issuing.resume().abandoned == 1
    records = [record for batch in desk.registry.walk() for record, _ in batch]
    assert [(str(r.state), str(r.standing)) for r in records] == [
        ("issued", "revoked"),
        ("abandoned", "reserved"),
    ]
    assert desk.value(records[1].list_id, records[1].idx) == 3


def test_while_one_change_is_under_way_another_is_refused(desk: Office, monkeypatch):
    first = desk.issue()
    crash_before(desk, first.id, SIGN, monkeypatch)
    with pytest.raises(Conflict, match="under way"):
        renew(desk, first.id, {"fields": {"KZ_ZCZB": "1.00"}})


def test_after_an_abandoned_version_the_next_has_a_new_number(desk: Office, monkeypatch):
    first = desk.issue()
    crash_before(desk, first.id, SIGN, monkeypatch)
    change(desk, first.id, O.SUSPEND)
    desk.issuing.resume()
    change(desk, first.id, O.REINSTATE)
    second = renew(desk, first.id, NEW_NAME)
    assert second.id.rsplit(".", 2)[1] == "003"
    assert desk.registry.find(second.id).state is LicenceState.ISSUED


def test_the_same_key_makes_one_version(any_desk: Office):  # noqa: F811
    first = any_desk.issue()
    found = in_threads(4, lambda n: renew(any_desk, first.id, NEW_NAME, request=REQUEST))
    assert {one.id.rsplit(".", 2)[1] for one in found} == {"002"}
    assert any_desk.log.head() == 3
