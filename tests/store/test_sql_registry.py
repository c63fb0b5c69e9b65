"""The registry on SQLite and PostgreSQL: entries given once, rows signed once, each found by its own."""

from datetime import timedelta
from itertools import pairwise

import pytest

from ecert.errors import Conflict, NotFound
from ecert.services.ports import (
    EventDraft,
    IssuedRow,
    LicenceState,
    NumberKey,
    Operation,
    RequestKey,
    Standing,
)
from ecert.store.sql import permutation
from ecert.store.sql.permutation import permute
from tests.services.office import in_threads
from tests.store.sql_truth import HOLDER, ISSUER, NOW, OTHER, SAFETY_TYPE, Truth, row, truth  # noqa: F401

REQUEST = RequestKey(client_id="c1", key="a-key", digest="d" * 64)


def change(truth: Truth, licence_id: str, operation: Operation, standing: Standing, reason=None) -> int:  # noqa: F811
    with truth.registry.begin() as t:
        record = t.find(licence_id, lock=True)
        draft = EventDraft(
            row=record.row,
            licence_id=licence_id,
            list_id=record.list_id,
            idx=record.idx,
            operation=operation,
            client_id="c1",
            at=NOW,
            reason=reason,
        )
        return t.set_standing([(draft, standing)])


@pytest.mark.parametrize("size", [1 << 12, 1 << 14])
def test_a_list_s_order_is_a_permutation_that_its_key_decides(size: int):
    first = [permute(n, size=size, key=b"k" * 32) for n in range(size)]
    assert sorted(first) == list(range(size))
    assert first != [permute(n, size=size, key=b"l" * 32) for n in range(size)]
    neighbours = sum(abs(a - b) == 1 for a, b in pairwise(first))
    assert neighbours < size // 200


@pytest.mark.parametrize(("counter", "size"), [(-1, 4096), (4096, 4096), (0, 8192), (0, 4095)])
def test_a_counter_outside_its_list_is_a_programming_error(counter: int, size: int):
    with pytest.raises(ValueError, match="expected counters"):
        permute(counter, size=size, key=b"k" * 32)


def test_a_full_list_is_followed_by_one_four_times_as_large(truth: Truth, monkeypatch):  # noqa: F811
    monkeypatch.setattr("ecert.store.sql.transaction.FIRST_SIZE", 64)
    with truth.registry.begin() as t:
        slots = [*t.take(ISSUER, 60), *t.take(ISSUER, 10)]
        t.reserve([row(slot, issuer=ISSUER, serial=f"S{n}") for n, slot in enumerate(slots)])
    assert [slot.list_number for slot in slots] == [1] * 64 + [2] * 6
    assert len({(slot.list_id, slot.idx) for slot in slots}) == 70
    assert len({slot.row for slot in slots}) == 70
    sizes = {info.id: info.size for info in truth.log.lists()}
    assert sizes == {f"{ISSUER}.1": 64, f"{ISSUER}.2": 256}


def test_the_last_size_is_not_exceeded():
    assert permutation.LAST_SIZE == 1 << 20


def test_each_issuer_has_its_own_lists(truth: Truth):  # noqa: F811
    truth.issue(1)
    truth.issue(1, issuer=OTHER)
    assert {(info.id, info.issuer) for info in truth.log.lists()} == {
        (f"{ISSUER}.1", ISSUER),
        (f"{OTHER}.1", OTHER),
    }


def test_an_entry_taken_and_rolled_back_is_free_again_but_one_reserved_is_not(truth: Truth):  # noqa: F811
    with pytest.raises(RuntimeError), truth.registry.begin() as t:  # noqa: PT012 - the crash comes after the write
        t.take(ISSUER, 5)
        raise RuntimeError("crash")
    (reserved,) = truth.reserve(1)
    (next_one,) = truth.reserve(1, serial="T")
    assert reserved.idx != next_one.idx


@pytest.mark.parametrize(
    "same",
    ["licence_id", "idx", "number", "secret"],
)
def test_what_must_be_unique_is_refused_by_the_database_itself(truth: Truth, same: str):  # noqa: F811
    (first,) = truth.issue(1)
    value = getattr(first, same)
    other = {"number": "another"} if same != "number" else {}
    with pytest.raises(Conflict):
        truth.reserve(1, serial="T", **other, **{same: value})


def test_a_row_read_back_is_the_row_written(truth: Truth):  # noqa: F811
    (reserved,) = truth.reserve(1)
    record = truth.registry.find(reserved.licence_id)
    assert (record.state, record.standing, record.token) == (LicenceState.RESERVED, Standing.RESERVED, None)
    assert (record.claims, record.secret, record.number) == (
        reserved.claims,
        reserved.secret,
        reserved.number,
    )
    assert (record.holder_code, record.family, record.value) == (HOLDER, reserved.family, 3)
    assert (record.created_at, record.issued_at) == (NOW, None)
    truth.commit([reserved])
    record = truth.registry.find(reserved.licence_id)
    assert (record.state, record.standing, record.value) == (LicenceState.ISSUED, Standing.VALID, 0)
    assert (record.token, record.issued_at) == (f"token of {reserved.licence_id}~", NOW)


def test_a_reserved_row_is_signed_once(truth: Truth):  # noqa: F811
    rows = truth.reserve(3)
    assert truth.commit(rows[:1]) == {rows[0].licence_id: 1}
    with truth.registry.begin() as t:
        late = [IssuedRow(reserved=one, token="late~") for one in rows]
        done = t.commit_issued(late, client_id="c2", at=NOW)
    assert dict(done) == {rows[1].licence_id: 2, rows[2].licence_id: 3}
    assert truth.registry.find(rows[0].licence_id).token == f"token of {rows[0].licence_id}~"
    assert [event.idx for event in truth.log.events_after(0, 10)] == [one.idx for one in rows]


def test_an_abandoned_row_is_never_signed_and_keeps_its_entry(truth: Truth):  # noqa: F811
    (reserved,) = truth.reserve(1)
    with truth.registry.begin() as t:
        t.abandon([reserved.row])
    assert truth.commit([reserved]) == {}
    assert truth.registry.find(reserved.licence_id).state is LicenceState.ABANDONED
    assert truth.log.head() == 0
    assert truth.registry.find_number(ISSUER, NumberKey(SAFETY_TYPE, reserved.number)) is None


def test_events_are_numbered_without_a_gap_also_after_a_rollback(truth: Truth):  # noqa: F811
    rows = truth.reserve(2)
    truth.commit(rows[:1])
    with pytest.raises(RuntimeError), truth.registry.begin() as t:  # noqa: PT012 - the crash comes after the write
        t.commit_issued([IssuedRow(reserved=rows[1], token="x~")], client_id="c1", at=NOW)
        raise RuntimeError("crash before the commit")
    truth.commit(rows[1:])
    change(truth, rows[0].licence_id, Operation.SUSPEND, Standing.SUSPENDED)
    events = truth.log.events_after(0, 10)
    assert [event.seq for event in events] == [1, 2, 3] == list(range(1, truth.log.head() + 1))
    assert [event.value for event in events] == [0, 0, 2]
    assert truth.log.events_after(1, 1) == events[1:2]


def test_many_writers_number_events_in_the_order_of_commits(truth: Truth):  # noqa: F811
    rows = truth.issue(8)

    def suspend(n: int) -> int:
        return change(truth, rows[n].licence_id, Operation.SUSPEND, Standing.SUSPENDED)

    assert sorted(in_threads(8, suspend)) == list(range(9, 17))
    assert [event.seq for event in truth.log.events_after(0, 100)] == list(range(1, 17))


def test_a_snapshot_is_packed_as_the_token_status_list_says(truth: Truth):  # noqa: F811
    rows = truth.issue(5)
    truth.reserve(1, serial="R")
    change(truth, rows[1].licence_id, Operation.SUSPEND, Standing.SUSPENDED)
    change(truth, rows[2].licence_id, Operation.REVOKE, Standing.REVOKED)
    seq = change(truth, rows[3].licence_id, Operation.SUPERSEDE, Standing.SUPERSEDED)
    at, packed, superseded = truth.log.snapshot(f"{ISSUER}.1")
    values = [packed[i // 4] >> 2 * (i % 4) & 3 for i in range(4096)]
    expected = {rows[0].idx: 0, rows[1].idx: 2, rows[2].idx: 1, rows[3].idx: 1, rows[4].idx: 0}
    assert {i: value for i, value in enumerate(values) if value != 3} == expected
    assert (at, superseded, len(packed)) == (seq, [rows[3].idx], 1024)


def test_a_list_that_is_not_there_is_not_found(truth: Truth):  # noqa: F811
    with pytest.raises(NotFound):
        truth.log.snapshot(f"{ISSUER}.9")


def test_the_history_keeps_operation_and_reason_in_order(truth: Truth):  # noqa: F811
    (one,) = truth.issue(1)
    change(truth, one.licence_id, Operation.SUSPEND, Standing.SUSPENDED, "甲示例 did it")
    change(truth, one.licence_id, Operation.REINSTATE, Standing.VALID)
    lines = [(operation, reason) for _, operation, reason in truth.registry.history(one.licence_id)]
    assert lines == [
        (Operation.ISSUE, None),
        (Operation.SUSPEND, "甲示例 did it"),
        (Operation.REINSTATE, None),
    ]


def test_a_licence_is_found_by_number_holder_and_handle(truth: Truth):  # noqa: F811
    one, two = truth.issue(2)
    truth.reserve(1, serial="R")
    assert truth.registry.find_number(ISSUER, NumberKey(SAFETY_TYPE, two.number)).licence_id == two.licence_id
    assert truth.registry.find_number(OTHER, NumberKey(SAFETY_TYPE, two.number)) is None
    assert {record.licence_id for record in truth.registry.of_holder(HOLDER)} == {
        one.licence_id,
        two.licence_id,
    }
    assert truth.registry.of_holder("110105194912310021") == ()
    assert truth.registry.token_by_handle(one.secret[:16]) == f"token of {one.licence_id}~"
    assert truth.registry.token_by_handle(one.secret[16:]) is None


def test_a_family_s_newest_versions_are_found_and_no_other_family_s(truth: Truth):  # noqa: F811
    (one,) = truth.issue(1, serial="A")
    (ten,) = truth.issue(1, serial="A", version=10)
    (draft,) = truth.reserve(1, serial="A", version=11)
    truth.issue(1, serial="A0")  # its serial only begins alike
    with truth.registry.begin() as t:
        assert t.newest(one.family).licence_id == draft.licence_id
        assert t.newest_issued(one.family).licence_id == ten.licence_id
        found = t.numbers(ISSUER, [NumberKey(SAFETY_TYPE, one.number), NumberKey(SAFETY_TYPE, "none")])
    assert {key.number: record.version for key, record in found.items()} == {one.number: 11}


def test_a_request_is_remembered_with_the_write_and_only_for_its_digest(truth: Truth):  # noqa: F811
    with pytest.raises(RuntimeError), truth.registry.begin() as t:  # noqa: PT012 - the crash comes after the write
        t.remember(REQUEST, kind="issued", licence_id="x", seq=1, at=NOW)
        raise RuntimeError("crash")
    with truth.registry.begin() as t:
        assert t.request(REQUEST) is None
        t.remember(REQUEST, kind="issued", licence_id="x", seq=5, at=NOW)
    with truth.registry.begin() as t:
        again = t.request(REQUEST)
        assert (again.kind, again.digest_fits, again.licence_id, again.seq) == ("issued", True, "x", 5)
        other = RequestKey(client_id="c1", key="a-key", digest="e" * 64)
        assert t.request(other).digest_fits is False
        assert t.request(RequestKey(client_id="c2", key="a-key", digest="d" * 64)) is None


def test_reserved_rows_are_walked_in_batches_and_none_twice(truth: Truth):  # noqa: F811
    rows = truth.reserve(5)
    truth.commit(rows[:1])
    later = NOW + timedelta(seconds=1)
    first = truth.registry.reserved(before=later, limit=3)
    second = truth.registry.reserved(before=later, limit=3, after_row=first[-1].row)
    assert [r.licence_id for r in (*first, *second)] == [one.licence_id for one in rows[1:]]
    assert truth.registry.reserved(before=NOW) == ()


def test_walking_gives_every_row_with_its_newest_event(truth: Truth):  # noqa: F811
    rows = truth.issue(3)
    truth.reserve(1, serial="R")
    change(truth, rows[0].licence_id, Operation.REVOKE, Standing.REVOKED)
    batches = list(truth.registry.walk(batch=2))
    assert [value for batch in batches for _, value in batch] == [1, 0, 0, None]
