"""The examples of Token Status List: both list sizes, and the signed token."""

from datetime import UTC, datetime, timedelta

import pytest

from ecert.crypto import PublicKey
from ecert.errors import Malformed
from ecert.wire import status_list
from ecert.wire.status_list import StatusList
from tests.conformance.vectors import load, needs

FILE = "status-list/tsl-draft-short.json"
VECTORS = load(FILE)
CASES = {case["name"]: case for case in VECTORS.get("cases", [])}
URI = "https://example.com/statuslists/1"
AT = datetime(2026, 6, 15, tzinfo=UTC)

pytestmark = needs(FILE)


@pytest.mark.parametrize("name", CASES)
def test_every_index_has_its_status(name: str) -> None:
    case = CASES[name]
    statuses = StatusList.from_claim(case["json"])
    assert (statuses.bits, statuses.size) == (case["bits"], case["size"])
    assert {idx: statuses.get(int(idx)) for idx in case["status"]} == case["status"]
    with pytest.raises(Malformed):
        statuses.get(case["size"])


@pytest.mark.parametrize("name", CASES)
def test_our_own_writing_of_the_list_says_the_same(name: str) -> None:
    statuses = StatusList.from_claim(CASES[name]["json"])
    assert StatusList.from_claim(StatusList.from_bytes(statuses.data, statuses.bits).to_claim()) == statuses


def test_token_verifies_for_its_own_address_until_its_end() -> None:
    key = PublicKey.from_jwk(VECTORS["status_list_token_public_jwk"])
    token = VECTORS["status_list_token_jwt"].encode()
    read = status_list.read_token(token, key, uri=URI, at=AT)
    assert (read.issuer, read.kid, read.ttl) == ("https://example.com", "12", timedelta(hours=12))
    assert status_list.unverified_signer(token) == ("https://example.com", "12")
    expected = CASES["status_list_encoding_json"]["status"]
    assert {idx: read.statuses.get(int(idx)) for idx in expected} == expected
    assert read.expires_at is not None
    with pytest.raises(Malformed):
        status_list.read_token(token, key, uri=URI, at=read.expires_at)
    with pytest.raises(Malformed):
        status_list.read_token(token, key, uri="https://example.com/statuslists/2", at=AT)
