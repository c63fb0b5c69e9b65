"""An algorithm belongs to the key, and a key that is not fit for verifying is never made."""

from collections.abc import Mapping
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ecert.crypto import SUITES, PrivateKey, PublicKey, base64url
from ecert.errors import BadSignature, EcertError, KeyFault, UnsupportedAlgorithm
from tests.world import private_key

EC_KEY = private_key("keys: P-256")
ED_KEY = private_key("keys: Ed25519", "EdDSA")
EC_JWK = EC_KEY.public.to_jwk()
ED_JWK = ED_KEY.public.to_jwk()
P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
P25519 = 2**255 - 19
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7


def little(number: int) -> str:
    return base64url.encode(number.to_bytes(32, "little"))


def test_suites_are_the_closed_set() -> None:
    assert set(SUITES) == {"ES256", "EdDSA"}


@pytest.mark.parametrize("key", [EC_KEY, ED_KEY], ids=["ES256", "EdDSA"])
class TestBothSuites:
    def test_jwk_comes_back(self, key: PrivateKey) -> None:
        again = PublicKey.from_jwk(key.public.to_jwk())
        assert again == key.public
        assert again.to_jwk() == key.public.to_jwk()
        assert again.alg == key.alg

    def test_pem_comes_back(self, key: PrivateKey) -> None:
        assert PrivateKey.from_pem(key.to_pem()).public == key.public
        assert PrivateKey.from_pem(key.to_pem(b"secret"), b"secret").public == key.public
        with pytest.raises(KeyFault):
            PrivateKey.from_pem(key.to_pem(b"secret"), b"other")
        with pytest.raises(KeyFault):
            PrivateKey.from_pem(key.to_pem(b"secret"))

    def test_signature_is_64_bytes_and_belongs_to_message_and_key(self, key: PrivateKey) -> None:
        signature = key.sign(b"message")
        assert len(signature) == 64
        key.public.verify(signature, b"message")
        for wrong in (b"", signature[:-1], signature + b"\0", bytes(64), signature[::-1]):
            with pytest.raises(BadSignature):
                key.public.verify(wrong, b"message")
        with pytest.raises(BadSignature):
            key.public.verify(signature, b"messagE")
        with pytest.raises(BadSignature):
            private_key("another", key.alg).public.verify(signature, b"message")

    def test_private_members_are_never_shown(self, key: PrivateKey) -> None:
        assert set(key.public.to_jwk()) <= {"kty", "crv", "x", "y"}
        assert "PRIVATE" not in repr(key)
        assert key.public.to_jwk()["x"] not in repr(key)

    def test_public_key_from_pem_is_the_one_from_jwk(self, key: PrivateKey) -> None:
        text = serialization.load_pem_private_key(key.to_pem(), None).public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        assert PublicKey.from_pem(text.public_bytes(serialization.Encoding.PEM, form)) == key.public


def test_thumbprint_is_that_of_rfc_8037_appendix_a() -> None:
    key = PublicKey.from_jwk(
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    assert key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key.kid == "kPrK_qmxVWa"


def test_thumbprint_of_p256_hashes_the_four_members_in_order() -> None:
    text = f'{{"crv":"P-256","kty":"EC","x":"{EC_JWK["x"]}","y":"{EC_JWK["y"]}"}}'
    assert EC_KEY.public.thumbprint == base64url.encode(sha256(text.encode()).digest())


def test_both_halves_of_an_ecdsa_signature_verify() -> None:
    """(r, n-s) is valid too: counting by token bytes would count one licence twice."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signature = EC_KEY.sign(b"message")
    twin = signature[:32] + (order - int.from_bytes(signature[32:])).to_bytes(32)
    EC_KEY.public.verify(twin, b"message")


def test_small_r_and_s_take_the_long_way_and_still_verify() -> None:
    """Numbers with leading zero bytes need shorter DER."""
    found = 0
    for count in range(3000):
        message = count.to_bytes(2)
        signature = EC_KEY.sign(message)
        if not (signature[0] and signature[32]):
            EC_KEY.public.verify(signature, message)
            found += 1
            if found == 3:
                return
    pytest.fail("no signature with a leading zero byte in 3000")


@pytest.mark.parametrize(
    "extra",
    [
        {"use": "sig"},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"]},
        {"kid": "1"},
        {"x5t": "abc"},
        {"alg": "ES256"},
        {"ext": True},
    ],
)
def test_members_that_fit_are_accepted(extra: Mapping[str, object]) -> None:
    assert PublicKey.from_jwk(EC_JWK | extra) == EC_KEY.public


def test_both_names_of_eddsa_fit_an_ed25519_key() -> None:
    assert PublicKey.from_jwk(ED_JWK | {"alg": "EdDSA"}) == PublicKey.from_jwk(ED_JWK | {"alg": "Ed25519"})


@pytest.mark.parametrize(
    "extra",
    [
        {"use": "enc"},
        {"use": None},
        {"use": ["sig"]},
        {"key_ops": []},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"key_ops": ["verify", "verify"]},
        {"key_ops": ["verify", 1]},
        {"key_ops": None},
        {"key_ops": [["verify"]]},
        {"alg": "ES384"},
        {"alg": "EdDSA"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"alg": "es256"},
        {"kid": 1},
        {"d": EC_JWK["x"]},
        {"d": None},
        {"k": "AA"},
        {"p": "AA"},
        {"priv": "AA"},
        {"kty": None},
        {"kty": 1},
        {"crv": 256},
        {"crv": None},
        {"x": None},
        {"x": 1},
        {"x": b"x"},
        {"y": ""},
        {"x": EC_JWK["x"] + "="},
        {"x": EC_JWK["x"] + "A"},
        {"x": EC_JWK["x"][:-1]},
        {"x": " " + EC_JWK["x"][1:]},
        {"x": EC_JWK["y"], "y": EC_JWK["x"]},
        {"x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))},
        {"x": "A" * 42 + "B"},
        {"y": "_" * 42 + "8"},
        {"x": base64url.encode((P256 + 5).to_bytes(32))},
    ],
    ids=str,
)
def test_jwk_not_fit_for_verifying_is_refused(extra: Mapping[str, object]) -> None:
    with pytest.raises(KeyFault):
        PublicKey.from_jwk(EC_JWK | extra)


@pytest.mark.parametrize("member", ["kty", "crv", "x", "y"])
def test_jwk_without_a_member_is_refused(member: str) -> None:
    with pytest.raises(KeyFault):
        PublicKey.from_jwk({name: value for name, value in EC_JWK.items() if name != member})


@pytest.mark.parametrize("jwk", [None, [], "EC", 1, b"{}"])
def test_what_is_no_object_is_refused(jwk: object) -> None:
    with pytest.raises(KeyFault):
        PublicKey.from_jwk(jwk)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "ec"},
        EC_JWK | {"crv": "P-384"},
        EC_JWK | {"crv": "secp256k1"},
        EC_JWK | {"crv": "Ed25519"},
        ED_JWK | {"crv": "X25519"},
        ED_JWK | {"crv": "Ed448"},
        ED_JWK | {"kty": "EC"},
        {"kty": "AKP", "alg": "ML-DSA-44"},
    ],
    ids=str,
)
def test_keys_of_other_kinds_are_unsupported(jwk: Mapping[str, object]) -> None:
    with pytest.raises(UnsupportedAlgorithm):
        PublicKey.from_jwk(jwk)


def test_p256_coordinate_beyond_the_prime_is_refused() -> None:
    """x = 5 is a point of the curve; x = 5 + p would be another spelling of it."""
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    y = pow((5**3 - 3 * 5 + b) % P256, (P256 + 1) // 4, P256)
    jwk = {"kty": "EC", "crv": "P-256", "y": base64url.encode(y.to_bytes(32))}
    assert PublicKey.from_jwk(jwk | {"x": base64url.encode((5).to_bytes(32))})
    with pytest.raises(KeyFault):
        PublicKey.from_jwk(jwk | {"x": base64url.encode((5 + P256).to_bytes(32))})


def test_p256_point_in_place_of_its_negative_is_another_key() -> None:
    negative = (P256 - int.from_bytes(base64url.decode(EC_JWK["y"]))).to_bytes(32)
    assert PublicKey.from_jwk(EC_JWK | {"y": base64url.encode(negative)}) != EC_KEY.public


@pytest.mark.parametrize("y", [0, 1, P25519 - 1, ORDER_8, P25519 - ORDER_8])
@pytest.mark.parametrize("sign", [0, 1])
def test_ed25519_points_of_small_order_are_refused(y: int, sign: int) -> None:
    with pytest.raises(KeyFault, match="small order"):
        PublicKey.from_jwk(ED_JWK | {"x": little(y | sign << 255)})


@pytest.mark.parametrize("y", [P25519, P25519 + 1, P25519 + 3, 2**255 - 1])
def test_ed25519_points_in_another_spelling_are_refused(y: int) -> None:
    with pytest.raises(KeyFault, match="canonical"):
        PublicKey.from_jwk(ED_JWK | {"x": little(y)})


def test_about_half_of_all_numbers_are_no_ed25519_point() -> None:
    refused = 0
    for y in range(2, 66):
        try:
            PublicKey.from_jwk(ED_JWK | {"x": little(y)})
        except KeyFault:
            refused += 1
    assert 20 <= refused <= 44


@pytest.mark.parametrize(
    "data", [b"", b"no PEM", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_what_is_no_pem_is_refused(data: bytes) -> None:
    for read in (PublicKey.from_pem, PrivateKey.from_pem):
        with pytest.raises(KeyFault):
            read(data)
        with pytest.raises(KeyFault, match="at most"):
            read(data + b" " * 20_000)


def test_private_pem_is_no_public_key() -> None:
    with pytest.raises(EcertError):
        PublicKey.from_pem(EC_KEY.to_pem())


def test_pem_of_other_kinds_is_unsupported() -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    others: list[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = [
        rsa.generate_private_key(65537, 2048),
        ec.derive_private_key(7, ec.SECP384R1()),
        ec.derive_private_key(7, ec.SECP256K1()),
    ]
    for other in others:
        with pytest.raises(UnsupportedAlgorithm):
            PublicKey.from_pem(other.public_key().public_bytes(serialization.Encoding.PEM, form))
        with pytest.raises(UnsupportedAlgorithm):
            PrivateKey.from_cryptography(other)


def test_small_order_point_is_refused_from_pem_too() -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    parsed = ed25519.Ed25519PublicKey.from_public_bytes((1).to_bytes(32, "little"))
    with pytest.raises(KeyFault):
        PublicKey.from_pem(parsed.public_bytes(serialization.Encoding.PEM, form))
