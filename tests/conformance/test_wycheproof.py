"""Wycheproof: Ed25519 and P-256 signatures in fixed length, through keys as JWK."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ecert.crypto import PublicKey, base64url
from ecert.errors import BadSignature, EcertError
from ecert.wire import b64, jws
from tests.conformance.vectors import load, needs

P256 = "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"
ED25519 = "wycheproof/ed25519_test.json"


class Case(NamedTuple):
    jwk: dict[str, str]
    message: bytes
    signature: bytes
    result: str
    comment: str


def jwk_of(group: dict[str, Any]) -> dict[str, str]:
    """The group's own JWK; a few groups have only the coordinates."""
    if "publicKeyJwk" in group:
        return dict(group["publicKeyJwk"])
    x, y = (int(group["publicKey"][name], 16).to_bytes(32) for name in ("wx", "wy"))
    return {"kty": "EC", "crv": "P-256", "x": base64url.encode(x), "y": base64url.encode(y)}


def cases(file: str) -> list[Any]:
    return list(_cases(file))


def _cases(file: str) -> Iterator[Any]:
    for group in load(file).get("testGroups", []):
        jwk = jwk_of(group)
        for test in group["tests"]:
            message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            case = Case(jwk, message, signature, test["result"], test["comment"])
            yield pytest.param(case, id=f"{test['tcId']} {test['result']}")


def check(case: Case) -> None:
    key = PublicKey.from_jwk(case.jwk)
    try:
        key.verify(case.signature, case.message)
    except BadSignature:
        assert case.result in ("invalid", "acceptable"), case.comment
    else:
        assert case.result in ("valid", "acceptable"), case.comment


@needs(P256)
@pytest.mark.parametrize("case", cases(P256))
def test_p256(case: Case) -> None:
    check(case)


@needs(ED25519)
@pytest.mark.parametrize("case", cases(ED25519))
def test_ed25519(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    "file", [pytest.param(P256, marks=needs(P256)), pytest.param(ED25519, marks=needs(ED25519))]
)
def test_no_vector_signature_passes_as_a_compact_jws(file: str) -> None:
    """Their messages are no signing inputs, so each must be refused, and by our errors only."""
    refused = 0
    for param in cases(file):
        (case,) = param.values
        key = PublicKey.from_jwk(case.jwk)
        header = b64.encode(b'{"alg":"%b"}' % key.alg.encode())
        payload, signature = b64.encode(case.message), b64.encode(case.signature)
        try:
            jws.verify_compact(f"{header}.{payload}.{signature}".encode(), key)
        except EcertError:
            refused += 1
    assert refused == len(cases(file))
