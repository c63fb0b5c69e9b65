"""ATTACKS rows 19 to 26 and 35 at `verify`: JSON, claims, kinds of token, signers, times."""

from collections.abc import Callable
from typing import Any

import pytest

from ecert.trust import KeyUse
from ecert.verify import Accepted
from tests.attacks.forging import HEADER_TEXT, KEY, PAYLOAD_TEXT, b64, cases, forge, judged, raw, refused
from tests.verify.presenting import bound_licence, prove
from tests.world import DAY, IDS, NOW, World, private_key

T = int(NOW.timestamp())


@cases(
    depth="[" * 17 + "]" * 17,
    great_depth="[" * 8000,
    integer="9" * 5000,
    beyond_64_bits=str(2**63),
    overflow="1e400",
    nan="NaN",
    infinity="-Infinity",
    surrogate='"\\ud800"',
    control='"\x01"',
    comment="/**/1",
    trailing="1,",
    single_quotes="'a'",
)
def test_row_19_json_that_is_refused(case: str) -> None:
    payload = PAYLOAD_TEXT[:-1] + f',"KZ_X":{case}}}'
    assert refused(forge(None, payload)) == ["malformed"]


@cases(
    bom=b"\xef\xbb\xbf" + PAYLOAD_TEXT.encode(),
    utf16=PAYLOAD_TEXT.encode("utf-16"),
    latin=PAYLOAD_TEXT.replace("{", '{"KZ_X":"é",', 1).encode("latin-1"),
    empty=b" ",
    array=b"[]",
    text=b'"x"',
    number=b"1",
    null=b"null",
)
def test_row_19_payloads_that_are_no_object(case: bytes) -> None:
    signed = f"{b64(HEADER_TEXT)}.{b64(case)}"
    assert refused(f"{signed}.{b64(KEY.sign(signed.encode()))}~") == ["malformed"]


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [str(T), True, False, None, [T], {"t": T}, T + 0.5, -1, "-0"], ids=str)
def test_row_20_times_of_another_type(claim: str, value: Any) -> None:
    payload = World().claims() | {claim: value}
    text = raw(payload) if value != "-0" else raw(payload).replace('"-0"', "-0")
    # A number before 1970 is of the right type, and in no key's window.
    expected = "key_outside_window" if (claim, value) == ("iat", -1) else "malformed"
    assert refused(forge(None, text)) == [expected]


@pytest.mark.parametrize(
    "name", ["iss", "vct", "jti", "ZZBH", "CZZT", "CZZTDM", "CZZTDMLXDM", "ZZBFJG", "KZ_XKFW"]
)
@pytest.mark.parametrize("value", [["x"], {"x": 1}, None, True, 0.5], ids=str)
def test_row_20_texts_of_another_type(name: str, value: Any) -> None:
    assert refused(forge(None, World().claims() | {name: value})) == ["malformed"]


@pytest.mark.parametrize("idx", [0.5, 7.0, -1, 2**63, True, "7", None, [7], 1e400], ids=str)
def test_row_20_status_index_of_another_type(idx: Any) -> None:
    text = raw(World().claims() | {"status": {"status_list": {"idx": idx, "uri": "https://x.example"}}})
    assert refused(forge(None, text.replace("Infinity", "1e400"))) == ["malformed"]


OUR_KINDS: dict[str, Callable[[World], str]] = {
    "licence": lambda world: world.issue().rstrip("~"),
    "status list": lambda world: world.status_token(values={7: 0}),
    "trust list": lambda world: world.trust_list("city").decode(),
    "key binding": lambda world: prove(bound_licence(world)).rsplit("~", 1)[1],
}


@pytest.mark.parametrize("tail", ["", "~"], ids=["bare", "with a tilde"])
@pytest.mark.parametrize("kind", [kind for kind in OUR_KINDS if kind != "licence"])
def test_row_21_our_other_tokens_are_no_licence(kind: str, tail: str) -> None:
    world = World()
    assert refused(OUR_KINDS[kind](world) + tail, world) == ["wrong_token_type"]


@pytest.mark.parametrize(
    "typ",
    [
        "statuslist+jwt",
        "trustlist+jwt",
        "kb+jwt",
        "JWT",
        "jwt",
        "at+jwt",
        "vc+sd-jwt",
        "DC+SD-JWT",
        "dc+sd-jwt ",
        "application/dc+sd-jwt",
        "receipt+jwt",
        "slip+jwt",
        "",
        None,
    ],
)
def test_row_21_a_licences_claims_under_another_typ(typ: str | None) -> None:
    assert refused(forge(typ=typ)) == ["wrong_token_type"]


def test_row_22_department_signing_for_another() -> None:
    theirs = private_key("market licence")
    world = World()
    for kid in (theirs.kid, KEY.kid):
        assert refused(forge(key=theirs, kid=kid), world) == [
            "unknown_key" if kid == theirs.kid else "bad_signature"
        ]
    assert refused(forge(None, world.claims() | {"iss": f"uscc:{IDS['market']}"})) == ["unknown_key"]


@cases(prefix=IDS["housing"][:-1], longer=IDS["housing"] + "0", lower=IDS["housing"].lower(), empty="")
def test_row_22_issuers_are_not_matched_by_prefix(case: str) -> None:
    assert refused(forge(None, World().claims() | {"iss": f"uscc:{case}"})) == ["unknown_issuer"]


def test_row_23_retired_and_compromised_keys() -> None:
    token = World().issue()
    issued = NOW - 10 * DAY
    retired_since = World().with_key("housing", KeyUse.LICENCE, valid_until=issued + DAY)
    retired_before = World().with_key("housing", KeyUse.LICENCE, valid_until=issued)
    compromised = World().with_key("housing", KeyUse.LICENCE, compromised_at=NOW)
    for world in (retired_since, retired_before, compromised):
        world.issue()
    assert isinstance(judged(token, retired_since), Accepted)
    assert refused(token, retired_before) == ["key_outside_window"]
    for iat in (T, T - 20 * 86_400, T - 170 * 86_400):
        assert refused(compromised.issue(iat=iat), compromised) == ["key_compromised"]


def test_row_24_times() -> None:
    world = World()
    exp, nbf = 1_875_283_200, 1_780_588_800
    world.statuses.as_of = NOW
    assert refused(world.issue(exp=T - 60), world) == ["expired"]
    assert isinstance(judged(world.issue(exp=T - 59), world), Accepted)
    assert refused(world.issue(nbf=T + 61), world) == ["not_yet_valid"]
    assert isinstance(judged(world.issue(nbf=T + 60, iat=T + 60), world), Accepted)
    assert refused(world.issue(iat=T + 61), world) == ["not_yet_valid"]
    assert refused(world.issue(nbf=nbf * 1000), world) == ["not_yet_valid"]
    assert refused(world.issue(iat=T * 1000), world) == ["key_outside_window"]
    # An end in milliseconds would be an end in fifty thousand years.
    assert refused(world.issue(exp=exp * 1000), world) == ["malformed"]
    assert refused(world.issue(exp=exp - 2**32), world) == ["malformed"]


@pytest.mark.parametrize("number", ["０１２３", "A\u200b1", "A\u202e1", "\uf9001", "A\n1", ""])
def test_row_26_numbers_of_odd_characters(number: str) -> None:
    world = World()
    assert refused(world.issue(ZZBH=number), world) == ["malformed"]


def test_row_35_an_index_that_nobody_was_given() -> None:
    world = World()
    assert refused(world.issue(status=3), world) == ["not_issued"]
