"""Numbers of bodies, people and places."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import IdentifierFault
from ecert.licence import Region, ResidentId, Uscc, resident_id_check_char, uscc_check_char

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
GOOD_USCC = "11430000006122244L"
GOOD_ID = "11010519491231002X"  # the standard's own example


@pytest.mark.parametrize(
    "text",
    [
        "11100000000013338W",
        "11430000006122244L",
        "11330105002500287C",
        "11220000013544541J",
        "11100000MB03271699",
        "11370800MB28559184",
    ],
)
def test_codes_of_the_standards_are_read(text):
    assert Uscc.parse(text) == text
    assert uscc_check_char(text[:17]) == text[17]


@given(st.text(USCC_ALPHABET, min_size=9, max_size=9), st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_any_single_changed_character_of_a_uscc_is_caught(body, place, other):
    first17 = "11430000" + body
    good = first17 + uscc_check_char(first17)
    assert Uscc.parse(good) == good
    changed = good[:place] + other + good[place + 1 :]
    if changed != good:
        with pytest.raises(IdentifierFault):
            Uscc.parse(changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD_USCC[:-1],
        GOOD_USCC + "0",
        GOOD_USCC.lower(),
        GOOD_USCC.replace("6", "I"),
        " " + GOOD_USCC[1:],
        None,
        "11A30000006122244" + uscc_check_char("11A30000006122244"),
        "１1430000006122244L",
    ],
)
def test_uscc_refuses(text):
    with pytest.raises(IdentifierFault):
        Uscc.parse(text)


def test_standards_own_identity_number_is_read():
    read = ResidentId.parse(GOOD_ID)
    assert read == GOOD_ID
    assert read.born == date(1949, 12, 31)


def test_small_x_becomes_capital():
    assert ResidentId.parse(GOOD_ID.lower()) == GOOD_ID


@given(st.integers(0, 16), st.sampled_from("0123456789"))
def test_any_single_changed_digit_of_an_identity_number_is_caught(place, other):
    changed = GOOD_ID[:place] + other + GOOD_ID[place + 1 :]
    if changed != GOOD_ID:
        with pytest.raises(IdentifierFault):
            ResidentId.parse(changed)


def _identity(first17: str) -> str:
    return first17 + resident_id_check_char(first17)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD_ID[:-1],
        GOOD_ID + "0",
        "X" * 18,
        GOOD_ID.replace("1", "１"),
        GOOD_ID[:17] + "٣",
        None,
        _identity("11010520230229" + "001"),
        _identity("11010520231301" + "001"),
        _identity("99010519491231002"),
    ],
    ids=lambda text: f"length-{len(text or '')}",
)
def test_identity_number_refuses(text):
    with pytest.raises(IdentifierFault):
        ResidentId.parse(text)


@pytest.mark.parametrize(
    "text", ["", "44", "4403056", "990000", "440005", "000001", "44030a", "４40300", None]
)
def test_region_refuses(text):
    with pytest.raises(IdentifierFault):
        Region.parse(text)


@pytest.mark.parametrize(
    ("outer", "inner", "inside"),
    [
        ("000000", "440305", True),
        ("000000", "000000", True),
        ("440000", "440305", True),
        ("440000", "440000", True),
        ("440000", "450000", False),
        ("440000", "000000", False),
        ("440300", "440305", True),
        ("440300", "440300", True),
        ("440300", "440000", False),
        ("440300", "440405", False),
        ("440305", "440305", True),
        ("440305", "440300", False),
        ("440305", "440306", False),
        ("441000", "441023", True),
        ("441000", "440000", False),
    ],
)
def test_region_contains_what_lies_in_it(outer, inner, inside):
    assert Region.parse(outer).contains(Region.parse(inner)) is inside
