"""Step 8: a proof that is asked for must be there and fit; one that is there must hold."""

from datetime import timedelta
from typing import Any

import pytest

from ecert.verify import Accepted, Refused
from tests.verify.presenting import ASKING, AUDIENCE, NONCE, bound_licence, prove
from tests.world import NOW, World, codes, private_key

T = int(NOW.timestamp())
world = World()
LICENCE = bound_licence(world)


def test_a_fitting_proof_is_accepted() -> None:
    assert isinstance(world.verify(prove(LICENCE), policy=ASKING), Accepted)


def test_a_licence_with_a_holder_key_needs_no_proof_where_none_is_asked() -> None:
    assert isinstance(world.verify(LICENCE), Accepted)


@pytest.mark.parametrize("evidence", [LICENCE, world.issue(idx=8)], ids=["no proof", "no holder key"])
def test_a_proof_that_is_asked_for_must_be_there(evidence: str) -> None:
    verdict = world.verify(evidence, policy=ASKING)
    assert isinstance(verdict, Refused)
    assert codes(verdict) == ["binding_missing"]
    assert verdict.findings[0].step == 8


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(prove(LICENCE, key=private_key("thief")), id="key"),
        pytest.param(prove(LICENCE, typ="JWT"), id="typ"),
        pytest.param(prove(LICENCE, typ="dc+sd-jwt"), id="licence typ"),
        pytest.param(prove(LICENCE, aud="https://other.example"), id="audience"),
        pytest.param(prove(LICENCE, aud=[AUDIENCE]), id="audience as a list"),
        pytest.param(prove(LICENCE, nonce="another"), id="nonce"),
        pytest.param(prove(LICENCE, iat=T - 121), id="too old"),
        pytest.param(prove(LICENCE, iat=T + 61), id="from the future"),
        pytest.param(prove(LICENCE, iat=str(T)), id="iat as text"),
        pytest.param(prove(LICENCE, iat=True), id="iat as a truth value"),
        pytest.param(prove(LICENCE, sd_hash="A" * 43), id="sd_hash"),
        pytest.param(prove(LICENCE[: LICENCE[:-1].rindex("~") + 1], over=LICENCE), id="disclosure removed"),
        pytest.param(prove(LICENCE)[:-4] + "AAAA", id="signature"),
    ],
)
def test_a_proof_that_does_not_fit_is_refused(evidence: str) -> None:
    verdict = world.verify(evidence, policy=ASKING)
    assert isinstance(verdict, Refused)
    assert codes(verdict) == ["binding_failed"]


@pytest.mark.parametrize(
    ("iat", "accepted"), [(T - 120, True), (T - 121, False), (T + 60, True), (T + 61, False)]
)
def test_a_proof_is_as_fresh_as_the_policy_says(iat: int, accepted: bool) -> None:
    assert isinstance(world.verify(prove(LICENCE, iat=iat), policy=ASKING), Accepted) is accepted


def test_a_proof_that_nobody_asked_for_may_be_for_anyone_at_any_time() -> None:
    for claims in (
        {},
        {"nonce": "another"},
        {"aud": "https://other.example"},
        {"iat": 0},
        {"iat": T + 10**9},
    ):
        assert isinstance(world.verify(prove(LICENCE, **claims)), Accepted)


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        pytest.param({"key": private_key("thief")}, LICENCE, id="key"),
        pytest.param({"sd_hash": "A" * 43}, LICENCE, id="sd_hash"),
        pytest.param({"typ": "JWT"}, LICENCE, id="typ"),
        pytest.param({"nonce": None}, LICENCE, id="nonce of another type"),
        pytest.param({}, world.issue(idx=8), id="no holder key"),
    ],
)
def test_a_proof_that_nobody_asked_for_must_hold_all_the_same(changes: dict[str, Any], evidence: str) -> None:
    assert codes(world.verify(prove(evidence, **changes))) == ["binding_failed"]


def test_the_proof_is_judged_with_the_rest() -> None:
    late = NOW + timedelta(days=2000)
    found = codes(world.verify(prove(LICENCE, nonce="x"), policy=ASKING, at=late, trust=world.trust))
    assert found == ["trust_stale", "expired", "status_stale", "binding_failed"]
    assert NONCE != "x"
