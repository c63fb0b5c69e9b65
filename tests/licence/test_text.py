"""Text that people look at: hidden things are made visible and named."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.licence import shown
from ecert.licence.text import hidden_flags, is_plain_number


@pytest.mark.parametrize(
    ("text", "seen", "flags"),
    [
        ("甲示例", "甲示例", ()),
        ("Jia Shili", "Jia Shili", ()),
        ("", "", ()),
        ("虚构市示例（集团）有限公司", "虚构市示例（集团）有限公司", ()),
        ("阿示例·样本", "阿示例·样本", ()),
        ("甲\u202e示例", "甲[U+202E]示例", ("bidi",)),
        ("甲\u2067示例\u2069", "甲[U+2067]示例[U+2069]", ("bidi",)),
        ("甲\u200b示例", "甲[U+200B]示例", ("zero_width",)),
        ("甲\ufeff示例", "甲[U+FEFF]示例", ("zero_width",)),
        ("甲\u3164示例", "甲[U+3164]示例", ("zero_width",)),
        ("甲\ufe00示例", "甲[U+FE00]示例", ("zero_width",)),
        ("甲\u0000示例\n", "甲[U+0000]示例[U+000A]", ("control",)),
        ("甲\u2028示例", "甲[U+2028]示例", ("control",)),
        ("甲\ud800", "甲[U+D800]", ("broken",)),
        ("甲\uffff", "甲[U+FFFF]", ("broken",)),
        ("甲\U0003ffff", "甲[U+3FFFF]", ("broken",)),
        ("甲\U000323b0", "甲\U000323b0", ()),  # not yet given to a character, in a plane of Han characters
        ("甲\ue000", "甲[U+E000]", ("private_use",)),
        ("\uf9e4示例", "\uf9e4示例", ("compatibility", "not_composed")),
        ("Ａ１", "Ａ１", ("compatibility",)),
        ("e\u0301", "e\u0301", ("not_composed",)),
        ("\u202e\u200b\x07", "[U+202E][U+200B][U+0007]", ("control", "bidi", "zero_width")),
        ("<b>&", "<b>&", ()),
    ],
)
def test_shown_escapes_and_flags(text, seen, flags):
    assert shown(text) == (seen, flags)


@given(st.text(max_size=60))
def test_nothing_hidden_is_left_in_what_is_shown(text):
    seen, flags = shown(text)
    assert hidden_flags(seen) == ()
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for c in seen)
    assert (seen == text) or flags
    assert set(hidden_flags(text)) <= set(flags)


@given(st.text(max_size=20))
def test_a_plain_number_needs_no_escaping(text):
    if is_plain_number(text):
        assert shown(text) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "529900202600000001",
        "示建安A（2026）0000001",
        "示（2026）虚构市不动产权第0000001号",
        "J529901-2026-000001-1",
    ],
)
def test_numbers_as_departments_write_them_are_plain(text):
    assert is_plain_number(text)
