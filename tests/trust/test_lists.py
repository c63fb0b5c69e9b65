"""Reading and signing one list: strict about the list, forgiving about its entries."""

from dataclasses import replace
from typing import Any

import pytest

from ecert.errors import BadSignature, EcertError, TooLarge, TrustFault, WrongTokenType
from ecert.trust import KeyUse, read_list, sign_list
from ecert.wire import b64, json, jws
from tests.trust.raw import entry, raw_list
from tests.world import DAY, IDS, NOW, ROOT_ID, authority, listed_key, private_key, standard

ROOT = private_key("root trust")


def read(token: bytes) -> Any:
    return read_list(token, ROOT.public)


def test_what_was_signed_is_read_back() -> None:
    entries = [authority("nation"), authority("province", status_provider=IDS["provider"])]
    compromised = replace(entries[0].keys[0], compromised_at=NOW - DAY)
    entries[0] = replace(entries[0], keys=(compromised, *entries[0].keys[1:]))
    token = sign_list(entries, signer_id=ROOT_ID, seq=7, issued_at=NOW, expires_at=NOW + DAY, key=ROOT)
    found = read(token.encode())
    assert (found.signer, found.seq, found.issued_at, found.expires_at) == (ROOT_ID, 7, NOW, NOW + DAY)
    assert found.authorities == tuple(entries)
    assert found.problems == ()


def test_another_key_does_not_verify() -> None:
    token = raw_list("root", [])
    with pytest.raises(EcertError):
        read_list(token, private_key("another").public)


def test_a_signature_under_another_keys_name_is_refused() -> None:
    header = json.dumps({"alg": "ES256", "kid": private_key("another").kid, "typ": "trustlist+jwt"})
    signed = f"{b64.encode(header)}.{raw_list('root', []).decode().split('.')[1]}".encode()
    with pytest.raises(TrustFault):
        read(signed + b"." + b64.encode(ROOT.sign(signed)).encode())


def test_a_changed_signature_is_refused() -> None:
    token = raw_list("root", [])
    with pytest.raises(BadSignature):
        read(token[:-3] + (b"AAA" if not token.endswith(b"AAA") else b"BAA"))


@pytest.mark.parametrize("typ", ["statuslist+jwt", "dc+sd-jwt", "JWT", "Trustlist+jwt", ""])
def test_a_token_of_another_kind_is_refused(typ: str) -> None:
    with pytest.raises(WrongTokenType):
        read(raw_list("root", [], header={"typ": typ}))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None},
        {"iss": ROOT_ID},
        {"iss": f"uscc:{ROOT_ID[:-1]}1"},
        {"iss": f"USCC:{ROOT_ID}"},
        {"iss": [f"uscc:{ROOT_ID}"]},
        {"seq": None},
        {"seq": 0},
        {"seq": -1},
        {"seq": True},
        {"seq": 1.0},
        {"seq": "1"},
        {"seq": 2**53},
        {"iat": 1e9},
        {"exp": None},
        {"exp": 253_402_300_800},
        {"exp": int((NOW - DAY).timestamp())},
        {"authorities": None},
        {"authorities": {}},
        {"nbf": 1},
    ],
    ids=str,
)
def test_a_list_that_is_wrong_as_a_whole_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(EcertError):
        read(raw_list("root", [], **claims))


def test_a_header_with_more_members_is_refused() -> None:
    with pytest.raises(EcertError):
        read(raw_list("root", [], header={"cty": "json"}))


def test_a_list_over_the_limit_is_not_decoded() -> None:
    with pytest.raises(TooLarge):
        read(b"e" * ((4 << 20) + 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": IDS["city"][:-1] + "0"},
        {"id": 5},
        {"name": ""},
        {"name": "示例" * 65},
        {"name": "示例\u202e局"},
        {"name": "示例\n局"},
        {"level": 0},
        {"level": 6},
        {"level": "4"},
        {"level": True},
        {"region": "44"},
        {"region": "4４0000"},
        {"types": "*"},
        {"types": [""]},
        {"types": [1]},
        {"may_delegate": 1},
        {"may_delegate": None},
        {"status_provider": "nobody"},
        {"keys": {}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_bad_authority_is_left_out_and_the_rest_stands(changes: dict[str, Any]) -> None:
    bad = entry(authority("city")) | changes
    found = read(raw_list("root", [bad, entry(authority("market"))]))
    assert [each.id for each in found.authorities] == [IDS["market"]]
    assert len(found.problems) == 1
    assert found.problems[0].authority in (IDS["city"], "")


@pytest.mark.parametrize(
    "missing", ["id", "name", "level", "region", "types", "may_delegate", "status_provider", "keys"]
)
def test_every_member_of_an_authority_must_be_there(missing: str) -> None:
    bad = entry(authority("city"))
    del bad[missing]
    found = read(raw_list("root", [bad]))
    assert found.authorities == ()
    assert len(found.problems) == 1


def _key(**changes: Any) -> dict[str, Any]:
    key: dict[str, Any] = entry(authority("market"))["keys"][0]
    return key | changes


_JWK = _key()["jwk"]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(_key(kid="AAAAAAAAAAA"), id="kid that is not the thumbprint's beginning"),
        pytest.param(
            _key(kid=private_key("market licence").public.thumbprint), id="kid that is the whole thumbprint"
        ),
        pytest.param(_key(jwk=_JWK | {"d": "A" * 43}), id="private key"),
        pytest.param(_key(jwk={"kty": "oct", "k": "AAAA"}), id="secret key"),
        pytest.param(_key(jwk=_JWK | {"x": "A" * 43}), id="point off the curve"),
        pytest.param(_key(jwk=_JWK | {"use": "enc"}), id="key for encryption"),
        pytest.param(_key(jwk={"kty": "RSA", "n": "AQAB", "e": "AQAB"}), id="key of another kind"),
        pytest.param(_key(use="encryption"), id="unknown use"),
        pytest.param(_key(use=["licence"]), id="several uses"),
        pytest.param(_key(use="trust"), id="trust key of one that may not delegate"),
        pytest.param(_key(until=_key()["from"]), id="window of no length"),
        pytest.param(_key(until=1.5e9), id="fractional time"),
        pytest.param(_key(compromised_at=False), id="compromised_at of another type"),
        pytest.param(_key(unknown=1), id="unknown member"),
        pytest.param({}, id="nothing"),
        pytest.param("key", id="text"),
    ],
)
def test_a_bad_key_is_left_out_and_the_others_stand(bad: Any) -> None:
    good = entry(authority("market"))["keys"][1]
    found = read(raw_list("root", [entry(authority("market"), keys=[bad, good])]))
    assert [listed.kid for listed in found.authorities[0].keys] == [good["kid"]]
    assert [problem.authority for problem in found.problems] == [IDS["market"]]


def test_a_private_key_in_a_list_is_not_repeated_in_the_problem() -> None:
    secret = "c2VjcmV0" * 5 + "c2V"
    found = read(raw_list("root", [entry(authority("market"), keys=[_key(jwk=_JWK | {"d": secret})])]))
    assert secret not in str(found.problems)


def test_a_kid_named_twice_is_used_for_neither() -> None:
    once = _key()
    found = read(raw_list("root", [entry(authority("market"), keys=[once, once | {"use": "status"}])]))
    assert found.authorities[0].keys == ()


def test_an_authority_named_twice_is_used_for_neither() -> None:
    twice = entry(authority("market"))
    found = read(raw_list("root", [twice, entry(authority("city")), twice | {"level": 5}]))
    assert [each.id for each in found.authorities] == [IDS["city"]]
    assert [problem.authority for problem in found.problems] == [IDS["market"]]


def test_a_key_of_two_authorities_is_used_for_neither() -> None:
    shared = _key()
    found = read(raw_list("root", [entry(authority("market")), entry(authority("civil"), keys=[shared])]))
    assert [len(each.keys) for each in found.authorities] == [1, 0]
    assert {problem.authority for problem in found.problems} == {IDS["market"], IDS["civil"]}


@pytest.mark.parametrize(
    "bad",
    [
        authority("market", id="11440300000000000X"),
        authority("market", level=0),
        authority("market", name=""),
        authority("market", keys=(listed_key("one", KeyUse.LICENCE), listed_key("one", KeyUse.STATUS))),
        authority("market", keys=(listed_key("one", KeyUse.TRUST),)),
        authority("market", keys=(listed_key("one", KeyUse.LICENCE, valid_until=NOW - 360 * DAY),)),
    ],
    ids=["id", "level", "name", "kid twice", "trust key", "window"],
)
def test_signing_refuses_what_a_reader_would_leave_out(bad: Any) -> None:
    with pytest.raises(TrustFault):
        sign_list([bad], signer_id=ROOT_ID, seq=1, issued_at=NOW, expires_at=NOW + DAY, key=ROOT)


@pytest.mark.parametrize(
    "changes", [{"seq": 0}, {"expires_at": NOW}, {"signer_id": "nobody"}], ids=["seq", "expiry", "signer"]
)
def test_signing_refuses_a_wrong_frame(changes: dict[str, Any]) -> None:
    frame: dict[str, Any] = {
        "signer_id": ROOT_ID,
        "seq": 1,
        "issued_at": NOW,
        "expires_at": NOW + DAY,
        "key": ROOT,
    }
    with pytest.raises(EcertError):
        sign_list([], **frame | changes)


def test_naive_times_are_a_programming_error() -> None:
    with pytest.raises(TypeError):
        sign_list(
            [],
            signer_id=ROOT_ID,
            seq=1,
            issued_at=NOW.replace(tzinfo=None),
            expires_at=NOW + DAY,
            key=ROOT,
        )


def test_only_public_members_are_written() -> None:
    token = standard().trust_list("city")
    payload = jws.read_compact(token).payload
    assert b'"d"' not in payload
