"""Rows of hostile inputs that the wire room refuses by itself, whoever reads: tokens, keys and JSON."""

import hmac
import json as other_json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ecert.crypto import PrivateKey, PublicKey
from ecert.errors import (
    BadSignature,
    KeyFault,
    Malformed,
    TooLarge,
    UnsupportedAlgorithm,
)
from ecert.wire import b64, json, jws, qr, sd_jwt
from ecert.wire.status_list import StatusList
from tests.wire.disclosures import ISSUER, compact, digest, disclosure, sd_jwt_of
from tests.world import private_key

ED = private_key("wire rows", "EdDSA")
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
L = 2**252 + 27742317777372353535851937790883648493
GOOD = compact({"alg": "ES256", "typ": "t"}, {"a": 1})
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
A = disclosure("s", "a", 1)


def read(token: str | bytes, key: PublicKey = ISSUER.public) -> object:
    return jws.verify_compact(token if isinstance(token, bytes) else token.encode(), key)


def signed(header: str, payload: str = '{"a":1}', key: PrivateKey = ISSUER) -> str:
    text = f"{b64.encode(header.encode())}.{b64.encode(payload.encode())}"
    return f"{text}.{b64.encode(key.sign(text.encode()))}"


def test_the_good_token_is_read_so_that_the_rows_mean_something() -> None:
    assert read(GOOD) == ({"alg": "ES256", "typ": "t"}, b'{"a": 1}')


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", "", "none "])
@pytest.mark.parametrize("signature", ["", SIGNATURE, "AA"], ids=["none", "genuine", "short"])
def test_row_01_alg_none(alg: str, signature: str) -> None:
    header = b64.encode(other_json.dumps({"alg": alg}).encode())
    with pytest.raises(UnsupportedAlgorithm):
        read(f"{header}.{PAYLOAD}.{signature}")


@pytest.mark.parametrize(
    "secret",
    {
        "jwk": other_json.dumps(ISSUER.public.to_jwk()).encode(),
        "coordinates": b64.decode(ISSUER.public.to_jwk()["x"]) + b64.decode(ISSUER.public.to_jwk()["y"]),
        "thumbprint": ISSUER.public.thumbprint.encode(),
        "empty (row 3)": b"",
    }.values(),
)
@pytest.mark.parametrize(("alg", "function"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
def test_rows_02_and_03_public_key_or_nothing_as_hmac_secret(secret: bytes, alg: str, function: str) -> None:
    text = f"{b64.encode(other_json.dumps({'alg': alg}).encode())}.{PAYLOAD}"
    with pytest.raises(UnsupportedAlgorithm):
        read(f"{text}.{b64.encode(hmac.digest(secret, text.encode(), function))}")
    with pytest.raises(UnsupportedAlgorithm):
        PublicKey.from_jwk({"kty": "oct", "k": b64.encode(secret)})


@pytest.mark.parametrize(
    "member",
    [
        '"crit":["exp"]',
        '"crit":[]',
        '"crit":["alg"]',
        '"crit":["b64"],"b64":false',
        '"crit":null',
        '"crit":"exp"',
    ],
)
def test_row_07_crit(member: str) -> None:
    with pytest.raises(Malformed):
        read(signed(f'{{"alg":"ES256",{member},"exp":1}}'))


@pytest.mark.parametrize("value", ["false", "true", "null"])
def test_row_08_b64(value: str) -> None:
    with pytest.raises(Malformed):
        read(signed(f'{{"alg":"ES256","b64":{value}}}'))


@pytest.mark.parametrize(
    "member", ['"zip":"DEF"', '"enc":"A128GCM"', '"jwk":{}', '"jku":"x"', '"x5u":"x"', '"x5c":[]']
)
def test_row_09_zip_and_the_other_members_that_change_the_meaning(member: str) -> None:
    with pytest.raises(Malformed):
        read(signed(f'{{"alg":"ES256",{member}}}'))


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"ES256","alg":"ES256"}',
        '{"alg":"none","alg":"ES256"}',
        '{"alg":"ES256","typ":"a","typ":"b"}',
        '{"alg":"ES256","\\u0061lg":"none"}',
        '{"alg":"ES256","x":{"y":1,"y":2}}',
    ],
)
def test_row_10_duplicate_names_in_the_header(header: str) -> None:
    with pytest.raises(Malformed):
        read(signed(header))


@pytest.mark.parametrize("name", ["exp", "status", "iss", "_sd"])
def test_row_10_duplicate_names_in_the_payload(name: str) -> None:
    for payload in (f'{{"{name}":1,"{name}":1}}', f'{{"{name}":[],"x":1, "{name}":2}}'):
        with pytest.raises(Malformed):
            sd_jwt.read(signed('{"alg":"ES256"}', payload) + "~", ISSUER.public)


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "padding": lambda text: text + "=" * (-len(text) % 4 or 4),
    "blank at the end": lambda text: text + " ",
    "blank inside": lambda text: text[:5] + " " + text[5:],
    "line feed": lambda text: text[:5] + "\n" + text[5:],
    "carriage return": lambda text: text + "\r\n",
    "tab before": lambda text: "\t" + text,
    "plus": lambda text: text[:4] + "+" + text[5:],
    "slash": lambda text: text[:4] + "/" + text[5:],
    "foreign": lambda text: text[:4] + "!" + text[4:],
    "quote": lambda text: text[:4] + '"' + text[4:],
    "nul": lambda text: text + "\0",
    "full width": lambda text: text[:4] + "Ａ" + text[5:],
    "tilde": lambda text: text + "~",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("segment", [0, 1, 2])
def test_row_11_other_spellings_of_base64url(spelling: str, segment: int) -> None:
    segments = [HEADER, PAYLOAD, SIGNATURE]
    segments[segment] = SPELLINGS[spelling](segments[segment])
    with pytest.raises(Malformed):
        read(".".join(segments))


def test_row_12_unused_bits_of_the_last_character() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    place = alphabet.index(SIGNATURE[-1])
    for bits in range(1, 16):
        with pytest.raises(Malformed):
            read(GOOD[:-1] + alphabet[place ^ bits])
    assert len(A) % 4
    changed = A[:-1] + alphabet[alphabet.index(A[-1]) ^ 1]
    with pytest.raises(Malformed):
        sd_jwt.read(sd_jwt_of({"_sd": [digest(changed)]}, changed), ISSUER.public)


EDGES = [0, 1, N - 1, N, N + 1, 2**256 - 1]


@pytest.mark.parametrize("r", EDGES)
@pytest.mark.parametrize("s", EDGES)
def test_row_14_r_and_s_at_their_edges(r: int, s: int) -> None:
    with pytest.raises(BadSignature):
        read(f"{HEADER}.{PAYLOAD}.{b64.encode(r.to_bytes(32) + s.to_bytes(32))}")


def test_row_14_r_and_s_plus_n_and_other_lengths() -> None:
    raw = b64.decode(SIGNATURE)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    der = b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:]
    wrong = [raw[:-1], raw + b"\0", b"\0" + raw, raw * 2, der, raw[32:] + raw[:32]]
    wrong += [((r + N) % 2**256).to_bytes(32) + raw[32:], raw[:32] + ((s + N) % 2**256).to_bytes(32)]
    for signature in wrong:
        with pytest.raises(BadSignature):
            read(f"{HEADER}.{PAYLOAD}.{b64.encode(signature)}")


def test_row_15_ed25519_s_beyond_the_order_and_odd_r() -> None:
    token = signed('{"alg":"EdDSA"}', key=ED)
    assert read(token, ED.public)
    text, signature = token.rsplit(".", 1)
    raw = b64.decode(signature)
    s = int.from_bytes(raw[32:], "little")
    odd = [raw[:32] + (s + count * L).to_bytes(32, "little") for count in (1, 2, 7)]
    odd += [bytes(64), (1).to_bytes(32, "little") + bytes(32), b"\xff" * 32 + raw[32:]]
    odd += [raw[:31] + bytes((raw[31] ^ 0x80,)) + raw[32:]]
    for wrong in odd:
        with pytest.raises(BadSignature):
            read(f"{text}.{b64.encode(wrong)}", ED.public)


def test_row_15_points_that_are_no_keys_and_algorithms_of_other_keys() -> None:
    jwk = ISSUER.public.to_jwk()
    for change in ({"y": jwk["x"]}, {"x": b64.encode(bytes(32)), "y": b64.encode(bytes(32))}):
        with pytest.raises(KeyFault):
            PublicKey.from_jwk(jwk | change)
    for point in ("AQ" + "A" * 41, "A" * 43, b64.encode(b"\xec" + b"\xff" * 30 + b"\x7f")):
        with pytest.raises(KeyFault):
            PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": point})
    for alg in ("ES384", "ES512", "ES256K", "RS256", "PS256", "Ed448", "es256", "EdDSA"):
        with pytest.raises(UnsupportedAlgorithm):
            read(signed(f'{{"alg":"{alg}"}}'))


@pytest.mark.parametrize(
    "text",
    [
        other_json.dumps({"payload": PAYLOAD, "protected": HEADER, "signature": SIGNATURE}),
        other_json.dumps({"payload": PAYLOAD, "signatures": [{"protected": HEADER, "signature": SIGNATURE}]}),
        '{"a":"' + GOOD + '"}',
        f'{{"x":1}}.{PAYLOAD}.{SIGNATURE}',
    ],
)
def test_row_16_json_serialization(text: str) -> None:
    for door in (read, qr.read, lambda given: sd_jwt.read(given + "~", ISSUER.public)):
        with pytest.raises(Malformed):
            door(text)


@pytest.mark.parametrize(
    "token",
    [
        f"{HEADER}.{PAYLOAD}",
        HEADER,
        "",
        ".",
        "..",
        "....",
        f"{GOOD}.{SIGNATURE}",
        f"{GOOD}.{PAYLOAD}.{SIGNATURE}",
        f".{PAYLOAD}.{SIGNATURE}",
        f"{HEADER}..{SIGNATURE}",
        f"{HEADER}.{PAYLOAD}.",
        f"{GOOD}.",
        f".{GOOD}",
        b64.encode(b'{"alg":"dir","enc":"A128GCM"}') + "..AAAA.AAAA.AAAA",
        signed('{"alg":"ES256","cty":"JWT"}', GOOD) + ".e30",
    ],
    ids=range(15),
)
def test_row_17_other_numbers_of_segments(token: str) -> None:
    with pytest.raises(Malformed):
        read(token)


def test_row_18_sizes_are_refused_before_decoding() -> None:
    for token in ("A" * 10_000_000, f"{HEADER}.{'A' * 10_000_000}.{SIGNATURE}", "." * 20_000, "~" * 20_000):
        with pytest.raises(TooLarge):
            read(token)
        for door in (qr.read, sd_jwt.split):
            with pytest.raises(TooLarge):
                door(token)
    with pytest.raises(TooLarge):
        read(signed('{"alg":"ES256","x":"' + "A" * 1100 + '"}'))
    with pytest.raises(TooLarge):
        qr.read("1" * 10_000)


ODD_JSON = {
    "depth 20 000": "[" * 8000 + "]" * 8000,
    "depth 17": '{"a":' * 17 + "1" + "}" * 17,
    "5 000 digits": '{"a":' + "9" * 5000 + "}",
    "1e400": '{"a":1e400}',
    "NaN": '{"a":NaN}',
    "Infinity": '{"a":-Infinity}',
    "lone surrogate": '{"a":"\\ud800"}',
    "byte order mark": "\ufeff{}",
    "2^63": '{"a":9223372036854775808}',
    "control character": '{"a":"\x01"}',
}


@pytest.mark.parametrize("case", ODD_JSON)
def test_row_19_json_that_means_nothing_or_too_much(case: str) -> None:
    text = ODD_JSON[case].encode()
    with pytest.raises(Malformed):
        json.loads(text)
    if len(text) < 9000:
        with pytest.raises(Malformed):
            sd_jwt.read(signed('{"alg":"ES256"}', ODD_JSON[case]) + "~", ISSUER.public)


def test_row_19_utf_16_and_a_hundred_thousand_keys() -> None:
    with pytest.raises(Malformed):
        json.loads('{"a":1}'.encode("utf-16"))
    with pytest.raises(TooLarge):
        json.loads(other_json.dumps(dict.fromkeys(map(str, range(100_000)))).encode())


@pytest.mark.parametrize(
    "member", ['"kid":1', '"kid":["a"]', '"kid":null', '"typ":1', '"typ":["t"]', '"typ":{}']
)
def test_row_20_header_members_of_another_type(member: str) -> None:
    with pytest.raises(Malformed):
        read(signed(f'{{"alg":"ES256",{member}}}'))


@pytest.mark.parametrize("alg", ["1", "null", '["ES256"]', '{"ES256":1}', "true"])
def test_row_20_alg_of_another_type(alg: str) -> None:
    with pytest.raises(UnsupportedAlgorithm):
        read(signed(f'{{"alg":{alg}}}'))


@pytest.mark.parametrize("idx", [1.0, -1, 2**63, True, "1", None, [1]])
def test_row_20_index_of_another_type(idx: Any) -> None:
    with pytest.raises(Malformed):
        StatusList.from_bytes(bytes(8)).get(idx)
