"""Verifying with bytes alone: a root key, trust lists, status lists."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ecert.errors import EcertError
from ecert.trust import KeyUse
from ecert.verify import (
    Accepted,
    ListsStatusView,
    Policy,
    Refused,
    Undecided,
    Verdict,
    check_status_token,
    verify_offline,
)
from ecert.wire import json, jws
from tests.world import DAY, IDS, NOW, World, codes, private_key, status_uri

HOUR = timedelta(hours=1)
URI = status_uri(IDS["housing"])
ONE_DAY = Policy.offline(max_status_age=DAY)


def judged(
    *status_tokens: str, world: World | None = None, evidence: str | None = None, **changes: Any
) -> Verdict:
    world = world or World()
    arguments: dict[str, Any] = {
        "root": world.root,
        "root_id": world.root_id,
        "trust_lists": world.lists,
        "status_tokens": [token.encode() for token in status_tokens],
        "policy": ONE_DAY,
        "at": NOW,
    } | changes
    return verify_offline(evidence or world.issue(), **arguments)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, []), (1, ["revoked"]), (2, ["suspended"]), (3, ["not_issued"])]
)
def test_the_published_list_decides(value: int, expected: list[str]) -> None:
    assert codes(judged(World().status_token(values={7: value}))) == expected


def test_the_age_of_a_list_is_its_iat() -> None:
    old = World().status_token(values={7: 0}, issued_at=NOW - 2 * HOUR)
    verdict = judged(old)
    assert isinstance(verdict, Accepted)
    assert verdict.status.as_of == NOW - 2 * HOUR
    assert codes(judged(old, policy=Policy.offline(max_status_age=HOUR))) == ["status_stale"]


def test_without_a_list_nothing_is_decided() -> None:
    assert isinstance(judged(), Undecided)


def test_without_trust_nothing_is_decided() -> None:
    assert codes(judged(World().status_token(values={7: 0}), trust_lists=[])) == ["trust_stale"]


def test_another_root_trusts_nobody() -> None:
    verdict = judged(World().status_token(values={7: 0}), root=private_key("other").public)
    assert codes(verdict) == ["trust_stale"]


@pytest.mark.parametrize("idx", [64, 10**6])
def test_an_index_outside_the_list_decides_nothing(idx: int) -> None:
    token = World().status_token(values={7: 0}, size=64)
    assert codes(judged(token, evidence=World().issue(idx=idx))) == ["status_missing"]


def test_an_older_list_does_not_bring_a_revoked_licence_back() -> None:
    world = World()
    old = world.status_token(values={7: 0}, seq=4, issued_at=NOW - timedelta(seconds=5))
    new = world.status_token(values={7: 1}, seq=5, issued_at=NOW - HOUR)
    for order in ((old, new), (new, old)):
        assert codes(judged(*order)) == ["revoked"]


def test_of_one_seq_the_later_list_counts() -> None:
    world = World()
    old = world.status_token(values={7: 0}, issued_at=NOW - 2 * HOUR)
    new = world.status_token(values={7: 0}, issued_at=NOW - HOUR)
    for order in ((old, new), (new, old)):
        verdict = judged(*order)
        assert isinstance(verdict, Accepted)
        assert verdict.status.as_of == NOW - HOUR


def test_the_provider_signs_for_those_who_named_it() -> None:
    world = World()
    token = world.status_token("market", signer="provider", values={7: 0})
    assert isinstance(judged(token, evidence=world.issue("market")), Accepted)
    other = world.status_token("housing", signer="provider", values={7: 0})
    assert codes(judged(other)) == ["status_missing"]


def test_a_list_at_the_right_address_by_another_department_does_not_count() -> None:
    token = World().status_token("housing", signer="market", values={7: 0})
    assert codes(judged(token)) == ["status_missing"]


def test_another_departments_list_does_not_stand_in_front_of_the_right_one() -> None:
    world = World()
    right = world.status_token("housing", values={7: 1}, seq=1)
    other = world.status_token("housing", signer="market", values={7: 0}, seq=99)
    assert codes(judged(right, other, world=world)) == ["revoked"]


def _unreadable(**changes: Any) -> str:
    claims: Any = json.loads(jws.read_compact(World().status_token(values={7: 0})).payload)
    return jws.sign_compact(
        {"typ": "statuslist+jwt"}, json.dumps(claims | changes), private_key("housing status")
    )


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(
            World().status_token(values={7: 0}, key=private_key("housing licence")), id="licence key"
        ),
        pytest.param(
            World().status_token(values={7: 0}, key=private_key("market status")), id="another's key"
        ),
        pytest.param(World().status_token(values={7: 0}, issued_at=NOW - 13 * HOUR), id="expired"),
        pytest.param(World().status_token(values={7: 0}, issued_at=NOW + HOUR), id="from the future"),
        pytest.param(World().status_token(values={7: 0})[:-4] + "AAAA", id="signature"),
        pytest.param(World().issue(), id="a licence"),
        pytest.param(_unreadable(iss=IDS["housing"]), id="iss without uscc:"),
        pytest.param(_unreadable(sub=f"{URI}x"), id="another address"),
        pytest.param(_unreadable(sub=[URI]), id="address of another type"),
        pytest.param(_unreadable(status_list={"bits": 2, "lst": "AAAA"}), id="no zlib"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_list_that_does_not_count_is_left_out(token: str) -> None:
    assert codes(judged(token)) == ["status_missing"]
    good = World().status_token(values={7: 0})
    assert isinstance(judged(token, good), Accepted)


@pytest.mark.parametrize(
    "changes",
    [
        {"compromised_at": NOW},
        {"valid_until": NOW - HOUR},
        {"valid_from": NOW},
        {"use": KeyUse.LICENCE},
    ],
    ids=str,
)
def test_a_status_key_counts_inside_its_window_and_in_the_right_hands(changes: dict[str, Any]) -> None:
    world = World().with_key("housing", KeyUse.STATUS, **changes)
    assert codes(judged(world.status_token(values={7: 0}), world=world)) == ["status_missing"]


def test_a_status_list_through_expired_trust_does_not_count() -> None:
    world = replace(World(), lists_until={"province": NOW})
    assert codes(judged(world.status_token(values={7: 0}), world=world)) == ["trust_stale", "status_missing"]


def test_a_checked_token_is_about_the_address_asked_for() -> None:
    world = World()
    token = world.status_token(values={7: 2}).encode()
    assert check_status_token(token, URI, world.trust, NOW).statuses.get(7) == 2
    with pytest.raises(EcertError):
        check_status_token(token, f"{URI}x", world.trust, NOW)


def test_a_view_knows_only_its_lists() -> None:
    world = World()
    view = ListsStatusView([check_status_token(world.status_token().encode(), URI, world.trust, NOW)])
    assert view.lookup("https://elsewhere.example", 7) is None
    assert view.lookup(URI, -1) is None
    found = view.lookup(URI, 7)
    assert found is not None
    assert (found.state, found.signer) == ("not_issued", IDS["housing"])


def test_a_forged_licence_is_refused_offline_too() -> None:
    verdict = judged(evidence=World().issue(key=private_key("forger")))
    assert isinstance(verdict, Refused)
    assert codes(verdict) == ["unknown_key"]
