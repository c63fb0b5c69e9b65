"""Compact JWS: the key decides, nothing is skipped, nothing repaired."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.crypto import PrivateKey
from ecert.errors import BadSignature, EcertError, KeyFault, Malformed, TooLarge, UnsupportedAlgorithm
from ecert.wire import b64, json, jws
from tests.world import private_key

ES = private_key("jws: ES256")
ED = private_key("jws: EdDSA", "EdDSA")


def signed(header: bytes, payload: bytes, key: PrivateKey = ES) -> bytes:
    """Sign any header at all, also one that we would never write."""
    text = f"{b64.encode(header)}.{b64.encode(payload)}"
    return f"{text}.{b64.encode(key.sign(text.encode()))}".encode()


GOOD = signed(b'{"alg":"ES256","kid":"k","typ":"t"}', b'{"a":1}')


@given(st.sampled_from([ES, ED]), st.binary(min_size=1, max_size=200), st.text("abcdef+-", max_size=8))
def test_verifying_gives_back_what_was_signed(key: PrivateKey, payload: bytes, typ: str) -> None:
    token = jws.sign_compact({"typ": typ}, payload, key)
    assert jws.verify_compact(token.encode(), key.public) == (
        {"alg": key.alg, "kid": key.kid, "typ": typ},
        payload,
    )


def test_text_and_bytes_are_the_same_token() -> None:
    assert jws.verify_compact(GOOD.decode(), ES.public) == jws.verify_compact(GOOD, ES.public)
    with pytest.raises(Malformed):
        jws.read_compact(GOOD.decode() + "é")


def test_headers_with_white_space_and_unknown_members_are_read() -> None:
    token = signed(b'{ "alg" : "ES256",\r\n "cty":"x", "iat":1 }', b"payload")
    assert jws.verify_compact(token, ES.public)[0] == {"alg": "ES256", "cty": "x", "iat": 1}


def test_header_cant_be_changed_by_who_reads_it() -> None:
    """It is shared: the next token with the same header gets the same object."""
    header = jws.read_compact(GOOD).header
    with pytest.raises(TypeError):
        header["alg"] = "none"  # type: ignore[index]
    mine, _ = jws.verify_compact(GOOD, ES.public)
    mine["alg"] = "none"
    assert jws.verify_compact(GOOD, ES.public)[0]["alg"] == "ES256"


def test_every_flipped_bit_is_refused() -> None:
    for place in range(len(GOOD)):
        for bit in range(8):
            flipped = bytearray(GOOD)
            flipped[place] ^= 1 << bit
            with pytest.raises(EcertError):
                jws.verify_compact(bytes(flipped), ES.public)


def test_algorithm_is_that_of_the_key() -> None:
    for key, other in ((ES, ED), (ED, ES)):
        token = jws.sign_compact({}, b"payload", key)
        with pytest.raises(UnsupportedAlgorithm):
            jws.verify_compact(token, other.public)
        renamed = signed(b'{"alg":"%b"}' % other.alg.encode(), b"payload", key)
        with pytest.raises(UnsupportedAlgorithm):
            jws.verify_compact(renamed, key.public)
        with pytest.raises(BadSignature):
            jws.verify_compact(renamed, other.public)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b'"ES256"',
        b"null",
        b"",
        b"{",
        b'{"alg":"ES256","alg":"ES256"}',
        b'{"alg":"ES256"}{}',
        b'\xff{"alg":"ES256"}',
        b'{"alg":"ES256","typ":1}',
        b'{"alg":"ES256","typ":null}',
        b'{"alg":"ES256","typ":["t"]}',
        b'{"alg":"ES256","kid":1}',
        b'{"alg":"ES256","kid":null}',
        b'{"alg":"ES256","kid":["k"]}',
        b'{"alg":"ES256","kid":"%b"}' % (b"k" * 65),
        b'{"alg":"ES256","kid":"a\\u0000"}',
        b'{"alg":"ES256","kid":"a\\r\\n"}',
        '{"alg":"ES256","kid":"кey"}'.encode(),
        b'{"alg":"ES256","kid":"a\\u202eb"}',
    ],
)
def test_headers_of_the_wrong_form_are_malformed(header: bytes) -> None:
    with pytest.raises(Malformed):
        jws.verify_compact(signed(header, b"payload"), ES.public)


def test_limits_come_before_decoding() -> None:
    with pytest.raises(TooLarge):
        jws.read_compact(b"A" * (jws.MAX_TOKEN_BYTES + 1))
    padded = b'{"alg":"ES256","pad":"%b"}'
    assert jws.read_compact(signed(padded % (b"x" * (1024 - len(padded) + 2)), b"p"))
    with pytest.raises(TooLarge):
        jws.read_compact(signed(padded % (b"x" * (1024 - len(padded) + 3)), b"p"))
    long = signed(b'{"alg":"ES256"}', b"x" * 20_000)
    with pytest.raises(TooLarge):
        jws.verify_compact(long, ES.public)
    assert jws.verify_compact(long, ES.public, max_bytes=40_000)


def test_signer_refuses_what_a_reader_would() -> None:
    for header in ({"crit": ["x"]}, {"jwk": {}}, {"typ": 1}):
        with pytest.raises(Malformed):
            jws.sign_compact(header, b"payload", ES)
    with pytest.raises(Malformed):
        jws.sign_compact({}, b"", ES)
    with pytest.raises(TooLarge):
        jws.sign_compact({"typ": "t" * 1100}, b"payload", ES)
    for header in ({"alg": "EdDSA"}, {"alg": "none"}, {"kid": "another"}):
        with pytest.raises(KeyFault):
            jws.sign_compact(header, b"payload", ES)


def test_header_begins_with_algorithm_and_key() -> None:
    """The dictionary of the offline code counts on it."""
    token = jws.sign_compact({"typ": "dc+sd-jwt"}, json.dumps({}), ES)
    header = f'{{"alg":"ES256","kid":"{ES.kid}","typ":"dc+sd-jwt"}}'
    assert b64.decode(token.split(".")[0]) == header.encode()
