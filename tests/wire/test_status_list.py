"""Status lists: each index has its number, and what can't be read is never an answer."""

import base64
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import BadSignature, InputError, Malformed, TooLarge, WrongTokenType
from ecert.wire import json, jws, status_list
from ecert.wire.status_list import StatusList
from tests.world import private_key

KEY = private_key("status lists")
URI = "https://ecert.example/status-lists/a.1"
AT = datetime(2026, 6, 15, tzinfo=UTC)


def claim(data: bytes, bits: object = 2, level: int = 9) -> dict[str, Any]:
    return {"bits": bits, "lst": base64.urlsafe_b64encode(zlib.compress(data, level)).rstrip(b"=").decode()}


@given(st.binary(max_size=300), st.sampled_from([1, 2, 4, 8]), st.integers(0, 9))
def test_every_status_comes_back_at_its_index_whatever_the_level(data: bytes, bits: int, level: int) -> None:
    for statuses in (
        StatusList.from_bytes(data, bits),
        StatusList.from_claim(StatusList.from_bytes(data, bits).to_claim()),
        StatusList.from_claim(claim(data, bits, level)),
    ):
        assert (statuses.size, statuses.bits, statuses.data) == (len(data) * 8 // bits, bits, data)
        number = int.from_bytes(data, "little")
        expected = [number >> bits * idx & (1 << bits) - 1 for idx in range(statuses.size)]
        assert [statuses.get(idx) for idx in range(statuses.size)] == expected


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_million_entries(bits: int) -> None:
    data = bytearray((1 << 20) * bits // 8)
    data[-1] = 0x80
    statuses = StatusList.from_claim(claim(bytes(data), bits))
    assert statuses.size == 1 << 20
    assert statuses.get((1 << 20) - 1) == 1 << (bits - 1)
    assert statuses.get(0) == 0


@pytest.mark.parametrize("idx", [-1, 16, 2**63, 1.0, True, "1", None, float("nan")])
def test_index_outside_of_the_list_is_refused(idx: Any) -> None:
    with pytest.raises(Malformed):
        StatusList.from_bytes(bytes(4)).get(idx)


def test_other_members_and_empty_lists_are_read() -> None:
    assert StatusList.from_claim(claim(b"") | {"aggregation_uri": "x"}).size == 0


RAW = zlib.compressobj(9, zlib.DEFLATED, -15)
GZIP = zlib.compressobj(9, zlib.DEFLATED, 31)
PRESET = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, b"abcd" * 8)
DATA = b"abcd" * 40
STREAMS = {
    "raw deflate": RAW.compress(DATA) + RAW.flush(),
    "gzip": GZIP.compress(DATA) + GZIP.flush(),
    "preset dictionary": PRESET.compress(DATA) + PRESET.flush(),
    "cut short": zlib.compress(DATA)[:-1],
    "checksum changed": zlib.compress(DATA)[:-1] + b"\0",
    "bytes after it": zlib.compress(DATA) + b"\0",
    "a second stream": zlib.compress(DATA) + zlib.compress(DATA),
    "empty": b"",
    "header only": b"\x78\x9c",
    "not deflated": DATA,
}


@pytest.mark.parametrize("case", STREAMS)
def test_only_one_whole_zlib_stream_is_a_list(case: str) -> None:
    lst = base64.urlsafe_b64encode(STREAMS[case]).rstrip(b"=").decode()
    with pytest.raises(Malformed):
        StatusList.from_claim({"bits": 2, "lst": lst})


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "x",
        {},
        {"bits": 2},
        {"lst": claim(DATA)["lst"]},
        claim(DATA, 3),
        claim(DATA, 0),
        claim(DATA, 16),
        claim(DATA, -1),
        claim(DATA, True),
        claim(DATA, "2"),
        claim(DATA, 2.0),
        claim(DATA, None),
        claim(DATA, [2]),
        {"bits": 2, "lst": None},
        {"bits": 2, "lst": b"eJw"},
        {"bits": 2, "lst": claim(DATA)["lst"] + "="},
    ],
)
def test_claims_of_another_form_are_refused(wrong: Any) -> None:
    with pytest.raises(Malformed):
        StatusList.from_claim(wrong)


def test_inflating_stops_at_the_limit() -> None:
    assert StatusList.from_claim(claim(bytes(1 << 20))).size == 1 << 22
    with pytest.raises(TooLarge):
        StatusList.from_claim(claim(bytes((1 << 20) + 1)))
    with pytest.raises(TooLarge):
        StatusList.from_claim(claim(bytes(1 << 26)))
    assert StatusList.from_claim(claim(bytes(8)), 8).size == 32
    with pytest.raises(TooLarge):
        StatusList.from_claim(claim(bytes(9)), 8)


def sign(**changes: Any) -> str:
    given_: dict[str, Any] = {
        "uri": URI,
        "issuer": "uscc:X",
        "seq": 7,
        "issued_at": AT,
        "ttl": timedelta(minutes=1),
        "lifetime": timedelta(hours=1),
        "key": KEY,
    }
    return status_list.sign_token(StatusList.from_bytes(b"\xe4\xff"), **(given_ | changes))


def test_token_comes_back() -> None:
    token = status_list.read_token(sign(), KEY.public, uri=URI, at=AT)
    assert token.statuses == StatusList.from_bytes(b"\xe4\xff")
    assert (token.uri, token.issuer, token.kid, token.seq) == (URI, "uscc:X", KEY.kid, 7)
    assert (token.issued_at, token.expires_at, token.ttl) == (
        AT,
        AT + timedelta(hours=1),
        timedelta(minutes=1),
    )
    assert status_list.unverified_signer(sign()) == ("uscc:X", KEY.kid)


def test_list_that_cant_be_deflated_still_goes_into_a_token() -> None:
    noise = bytearray(1 << 20)
    state = 1
    for place in range(0, 1 << 20, 4):
        state = state * 1664525 + 1013904223 & 0xFFFFFFFF
        noise[place : place + 4] = state.to_bytes(4)
    statuses = StatusList.from_bytes(bytes(noise), 8)
    token = status_list.sign_token(
        statuses, uri=URI, issuer="i", seq=1, issued_at=AT, ttl=timedelta(1), lifetime=timedelta(1), key=KEY
    )
    assert status_list.read_token(token, KEY.public, uri=URI, at=AT).statuses == statuses


def test_token_holds_from_its_time_until_its_end() -> None:
    token, second = sign(), timedelta(seconds=1)
    for at in (AT, AT + timedelta(hours=1) - second, AT - timedelta(seconds=60)):
        assert status_list.read_token(token, KEY.public, uri=URI, at=at)
    for at in (AT + timedelta(hours=1), AT - timedelta(seconds=61)):
        with pytest.raises(Malformed):
            status_list.read_token(token, KEY.public, uri=URI, at=at)


def test_token_of_another_address_key_or_kind_is_refused() -> None:
    with pytest.raises(Malformed):
        status_list.read_token(sign(), KEY.public, uri=URI + "0", at=AT)
    with pytest.raises(BadSignature):
        status_list.read_token(sign(key=private_key("another")), KEY.public, uri=URI, at=AT)
    payload = jws.verify_compact(sign(), KEY.public)[1]
    for typ in ({"typ": "JWT"}, {"typ": "dc+sd-jwt"}, {"typ": "application/statuslist+jwt"}, {}):
        with pytest.raises(WrongTokenType):
            status_list.read_token(jws.sign_compact(typ, payload, KEY), KEY.public, uri=URI, at=AT)


GOOD = {"sub": URI, "iat": int(AT.timestamp()), "status_list": claim(b"\xe4")}


@pytest.mark.parametrize(
    "change",
    [
        {"sub": None},
        {"sub": [URI]},
        {"iat": None},
        {"iat": "1"},
        {"iat": 1.5},
        {"iat": True},
        {"iat": -1},
        {"iat": 2**62},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 9999999999.5},
        {"exp": 2**62},
        {"ttl": -1},
        {"ttl": 1.5},
        {"ttl": True},
        {"seq": -1},
        {"seq": "1"},
        {"iss": 1},
        {"iss": ["x"]},
        {"status_list": None},
        {"status_list": []},
    ],
    ids=str,
)
def test_token_with_claims_of_another_type_is_refused(change: dict[str, Any]) -> None:
    assert status_list.read_token(_token(GOOD), KEY.public, uri=URI, at=AT).seq == 0
    with pytest.raises(InputError):
        status_list.read_token(_token(GOOD | change), KEY.public, uri=URI, at=AT)


def test_payload_that_is_no_object_is_refused() -> None:
    with pytest.raises(Malformed):
        status_list.unverified_signer(_token([]))


def test_naive_times_are_the_programmers_error() -> None:
    with pytest.raises(TypeError):
        sign(issued_at=datetime(2026, 1, 1))
    with pytest.raises(TypeError):
        status_list.read_token(sign(), KEY.public, uri=URI, at=datetime(2026, 1, 1))


def _token(claims: object) -> str:
    return jws.sign_compact({"typ": status_list.TYP}, json.dumps(claims), KEY)
