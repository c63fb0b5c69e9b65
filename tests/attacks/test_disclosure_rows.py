"""ATTACKS rows 39 to 48 at `verify`: disclosures and the holder's proof."""

import json
from hashlib import sha256
from typing import Any

import pytest

from ecert.verify import Accepted, Refused
from tests.attacks.forging import b64, cases, forge, judged, refused
from tests.verify.presenting import ASKING, bound_licence, prove
from tests.world import World, codes, private_key


def disclosure(*members: Any) -> str:
    return b64(json.dumps(list(members)))


def digest(text: str) -> str:
    return b64(sha256(text.encode()).digest())


def presented(*disclosures: str, claims: dict[str, Any] | None = None, **more: Any) -> str:
    """A licence whose `_sd` has the digests of these disclosures, and which shows all of them."""
    payload = World().claims() | {"_sd": [digest(each) for each in disclosures]} | (claims or {}) | more
    return forge(None, payload) + "".join(f"{each}~" for each in disclosures)


NOTE = disclosure("salt", "KZ_BZ", "示例")


def test_the_good_case_is_accepted_so_that_the_rows_mean_something() -> None:
    world = World()
    world.issue()
    verdict = judged(presented(NOTE), world)
    assert isinstance(verdict, Accepted)
    assert verdict.licence.fields["KZ_BZ"] == "示例"
    assert "_sd" not in verdict.licence.claims


def test_row_39_disclosure_that_nothing_refers_to() -> None:
    assert refused(presented(NOTE) + disclosure("salt", "KZ_ZY", "x") + "~") == ["malformed"]
    assert refused(World().issue() + NOTE + "~") == ["malformed"]


@cases(
    same_list={"_sd": [digest(NOTE), digest(NOTE)]},
    another_place={"KZ_X": {"_sd": [digest(NOTE)]}},
    array={"KZ_X": [{"...": digest(NOTE)}]},
)
def test_row_40_digest_twice(case: dict[str, Any]) -> None:
    assert refused(presented(NOTE, claims=case)) == ["malformed"]


def test_row_40_disclosure_twice() -> None:
    assert refused(presented(NOTE) + f"{NOTE}~") == ["malformed"]


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
def test_row_41_reserved_names(name: str) -> None:
    assert refused(presented(disclosure("salt", name, []))) == ["malformed"]
    assert refused(presented(disclosure("salt", "KZ_X", {name: 1}))) == ["malformed"]


def test_row_41_digests_inside_a_disclosed_value_are_processed() -> None:
    inner = disclosure("salt2", "name", "x")
    outer = disclosure("salt", "KZ_X", {"_sd": [digest(inner)]})
    hidden = forge(None, World().claims() | {"_sd": [digest(outer)]}) + f"{outer}~{inner}~"
    # Processed, it is an object, and a type's own field is text or a number.
    assert refused(hidden) == ["malformed"]
    inner_orphan = forge(None, World().claims() | {"_sd": [digest(NOTE)]}) + f"{NOTE}~{inner}~"
    assert refused(inner_orphan) == ["malformed"]


@cases(
    plain_name=disclosure("salt", "CZZT", "另一个"),
    status=disclosure("salt", "status", {"status_list": {"idx": 0, "uri": "x"}}),
    two_members=disclosure("salt", "KZ_X"),
    one_member=disclosure("salt"),
    four_members=disclosure("salt", "KZ_X", 1, 2),
    salt_number=disclosure(1, "KZ_X", "x"),
    name_number=disclosure("salt", 1, "x"),
    object=b64('{"salt":"KZ_X"}'),
    text=b64('"salt"'),
    rubbish="AAAA",
    duplicate_names=b64('["s","KZ_X",{"a":1,"a":2}]'),
)
def test_row_42_disclosures_of_another_shape(case: str) -> None:
    assert refused(presented(case)) == ["malformed"]


def test_row_42_array_disclosure_with_a_name() -> None:
    element = disclosure("salt", "name", "x")
    claims = World().claims() | {"new": [{"...": digest(element)}]}
    assert refused(forge(None, claims) + f"{element}~") == ["malformed"]


@pytest.mark.parametrize(
    "algorithm", ["md5", "sha-1", "SHA-256", "sha-512", "", None, 1, ["sha-256"]], ids=str
)
def test_row_43_digest_algorithms(algorithm: Any) -> None:
    assert refused(presented(NOTE, _sd_alg=algorithm)) == ["malformed"]
    assert refused(forge(None, World().claims() | {"_sd_alg": algorithm})) == ["malformed"]


def test_row_43_digests_cut_short() -> None:
    cut = forge(None, World().claims() | {"_sd": [digest(NOTE)[:22]]}) + f"{NOTE}~"
    assert refused(cut) == ["malformed"]


@pytest.mark.parametrize("name", ["iss", "vct", "jti", "iat", "nbf", "exp", "status", "cnf"])
def test_row_44_claims_that_may_not_be_hidden(name: str) -> None:
    world = World()
    claims = world.claims(cnf={"jwk": private_key("holder").public.to_jwk()})
    hidden = disclosure("salt", name, claims.pop(name))
    signed = forge(None, claims | {"_sd": [digest(hidden)]})
    assert refused(f"{signed}{hidden}~", world) == ["malformed"]
    if name not in ("exp", "cnf"):
        # Withheld it is simply not there. An end or a holder's key that an issuer hides can't be told from a
        # decoy: the issuer's writer refuses to hide them, and whoever asks for a proof gets binding_missing.
        assert refused(signed, world) == ["malformed"]


def test_row_44_a_hidden_holder_key_proves_nothing() -> None:
    world = World()
    world.issue()
    hidden = disclosure("salt", "cnf", {"jwk": private_key("holder").public.to_jwk()})
    withheld = forge(None, world.claims() | {"_sd": [digest(hidden)]})
    verdict = world.verify(prove(withheld), policy=ASKING)
    assert isinstance(verdict, Refused)
    assert codes(verdict) == ["binding_missing"]


def test_row_45_whether_a_proof_is_needed_is_the_policys_decision() -> None:
    world = World()
    licence = bound_licence(world)
    assert codes(world.verify(licence, policy=ASKING)) == ["binding_missing"]
    assert isinstance(world.verify(prove(licence), policy=ASKING), Accepted)


def test_row_46_a_proof_for_other_disclosures() -> None:
    world = World()
    licence = bound_licence(world)
    jwt, first, second, _ = licence.split("~")
    for shown in (f"{jwt}~", f"{jwt}~{first}~", f"{jwt}~{second}~{first}~"):
        moved = prove(licence).rsplit("~", 1)[1]
        assert codes(world.verify(shown + moved, policy=ASKING)) == ["binding_failed"]
        assert codes(world.verify(shown + moved)) == ["binding_failed"]
        assert isinstance(world.verify(prove(shown), policy=ASKING), Accepted)


def test_row_47_too_many_disclosures() -> None:
    many = [disclosure("s", f"KZ_{number}", number) for number in range(65)]
    assert refused(presented(*many)) == ["malformed"]
    world = World()
    world.issue()
    assert isinstance(judged(presented(*many[:64]), world), Accepted)
    assert refused(World().issue() + "AA~" * 4000) == ["malformed"]


def test_row_47_disclosures_within_disclosures() -> None:
    innermost = disclosure("s", "x", 1)
    chain = [innermost]
    for _ in range(9):
        chain.append(disclosure("s", "x", {"_sd": [digest(chain[-1])]}))
    claims = World().claims() | {"new": {"_sd": [digest(chain[-1])]}}
    assert refused(forge(None, claims) + "".join(f"{each}~" for each in chain)) == ["malformed"]
    world = World()
    world.issue()
    shorter = chain[:8]
    claims = World().claims() | {"new": {"_sd": [digest(shorter[-1])]}}
    assert isinstance(judged(forge(None, claims) + "".join(f"{each}~" for each in shorter), world), Accepted)
