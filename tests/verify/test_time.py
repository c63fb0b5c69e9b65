"""Step 6: a licence holds from `nbf` to before `exp`, give or take exactly the policy's skew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecert.verify import Accepted, Policy
from tests.world import NOW, World, codes, status_uri

T = int(NOW.timestamp())
MICROSECOND = timedelta(microseconds=1)


def judged(at: datetime, *, skew: int = 60, **claims: int | None) -> list[str]:
    world = World()
    world.statuses.as_of = at
    policy = replace(Policy.window(), clock_skew=timedelta(seconds=skew))
    return codes(world.verify(world.issue(**claims), at=at, policy=policy, trust=world.trust))


@pytest.mark.parametrize("skew", [0, 60, 300])
@pytest.mark.parametrize(
    ("claim", "side", "code"),
    [("nbf", -1, "not_yet_valid"), ("iat", -1, "not_yet_valid"), ("exp", 1, "expired")],
)
def test_the_edges_are_exact(skew: int, claim: str, side: int, code: str) -> None:
    edge = NOW + side * timedelta(seconds=skew)
    times: dict[str, int | None] = {"nbf": T - 9, "iat": T - 9, "exp": None, claim: T}
    inside, outside = (edge, edge - MICROSECOND) if side < 0 else (edge - MICROSECOND, edge)
    assert judged(inside, skew=skew, **times) == []
    assert judged(outside, skew=skew, **times) == [code]


def test_without_exp_a_licence_holds_for_good() -> None:
    at = datetime(2026, 6, 15, 2, 0, tzinfo=UTC)
    assert judged(at, exp=None) == []


@pytest.mark.parametrize("exp", [1, T - 61, T - 60])
def test_what_is_over_is_expired(exp: int) -> None:
    assert judged(NOW, exp=exp) == ["expired"]


@pytest.mark.parametrize("nbf", [T + 61, T * 1000, 2**53])
def test_what_is_yet_to_come_is_not_yet_valid(nbf: int) -> None:
    assert judged(NOW, nbf=nbf) == ["not_yet_valid"]


def test_another_time_zone_is_the_same_moment() -> None:
    world = World()
    at = NOW.astimezone(datetime.now(UTC).astimezone().tzinfo)
    assert isinstance(world.verify(world.issue(), at=at), Accepted)
    assert status_uri("x").endswith("x.1")
