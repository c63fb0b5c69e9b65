"""Published lists: true, signed by whom the trust list says, and signed again only when there is a reason."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from ecert.errors import KeyFault, NotFound
from ecert.services import Operation
from ecert.trust import read_list
from ecert.wire import status_list
from tests.services.office import CLERK, HOUSING, MARKET, OPERATOR, Office, numbered, office
from tests.world import BASE_URL, IDS, ROOT_ID, private_key


@pytest.fixture
def desk(tmp_path: Path):
    with office(tmp_path) as made:
        yield made


def read(desk: Office, list_id: str, signer: str) -> status_list.StatusToken:
    token = desk.publishing.status_list(list_id).token
    key = private_key(f"{signer} status").public
    return status_list.read_token(token, key, uri=f"{BASE_URL}/status-lists/{list_id}", at=desk.now)


def test_a_status_list_says_what_sql_says_and_as_of_which_event(desk: Office):
    first, second = desk.issue(numbered(1)), desk.issue(numbered(2))
    desk.changes.change(second.id, Operation.REVOKE, reason=None, by=CLERK)
    read_list = read(desk, first.list_id, "provider")
    found = {i: read_list.statuses.get(i) for i in range(read_list.statuses.size)}
    assert {i: value for i, value in found.items() if value != 3} == {first.idx: 0, second.idx: 1}
    assert (read_list.seq, read_list.issuer) == (3, f"uscc:{IDS['provider']}")
    assert (read_list.ttl, read_list.expires_at - read_list.issued_at) == (
        timedelta(minutes=5),
        timedelta(hours=24),
    )


def test_an_issuer_without_a_provider_signs_its_own_list(desk: Office):
    with desk.registry.begin() as t:
        t.take(HOUSING, 1)
    assert read(desk, f"{HOUSING}.1", "housing").issuer == f"uscc:{HOUSING}"


def test_where_the_provider_s_key_is_elsewhere_the_issuer_signs(desk: Office):
    issued = desk.issue()
    desk.signer.missing.add(IDS["provider"])
    assert read(desk, issued.list_id, "market").issuer == f"uscc:{MARKET}"
    desk.signer.missing.add(MARKET)
    desk.changes.change(issued.id, Operation.REVOKE, reason=None, by=CLERK)
    with pytest.raises(KeyFault):
        desk.publishing.status_list(issued.list_id)


def test_a_list_that_did_not_change_keeps_its_etag_until_half_its_ttl(desk: Office):
    issued = desk.issue()
    first = desk.publishing.status_list(issued.list_id)
    desk.issuing.issue(numbered(1), issuer=IDS["city"], by=OPERATOR)  # another list
    desk.now += timedelta(seconds=149)
    assert desk.publishing.status_list(issued.list_id) == first
    desk.now += timedelta(seconds=1)
    later = desk.publishing.status_list(issued.list_id)
    assert later.etag != first.etag


def test_a_change_is_published_at_once(desk: Office):
    issued = desk.issue()
    first = desk.publishing.status_list(issued.list_id)
    desk.changes.change(issued.id, Operation.SUSPEND, reason=None, by=CLERK)
    second = desk.publishing.status_list(issued.list_id)
    assert first.etag != second.etag
    assert read(desk, issued.list_id, "provider").statuses.get(issued.idx) == 2
    assert first.etag[0] == first.etag[-1] == '"'


def test_a_clock_that_went_back_signs_anew(desk: Office):
    issued = desk.issue()
    first = desk.publishing.status_list(issued.list_id)
    desk.now -= timedelta(hours=1)
    assert desk.publishing.status_list(issued.list_id).etag != first.etag


@pytest.mark.parametrize(
    "list_id",
    ["", "x", f"{MARKET}.1", f"{MARKET}.01", f"{MARKET}.-1", f"{MARKET}.1\n", f"../{MARKET}.1", "\0"],
)
def test_a_list_that_is_not_there_is_not_found(desk: Office, list_id: str):
    with pytest.raises(NotFound):
        desk.publishing.status_list(list_id)


def test_the_newest_trust_list_of_an_authority_is_published(desk: Office):
    desk.publish_trust(seq=1)
    first = desk.publishing.trust_list(ROOT_ID)
    assert read_list(first.token.encode(), desk.world.root).signer == ROOT_ID
    desk.publish_trust(seq=2)
    second = desk.publishing.trust_list(ROOT_ID)
    assert second.token != first.token
    assert second.etag != first.etag
    for authority in (MARKET, "", "x" * 18, "\0" * 18):
        with pytest.raises(NotFound):
            desk.publishing.trust_list(authority)


def test_while_a_list_is_made_anew_others_get_the_last_one(desk: Office, monkeypatch):
    """A slow snapshot holds up nobody but the one who makes it."""
    issued = desk.issue(numbered(1))
    before = desk.publishing.status_list(issued.list_id)
    desk.issue(numbered(2))
    entered, leave = threading.Event(), threading.Event()
    snapshot = desk.log.snapshot

    def slow(list_id: str):
        entered.set()
        assert leave.wait(20)
        return snapshot(list_id)

    monkeypatch.setattr(desk.log, "snapshot", slow)
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(desk.publishing.status_list, issued.list_id)
        assert entered.wait(20)
        try:
            assert desk.publishing.status_list(issued.list_id) == before
        finally:
            leave.set()
        assert making.result(20) != before
    assert desk.publishing.status_list(issued.list_id) != before
