"""Key binding: the holder of the key made this very presentation, for this verifier, just now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecert.errors import BindingFailed
from ecert.wire import sd_jwt
from tests.wire.disclosures import HOLDER, ISSUER, b64, bound, digest, disclosure, sd_jwt_of
from tests.world import private_key

A = disclosure("s", "a", 1)
B = disclosure("s", "b", 2)
JWK = HOLDER.public.to_jwk()
PRESENTED = sd_jwt_of({"cnf": {"jwk": JWK}, "_sd": [digest(A), digest(B)]}, A, B)
MADE = datetime.fromtimestamp(1_750_000_000, UTC)


def check(text: str, **changes: Any) -> None:
    asked: dict[str, Any] = {
        "audience": "window",
        "nonce": "n-1",
        "at": MADE,
        "max_age": timedelta(seconds=60),
    }
    sd_jwt.check_key_binding(sd_jwt.split(text), JWK, **(asked | changes))


def test_good_binding_is_accepted_by_both_doors() -> None:
    assert sd_jwt.read(bound(PRESENTED), ISSUER.public) == {"cnf": {"jwk": JWK}, "a": 1, "b": 2}
    check(bound(PRESENTED))


WRONG = {
    "another's key": bound(PRESENTED, private_key("thief")),
    "another algorithm": bound(PRESENTED, private_key("thief", "EdDSA")),
    "another typ": bound(PRESENTED, typ="JWT"),
    "sd_hash of something else": bound(PRESENTED, sd_hash=digest("x")),
    "sd_hash missing": bound(PRESENTED, sd_hash=None),
    "sd_hash padded": bound(PRESENTED, sd_hash=digest(PRESENTED) + "="),
    "disclosure removed after": bound(PRESENTED).replace(f"~{A}~", "~"),
    "disclosures reordered after": bound(PRESENTED).replace(f"~{A}~{B}~", f"~{B}~{A}~"),
    "disclosure added after": bound(PRESENTED.replace(f"~{B}~", "~")).replace(f"~{A}~", f"~{A}~{B}~"),
    "iat missing": bound(PRESENTED, iat=None),
    "iat a float": bound(PRESENTED, iat=1_750_000_000.0),
    "iat a bool": bound(PRESENTED, iat=True),
    "iat text": bound(PRESENTED, iat="1750000000"),
    "aud missing": bound(PRESENTED, aud=None),
    "aud a list": bound(PRESENTED, aud=["window"]),
    "nonce missing": bound(PRESENTED, nonce=None),
    "nonce a number": bound(PRESENTED, nonce=1),
    "no JWS": PRESENTED + "x",
    "JWS of no object": PRESENTED + bound("").split("~")[-1].split(".")[0] + f".{b64(b'[]')}.AAAA",
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_binding_is_refused_by_both_doors(case: str) -> None:
    with pytest.raises(BindingFailed):
        sd_jwt.read(WRONG[case], ISSUER.public)
    with pytest.raises(BindingFailed):
        check(WRONG[case])


@pytest.mark.parametrize(
    "cnf", [None, {}, "x", {"jwk": None}, {"jwk": {"kty": "oct", "k": "AA"}}, {"kid": "x"}]
)
def test_binding_without_the_holders_key_is_refused(cnf: object) -> None:
    text = sd_jwt_of({"cnf": cnf} if cnf is not None else {})
    with pytest.raises(BindingFailed):
        sd_jwt.read(bound(text), ISSUER.public)


def test_missing_binding_is_refused_where_it_is_asked_for() -> None:
    with pytest.raises(BindingFailed):
        check(PRESENTED)


def test_audience_nonce_and_age_are_those_of_the_verifier() -> None:
    text = bound(PRESENTED)
    for changes in ({"audience": "other"}, {"nonce": "n-2"}, {"audience": ""}, {"nonce": ""}):
        with pytest.raises(BindingFailed):
            check(text, **changes)
    second = timedelta(seconds=1)
    check(text, at=MADE + timedelta(seconds=60))
    check(text, at=MADE + timedelta(seconds=61), clock_skew=second)
    check(text, at=MADE - second, clock_skew=second)
    for at, skew in ((61, 0), (62, 1), (-1, 0), (-2, 1), (10**9, 1)):
        with pytest.raises(BindingFailed):
            check(text, at=MADE + timedelta(seconds=at), clock_skew=timedelta(seconds=skew))


def test_naive_time_is_the_programmers_error() -> None:
    with pytest.raises(TypeError):
        check(bound(PRESENTED), at=datetime(2026, 1, 1))
