"""JSONTestSuite: y_ is read, n_ is refused, i_ is one of the two, and nothing else ever happens."""

import base64
from typing import Any

import pytest

from ecert.errors import EcertError, Malformed, TooLarge
from ecert.wire import json
from tests.conformance.vectors import load, needs

FILE = "json-test-suite/parsing.json"
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in load(FILE) or []}

STRICTER_THAN_JSON = {
    "y_object_duplicated_key.json": "one name with two values: RFC 7515 section 4 lets a reader refuse",
    "y_object_duplicated_key_and_value.json": "one name given twice: refused whether or not the values agree",
}
"""Legal JSON that is refused all the same, with the reason."""

pytestmark = needs(FILE)


def text_of(case: dict[str, Any]) -> bytes:
    """Large files are given by the rule that makes them."""
    if case["bytes_b64"] is not None:
        return base64.b64decode(case["bytes_b64"])
    return b"[" * 100_000 if case["rule"].startswith("100000 bytes") else b'[{"":' * 50_000


def outcome(name: str) -> str:
    try:
        json.loads(text_of(CASES[name]))
    except (Malformed, TooLarge):
        return "refuse"
    return "accept"


@pytest.mark.parametrize("name", sorted(CASES))
def test_case(name: str) -> None:
    expect = CASES[name]["expect"]
    if name in STRICTER_THAN_JSON:
        assert expect == "accept"
        expect = "refuse"
    assert outcome(name) == expect or expect == "either"


def test_every_stricter_refusal_is_still_in_the_suite() -> None:
    assert STRICTER_THAN_JSON.keys() <= CASES.keys()


def test_large_cases_are_refused_within_any_limit() -> None:
    for text in (b"[" * 100_000, b'[{"":' * 50_000):
        with pytest.raises(EcertError):
            json.loads(text, max_bytes=1_000_000)
