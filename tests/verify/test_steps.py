"""The walk of the engine: what each step refuses, the order of findings, what a verdict carries."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ecert.trust import KeyUse, TypeSet, resolve
from ecert.verify import Accepted, Evidence, Policy, Refused, Undecided
from ecert.wire import qr
from tests.trust.raw import raw_list
from tests.world import (
    BASE_URL,
    DAY,
    IDS,
    MARRIAGE_TYPE,
    NOW,
    ROOT_ID,
    Statuses,
    World,
    codes,
    private_key,
    uscc,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def world() -> World:
    return World()


def steps(verdict: Any) -> list[int]:
    return [finding.step for finding in verdict.findings]


@pytest.mark.parametrize(
    "issuer", ["nation", "province", "city", "district", "township", "housing", "market"]
)
def test_a_good_licence_of_every_level_is_accepted(world: World, issuer: str) -> None:
    verdict = world.verify(world.issue(issuer))
    assert isinstance(verdict, Accepted)
    assert verdict.licence.issuer == IDS[issuer]
    assert verdict.status.state == "valid"
    assert verdict.outcome == "accepted"


@pytest.mark.parametrize("form", ["text", "bytes", "evidence", "offline code", "keyboard"])
def test_every_form_of_one_licence_gets_the_same_verdict(world: World, form: str) -> None:
    token = world.issue(disclosable=frozenset({"CZZT"}))
    code = qr.encode_token(token, BASE_URL)
    forms: dict[str, Any] = {
        "text": token,
        "bytes": token.encode(),
        "evidence": Evidence(token),
        "offline code": code,
        "keyboard": code.lower().replace("/q#/", "、Ｑ#"),
    }
    verdict = world.verify(forms[form])
    assert isinstance(verdict, Accepted)
    assert verdict.licence.holder.name == "虚构市示例建筑有限公司"


def test_eddsa_serves_as_well(world: World) -> None:
    key = private_key("housing ed", "EdDSA")
    listed = replace(world.authorities["housing"].keys[0], key=key.public)
    verdict = world.with_authority("housing", keys=(listed,)).verify(world.issue(key=key))
    assert isinstance(verdict, Accepted)


def test_only_accepted_carries_the_licence(world: World) -> None:
    refused = world.verify(world.issue(status=1))
    assert isinstance(refused, Refused)
    assert not hasattr(refused, "licence")
    assert str(refused.licence_id) == world.claims()["jti"]
    assert refused.status is not None
    assert refused.status.state == "revoked"


def test_what_was_not_verified_names_no_licence(world: World) -> None:
    token = world.sign(world.claims(), key=private_key("stranger"), issuer="housing")
    verdict = world.verify(f"{token}~")
    assert isinstance(verdict, Refused)
    assert verdict.licence_id is None


def test_a_naive_time_is_a_programming_error(world: World) -> None:
    with pytest.raises(TypeError):
        world.verify("anything", at=NOW.replace(tzinfo=None))


@pytest.mark.parametrize("evidence", [None, 5, [], {}, object(), Evidence(7)])  # type: ignore[arg-type]
def test_evidence_of_another_type_is_malformed(world: World, evidence: Any) -> None:
    assert codes(world.verify(evidence)) == ["malformed"]


def test_a_short_code_is_for_the_registry_to_look_up(world: World) -> None:
    code = qr.encode_short(qr.ShortKind.LICENCE, bytes(range(16)), BASE_URL)
    verdict = world.verify(code)
    assert (codes(verdict), steps(verdict)) == (["code_unknown"], [1])


def test_a_dropped_digit_is_misread_and_not_forged(world: World) -> None:
    code = qr.encode_token(world.issue(), BASE_URL)
    for broken in (code[:-1], code[:-40] + code[-39:]):
        verdict = world.verify(broken)
        assert (codes(verdict), steps(verdict)) == (["misread"], [1])


def test_an_unknown_issuer_and_an_unknown_key_are_told_apart(world: World) -> None:
    stranger = uscc("11440300000000009")
    verdict = world.verify(world.issue(iss=f"uscc:{stranger}"))
    assert (codes(verdict), steps(verdict)) == (["unknown_issuer"], [3])
    verdict = world.verify(world.issue(key=private_key("another")))
    assert (codes(verdict), steps(verdict)) == (["unknown_key"], [3])


@pytest.mark.parametrize(
    "iss", ["", "uscc:", "USCC:{}", "{}", "uscc:{}\n", "uscc:uscc:{}", "https://{}", "uscc:{}0"]
)
def test_an_issuer_is_matched_whole(world: World, iss: str) -> None:
    verdict = world.verify(world.issue(iss=iss.format(IDS["housing"])))
    assert codes(verdict) == ["unknown_issuer"]


@pytest.mark.parametrize("use", [KeyUse.STATUS, KeyUse.TRUST])
def test_a_key_for_something_else_signs_no_licence(world: World, use: KeyUse) -> None:
    verdict = world.verify(world.issue("province", key=private_key(f"province {use}")))
    assert codes(verdict) == ["unknown_key"]


def test_the_root_key_signs_no_licence(world: World) -> None:
    assert codes(world.verify(world.issue(key=private_key("root trust")))) == ["unknown_key"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"valid_from": NOW - 10 * DAY}, []),
        ({"valid_from": NOW - 10 * DAY + SECOND}, ["key_outside_window"]),
        ({"valid_until": NOW - 10 * DAY + SECOND}, []),
        ({"valid_until": NOW - 10 * DAY}, ["key_outside_window"]),
        ({"compromised_at": NOW}, ["key_compromised"]),
        ({"compromised_at": NOW - 11 * DAY}, ["key_compromised"]),
        ({"compromised_at": NOW + DAY}, ["key_compromised"]),
        (
            {"valid_until": NOW - 11 * DAY, "compromised_at": NOW},
            ["key_outside_window", "key_compromised"],
        ),
    ],
    ids=str,
)
def test_a_key_counts_inside_its_window_and_in_the_right_hands(
    world: World, changes: dict[str, Any], expected: list[str]
) -> None:
    verdict = world.with_key("housing", KeyUse.LICENCE, **changes).verify(world.issue())
    assert codes(verdict) == expected


def test_an_expired_chain_leaves_undecided_and_the_rest_is_still_looked_at(world: World) -> None:
    expired = replace(world, lists_until={"province": NOW})
    verdict = expired.verify(world.issue())
    assert isinstance(verdict, Undecided)
    assert (codes(verdict), steps(verdict)) == (["trust_stale"], [3])
    assert isinstance(expired.verify(world.issue(), at=NOW - SECOND), Accepted)
    revoked = expired.verify(world.issue(status=1))
    assert isinstance(revoked, Refused)
    assert codes(revoked) == ["trust_stale", "revoked"]
    token = world.issue()
    forged = expired.verify(token[:-8] + "AAAAAAA~")
    assert isinstance(forged, Refused)
    assert codes(forged) == ["trust_stale", "bad_signature"]


def test_without_a_root_list_in_force_a_missing_name_decides_nothing(world: World) -> None:
    token = world.issue()
    nothing = resolve(world.root, [], root_id=ROOT_ID, at=NOW)
    verdict = world.verify(token, trust=nothing)
    assert isinstance(verdict, Undecided)
    assert codes(verdict) == ["trust_stale"]
    expired = resolve(world.root, [raw_list("root", [], exp=int(NOW.timestamp()))], root_id=ROOT_ID, at=NOW)
    assert isinstance(world.verify(token, trust=expired), Undecided)


def test_an_algorithm_belongs_to_the_key(world: World) -> None:
    # A key object that claims another algorithm than the token was signed with, under the same kid.
    trust = world.trust
    kid = private_key("housing licence").kid
    found = trust.find(IDS["housing"], kid)
    assert found is not None
    other = replace(found, key=private_key("housing ed", "EdDSA").public)
    table = replace(trust, keys={**trust.keys, (IDS["housing"], kid): other})
    verdict = world.verify(world.issue(), trust=table)
    assert (codes(verdict), steps(verdict)) == (["unsupported_algorithm"], [4])


def test_a_changed_payload_or_signature_is_not_signed(world: World) -> None:
    head, payload, signature = world.issue().split(".")
    for broken in (
        f"{head}.{world.issue(serial='2').split('.')[1]}.{signature}",
        f"{head}.{payload}.{signature[:-3]}A~"
        if signature[-3] != "A"
        else f"{head}.{payload}.{signature[:-3]}B~",
    ):
        verdict = world.verify(broken)
        assert codes(verdict)[0] in ("bad_signature", "malformed")
        assert isinstance(verdict, Refused)


def test_a_type_must_be_authorised_for_the_issuer(world: World) -> None:
    verdict = world.verify(world.issue("civil", vct=MARRIAGE_TYPE))
    assert isinstance(verdict, Accepted)
    verdict = world.verify(world.issue("civil"))
    assert (codes(verdict), steps(verdict)) == (["type_not_authorised"], [5])
    narrowed = world.with_authority("housing", types=TypeSet.parse([]))
    assert codes(narrowed.verify(world.issue())) == ["type_not_authorised"]


def test_authorisation_is_asked_anew_of_a_licence_seen_before(world: World) -> None:
    token = world.issue()
    for _ in range(3):
        assert isinstance(world.verify(token), Accepted)
    assert codes(world.with_authority("housing", types=TypeSet.parse([])).verify(token)) == [
        "type_not_authorised"
    ]
    compromised = world.with_key("housing", KeyUse.LICENCE, compromised_at=NOW)
    assert codes(compromised.verify(token)) == ["key_compromised"]
    assert codes(world.verify(token, at=NOW + 1200 * DAY, trust=world.trust))[0] == "trust_stale"


def test_a_signature_seen_before_counts_for_that_key_only(world: World) -> None:
    token = world.issue()
    for _ in range(3):
        assert isinstance(world.verify(token), Accepted)
    trust = world.trust
    kid = private_key("housing licence").kid
    found = trust.find(IDS["housing"], kid)
    assert found is not None
    other = replace(found, key=private_key("another").public)
    table = replace(trust, keys={**trust.keys, (IDS["housing"], kid): other})
    assert codes(world.verify(token, trust=table)) == ["bad_signature"]


def _jti(**changes: Any) -> str:
    parts = World().claims()["jti"].split(".")
    for place, text in changes.items():
        parts[int(place[1:])] = text
    return ".".join(parts)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"vct": MARRIAGE_TYPE, "jti": _jti()}, "claims_invalid"),
        ({"jti": _jti(_8="0" if not _jti().endswith("0") else "1")}, "claims_invalid"),
        ({"jti": _jti(_7="000")}, "claims_invalid"),
        ({"jti": _jti(_6=IDS["province"])}, "claims_invalid"),
        ({"jti": "1.2.156.3005.2"}, "claims_invalid"),
        ({"jti": ""}, "claims_invalid"),
        ({"jti": None}, "malformed"),
        ({"vct": None, "jti": _jti()}, "malformed"),
        ({"vct": [MARRIAGE_TYPE], "jti": _jti()}, "malformed"),
        ({"nbf": None}, "malformed"),
        ({"status": None}, "malformed"),
        ({"status": {}}, "malformed"),
        ({"status": {"status_list": {"idx": 1}}}, "malformed"),
        ({"cnf": {}}, "malformed"),
        ({"cnf": {"jwk": "text"}}, "malformed"),
        ({"ZZBFJG": None}, "malformed"),
        ({"CZZT": 5}, "malformed"),
        ({"KZ_XKFW": {"a": 1}}, "malformed"),
    ],
    ids=str,
)
def test_claims_agree_and_have_their_form(world: World, changes: dict[str, Any], expected: str) -> None:
    verdict = world.verify(world.issue(claims=changes))
    assert isinstance(verdict, Refused)
    assert (codes(verdict), steps(verdict)) == ([expected], [5])


def test_all_faults_of_the_claims_step_are_told(world: World) -> None:
    verdict = world.verify(world.issue("civil", exp="tomorrow"))
    assert codes(verdict) == ["type_not_authorised", "malformed"]


def test_the_window_says_which_types_it_takes(world: World) -> None:
    token = world.issue()
    assert isinstance(
        world.verify(token, policy=Policy.window(accepted_types=frozenset({world.claims()["vct"]}))), Accepted
    )
    for taken in (frozenset({MARRIAGE_TYPE}), frozenset[str]()):
        verdict = world.verify(token, policy=Policy.window(accepted_types=taken))
        assert (codes(verdict), steps(verdict)) == (["type_not_accepted"], [9])


def test_the_matter_says_whose_licence_it_must_be(world: World) -> None:
    holder = world.claims()["CZZTDM"]
    token = world.issue(disclosable=frozenset({"CZZTDM"}))
    assert isinstance(world.verify(token, policy=Policy.window(holder_code=holder)), Accepted)
    withheld = token.split("~", maxsplit=1)[0] + "~"
    for evidence, code in ((token, uscc("91440300MA5EXAMP1")), (withheld, holder), (withheld, "")):
        verdict = world.verify(evidence, policy=Policy.window(holder_code=code))
        assert (codes(verdict), steps(verdict)) == (["holder_mismatch"], [9])
    assert isinstance(world.verify(withheld), Accepted)


def test_steps_6_to_9_are_all_told_in_order(world: World) -> None:
    policy = Policy.window(accepted_types=frozenset(), holder_code="nobody")
    verdict = world.verify(world.issue(exp=1_780_600_000, status=2), policy=policy)
    assert codes(verdict) == ["expired", "suspended", "type_not_accepted", "holder_mismatch"]
    assert steps(verdict) == [6, 7, 9, 9]


def test_a_refusal_outweighs_what_is_undecided(world: World) -> None:
    verdict = world.verify(world.issue(exp=1_780_600_000), status=Statuses(NOW))
    assert isinstance(verdict, Refused)
    assert codes(verdict) == ["expired", "status_missing"]


def test_no_detail_repeats_what_the_licence_says(world: World) -> None:
    claims = world.claims()
    values = {value for value in claims.values() if isinstance(value, str)}
    tokens = [
        world.issue(exp=1_780_600_000, status=1),
        world.issue(ZZBH="０００"),
        world.issue(jti="x" + claims["jti"]),
        world.issue(iss="uscc:nobody"),
        world.issue(CZZTDM=7),
    ]
    for token in tokens:
        for finding in world.verify(token).findings:  # type: ignore[union-attr]
            assert not any(value in finding.detail for value in values)
            assert "\n" not in finding.detail
            assert token[:20] not in finding.detail
