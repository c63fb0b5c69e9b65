"""SD-JWT: disclosed claims come back to their places, and nothing else gets in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import BadSignature, EcertError, Malformed, TooLarge
from ecert.wire import b64, json, jws, sd_jwt
from tests.wire.disclosures import ISSUER, digest, disclosure, sd_jwt_of
from tests.wire.test_json import VALUES
from tests.world import private_key

NAMES = st.text("abcdefghij名字", min_size=1, max_size=4)


def salts() -> Any:
    count = iter(range(1000))
    return lambda: b64.encode(next(count).to_bytes(16))


def reserved_free(value: object) -> bool:
    return not any(f'"{name}":' in json.dumps(value).decode() for name in ("_sd", "_sd_alg", "..."))


@given(st.dictionaries(NAMES, VALUES.filter(reserved_free), max_size=6), st.frozensets(NAMES, max_size=4))
def test_reading_gives_back_what_was_issued(claims: dict[str, object], disclosable: frozenset[str]) -> None:
    token = sd_jwt.issue(claims, disclosable=disclosable, typ="dc+sd-jwt", key=ISSUER, salt=salts())
    assert sd_jwt.read(token, ISSUER.public) == claims
    presentation = sd_jwt.split(token)
    assert len(presentation.disclosures) == len(disclosable & claims.keys())
    assert presentation.signed_part == token.encode()


def test_public_licence_is_jwt_and_tilde_and_keeps_the_order_of_claims() -> None:
    token = sd_jwt.issue({"b": 1, "a": 2}, disclosable=frozenset(), typ="t", key=ISSUER, salt=salts())
    assert token.count("~") == 1
    assert token.endswith("~")
    assert jws.verify_compact(token[:-1], ISSUER.public)[1] == b'{"b":1,"a":2}'


def test_issued_payload_has_sorted_digests_last() -> None:
    """Sorted digests don't tell in which order the claims stood."""
    claims = {"iss": "i", "name": "甲", "code": "1", "x": 1}
    token = sd_jwt.issue(claims, disclosable={"name", "code"}, typ="t", key=ISSUER, salt=salts())
    presentation = sd_jwt.split(token)
    payload = json.loads(jws.verify_compact(presentation.jwt, ISSUER.public)[1])
    assert isinstance(payload, dict)
    assert list(payload) == ["iss", "x", "_sd", "_sd_alg"]
    assert payload["_sd"] == sorted(digest(one.decode()) for one in presentation.disclosures)


def test_withheld_claims_are_absent_and_disclosed_ones_are_there() -> None:
    claims = {"iss": "i", "name": "n", "code": "c"}
    token = sd_jwt.issue(claims, disclosable={"name", "code"}, typ="t", key=ISSUER, salt=salts())
    jwt, name, code, _ = token.split("~")
    assert sd_jwt.read(f"{jwt}~", ISSUER.public) == {"iss": "i"}
    assert sd_jwt.read(f"{jwt}~{code}~", ISSUER.public) == {"iss": "i", "code": "c"}
    assert sd_jwt.read(f"{jwt}~{code}~{name}~", ISSUER.public) == claims


def test_nested_recursive_and_array_disclosures_and_decoys() -> None:
    city = disclosure("s1", "city", "X")
    address = disclosure("s2", "address", {"_sd": [digest(city), digest("decoy 1")], "zip": 1})
    german = disclosure("s3", "DE")
    inner = disclosure("s4", {"k": [{"...": digest(german)}, "FR", {"...": digest("decoy 2")}]})
    payload = {
        "_sd_alg": "sha-256",
        "_sd": [digest(address), digest("decoy 3")],
        "list": [{"...": digest(inner)}, [{"...": digest("decoy 4")}], {}],
        "plain": {"_sd": []},
    }
    everything = {"address": {"zip": 1, "city": "X"}, "list": [{"k": ["DE", "FR"]}, [], {}], "plain": {}}
    assert sd_jwt.read(sd_jwt_of(payload, german, city, inner, address), ISSUER.public) == everything
    some = {"address": {"zip": 1}, "list": [{"k": ["FR"]}, [], {}], "plain": {}}
    assert sd_jwt.read(sd_jwt_of(payload, inner, address), ISSUER.public) == some
    with pytest.raises(Malformed, match="refers to"):  # its parent was withheld
        sd_jwt.read(sd_jwt_of(payload, inner, city), ISSUER.public)


def test_disclosures_keep_the_spelling_that_was_hashed() -> None:
    for text in (b'["s","a",1]', b' [ "s" ,\n"a" , 1 ]\r\n', b'["s","\\u0061",1]', '["盐","a",1]'.encode()):
        spelled = b64.encode(text)
        assert sd_jwt.read(sd_jwt_of({"_sd": [digest(spelled)]}, spelled), ISSUER.public) == {"a": 1}


A = disclosure("s", "a", 1)
ITEM = disclosure("s", 1)
REFUSED: dict[str, tuple[object, tuple[str, ...]]] = {
    "unreferenced disclosure": ({"x": 1}, (A,)),
    "referenced in text only": ({"x": digest(A)}, (A,)),
    "same disclosure twice": ({"_sd": [digest(A)]}, (A, A)),
    "digest twice in one list": ({"_sd": [digest(A), digest(A)]}, (A,)),
    "decoy twice": ({"_sd": ["d", "d"]}, ()),
    "digest in two objects": ({"_sd": [digest(A)], "o": {"_sd": [digest(A)]}}, (A,)),
    "digest in object and array": ({"_sd": [digest(A)], "l": [{"...": digest(A)}]}, (A,)),
    "digest again inside a disclosure": (
        {"_sd": ["d", digest(_outer := disclosure("s", "o", {"_sd": ["d"]}))]},
        (_outer,),
    ),
    "name _sd": ({"_sd": [digest(_x := disclosure("s", "_sd", ["d"]))]}, (_x,)),
    "name ...": ({"_sd": [digest(_x := disclosure("s", "...", "d"))]}, (_x,)),
    "name _sd_alg": ({"_sd": [digest(_x := disclosure("s", "_sd_alg", "sha-256"))]}, (_x,)),
    "name is a number": ({"_sd": [digest(_x := disclosure("s", 1, 1))]}, (_x,)),
    "name is null": ({"_sd": [digest(_x := disclosure("s", None, 1))]}, (_x,)),
    "salt is a number": ({"_sd": [digest(_x := disclosure(1, "a", 1))]}, (_x,)),
    "name already in the payload": ({"a": 2, "_sd": [digest(A)]}, (A,)),
    "name disclosed twice": ({"_sd": [digest(A), digest(_x := disclosure("t", "a", 2))]}, (A, _x)),
    "array form in an object": ({"_sd": [digest(ITEM)]}, (ITEM,)),
    "object form in an array": ({"l": [{"...": digest(A)}]}, (A,)),
    "one part": ({"_sd": [digest(_x := disclosure("s"))]}, (_x,)),
    "four parts": ({"_sd": [digest(_x := disclosure("s", "a", 1, 2))]}, (_x,)),
    "no part": ({"_sd": [digest(_x := disclosure())]}, (_x,)),
    "no array": ({"_sd": [digest(_x := b64.encode(b'{"s":"a"}'))]}, (_x,)),
    "no JSON": ({"_sd": [digest(_x := b64.encode(b"[s,a,1]"))]}, (_x,)),
    "no base64url": ({"_sd": [digest("[s]")]}, ("[s]",)),
    "padded base64url": ({"_sd": [digest(A + "=")]}, (A + "=",)),
    "duplicate name in the value": ({"_sd": [digest(_x := b64.encode(b'["s","a",{"b":1,"b":2}]'))]}, (_x,)),
    "_sd is text": ({"_sd": digest(A)}, (A,)),
    "_sd is an object": ({"_sd": {"0": digest(A)}}, (A,)),
    "_sd is null": ({"_sd": None}, ()),
    "_sd with a number": ({"_sd": [1]}, ()),
    "_sd with a list": ({"_sd": [[digest(A)]]}, (A,)),
    "nested _sd is text": ({"o": {"_sd": "d"}}, ()),
    "... is a number": ({"l": [{"...": 1}]}, ()),
    "... is a list": ({"l": [{"...": ["d"]}]}, ()),
    "... not alone": ({"l": [{"...": digest(ITEM), "x": 1}]}, (ITEM,)),
    "... in an object": ({"...": "d"}, ()),
    "... in a nested object": ({"o": {"...": "d"}}, ()),
    "_sd_alg sha-512": ({"_sd_alg": "sha-512", "_sd": [digest(A)]}, (A,)),
    "_sd_alg md5": ({"_sd_alg": "md5"}, ()),
    "_sd_alg in capitals": ({"_sd_alg": "SHA-256"}, ()),
    "_sd_alg null": ({"_sd_alg": None}, ()),
    "_sd_alg a list": ({"_sd_alg": ["sha-256"]}, ()),
    "_sd_alg nested": ({"o": {"_sd_alg": "sha-256"}}, ()),
    "_sd_alg twice": ('{"_sd_alg":"sha-256","_sd_alg":"sha-256"}', ()),
    "digest cut short": ({"_sd": [digest(A)[:-1]]}, (A,)),
    "digest with padding": ({"_sd": [digest(A) + "="]}, (A,)),
    "payload is a list": ("[]", ()),
    "payload is text": ('"x"', ()),
    "payload is no JSON": ("{", ()),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_of_rfc_9901(case: str) -> None:
    payload, disclosures = REFUSED[case]
    with pytest.raises(Malformed):
        sd_jwt.read(sd_jwt_of(payload, *disclosures), ISSUER.public)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1],
        lambda t: t[:-1] + "~~",
        lambda t: "~" + t,
        lambda t: t.replace("~", "~~", 1),
        lambda t: t + "é",
        lambda t: t + "x",
        lambda t: t.replace(".", "~", 1),
        lambda t: t + " ",
        lambda t: "",
    ],
)
def test_other_grammars_are_refused(change: Any) -> None:
    token = sd_jwt_of({"_sd": [digest(A)]}, A)
    assert sd_jwt.read(token, ISSUER.public) == {"a": 1}
    with pytest.raises(EcertError):
        sd_jwt.read(change(token), ISSUER.public)


def test_bare_jwt_is_no_sd_jwt() -> None:
    with pytest.raises(Malformed):
        sd_jwt.read(sd_jwt_of({})[:-1], ISSUER.public)


def test_signature_is_checked_before_anything_is_read() -> None:
    with pytest.raises(BadSignature):
        sd_jwt.read(sd_jwt_of("[]", "[s]"), private_key("another").public)


def nest(count: int) -> tuple[dict[str, object], list[str]]:
    disclosures: list[str] = []
    value: dict[str, object] = {"end": 1}
    for number in range(count):
        disclosures.append(disclosure(f"s{number}", "o", value))
        value = {"_sd": [digest(disclosures[-1])]}
    return value, disclosures


def test_limits() -> None:
    payload, disclosures = nest(8)
    assert sd_jwt.read(sd_jwt_of(payload, *disclosures), ISSUER.public)
    payload, disclosures = nest(9)
    with pytest.raises(Malformed, match="nested"):
        sd_jwt.read(sd_jwt_of(payload, *disclosures), ISSUER.public)
    deep = disclosure("s", "o", json.loads(b'{"a":' * 10 + b"1" + b"}" * 10))
    with pytest.raises(Malformed, match="depth"):
        sd_jwt.read(
            sd_jwt_of(json.loads(b'{"a":' * 8 + b'{"_sd":["%b"]}' % digest(deep).encode() + b"}" * 8), deep),
            ISSUER.public,
        )
    many = [disclosure("s", f"n{number}", 1) for number in range(65)]
    assert (
        len(sd_jwt.read(sd_jwt_of({"_sd": [digest(one) for one in many[:64]]}, *many[:64]), ISSUER.public))
        == 64
    )
    with pytest.raises(Malformed, match="64"):
        sd_jwt.read(sd_jwt_of({"_sd": [digest(one) for one in many]}, *many), ISSUER.public)
    with pytest.raises(Malformed, match="64"):
        sd_jwt.process({}, [one.encode() for one in many])
    with pytest.raises(TooLarge):
        sd_jwt.split("~" * (16 * 1024 + 1))


def test_claims_that_must_stand_in_the_payload_are_refused_when_disclosed() -> None:
    exp = disclosure("s", "exp", 1).encode()
    idx = disclosure("s", "idx", 1).encode()
    hidden = {"_sd": [digest(exp.decode())]}
    partly = {"status": {"status_list": {"_sd": [digest(idx.decode())]}}}
    assert sd_jwt.process(hidden, [exp]) == {"exp": 1}
    assert sd_jwt.process(partly, [idx], never_disclosable={"exp"})
    for payload, given_ in ((hidden, [exp]), (partly, [idx]), (partly, [])):
        with pytest.raises(Malformed, match="selectively disclosable"):
            sd_jwt.process(payload, given_, never_disclosable=sd_jwt.NEVER_DISCLOSABLE)


def test_processing_leaves_the_payload_as_it_was() -> None:
    payload = {"_sd": [digest(A)], "_sd_alg": "sha-256", "o": {"_sd": ["d"]}}
    before = json.dumps(payload)
    sd_jwt.process(payload, [A.encode()])
    assert json.dumps(payload) == before


def test_issuer_refuses_what_readers_would() -> None:
    def issue(claims: dict[str, object], disclosable: set[str]) -> str:
        return sd_jwt.issue(claims, disclosable=disclosable, typ="t", key=ISSUER, salt=salts())

    for name in sd_jwt.NEVER_DISCLOSABLE:
        with pytest.raises(Malformed):
            issue({"a": 1}, {name})
    for claims in ({"_sd": []}, {"o": {"_sd_alg": 1}}, {"l": [{"...": "d"}]}, {"l": [[("x", {"_sd": 1})]]}):
        with pytest.raises(Malformed):
            issue(dict(claims), set())
    with pytest.raises(TooLarge):
        issue({"a": "x" * 13_000}, set())
    with pytest.raises(TooLarge):
        issue({f"n{number}": 1 for number in range(65)}, {f"n{number}" for number in range(65)})
