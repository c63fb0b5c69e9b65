"""Issuing one licence: on record before it is signed, signed once, and never twice, whatever crashes."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ecert.errors import Conflict, FieldFault, Forbidden, KeyFault, RequestMismatch, Unavailable
from ecert.services import Operation, RequestKey, Standing
from ecert.services.ports import LicenceState
from ecert.services.preparing import sign
from ecert.trust import KeyUse
from ecert.wire import sd_jwt
from tests.licence.samples import with_fields, with_holder
from tests.services.office import (
    CLERK,
    DRAFT,
    HOUSING,
    MARKET,
    OPERATOR,
    SECRET_DRAFT,
    STRANGER,
    WINDOW,
    Office,
    any_desk,  # noqa: F401 - a fixture
    in_threads,
    numbered,
    office,
)
from tests.world import NOW, private_key

REQUEST = RequestKey(client_id=CLERK.client_id, key="k-1", digest="a" * 64)


class Crash(BaseException):
    """A process that ends: nobody catches it."""


@pytest.fixture
def desk(tmp_path: Path):
    with office(tmp_path) as made:
        yield made


def test_an_issued_licence_is_accepted_and_says_what_was_asked(desk: Office):
    issued = desk.issue()
    verdict = desk.verdict(issued.token)
    assert (issued.outcome, issued.seq, verdict.outcome) == ("issued", 1, "accepted")
    licence = verdict.licence
    assert (str(licence.id), licence.number, licence.holder.name) == (
        issued.id,
        DRAFT.number,
        DRAFT.holder.name,
    )
    assert (licence.valid_from, licence.valid_until) == (DRAFT.valid_from, None)
    assert (licence.status_idx, licence.status_uri.rsplit("/", 1)[1]) == (issued.idx, issued.list_id)
    assert dict(licence.fields) == dict(DRAFT.fields)


def test_what_a_type_keeps_back_is_a_disclosure_and_salts_are_not_repeated(desk: Office):
    tokens = [desk.issue(numbered(n, SECRET_DRAFT)).token for n in range(2)]
    for token in tokens:
        assert SECRET_DRAFT.holder.code not in token
        assert desk.verdict(token).licence.holder.code == SECRET_DRAFT.holder.code
        bare = token.split("~")[0] + "~"
        assert desk.verdict(bare).licence.holder.code is None
    disclosures = [sd_jwt.split(token).disclosures for token in tokens]
    assert len({*disclosures[0], *disclosures[1]}) == 4


def test_the_same_again_is_existing_and_other_content_a_conflict(desk: Office):
    first, again = desk.issue(), desk.issue()
    assert (again.outcome, again.id, again.token, again.idx) == ("existing", first.id, first.token, first.idx)
    with pytest.raises(Conflict, match="other content"):
        desk.issue(with_fields(DRAFT, KZ_ZCZB="1.00"))
    with pytest.raises(Conflict):
        desk.issue(with_holder(DRAFT, name="虚构市另一示例有限公司"))
    assert desk.log.head() == 1


def test_the_same_is_existing_also_when_types_spell_it_differently(desk: Office):
    desk.issue()
    desk.now += timedelta(days=20)
    assert desk.issue(replace(DRAFT, fields=dict(reversed(DRAFT.fields.items())))).outcome == "existing"


def test_the_same_number_of_another_type_or_issuer_is_another_licence(desk: Office):
    first = desk.issue()
    other = desk.issue(numbered(DRAFT.number, SECRET_DRAFT))
    elsewhere = desk.issuing.issue(
        numbered(DRAFT.number, SECRET_DRAFT), issuer=desk.signer_id("city"), by=OPERATOR
    )
    assert len({first.id, other.id, elsewhere.id}) == 3


@pytest.mark.parametrize("by", [STRANGER, WINDOW], ids=["another department", "window"])
def test_nobody_issues_in_another_s_name(desk: Office, by):
    with pytest.raises(Forbidden):
        desk.issue(by=by)
    assert desk.log.lists() == ()


def test_a_department_issues_only_types_that_the_trust_lists_let_it(desk: Office):
    with pytest.raises(Forbidden, match="type"):
        desk.issue(by=STRANGER, issuer=HOUSING)
    with pytest.raises(Forbidden, match="issuer"):
        desk.issuing.issue(DRAFT, issuer="911100000000000000", by=OPERATOR)
    assert desk.log.lists() == ()


def test_a_key_that_the_trust_list_does_not_name_or_no_longer_trusts_signs_nothing(desk: Office):
    world = desk.world
    for changes in (
        {"key": private_key("other").public},
        {"compromised_at": NOW},
        {"valid_until": NOW},
        {"valid_from": NOW + timedelta(days=1)},
    ):
        desk.world = world.with_key("market", KeyUse.LICENCE, **changes)
        with pytest.raises(Unavailable, match="trust list"):
            desk.issue()
    desk.world = world
    desk.signer.missing.add(MARKET)
    with pytest.raises(KeyFault):
        desk.issue()
    assert desk.log.lists() == ()


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (replace(DRAFT, type_code="11100000MB9990001F999"), "type"),
        (replace(DRAFT, number="１２３"), "number"),
        (with_holder(DRAFT, code="91529901MAEX00001X"), "holder.code"),
        (with_fields(DRAFT, KZ_UNKNOWN="x"), "KZ_UNKNOWN"),
        (replace(DRAFT, valid_until=date(2026, 6, 14)), "valid_until"),
    ],
    ids=["type", "number", "holder", "field", "run out"],
)
def test_a_draft_that_can_not_be_issued_names_its_field_and_leaves_nothing(desk: Office, draft, field: str):
    with pytest.raises(FieldFault) as caught:
        desk.issue(draft)
    assert caught.value.field == field
    assert desk.log.lists() == ()


def test_a_licence_may_end_today_in_china_where_it_is_tomorrow_already(desk: Office):
    desk.now = NOW.replace(hour=17)  # 01:00 of the 16th in China
    with pytest.raises(FieldFault):
        desk.issue(replace(DRAFT, valid_until=date(2026, 6, 15)))
    assert desk.issue(replace(DRAFT, valid_until=date(2026, 6, 16))).outcome == "issued"


# a crash at each step


def crash_at(desk: Office, step: str, monkeypatch) -> None:
    """End the process before a step of issuing, once."""
    places = {
        "reserve": "ecert.store.sql.transaction.SqlTransaction.reserve",
        "sign": "ecert.services.finishing.sign",
        "commit": "ecert.store.sql.transaction.SqlTransaction.commit_issued",
        "answer": "ecert.services.issue.IssuedLicence",
    }

    def crash(*_args, **_kwargs):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(places[step], crash)
        with pytest.raises(Crash):
            desk.issue(SECRET_DRAFT, request=REQUEST)


@pytest.mark.parametrize("retry", ["resume", "same row", "same key"])
@pytest.mark.parametrize("step", ["reserve", "sign", "commit", "answer"])
def test_after_a_crash_at_any_step_one_licence_comes_of_it(desk: Office, step: str, retry: str, monkeypatch):
    crash_at(desk, step, monkeypatch)
    held = desk.registry.reserved(before=NOW + timedelta(days=1))
    assert len(held) == (1 if step in ("sign", "commit") else 0)
    if retry == "resume":
        resumed = desk.issuing.resume()
        assert (resumed.issued, resumed.waiting) == (len(held), 0)
    issued = desk.issue(SECRET_DRAFT, request=REQUEST if retry == "same key" else None)
    if held:
        assert (issued.id, issued.idx) == (held[0].licence_id, held[0].idx)
    assert desk.verdict(issued.token).outcome == "accepted"
    rows = [record for batch in desk.registry.walk() for record, _ in batch]
    assert [record.licence_id for record in rows] == [issued.id]
    assert desk.log.head() == 1


def test_what_is_signed_after_a_crash_is_what_was_reserved(desk: Office, monkeypatch):
    signed: list[str] = []

    def keep(row, kind, key, *, claims=None):
        signed.append(sign(row, kind, key, claims=claims))
        return signed[-1]

    monkeypatch.setattr("ecert.services.finishing.sign", keep)
    crash_at(desk, "commit", monkeypatch)
    desk.now += timedelta(hours=5)
    token = desk.issue(SECRET_DRAFT).token
    assert len(signed) == 2
    first, second = (sd_jwt.split(text) for text in signed)
    assert signed[1] == token
    assert first.disclosures == second.disclosures
    assert first.jwt.rsplit(b".", 1)[0] == second.jwt.rsplit(b".", 1)[0]  # all but the signature


def test_a_row_whose_key_is_lost_waits_and_is_finished_when_it_is_back(desk: Office, monkeypatch):
    crash_at(desk, "sign", monkeypatch)
    desk.signer.missing.add(MARKET)
    assert (desk.issuing.resume().issued, desk.issuing.resume().waiting) == (0, 1)
    desk.signer.missing.clear()
    assert desk.issuing.resume().issued == 1
    assert desk.issuing.resume().issued == 0


def test_resume_goes_through_more_rows_than_it_takes_at_once(desk: Office, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("ecert.services.finishing.sign", lambda *a, **k: (_ for _ in ()).throw(Crash()))
        for n in range(5):
            with pytest.raises(Crash):
                desk.issue(numbered(n))
    assert desk.issuing.resume(limit=2).issued == 5


def test_two_that_resume_at_once_sign_each_row_once(any_desk: Office, monkeypatch):  # noqa: F811
    with monkeypatch.context() as patch:
        patch.setattr("ecert.services.finishing.sign", lambda *a, **k: (_ for _ in ()).throw(Crash()))
        for n in range(8):
            with pytest.raises(Crash):
                any_desk.issue(numbered(n))
    found = in_threads(4, lambda n: any_desk.issuing.resume())
    assert sum(resumed.issued for resumed in found) == 8
    assert any_desk.log.head() == 8


# Idempotency-Key


def test_the_same_key_gives_the_same_result_and_issues_once(desk: Office):
    first = desk.issue(request=REQUEST)
    desk.changes.change(first.id, Operation.SUSPEND, reason=None, by=CLERK)
    again = desk.issue(request=REQUEST)
    assert (again.id, again.token, again.outcome, again.seq) == (first.id, first.token, "issued", first.seq)


def test_a_retry_is_answered_though_the_same_could_not_be_issued_any_more(desk: Office):
    last_day = replace(DRAFT, valid_until=NOW.date())
    first = desk.issue(last_day, request=REQUEST)
    desk.now = NOW + timedelta(days=2)
    desk.signer.missing.add(MARKET)
    again = desk.issue(last_day, request=REQUEST)
    assert (again.id, again.outcome, again.token) == (first.id, first.outcome, first.token)


def test_a_key_used_for_another_request_is_a_mismatch_and_changes_nothing(desk: Office):
    desk.issue(request=REQUEST)
    with pytest.raises(RequestMismatch):
        desk.issue(numbered(2), request=replace(REQUEST, digest="b" * 64))
    assert desk.log.head() == 1


def test_clients_do_not_share_keys(desk: Office):
    desk.issue(request=REQUEST)
    other = desk.issue(numbered(2), request=replace(REQUEST, client_id="c-other", digest="b" * 64))
    assert other.outcome == "issued"


def test_one_key_sent_many_times_at_once_issues_once(any_desk: Office):  # noqa: F811
    found = in_threads(8, lambda n: any_desk.issue(request=REQUEST))
    assert {(one.id, one.token, one.outcome) for one in found} == {(found[0].id, found[0].token, "issued")}
    assert any_desk.log.head() == 1


def test_one_row_sent_many_times_at_once_without_a_key_issues_once(any_desk: Office):  # noqa: F811
    found = in_threads(8, lambda n: any_desk.issue())
    assert len({one.id for one in found}) == 1
    assert any_desk.log.head() == 1


def test_a_licence_on_record_has_its_state(desk: Office):
    record = desk.registry.find(desk.issue().id)
    assert (record.state, record.standing) == (LicenceState.ISSUED, Standing.VALID)
