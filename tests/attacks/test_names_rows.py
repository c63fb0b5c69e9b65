"""ATTACKS row 26 where a licence is made and read: numbers refused, names refused or shown escaped."""

from dataclasses import replace

import pytest

from ecert.errors import FieldFault
from ecert.licence import PresentedLicence, draft_faults, shown
from tests.licence.samples import DRIVING_DRAFT, TYPES, claims_of, with_fields, with_holder

NUMBERS = {
    "full-width digit": "５29900202600000001",
    "full-width letter": "Ｊ529901",
    "digits of another script": "529900٢٠٢٦",
    "mathematical digit": "52990020260000000\U0001d7ce",
    "circled digit": "529900①",
    "superscript": "529900²",
    "Cyrillic letter that looks Latin": "JYА1",
    "Greek letter that looks Latin": "JYΑ1",
    "CJK compatibility ideograph": "示\uf9e41",
    "CJK compatibility supplement": "示\U0002f8001",
    "CJK radical that looks like an ideograph": "\u2f001",
    "decomposed letter": "E\u0301529901",
    "composed accented letter": "\u00c9529901",
    "bidi override": "529901\u202e1",
    "bidi isolate": "529901\u20661\u2069",
    "zero-width space": "529901\u200b1",
    "zero-width joiner": "529901\u200d1",
    "byte order mark": "\ufeff529901",
    "soft hyphen": "529901\u00ad1",
    "Hangul filler": "529901\u31641",
    "variation selector": "529901\ufe001",
    "no-break space": "529901\u00a01",
    "ideographic space": "529901\u30001",
    "NUL": "529901\x001",
    "line feed": "529901\n",
}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_row_26_number_is_refused_when_issuing_and_when_reading(number):
    faults = draft_faults(replace(DRIVING_DRAFT, number=number), TYPES)
    assert [fault.field for fault in faults] == ["number"]
    with pytest.raises(FieldFault, match=r"^ZZBH: "):
        PresentedLicence.from_claims({**claims_of(), "ZZBH": number}, TYPES)


HIDDEN = {
    "bidi override": ("甲\u202e示例", "bidi"),
    "bidi mark": ("甲\u200f示例", "bidi"),
    "zero-width space": ("甲\u200b示例", "zero_width"),
    "zero-width joiner": ("甲\u200d示例", "zero_width"),
    "Hangul filler": ("甲\u3164示例", "zero_width"),
    "variation selector": ("甲\U000e0100示例", "zero_width"),
    "tag character": ("甲\U000e0041示例", "zero_width"),
    "control character": ("甲\x1b[2J示例", "control"),
    "line separator": ("甲\u2028示例", "control"),
    "lone surrogate": ("甲\udc00示例", "broken"),
}


@pytest.mark.parametrize(("name", "flag"), HIDDEN.values(), ids=HIDDEN)
def test_row_26_hidden_character_in_a_name_is_refused_when_issuing(name, flag):
    faults = draft_faults(with_holder(DRIVING_DRAFT, name=name), TYPES)
    assert [fault.field for fault in faults] == ["holder.name"]
    assert flag in faults[0].expected
    assert [f.field for f in draft_faults(with_fields(DRIVING_DRAFT, KZ_ZZ=name), TYPES)] == ["KZ_ZZ"]


@pytest.mark.parametrize(("name", "flag"), HIDDEN.values(), ids=HIDDEN)
def test_row_26_hidden_character_in_a_signed_name_is_shown_escaped_and_flagged(name, flag):
    read = PresentedLicence.from_claims({**claims_of(), "CZZT": name}, TYPES)
    seen, flags = shown(read.holder.name)
    assert flag in flags
    assert "[U+" in seen
    assert not set(seen) & set("\u202e\u200f\u200b\u200d\u3164\x1b\u2028\udc00")


LOOKALIKES = {
    "full-width letters": "Ｊia",
    "CJK compatibility ideograph": "\uf9e4示例",
    "decomposed letter": "Jose\u0301",
    "ligature": "ﬁ示例",
}


@pytest.mark.parametrize("name", LOOKALIKES.values(), ids=LOOKALIKES)
def test_row_26_other_spelling_of_a_name_is_issued_and_flagged(name):
    assert draft_faults(with_holder(DRIVING_DRAFT, name=name), TYPES) == ()
    seen, flags = shown(name)
    assert seen == name
    assert flags
