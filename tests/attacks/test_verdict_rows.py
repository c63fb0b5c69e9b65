"""ATTACKS rows 1 to 18 at `verify`: algorithms, keys, headers, encodings. Their letters are reason codes."""

from collections.abc import Callable
from typing import Any

import pytest

from ecert.trust import KeyUse
from ecert.verify import Accepted
from ecert.wire import b64 as strict_b64
from tests.attacks.forging import (
    HEADER_TEXT,
    KEY,
    ORDER,
    PAYLOAD_TEXT,
    b64,
    cases,
    compact,
    flattened,
    forge,
    header_of,
    hs256,
    judged,
    malleated,
    raw,
    refused,
)
from tests.world import IDS, World, private_key

JWK = KEY.public.to_jwk()


def test_the_good_case_is_accepted_so_that_the_rows_mean_something() -> None:
    world = World()
    world.issue()
    assert isinstance(judged(forge(), world), Accepted)


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", "", "ES256 ", "es256"])
@pytest.mark.parametrize("signature", [b"", bytes(64)], ids=["empty", "zeroes"])
def test_row_01_alg_none(alg: str, signature: bytes) -> None:
    assert refused(compact(header_of(alg=alg), World().claims(), signature)) == ["unsupported_algorithm"]


@cases(
    jwk=strict_b64.decode(JWK["x"]) + strict_b64.decode(JWK["y"]),
    jwk_text=str(JWK).encode(),
    ssh=b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA",
    pem=b"-----BEGIN PUBLIC KEY-----\n",
    thumbprint=KEY.public.thumbprint.encode(),
)
def test_row_02_public_key_as_hmac_secret(case: bytes) -> None:
    assert refused(hs256(case)) == ["unsupported_algorithm"]


@cases(empty=b"", zero=b"\0", none=b"None")
def test_row_03_empty_hmac_key(case: bytes) -> None:
    assert refused(hs256(case)) == ["unsupported_algorithm"]


@pytest.mark.parametrize(
    "alg", ["HS384", "HS512", "RS256", "PS256", "ES384", "ES256K", "EdDSA2", "A128KW", "dir"]
)
def test_rows_02_and_15_algorithms_outside_the_set(alg: str) -> None:
    assert refused(forge(alg=alg)) == ["unsupported_algorithm"]


def test_row_04_key_brought_along() -> None:
    attacker = private_key("attacker")
    brought = forge(key=attacker, jwk=attacker.public.to_jwk(), kid=attacker.kid)
    assert refused(brought) == ["malformed"]
    assert refused(forge(key=attacker, kid=attacker.kid)) == ["unknown_key"]


@pytest.mark.parametrize(
    "name", ["jku", "x5u", "x5c", "x5t", "x5t#S256", "jwk", "enc", "cty", "url", "nonce", "iss"]
)
@pytest.mark.parametrize("value", ["http://127.0.0.1/key", ["MIIB"], None], ids=str)
def test_row_05_header_members_beyond_the_three(name: str, value: Any) -> None:
    made = header_of()
    made[name] = value
    assert refused(forge(made)) == ["malformed"]


@cases(
    path="../../dev/null",
    sql="x' OR '1'='1",
    longer=KEY.public.thumbprint,
    shorter=KEY.kid[:-1],
    other_case=KEY.kid.swapcase(),
    space=f"{KEY.kid} ",
    empty="",
)
def test_row_06_kid_that_is_no_name_of_a_key(case: str) -> None:
    assert refused(forge(kid=case)) == ["unknown_key"]


@cases(
    nul=f"{KEY.kid}\0",
    crlf=f"{KEY.kid}\r\nX: y",
    lookalike="А" + KEY.kid[1:],
    integer=1,
    list=[KEY.kid],
    object={"kid": KEY.kid},
    long="A" * 65,
)
def test_row_06_kid_that_is_no_kid_at_all(case: Any) -> None:
    assert refused(forge(kid=case)) == ["malformed"]


def test_row_06_kid_of_ten_thousand_characters() -> None:
    assert refused(forge(kid="A" * 10_000)) == ["too_large"]


def test_row_06_kid_missing() -> None:
    assert refused(forge(kid=None)) == ["malformed"]


@cases(unknown=["x"], empty=[], absent_name=["exp"], standard=["alg"], b64=["b64"], text="exp", null=None)
def test_row_07_crit(case: Any) -> None:
    assert refused(forge(header_of() | {"crit": case})) == ["malformed"]


@pytest.mark.parametrize("value", [False, True, "false"])
@pytest.mark.parametrize("crit", [True, False])
def test_row_08_b64(value: Any, crit: bool) -> None:
    members = {"b64": value} | ({"crit": ["b64"]} if crit else {})
    assert refused(forge(header_of() | members)) == ["malformed"]


def test_row_09_zip() -> None:
    assert refused(forge(header_of() | {"zip": "DEF"})) == ["malformed"]


@cases(
    alg=(HEADER_TEXT.replace("{", '{"alg":"none",', 1), PAYLOAD_TEXT),
    typ=(HEADER_TEXT.replace("{", '{"typ":"JWT",', 1), PAYLOAD_TEXT),
    kid=(HEADER_TEXT[:-1] + f',"kid":"{KEY.kid}"}}', PAYLOAD_TEXT),
    escaped=(HEADER_TEXT[:-1] + ',"\\u0061lg":"ES256"}', PAYLOAD_TEXT),
    exp=(HEADER_TEXT, PAYLOAD_TEXT.replace("{", '{"exp":9999999999,', 1)),
    status=(HEADER_TEXT, PAYLOAD_TEXT.replace('"idx"', '"idx":8,"idx"')),
    iss=(HEADER_TEXT, PAYLOAD_TEXT[:-1] + f',"iss":"uscc:{IDS["nation"]}"}}'),
)
def test_row_10_names_twice(case: tuple[str, str]) -> None:
    assert refused(forge(*case)) == ["malformed"]


def _spellings(token: str) -> dict[str, str]:
    head, payload, rest = token.split(".")
    return {
        "padding": f"{head}=.{payload}.{rest}",
        "padded signature": f"{head}.{payload}.{rest[:-1]}==~",
        "space inside": f"{head[:9]} {head[9:]}.{payload}.{rest}",
        "newline inside": f"{head}.{payload[:60]}\n{payload[60:]}.{rest}",
        "newline at the end": f"{token}\n",
        "space in front": f" {token}",
        "plus": f"{head}.{payload}+.{rest}",
        "slash": f"{head}/.{payload}.{rest}",
        "foreign character": f"{head}.{payload[:40]}é{payload[40:]}.{rest}",
        "zero width": f"{head}.{payload[:40]}\u200b{payload[40:]}.{rest}",
        "nul": f"{head}.{payload}\0.{rest}",
        "percent": f"{head}.{payload}%3D.{rest}",
        "length 4n+1": f"{head}.{payload}.{rest[:-2]}~",
    }


@pytest.mark.parametrize("spelling", list(_spellings("a.b.c~")))
def test_row_11_other_spellings_of_base64url(spelling: str) -> None:
    assert refused(_spellings(World().issue())[spelling]) == ["malformed"]


def test_row_12_unused_bits_of_the_last_character() -> None:
    world = World()
    token = world.issue()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes of signature: the last of 86 characters has 4 unused bits, so 15 others decode alike elsewhere.
    last = alphabet.index(token[-2])
    assert last % 16 == 0
    for other in range(last + 1, last + 16):
        assert refused(f"{token[:-2]}{alphabet[other]}~", world) == ["malformed"]


def test_row_13_another_signature_of_the_same_licence_is_the_same_licence() -> None:
    world = World()
    token = world.issue()
    twin = malleated(token)
    assert twin != token
    first, second = judged(token, world), judged(twin, world)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.licence.id == second.licence.id
    world.issue(status=1)
    assert refused(token, world) == refused(twin, world) == ["revoked"]


def _rs(r: int, s: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32)


@cases(
    zeroes=_rs(0, 0),
    r_zero=_rs(0, 1),
    s_zero=_rs(1, 0),
    r_n=_rs(ORDER, 1),
    s_n=_rs(1, ORDER),
    n_minus_1=_rs(ORDER - 1, ORDER - 1),
    n_plus_1=_rs(ORDER + 1, ORDER + 1),
    largest=b"\xff" * 64,
    short=bytes(63),
    long=bytes(65),
    der=bytes.fromhex("3006020101020101"),
    one_byte=b"\0",
)
def test_row_14_signatures_outside_the_range(case: bytes) -> None:
    assert refused(compact(header_of(), World().claims(), case)) == ["bad_signature"]


def _with_ed25519() -> tuple[World, Any]:
    key = private_key("housing ed", "EdDSA")
    world = World().with_key("housing", KeyUse.LICENCE, key=key.public)
    return world, key


def test_row_15_ed25519_s_beyond_the_order_and_odd_points() -> None:
    world, key = _with_ed25519()
    token = world.issue(key=key)
    assert isinstance(judged(token, world), Accepted)
    head, payload, rest = token.split(".")
    signature = strict_b64.decode(rest[:-1])
    order = 2**252 + 27742317777372353535851937790883648493
    shifted = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    for bad in (shifted, b"\1" + bytes(63), b"\xff" * 32 + signature[32:], signature[:63]):
        assert refused(f"{head}.{payload}.{b64(bad)}~", world) == ["bad_signature"]


def test_row_15_token_of_one_algorithm_for_a_key_of_another() -> None:
    world, key = _with_ed25519()
    es256_header = forge(header_of(kid=key.kid), key=key)
    assert refused(es256_header, world) == ["unsupported_algorithm"]


@pytest.mark.parametrize("tail", ["", "~"])
def test_row_16_json_serialization(tail: str) -> None:
    token = World().issue()
    flat = flattened(token)
    general = {"payload": flat["payload"], "signatures": [{k: flat[k] for k in ("protected", "signature")}]}
    for shape in (flat, general, [token], {"jwt": token}):
        assert refused(raw(shape) + tail) == ["malformed"]
    assert refused(" \n" + raw(flat)) == ["malformed"]


@cases(
    jwe=lambda h, p, s: f"{h}.{p}.{p}.{p}.{s}~",
    jwe_alone=lambda h, p, s: f"{h}.{p}.{p}.{p}.{s}",
    two=lambda h, p, s: f"{h}.{p}~",
    four=lambda h, p, s: f"{h}.{p}.{s}.{s}~",
    one=lambda h, p, s: f"{h}~",
    no_payload=lambda h, p, s: f"{h}..{s}~",
    no_signature=lambda h, p, s: f"{h}.{p}.~",
    no_header=lambda h, p, s: f".{p}.{s}~",
    dots=lambda h, p, s: "..~",
    tilde=lambda h, p, s: "~",
    tildes=lambda h, p, s: f"{h}.{p}.{s}~~",
    no_tilde=lambda h, p, s: f"{h}.{p}.{s}",
    nested=lambda h, p, s: f"{b64(f'{h}.{p}.{s}')}.{p}.{s}~",
)
def test_row_17_other_numbers_of_segments(case: Callable[[str, str, str], str]) -> None:
    head, payload, rest = World().issue().split(".")
    assert refused(case(head, payload, rest[:-1])) == ["malformed"]


@cases(
    token="e" * (16 * 1024 + 1),
    token_with_dots="e.e.e~" + "A" * (1 << 20),
    digits="HTTPS://H/Q#/" + "1" * 20_000,
    bytes=b"e" * (1 << 22),
    header=forge(header_of(typ="x" * 1100)),
)
def test_row_18_too_large(case: Any) -> None:
    assert refused(case) == ["too_large"]


def test_row_18_signature_of_another_length() -> None:
    assert refused(World().issue()[:-1] + "AAAA~") == ["bad_signature"]
