"""Rows of hostile inputs that the wire room refuses by itself: status lists and disclosures."""

import hashlib
import zlib

import pytest

from ecert.errors import EcertError, InputError, Malformed, TooLarge
from ecert.wire import b64, sd_jwt
from ecert.wire.status_list import StatusList
from tests.wire.disclosures import ISSUER, digest, disclosure, sd_jwt_of

A, B = disclosure("s", "a", 1), disclosure("s", "b", 2)


def lst(data: bytes) -> dict[str, object]:
    return {"bits": 2, "lst": b64.encode(data)}


def test_row_32_deflate_bombs_and_odd_streams() -> None:
    bomb = zlib.compress(bytes(200_000_000), 9)
    with pytest.raises(TooLarge):
        StatusList.from_claim(lst(bomb))
    preset = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, b"a" * 99)
    good = zlib.compress(b"a" * 99)
    for stream in (
        good + b"\0",
        good[:-1],
        b"\x79" + good[1:],
        good[2:-4],
        preset.compress(b"a" * 99) + preset.flush(),
    ):
        with pytest.raises(Malformed):
            StatusList.from_claim(lst(stream))


@pytest.mark.parametrize("bits", [0, 3, 5, 16, -2, True, 2.0, "2", None])
def test_row_33_bits_outside_the_four(bits: object) -> None:
    with pytest.raises(Malformed):
        StatusList.from_claim(lst(zlib.compress(b"\xe4")) | {"bits": bits})


def test_row_33_least_significant_bits_first() -> None:
    statuses = StatusList.from_claim(lst(zlib.compress(b"\xe4")))
    assert [statuses.get(idx) for idx in range(4)] == [0, 1, 2, 3]


ROWS_39_TO_44: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "39 disclosure that no digest refers to": ({"_sd": [digest(A)]}, (A, B)),
    "40 digest twice": ({"_sd": [digest(A), digest(A)]}, (A,)),
    "40 digest in two places": ({"_sd": [digest(A)], "o": {"_sd": [digest(A)]}}, ()),
    "40 disclosure twice": ({"_sd": [digest(A)]}, (A, A)),
    "41 disclosure named _sd": (
        {"_sd": [digest(_named := disclosure("s", "_sd", [digest(A)]))]},
        (_named, A),
    ),
    "41 disclosure named ...": ({"_sd": [digest(_named := disclosure("s", "...", 1))]}, (_named,)),
    "42 plain claim overwritten": ({"a": 0, "_sd": [digest(A)]}, (A,)),
    "42 two parts in an object": ({"_sd": [digest(_two := disclosure("s", 1))]}, (_two,)),
    "42 three parts in an array": ({"l": [{"...": digest(A)}]}, (A,)),
    "43 _sd_alg md5": ({"_sd_alg": "md5", "_sd": [digest(A)]}, (A,)),
    "43 _sd_alg sha-1": ({"_sd_alg": "sha-1", "_sd": [digest(A)]}, (A,)),
    "43 _sd_alg unknown": ({"_sd_alg": "x", "_sd": [digest(A)]}, (A,)),
    "43 digest cut short": ({"_sd": [digest(A)[:22]]}, (A,)),
}


@pytest.mark.parametrize("case", ROWS_39_TO_44)
def test_rows_39_to_43_disclosures(case: str) -> None:
    payload, disclosures = ROWS_39_TO_44[case]
    with pytest.raises(Malformed):
        sd_jwt.read(sd_jwt_of(payload, *disclosures), ISSUER.public)


def test_row_41_digests_inside_a_disclosed_value_are_processed() -> None:
    outer = disclosure("s", "o", {"_sd": [digest(A)]})
    assert sd_jwt.read(sd_jwt_of({"_sd": [digest(outer)]}, outer, A), ISSUER.public) == {"o": {"a": 1}}


@pytest.mark.parametrize("name", sorted(sd_jwt.NEVER_DISCLOSABLE))
def test_row_44_claims_that_may_not_be_hidden(name: str) -> None:
    hidden = disclosure("s", name, 1)
    payload = {"_sd": [digest(hidden)]}
    with pytest.raises(Malformed):
        sd_jwt.process(payload, [hidden.encode()], never_disclosable=sd_jwt.NEVER_DISCLOSABLE)
    with pytest.raises(Malformed):
        sd_jwt.issue({name: 1}, disclosable={name}, typ="t", key=ISSUER, salt=lambda: "s")


def test_row_47_ten_thousand_disclosures_and_deep_ones() -> None:
    with pytest.raises(InputError):
        sd_jwt.split("a.b.c~" + "A~" * 10_000)
    with pytest.raises(Malformed):
        sd_jwt.split("a.b.c~" + "A~" * 65)
    chain, value = [], {"end": 1}
    for number in range(20):
        chain.append(disclosure(f"s{number}", "o", value))
        value = {"_sd": [digest(chain[-1])]}  # type: ignore[dict-item]
    with pytest.raises(EcertError):
        sd_jwt.read(sd_jwt_of(value, *chain), ISSUER.public)
    deep = b64.encode(b'["s","a",' + b"[" * 3000 + b"]" * 3000 + b"]")
    with pytest.raises(Malformed):
        sd_jwt.read(sd_jwt_of({"_sd": [digest(deep)]}, deep), ISSUER.public)


def test_row_47_a_digest_cannot_lead_back_to_itself() -> None:
    """A cycle would need a hash's preimage; the nearest thing is a digest that comes again further down."""
    inner = disclosure("s", "a", {"_sd": ["x"]})
    with pytest.raises(Malformed):
        sd_jwt.read(sd_jwt_of({"_sd": ["x", digest(inner)]}, inner), ISSUER.public)
    assert hashlib.sha256(inner.encode()).digest() == b64.decode(digest(inner))
