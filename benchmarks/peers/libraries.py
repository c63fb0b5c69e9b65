"""Python libraries that check a JWT, each used as its documentation says, with the key parsed once."""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["LIBRARIES", "Check"]

Check = Callable[[str], object]


def _pyjwt(alg: str, jwk: Mapping[str, str]) -> Check:
    jwt = import_module("jwt")
    key = jwt.PyJWK.from_dict(dict(jwk))
    return lambda token: jwt.decode(token, key, algorithms=[alg])


def _joserfc(alg: str, jwk: Mapping[str, str]) -> Check:
    jwt, keys = import_module("joserfc.jwt"), import_module("joserfc.jwk")
    key = keys.import_key(dict(jwk))
    registry = import_module("joserfc.jwt").JWTClaimsRegistry(exp={"essential": False})

    warnings.filterwarnings("ignore", "EdDSA is deprecated", module="joserfc")  # RFC 9864 renames it

    def check(token: str) -> object:
        found = jwt.decode(token, key, algorithms=[alg])
        registry.validate(found.claims)
        return found

    return check


def _webtoken(alg: str, jwk: Mapping[str, str]) -> Check:
    webtoken = import_module("webtoken")
    pem = _pem(jwk)
    return lambda token: webtoken.decode(token, pem, algorithms=[alg])


def _pem(jwk: Mapping[str, str]) -> bytes:
    serialization = import_module("cryptography.hazmat.primitives.serialization")
    public: Any = import_module("jwt").PyJWK.from_dict(dict(jwk)).key
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem: bytes = public.public_bytes(serialization.Encoding.PEM, spki)
    return pem


LIBRARIES: Mapping[str, Callable[[str, Mapping[str, str]], Check]] = {
    "PyJWT": _pyjwt,
    "joserfc": _joserfc,
    "webtoken": _webtoken,
}
