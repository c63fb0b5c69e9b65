"""Digits: every text of bytes has one, and a slip of one key is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import Malformed, Misread, TooLarge
from ecert.wire import digits

TAILS = {0: 0, 1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15}


@given(st.binary(max_size=200))
def test_decoding_gives_back_what_was_encoded(data: bytes) -> None:
    text = digits.encode(data)
    assert len(text) == len(data) // 7 * 17 + TAILS[len(data) % 7]
    assert text.isdecimal() or not data
    assert digits.decode(text) == data


@given(st.text("0123456789", max_size=80))
def test_whatever_is_accepted_has_only_that_spelling(text: str) -> None:
    try:
        data = digits.decode(text)
    except (Malformed, Misread):
        return
    assert digits.encode(data) == text


def test_groups_are_numbers_of_seven_bytes_big_endian() -> None:
    assert digits.encode(b"\0\0\0\0\0\0\1\xff") == "00000000000000001" + "255"
    assert digits.encode(b"\xff" * 7) == "72057594037927935"


@pytest.mark.parametrize("length", sorted(TAILS.values()))
def test_largest_group_is_read_and_one_more_is_refused(length: int) -> None:
    size = {value: key for key, value in TAILS.items()}[length] or 7
    top = str(256**size - 1).zfill(length)
    assert digits.decode(top) == b"\xff" * size
    with pytest.raises(Malformed):
        digits.decode(str(256**size).zfill(length))
    with pytest.raises(Malformed):
        digits.decode("9" * (17 + length))


@pytest.mark.parametrize("length", [n for n in range(40) if n % 17 not in TAILS.values()])
def test_lengths_that_no_bytes_have_are_misread(length: int) -> None:
    with pytest.raises(Misread):
        digits.decode("0" * length)


def test_check_digits_are_those_of_iso_7064() -> None:
    """The standard's own example for MOD 97-10 is 794 with the check digits 44."""
    assert digits.check_digits("794") == "44"
    assert digits.with_check("794") == "79444"
    assert digits.without_check("79444") == "794"


@given(st.text("0123456789", min_size=1, max_size=120), st.data())
def test_one_slip_is_always_noticed(text: str, data: st.DataObject) -> None:
    code = digits.with_check(text)
    place = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != code[place]]))
    with pytest.raises(Misread):
        digits.without_check(code[:place] + other + code[place + 1 :])
    swapped = code[:place] + code[place : place + 2][::-1] + code[place + 2 :]
    if swapped != code:
        with pytest.raises(Misread):
            digits.without_check(swapped)


@given(st.binary(min_size=70, max_size=120), st.data())
def test_dropped_digit_is_noticed_by_check_or_by_length(body: bytes, data: st.DataObject) -> None:
    code = digits.with_check(digits.encode(body))
    place = data.draw(st.integers(0, len(code) - 1))
    with pytest.raises(Misread):
        digits.decode(digits.without_check(code[:place] + code[place + 1 :]))


@pytest.mark.parametrize("text", ["", "1", "97", "01", "000", "198"])
def test_texts_without_right_check_digits_are_misread(text: str) -> None:
    with pytest.raises(Misread):
        digits.without_check(text)


def test_limit_comes_before_arithmetic() -> None:
    with pytest.raises(TooLarge):
        digits.without_check("1" * 4001)
    with pytest.raises(Misread):
        digits.without_check("1" * 4000)
