"""Type definitions: those that come with the package, and what a definition may not say."""

import re

import pytest

from ecert.errors import LicenceFault
from ecert.licence import Format, HolderKind, load_types, parse_type
from tests.licence.samples import BUSINESS, SAFETY

GOOD = """
code = "11100000000013338W011"
name = { zh = "示例证", en = "Sample" }
holder_kinds = ["person"]
longest_validity_years = 3
disclosable = ["CZZTDM"]

[[field]]
name = "KZ_A"
label = { zh = "甲", en = "A" }
format = "text"
disclosable = true

[[field]]
name = "KZ_B"
label = { zh = "乙", en = "B" }
format = "enumeration"
values = ["一", "二"]
required = false
"""


def test_definition_is_read():
    kind = parse_type(GOOD)
    assert (kind.code, kind.name_zh, kind.name_en) == (SAFETY, "示例证", "Sample")
    assert kind.disclosable == {"CZZTDM", "KZ_A"}
    assert kind.holder_kinds == {HolderKind.PERSON}
    assert kind.longest_validity_years == 3
    assert (kind.public, kind.binding) == (False, False)
    assert [(f.name, f.format, f.required) for f in kind.fields] == [
        ("KZ_A", Format.TEXT, True),
        ("KZ_B", Format.ENUMERATION, False),
    ]
    assert kind.by_name["KZ_B"].values == ("一", "二")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('code = "', 'cod = "'),
        ("W011", "X011"),
        ('holder_kinds = ["person"]', "holder_kinds = []"),
        ('holder_kinds = ["person"]', 'holder_kinds = ["animal"]'),
        ("longest_validity_years = 3", "longest_validity_years = 0"),
        ("longest_validity_years = 3", 'longest_validity_years = "3"'),
        ("longest_validity_years = 3", "public = true"),
        ('disclosable = ["CZZTDM"]', 'disclosable = ["exp"]'),
        ('disclosable = ["CZZTDM"]', 'disclosable = ["ZZBFJG"]'),
        ('disclosable = ["CZZTDM"]', 'disclosable = ["KZ_C"]'),
        ('"KZ_B"', '"KZ_A"'),
        ('"KZ_A"', '"KZ_a"'),
        ('"KZ_A"', '"exp"'),
        ('format = "text"', 'format = "free"'),
        ('format = "text"', 'format = "text"\nvalues = ["x"]'),
        ('values = ["一", "二"]', ""),
        ('format = "text"', 'format = "text"\nmax_length = 0'),
        ('format = "text"', 'format = "text"\nunknown = 1'),
        ('zh = "甲", ', ""),
        ("[[field]]", "[[field"),
    ],
)
def test_definition_that_contradicts_itself_is_refused(before, after):
    assert before in GOOD
    with pytest.raises(LicenceFault):
        parse_type(GOOD.replace(before, after, 1))


def test_types_of_the_package():
    types = load_types()
    assert len(types) >= 7
    assert list(types) == sorted(types)
    assert all(code == kind.code for code, kind in types.items())
    business = types[BUSINESS]
    assert business.public
    assert not business.disclosable
    assert business.by_name["KZ_JYFW"].max_length == 1000
    assert types[SAFETY].name_zh == "建筑施工企业安全生产管理人员考核合格证书"


@pytest.mark.parametrize("kind", load_types().values(), ids=lambda kind: kind.code)
def test_every_label_is_there_in_both_languages(kind):
    labels = [(kind.name_zh, kind.name_en), *((f.label_zh, f.label_en) for f in kind.fields)]
    for zh, en in labels:
        assert re.search(r"[\u4e00-\u9fff]", zh)
        assert re.fullmatch(r"[ -~]+", en)


def test_no_personal_type_shows_its_holders_code_unasked():
    for kind in load_types().values():
        if HolderKind.PERSON in kind.holder_kinds and not kind.public:
            assert "CZZTDM" in kind.disclosable
