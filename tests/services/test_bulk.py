"""Issuing a table: a bad row stays alone, the same file issues nothing twice, and a crash loses nothing."""

import pkgutil
from collections import Counter
from pathlib import Path

import pytest

from ecert.errors import Forbidden, Unavailable
from ecert.services import Row, RowFault, RowOutcome
from tests.licence.samples import with_fields
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
    numbered,
    office,
)
from tests.services.test_issue import Crash


@pytest.fixture
def desk(tmp_path: Path):
    with office(tmp_path) as made:
        yield made


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr("ecert.services.issue.CHUNK_ROWS", 10)


def table(count: int, draft=DRAFT, first: int = 0) -> list[Row]:
    return [Row(line=2 + n, draft=numbered(first + n, draft)) for n in range(count)]


def outcomes(results) -> Counter:
    return Counter(str(result.outcome) for result in results)


def run(desk: Office, rows, *, issuer=MARKET, by=CLERK) -> list:
    return list(desk.issuing.issue_rows(iter(rows), issuer=issuer, by=by))


def test_every_good_row_is_issued_and_accepted(desk: Office, small_chunks):
    results = run(desk, table(25) + table(3, SECRET_DRAFT, first=25))
    assert [result.line for result in results] == [*range(2, 27), 2, 3, 4]
    assert outcomes(results) == {"issued": 28}
    assert len({result.id for result in results}) == 28
    for result in results:
        assert desk.verdict(desk.registry.find(result.id).token).outcome == "accepted"
    assert [event.seq for event in desk.log.events_after(0, 100)] == list(range(1, 29))


def test_the_same_file_again_issues_nothing(desk: Office, small_chunks):
    first = run(desk, table(25))
    again = run(desk, table(25))
    assert outcomes(again) == {"existing": 25}
    assert [result.id for result in again] == [result.id for result in first]
    assert desk.log.head() == 25


def test_a_bad_row_is_reported_with_line_field_and_reason_and_the_others_go_through(desk: Office):
    rows = [
        *table(2),
        RowFault(line=4, field="valid_from", reason="expected a day as YYYY-MM-DD"),
        Row(line=5, draft=with_fields(numbered(3), KZ_ZCZB="many")),
        Row(line=6, draft=numbered("１２")),
        Row(line=7, draft=numbered(5), issuer=HOUSING),
        Row(line=8, draft=with_fields(numbered(6), KZ_EVIL="x")),
        Row(line=9, draft=numbered(7)),
    ]
    results = run(desk, rows)
    refused = {r.line: r.field for r in results if r.outcome is RowOutcome.REFUSED}
    assert refused == {4: "valid_from", 5: "KZ_ZCZB", 6: "number", 7: "issuer", 8: "KZ_EVIL"}
    assert [r.line for r in results if r.outcome is RowOutcome.ISSUED] == [2, 3, 9]
    reasons = " ".join(r.reason for r in results if r.reason)
    assert "many" not in reasons
    assert "１２" not in reasons


def test_a_number_twice_in_one_chunk_counts_once_if_it_says_the_same(desk: Office):
    other = with_fields(numbered(1), KZ_ZCZB="7.00")
    results = run(desk, [*table(2), Row(line=4, draft=numbered(1)), Row(line=5, draft=other)])
    assert [str(r.outcome) for r in results] == ["issued", "issued", "existing", "refused"]
    assert results[2].id == results[1].id
    assert results[3].field == "number"


def test_a_number_on_record_with_other_content_is_refused(desk: Office):
    run(desk, table(1))
    (result,) = run(desk, [Row(line=2, draft=with_fields(numbered(0), KZ_ZCZB="7.00"))])
    assert (str(result.outcome), result.field) == ("refused", "number")


@pytest.mark.parametrize("step", ["reserve", "sign", "commit"])
def test_after_a_crash_in_the_second_chunk_the_same_file_finishes_and_issues_none_twice(
    desk: Office, small_chunks, step: str, monkeypatch
):
    places = {
        "reserve": ("ecert.store.sql.transaction.SqlTransaction.reserve", 2),
        "sign": ("ecert.services.finishing.sign", 15),
        "commit": ("ecert.store.sql.transaction.SqlTransaction.commit_issued", 2),
    }
    real, calls = pkgutil.resolve_name(places[step][0]), Counter()

    def crash(*args, **kwargs):
        calls[step] += 1
        if calls[step] == places[step][1]:
            raise Crash
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(places[step][0], crash)
        seen = []
        with pytest.raises(Crash):
            seen.extend(desk.issuing.issue_rows(iter(table(25)), issuer=MARKET, by=CLERK))
    held = {r.licence_id for r in desk.registry.reserved(before=desk.now.replace(year=2027))}
    assert len(held) == (0 if step == "reserve" else 10)
    again = run(desk, table(25))
    assert outcomes(again) == {"existing": 10, "issued": 15}
    assert held <= {result.id for result in again}
    rows = [record for batch in desk.registry.walk() for record, _ in batch]
    assert len(rows) == 25
    assert len({(record.list_id, record.idx) for record in rows}) == 25
    assert desk.log.head() == 25


def test_rows_of_several_departments_need_an_operator(desk: Office):
    city = desk.signer_id("city")
    rows = [Row(line=2, draft=numbered(1), issuer=MARKET), Row(line=3, draft=numbered(1), issuer=city)]
    results = run(desk, rows, issuer=None, by=OPERATOR)
    assert outcomes(results) == {"issued": 2}
    assert {desk.registry.find(r.id).issuer for r in results} == {MARKET, city}
    assert outcomes(run(desk, rows, issuer=None, by=CLERK)) == {"existing": 1, "refused": 1}


def test_a_row_without_an_issuer_from_anywhere_is_refused(desk: Office):
    (result,) = run(desk, table(1), issuer=None, by=OPERATOR)
    assert (str(result.outcome), result.field) == ("refused", "issuer")


def test_a_department_s_own_name_is_implied(desk: Office):
    assert outcomes(run(desk, table(1), issuer=None, by=CLERK)) == {"issued": 1}


def test_a_type_that_the_issuer_may_not_issue_is_refused_row_by_row(desk: Office):
    (result,) = run(desk, table(1), issuer=HOUSING, by=STRANGER)
    assert (str(result.outcome), result.field) == ("refused", "type")


@pytest.mark.parametrize(("by", "issuer"), [(WINDOW, None), (WINDOW, MARKET), (STRANGER, MARKET)])
def test_who_may_not_issue_is_told_before_any_row(desk: Office, by, issuer):
    with pytest.raises(Forbidden):
        run(desk, table(1), issuer=issuer, by=by)


def test_a_lost_key_refuses_the_rows_of_its_department_only(desk: Office):
    city = desk.signer_id("city")
    desk.signer.missing.add(MARKET)
    rows = [Row(line=2, draft=numbered(1), issuer=MARKET), Row(line=3, draft=numbered(1), issuer=city)]
    assert [str(r.outcome) for r in run(desk, rows, issuer=None, by=OPERATOR)] == ["refused", "issued"]


def test_an_unreachable_database_ends_the_table_and_what_was_reported_is_on_record(
    desk: Office, small_chunks, monkeypatch
):
    results = desk.issuing.issue_rows(iter(table(25)), issuer=MARKET, by=CLERK)
    reported = [next(results) for _ in range(10)]
    with monkeypatch.context() as patch:

        def unreachable(_self):
            raise Unavailable("expected the SQL database to answer, got none")

        patch.setattr("ecert.store.sql.registry.SqlRegistry.begin", unreachable)
        with pytest.raises(Unavailable):
            next(results)
    for result in reported:
        assert desk.registry.find(result.id).token is not None


def test_an_empty_table_has_no_results(desk: Office):
    assert run(desk, []) == []
