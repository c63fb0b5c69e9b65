"""RFC 9901's examples: every issuer and holder signature, every disclosure in its place."""

import hashlib
import json
from typing import Any

import pytest

from ecert.crypto import PublicKey
from ecert.errors import BindingFailed, EcertError, Malformed
from ecert.wire import b64, jws, sd_jwt
from tests.conformance.vectors import load, needs

FILE = "sd-jwt/rfc9901-examples.json"
VECTORS = load(FILE)
CASES = {f"line {case['line']} {case['kind']}": case for case in VECTORS.get("cases", [])}
PRESENTED = {name: case for name, case in CASES.items() if case["kind"] != "issuer-signed-jwt"}

pytestmark = needs(FILE)


@pytest.fixture(scope="module")
def key() -> PublicKey:
    return PublicKey.from_jwk(VECTORS["issuer_jwk"])


def left_of_digests(value: Any) -> bool:
    if isinstance(value, dict):
        return bool({"_sd", "_sd_alg", "..."} & value.keys()) or any(map(left_of_digests, value.values()))
    return isinstance(value, list) and any(map(left_of_digests, value))


@pytest.mark.parametrize("name", CASES)
def test_issuer_signature_verifies(name: str, key: PublicKey) -> None:
    header, payload = jws.verify_compact(CASES[name]["value"].split("~")[0].encode(), key)
    assert header == CASES[name]["header"]
    assert isinstance(json.loads(payload), dict)


@pytest.mark.parametrize("name", CASES.keys() - PRESENTED.keys())
def test_bare_jwt_is_no_sd_jwt(name: str, key: PublicKey) -> None:
    with pytest.raises(Malformed):
        sd_jwt.read(CASES[name]["value"], key)


@pytest.mark.parametrize("name", PRESENTED)
def test_every_disclosed_value_is_there_and_nothing_of_the_digests(name: str, key: PublicKey) -> None:
    case = PRESENTED[name]
    presentation = sd_jwt.split(case["value"])
    assert len(presentation.disclosures) == case["disclosures"]
    claims = sd_jwt.read(case["value"], key)
    assert not left_of_digests(claims)
    payload = json.loads(jws.verify_compact(presentation.jwt, key)[1])
    assert sd_jwt.process(payload, presentation.disclosures) == claims
    assert claims == expand(
        payload, {b64.encode(hashlib.sha256(d).digest()): d for d in presentation.disclosures}
    )


def expand(value: Any, disclosures: dict[str, bytes]) -> Any:
    """RFC 9901 section 7.1 once more, as short as it can be, for inputs known to be right."""

    def opened(digest: str) -> list[Any]:
        return [json.loads(b64.decode(disclosures[digest]))[1:]] if digest in disclosures else []

    if isinstance(value, list):
        known = [opened(v["..."]) if isinstance(v, dict) and "..." in v else [[v]] for v in value]
        return [expand(item[-1], disclosures) for found in known for item in found]
    if not isinstance(value, dict):
        return value
    shown = {k: v for k, v in value.items() if k not in ("_sd", "_sd_alg")}
    for digest in value.get("_sd", []):
        shown |= dict(opened(digest))
    return {k: expand(v, disclosures) for k, v in shown.items()}


@pytest.mark.parametrize("name", [name for name, case in PRESENTED.items() if case["kind"] == "sd-jwt+kb"])
def test_key_binding_is_checked(name: str, key: PublicKey) -> None:
    case = PRESENTED[name]
    presentation = sd_jwt.split(case["value"])
    assert presentation.key_binding is not None
    assert sd_jwt.read(case["value"], key)["cnf"] == {"jwk": case["holder_jwk"]}
    hashed = b64.encode(hashlib.sha256(presentation.signed_part).digest())
    assert (hashed == case["kb_payload"]["sd_hash"]) is case["sd_hash_matches"]
    parts = case["value"].split("~")
    with pytest.raises(BindingFailed):
        sd_jwt.read(
            "~".join([parts[0], *parts[-2:0:-1], parts[-1]]), key
        )  # put in another order after binding
    assert sd_jwt.read("~".join([*parts[:-1], ""]), key)  # without binding: for the caller's policy to judge


@pytest.mark.parametrize("name", PRESENTED)
def test_foreign_disclosure_is_refused(name: str, key: PublicKey) -> None:
    parts = PRESENTED[name]["value"].split("~")
    foreign = b64.encode(b'["salt","admin",true]')
    with pytest.raises(EcertError):
        sd_jwt.read("~".join([*parts[:-1], foreign, ""]), key)
