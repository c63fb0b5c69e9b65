"""Step 7: what a status and its age come to. Absence is never an answer, and "for good" never grows old."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ecert.errors import Malformed
from ecert.verify import Accepted, Policy, Refused, StatusAnswer, Undecided
from tests.world import IDS, NOW, Statuses, World, codes, status_uri

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
URI = status_uri(IDS["housing"])


def judged(
    value: int, *, as_of: datetime = NOW, superseded: bool = False, signer: str | None = None
) -> object:
    world = World()
    statuses = Statuses(NOW)
    statuses.set(URI, 7, value, as_of=as_of, superseded=superseded, signer=signer)
    return world.verify(world.issue(status=None), status=statuses)


@pytest.mark.parametrize(
    ("value", "superseded", "expected"),
    [
        (0, False, None),
        (1, False, "revoked"),
        (1, True, "superseded"),
        (2, False, "suspended"),
        (3, False, "not_issued"),
    ],
)
def test_each_value_has_its_verdict(value: int, superseded: bool, expected: str | None) -> None:
    verdict = judged(value, superseded=superseded)
    assert codes(verdict) == ([] if expected is None else [expected])
    assert isinstance(verdict, Accepted if expected is None else Refused)
    assert verdict.status.state == (expected or "valid")  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [4, 15, 255, -1])
def test_an_unknown_value_is_refused(value: int) -> None:
    verdict = judged(value)
    assert isinstance(verdict, Refused)
    assert codes(verdict) == ["revoked"]
    assert StatusAnswer(value, False, NOW).state == "unknown"


@pytest.mark.parametrize(
    ("as_of", "fresh"),
    [
        (NOW - 5 * SECOND, True),
        (NOW - 5 * SECOND - MICROSECOND, False),
        (NOW + 60 * SECOND, True),
        (NOW + 60 * SECOND + MICROSECOND, False),
    ],
    ids=str,
)
def test_a_status_is_as_fresh_as_the_policy_says(as_of: datetime, fresh: bool) -> None:
    verdict = judged(0, as_of=as_of)
    assert isinstance(verdict, Accepted if fresh else Undecided)
    assert codes(verdict) == ([] if fresh else ["status_stale"])


@pytest.mark.parametrize("as_of", [NOW - 3600 * SECOND, NOW + 3600 * SECOND], ids=str)
@pytest.mark.parametrize(
    ("value", "superseded", "expected"),
    [
        (0, False, "status_stale"),
        (1, False, "revoked"),
        (1, True, "superseded"),
        (2, False, "status_stale"),
        (3, False, "status_stale"),
    ],
)
def test_only_invalid_for_good_survives_its_age(
    as_of: datetime, value: int, superseded: bool, expected: str
) -> None:
    verdict = judged(value, as_of=as_of, superseded=superseded)
    assert codes(verdict) == [expected]
    assert isinstance(verdict, Refused if value == 1 else Undecided)


def test_a_missing_list_or_index_decides_nothing() -> None:
    world = World()
    verdict = world.verify(world.issue(status=None))
    assert isinstance(verdict, Undecided)
    assert codes(verdict) == ["status_missing"]
    assert verdict.status is None


def test_a_view_that_refuses_decides_nothing() -> None:
    class Refusing:
        def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
            raise Malformed("expected an index inside the status list, another came")

    assert codes(World().verify(World().issue(), status=Refusing())) == ["status_missing"]


@pytest.mark.parametrize(
    ("signer", "speaks"),
    [(None, True), ("housing", True), ("market", False), ("provider", False), ("root", False)],
)
def test_a_list_speaks_only_for_those_its_signer_may_speak_for(signer: str | None, speaks: bool) -> None:
    verdict = judged(0, signer=None if signer is None else IDS.get(signer, "nobody"))
    assert codes(verdict) == ([] if speaks else ["status_missing"])
    # What a stranger's list says of a revocation does not count either.
    revoked = judged(1, signer=None if signer is None else IDS.get(signer, "nobody"))
    assert codes(revoked) == (["revoked"] if speaks else ["status_missing"])


def test_the_provider_that_the_trust_list_names_may_speak() -> None:
    world = World()
    world.statuses.set(status_uri(IDS["market"]), 7, 0, signer=IDS["provider"])
    assert isinstance(world.verify(world.issue("market", status=None)), Accepted)


def test_the_age_in_the_detail_is_for_people() -> None:
    verdict = judged(0, as_of=NOW - timedelta(hours=2, minutes=10))
    assert verdict.findings[0].detail == (  # type: ignore[attr-defined]
        "status too old: known 2:10:00 before the decision, policy allows 0:00:05"
    )


def test_a_policy_is_asked_and_not_assumed() -> None:
    patient = replace(Policy.window(), max_status_age=timedelta(hours=3))
    world = World()
    token = world.issue()
    world.statuses.set(URI, 7, 0, as_of=NOW - timedelta(hours=2))
    assert codes(world.verify(token)) == ["status_stale"]
    assert isinstance(world.verify(token, policy=patient), Accepted)
