"""Leases, epochs, clients and trust lists in SQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ecert.errors import Conflict
from ecert.services.ports import ClientRecord, NewClient, Role, StoredTrustList
from tests.services.office import in_threads
from tests.store.sql_truth import NOW, Truth, truth  # noqa: F401

TTL = timedelta(seconds=2)
CLIENT = NewClient(
    record=ClientRecord(
        client_id="c1", name="示例窗口", role=Role.WINDOW, authority=None, created_at=NOW, withdrawn_at=None
    ),
    secret_hash=b"h" * 32,
)


def test_a_lease_has_one_holder_and_keeps_its_fence_when_renewed(truth: Truth):  # noqa: F811
    assert truth.leases.acquire("relay", "a", TTL, NOW) == 1
    assert truth.leases.acquire("relay", "b", TTL, NOW + TTL / 2) is None
    assert truth.leases.acquire("relay", "a", TTL, NOW + TTL / 2) == 1
    assert truth.leases.acquire("relay", "b", TTL, NOW + TTL) is None


def test_the_next_holder_has_a_higher_fence_also_after_a_release(truth: Truth):  # noqa: F811
    truth.leases.acquire("relay", "a", TTL, NOW)
    assert truth.leases.acquire("relay", "b", TTL, NOW + TTL) == 2
    truth.leases.release("relay", "a")  # no longer its holder
    assert truth.leases.acquire("relay", "c", TTL, NOW + TTL) is None
    truth.leases.release("relay", "b")
    assert truth.leases.acquire("relay", "a", TTL, NOW + TTL) == 3


def test_of_many_that_ask_at_once_one_leads(truth: Truth):  # noqa: F811
    fences = in_threads(8, lambda n: truth.leases.acquire("relay", f"h{n}", TTL, NOW))
    assert sorted(fences, key=str) == [1] + [None] * 7


def test_no_epoch_is_given_twice(truth: Truth):  # noqa: F811
    assert sorted(in_threads(8, lambda n: truth.leases.next_epoch())) == list(range(1, 9))


def test_a_withdrawn_client_is_listed_and_no_longer_active(truth: Truth):  # noqa: F811
    truth.clients.add(CLIENT)
    assert truth.clients.active() == {CLIENT.secret_hash: CLIENT.record}
    assert truth.clients.withdraw("c1", at=NOW + TTL) is True
    assert truth.clients.withdraw("c1", at=NOW + TTL) is False
    assert truth.clients.withdraw("nobody", at=NOW) is False
    assert truth.clients.active() == {}
    assert truth.clients.all() == (replace(CLIENT.record, withdrawn_at=NOW + TTL),)


def test_a_client_s_id_and_secret_are_its_own(truth: Truth):  # noqa: F811
    truth.clients.add(CLIENT)
    with pytest.raises(Conflict):
        truth.clients.add(NewClient(record=CLIENT.record, secret_hash=b"i" * 32))
    with pytest.raises(Conflict):
        truth.clients.add(
            NewClient(record=replace(CLIENT.record, client_id="c2"), secret_hash=CLIENT.secret_hash)
        )


def stored(authority: str, seq: int) -> StoredTrustList:
    return StoredTrustList(authority=authority, seq=seq, token=f"{authority} {seq}", stored_at=NOW)


def test_a_trust_list_s_seq_only_rises_and_lists_are_kept_all_or_none(truth: Truth):  # noqa: F811
    truth.lists.put([stored("a", 1), stored("b", 7)])
    for seq in (7, 6):
        with pytest.raises(Conflict, match="above 7"):
            truth.lists.put([stored("a", 2), stored("b", seq)])
    assert truth.lists.current("a") == stored("a", 1)
    truth.lists.put([stored("b", 9)])
    assert truth.lists.all_current() == (stored("a", 1), stored("b", 9))
    assert truth.lists.current("c") is None
