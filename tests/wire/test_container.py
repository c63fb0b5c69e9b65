"""The offline code's bytes: a licence goes in and the very same text comes out."""

import zlib
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import EcertError, Malformed, TooLarge
from ecert.wire import b64, container, sd_jwt
from tests.wire.disclosures import HOLDER, ISSUER, bound, compact, digest, disclosure, sd_jwt_of
from tests.wire.printed import LICENCES
from tests.wire.test_json import VALUES
from tests.wire.test_sd_jwt import NAMES, reserved_free, salts

DICTIONARY_SHA256 = "24f1ac68666ef5a28418f60b8294b8995cce0f2ee0c51e39fe12efeea3b6eb0d"


@given(st.dictionaries(NAMES, VALUES.filter(reserved_free), max_size=6), st.frozensets(NAMES, max_size=4))
def test_unpacking_gives_back_what_was_packed(claims: dict[str, object], disclosable: frozenset[str]) -> None:
    token = sd_jwt.issue(claims, disclosable=disclosable, typ="dc+sd-jwt", key=ISSUER, salt=salts())
    assert container.unpack(container.pack(token)) == token


@given(
    st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=12),
    st.binary(min_size=32, max_size=255),
)
def test_packing_needs_no_json_and_refuses_what_would_not_come_back(
    texts: list[bytes], signature: bytes
) -> None:
    header = b64.encode(b'{"alg":"ES256"}')
    payload, *disclosures = map(b64.encode, texts)
    token = "".join(f"{part}~" for part in (f"{header}.{payload}.{b64.encode(signature)}", *disclosures))
    try:
        packed = container.pack(token)
    except Malformed:
        assert any(set(text) & set(b"\n\x01\x02\x03\x04\x05\x06\x07\x08") for text in texts)
        return
    assert container.unpack(packed) == token


def test_withheld_disclosures_and_many_disclosures_come_back() -> None:
    many = [disclosure("s", f"n{number}", number) for number in range(64)]
    payload = {"_sd": sorted(map(digest, many)), "o": {"_sd": ["d"]}}
    for shown in (many, many[:1], many[5:20], many[::-1][:9], []):
        token = sd_jwt_of(payload, *shown)
        assert container.unpack(container.pack(token)) == token


def test_digests_that_can_be_computed_take_one_byte() -> None:
    shown = [disclosure("s", f"n{number}", number) for number in range(8)]
    without = sd_jwt_of({"_sd": ["d"]}, *shown)
    token = sd_jwt_of({"_sd": list(map(digest, shown))}, *shown)
    assert len(container.pack(token)) < len(container.pack(without)) + 60


def pack_by_hand(text: bytes, *, dictionary: bytes = container.DICTIONARY_V1) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary)
    return b"\x01\x40" + bytes(64) + deflater.compress(text) + deflater.flush()


GOOD = pack_by_hand(b'{"alg":"ES256"}\n{"a":1}')
WRONG = {
    "empty": b"",
    "version 0": b"\0" + GOOD[1:],
    "version 2": b"\2" + GOOD[1:],
    "no signature": b"\x01\x00" + GOOD[66:],
    "short signature": b"\x01\x1f" + bytes(31) + GOOD[66:],
    "signature longer than all": b"\x01\xff" + GOOD[2:],
    "no stream": GOOD[:66],
    "stream cut short": GOOD[:-1],
    "bytes after the stream": GOOD + b"\0",
    "a second stream": GOOD + GOOD[66:],
    "zlib in place of raw": GOOD[:66] + zlib.compress(b'{"alg":"ES256"}\n{"a":1}'),
    "header alone": pack_by_hand(b'{"alg":"ES256"}'),
    "empty payload": pack_by_hand(b'{"alg":"ES256"}\n'),
    "empty header": pack_by_hand(b'\n{"a":1}'),
    "line feed at the end": pack_by_hand(b'{"alg":"ES256"}\n{"a":1}\n'),
    "empty disclosure": pack_by_hand(b'{"alg":"ES256"}\n{"a":1}\n\n[]'),
    "65 disclosures": pack_by_hand(b"{}\n{}" + b"\n[]" * 65),
    "nothing": pack_by_hand(b""),
}


@pytest.mark.parametrize("case", WRONG)
def test_other_bytes_are_malformed(case: str) -> None:
    assert container.unpack(GOOD)
    with pytest.raises(Malformed):
        container.unpack(WRONG[case])


def test_inflating_stops_at_the_limit() -> None:
    head = b'{"alg":"ES256"}\n'
    assert container.unpack(pack_by_hand(head + b"a" * (16 * 1024 - len(head))))
    for text in (head + b"a" * (16 * 1024 - len(head) + 1), head + bytes(30_000_000)):
        with pytest.raises(TooLarge):
            container.unpack(pack_by_hand(text))


def test_marks_for_digests_do_not_grow_without_limit() -> None:
    shown = b"\n[1]" * 8
    assert container.unpack(pack_by_hand(b"{}\n" + b"\x01" * 380 + shown))
    with pytest.raises(TooLarge):
        container.unpack(pack_by_hand(b"{}\n" + b"\x01\x02\x03" * 5000 + shown))


@pytest.mark.parametrize(
    "token",
    [
        bound(sd_jwt_of({"cnf": {"jwk": HOLDER.public.to_jwk()}})),
        compact({"alg": "ES256"}, {}),
        compact({"alg": "ES256"}, "{\n}") + "~",
        sd_jwt_of({}, b64.encode(b'["s",\n"a",1]')),
        sd_jwt_of({}, b64.encode(b"[\x01]")),
        sd_jwt_of({}, disclosure("s", "a", 1) + "="),
        sd_jwt_of({}, disclosure("s", "a", 1)[:-1] + "f"),
        sd_jwt_of({})[:-2] + "B~",
        compact({"alg": "ES256", "x5c": []}, {}) + "~",
        "eyJhbGciOiJFUzI1NiJ9.e30." + b64.encode(bytes(256)) + "~",
        "eyJhbGciOiJFUzI1NiJ9.e30." + b64.encode(bytes(31)) + "~",
        "~",
        "",
    ],
    ids=range(13),
)
def test_tokens_that_would_not_come_back_are_refused(token: str) -> None:
    with pytest.raises(EcertError):
        container.pack(token)


def test_dictionary_is_never_edited() -> None:
    """Codes on paper were written with it. Another dictionary is another version."""
    assert sha256(container.DICTIONARY_V1).hexdigest() == DICTIONARY_SHA256


def test_dictionary_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = container.pack(LICENCES["food permit"])
    monkeypatch.setattr(container, "DICTIONARY_V1", b"x")
    assert len(container.pack(LICENCES["food permit"])) > len(with_it) + 150
