"""Two other libraries verify what we sign, and we verify what they sign."""

import hashlib
import json as other_json
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OKPKey

from ecert.crypto import PrivateKey, PublicKey
from ecert.errors import EcertError
from ecert.wire import b64, jws, sd_jwt
from tests.wire.printed import KEY, LICENCES
from tests.world import private_key

# joserfc warns that RFC 9864 gives EdDSA another name; SD-JWT's and our signatures keep the old one.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

KEYS = {alg: private_key(f"second opinion {alg}", alg) for alg in ("ES256", "EdDSA")}
PAYLOADS = st.binary(min_size=1, max_size=120)


def joserfc_key(key: PrivateKey) -> Any:
    kind: Any = ECKey if key.alg == "ES256" else OKPKey
    return kind.import_key(key.to_pem())


def pyjwt_key(key: PrivateKey) -> Any:
    return load_pem_private_key(key.to_pem(), None)


@pytest.mark.parametrize("alg", KEYS)
@given(payload=PAYLOADS)
def test_others_verify_what_we_sign(alg: str, payload: bytes) -> None:
    key = KEYS[alg]
    token = jws.sign_compact({"typ": "t"}, payload, key)
    theirs = joserfc_jws.deserialize_compact(token, joserfc_key(key), algorithms=[alg])
    assert theirs.payload == payload
    assert theirs.protected == {"alg": alg, "kid": key.kid, "typ": "t"}
    assert pyjwt.PyJWS().decode(token, pyjwt_key(key).public_key(), algorithms=[alg]) == payload


@pytest.mark.parametrize("alg", KEYS)
@given(payload=PAYLOADS)
def test_we_verify_what_others_sign(alg: str, payload: bytes) -> None:
    key = KEYS[alg]
    by_joserfc = joserfc_jws.serialize_compact({"alg": alg}, payload, joserfc_key(key), algorithms=[alg])
    by_pyjwt = pyjwt.PyJWS().encode(payload, pyjwt_key(key), algorithm=alg, headers={"kid": "k"})
    for token in (by_joserfc, by_pyjwt):
        header, ours = jws.verify_compact(token.encode(), key.public)
        assert ours == payload
        assert header["alg"] == alg


@pytest.mark.parametrize("alg", KEYS)
def test_all_read_and_name_keys_alike(alg: str) -> None:
    key = KEYS[alg]
    theirs = joserfc_key(key)
    assert theirs.thumbprint() == key.public.thumbprint
    assert PublicKey.from_jwk(theirs.as_dict(private=False)).thumbprint == key.public.thumbprint
    assert pyjwt.PyJWK(key.public.to_jwk(), algorithm=alg).key == pyjwt_key(key).public_key()
    with pytest.raises(EcertError):
        PublicKey.from_jwk(theirs.as_dict(private=True))


@pytest.mark.parametrize("name", LICENCES)
def test_licences_are_plain_jws_and_hashes_to_others(name: str) -> None:
    """Processed here a second time from RFC 9901's words, with another library's signature check."""
    token, *disclosures, rest = LICENCES[name].split("~")
    claims = pyjwt.decode(
        token,
        pyjwt_key(KEY).public_key(),
        algorithms=["ES256"],
        options={"verify_iat": False, "verify_exp": False},
    )
    digests = set(claims.pop("_sd", []))
    assert claims.pop("_sd_alg", "sha-256") == "sha-256"
    for disclosure in disclosures:
        assert b64.encode(hashlib.sha256(disclosure.encode()).digest()) in digests
        _, claim, value = other_json.loads(b64.decode(disclosure))
        claims[claim] = value
    assert rest == ""
    assert claims == sd_jwt.read(LICENCES[name], KEY.public)
