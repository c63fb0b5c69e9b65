"""base64url has one spelling for each text of bytes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.crypto import base64url
from ecert.errors import Malformed

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary(max_size=300))
def test_decoding_gives_back_what_was_encoded(data: bytes) -> None:
    text = base64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert base64url.decode(text) == data
    assert base64url.decode(text.encode()) == data


@given(st.text(st.sampled_from(ALPHABET + '=+/ \n"\\é'), max_size=12) | st.text(max_size=12))
def test_whatever_is_accepted_has_only_that_spelling(text: str) -> None:
    try:
        data = base64url.decode(text)
    except Malformed:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize("body", ["A", "AA", "ABC"])
def test_of_all_last_characters_only_those_with_zero_unused_bits_are_accepted(body: str) -> None:
    accepted = 0
    for last in ALPHABET:
        try:
            base64url.decode(body + last)
            accepted += 1
        except Malformed:
            pass
    assert accepted == {"A": 4, "AA": 16, "ABC": 64}[body]


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AAAAA",
        "AA==",
        "AA=",
        "AAA=",
        "AAAA=",
        "AAAA====",
        "A A",
        "AAAA\n",
        "\nAAAA",
        " AAAA",
        "AAA+",
        "AA/A",
        "AA.A",
        "A~AA",
        'AA"A',
        '"AAA',
        "AAA\\",
        "\\u0041AAA",
        "AAA\x00",
        "AAAé",
        "AAAа",
        "ＡＡＡＡ",
        "AB",
        "AAB",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        base64url.decode(text)
    with pytest.raises(Malformed):
        base64url.decode(text.encode())
