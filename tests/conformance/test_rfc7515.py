"""RFC 7515 appendix A: ES256 verifies; what is outside the closed set is refused."""

import pytest

from ecert.crypto import PublicKey
from ecert.errors import EcertError, KeyFault, UnsupportedAlgorithm
from ecert.wire import jws
from tests.conformance.vectors import load, needs

FILE = "rfc7515/rfc7515-appendix-a.json"
CASES = {case["id"]: case for case in load(FILE)}
VERIFIED = {"A.3"}

pytestmark = needs(FILE)


@pytest.mark.parametrize("name", sorted(VERIFIED & CASES.keys()))
def test_example_verifies(name: str) -> None:
    key = PublicKey.from_jwk(CASES[name]["jwk"])
    header, payload = jws.verify_compact(CASES[name]["jws"].encode(), key)
    assert header == {"alg": CASES[name]["alg"]}
    assert payload.startswith(b'{"iss":"joe"')


@pytest.mark.parametrize("name", sorted(CASES.keys() - VERIFIED))
def test_example_outside_the_closed_set_is_refused(name: str) -> None:
    case = CASES[name]
    with pytest.raises((UnsupportedAlgorithm, KeyFault)):
        PublicKey.from_jwk(case["jwk"])
    for known in VERIFIED:
        with pytest.raises(EcertError):
            jws.verify_compact(case["jws"].encode(), PublicKey.from_jwk(CASES[known]["jwk"]))
