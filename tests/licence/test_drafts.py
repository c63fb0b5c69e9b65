"""Drafts: each fault is found and named, and claims come out as the format says."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ecert.errors import FieldFault, LicenceFault
from ecert.licence import Draft, Uscc, build_claims, check_draft, draft_faults
from tests.licence.samples import (
    BUSINESS,
    BUSINESS_DRAFT,
    DRIVING,
    DRIVING_DRAFT,
    ISSUED_AT,
    ISSUER,
    STATUS_URI,
    TYPES,
    claims_of,
    licence_id,
    with_fields,
    with_holder,
)

DISABILITY_DRAFT = replace(
    DRIVING_DRAFT, type_code="11100000MB9990004Q001", fields={"KZ_CJLB": "肢体", "KZ_CJDJ": 2}
)
MARRIAGE_DRAFT = replace(
    DRIVING_DRAFT,
    type_code="11100000MB9990003M001",
    valid_until=None,
    fields={"KZ_DJRQ": "2026-05-20", "KZ_POXM": "乙样本", "KZ_POSFZH": "11010519491231002x"},
)


@pytest.mark.parametrize("draft", [DRIVING_DRAFT, BUSINESS_DRAFT, DISABILITY_DRAFT, MARRIAGE_DRAFT])
def test_good_drafts_have_no_fault(draft):
    assert draft_faults(draft, TYPES) == ()
    check_draft(draft, TYPES, on=date(2026, 11, 23))


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (replace(DRIVING_DRAFT, type_code=DRIVING[:-1] + "9"), "type"),
        (replace(DRIVING_DRAFT, number=""), "number"),
        (replace(DRIVING_DRAFT, number="A 1"), "number"),
        (replace(DRIVING_DRAFT, number="1" * 65), "number"),
        (replace(DRIVING_DRAFT, number=7), "number"),
        (with_holder(DRIVING_DRAFT, name=""), "holder.name"),
        (with_holder(DRIVING_DRAFT, name=" 甲示例"), "holder.name"),
        (with_holder(DRIVING_DRAFT, name="甲" * 121), "holder.name"),
        (with_holder(DRIVING_DRAFT, code_type="112"), "holder.code_type"),
        (with_holder(DRIVING_DRAFT, code_type="001", code=BUSINESS_DRAFT.holder.code), "holder.code_type"),
        (with_holder(DRIVING_DRAFT, code="110105194912310021"), "holder.code"),
        (with_holder(DRIVING_DRAFT, code="11010519491231002x"), "holder.code"),
        (with_holder(DRIVING_DRAFT, code_type="414", code="E 1"), "holder.code"),
        (with_holder(BUSINESS_DRAFT, code="91529901MAEX00001J"), "holder.code"),
        (replace(DRIVING_DRAFT, valid_from=date(1969, 12, 31)), "valid_from"),
        (replace(DRIVING_DRAFT, valid_from=datetime(2026, 1, 1, tzinfo=UTC)), "valid_from"),
        (replace(DRIVING_DRAFT, valid_until=date(2026, 11, 22)), "valid_until"),
        (replace(DRIVING_DRAFT, valid_until=date(9999, 1, 1)), "valid_until"),
        (replace(DISABILITY_DRAFT, valid_until=None), "valid_until"),
        (replace(DISABILITY_DRAFT, valid_until=date(2036, 11, 24)), "valid_until"),
        (with_fields(DRIVING_DRAFT, KZ_ZJCX=None), "KZ_ZJCX"),
        (with_fields(DRIVING_DRAFT, KZ_ZJCX="C9"), "KZ_ZJCX"),
        (with_fields(DRIVING_DRAFT, KZ_CCLZRQ="2023-02-29"), "KZ_CCLZRQ"),
        (with_fields(DRIVING_DRAFT, KZ_CCLZRQ="20230228"), "KZ_CCLZRQ"),
        (with_fields(DRIVING_DRAFT, KZ_CCLZRQ="２023-02-28"), "KZ_CCLZRQ"),
        (with_fields(DRIVING_DRAFT, KZ_ZZ="甲" * 121), "KZ_ZZ"),
        (with_fields(DRIVING_DRAFT, KZ_ZZ=7), "KZ_ZZ"),
        (with_fields(DRIVING_DRAFT, KZ_ZZ="甲\n乙"), "KZ_ZZ"),
        (with_fields(DRIVING_DRAFT, KZ_QT="x"), "KZ_QT"),
        (with_fields(DRIVING_DRAFT, KZ_JYFW="x"), "KZ_JYFW"),
        (with_fields(DRIVING_DRAFT, **{"甲\n": "x"}), "fields"),
        (with_fields(BUSINESS_DRAFT, KZ_ZCZB="1,000"), "KZ_ZCZB"),
        (with_fields(BUSINESS_DRAFT, KZ_ZCZB="007"), "KZ_ZCZB"),
        (with_fields(BUSINESS_DRAFT, KZ_ZCZB="1.234"), "KZ_ZCZB"),
        (with_fields(BUSINESS_DRAFT, KZ_ZCZB="1."), "KZ_ZCZB"),
        (with_fields(BUSINESS_DRAFT, KZ_JYFW="甲" * 1001), "KZ_JYFW"),
        (with_fields(DISABILITY_DRAFT, KZ_CJDJ=0), "KZ_CJDJ"),
        (with_fields(DISABILITY_DRAFT, KZ_CJDJ=5), "KZ_CJDJ"),
        (with_fields(DISABILITY_DRAFT, KZ_CJDJ=True), "KZ_CJDJ"),
        (with_fields(DISABILITY_DRAFT, KZ_CJDJ="02"), "KZ_CJDJ"),
        (with_fields(DISABILITY_DRAFT, KZ_CJDJ=2.0), "KZ_CJDJ"),
        (with_fields(MARRIAGE_DRAFT, KZ_POSFZH="110105194912310021"), "KZ_POSFZH"),
        (with_fields(MARRIAGE_DRAFT, KZ_POSFZH=1), "KZ_POSFZH"),
    ],
)
def test_one_fault_is_found_and_named(draft: Draft, field):
    assert [fault.field for fault in draft_faults(draft, TYPES)] == [field]
    with pytest.raises(FieldFault, match=f"^{field}: expected "):
        check_draft(draft, TYPES, on=date(2026, 11, 23))


def test_all_faults_are_found_at_once():
    draft = with_fields(with_holder(replace(DRIVING_DRAFT, number=""), name=""), KZ_ZJCX="", KZ_QT="1")
    assert [fault.field for fault in draft_faults(draft, TYPES)] == [
        "number",
        "holder.name",
        "KZ_QT",
        "KZ_ZJCX",
    ]


def test_longest_texts_are_allowed():
    assert draft_faults(with_fields(BUSINESS_DRAFT, KZ_JYFW="甲" * 1000), TYPES) == ()


def test_longest_validity_ends_on_the_anniversary():
    leap = replace(DISABILITY_DRAFT, valid_from=date(2024, 2, 29), valid_until=date(2034, 2, 28))
    assert draft_faults(leap, TYPES) == ()
    assert [f.field for f in draft_faults(replace(leap, valid_until=date(2034, 3, 1)), TYPES)] == [
        "valid_until"
    ]


def test_what_has_run_out_is_not_issued():
    with pytest.raises(FieldFault, match="valid_until"):
        check_draft(DRIVING_DRAFT, TYPES, on=date(2036, 11, 23))
    check_draft(DRIVING_DRAFT, TYPES, on=date(2036, 11, 22))


@pytest.mark.parametrize("draft", [DRIVING_DRAFT, BUSINESS_DRAFT], ids=["person", "company"])
def test_messages_carry_no_value(draft):
    broken = replace(draft, number=draft.number + "\u202e", fields=dict.fromkeys(draft.fields, "\u200b示"))
    broken = with_holder(broken, name=draft.holder.name + "\u202e", code=draft.holder.code[::-1])
    text = " ".join(str(fault) for fault in draft_faults(broken, TYPES))
    assert text.count("expected") >= 5
    for secret in (draft.number, draft.holder.name, draft.holder.code, draft.holder.code[::-1], "示"):
        assert secret not in text


def test_claims_stand_in_their_order_and_with_their_names():
    claims = claims_of()
    assert (
        list(claims)
        == [
            [
                "iss",
                "vct",
                "jti",
                "iat",
                "nbf",
                "exp",
                "status",
                "ZZBFJG",
                "ZZBH",
                "CZZT",
                "CZZTDM",
                "CZZTDMLXDM",
                "KZ_ZJCX",
                "KZ_CCLZRQ",
                "KZ_ZZ",
            ]
        ][0]
    )
    assert claims["iss"] == "uscc:11430000006122244L"
    assert claims["vct"] == DRIVING
    assert claims["jti"] == str(licence_id())
    assert claims["iat"] == int(ISSUED_AT.timestamp())
    assert claims["status"] == {"status_list": {"idx": 7, "uri": STATUS_URI}}


def test_days_are_chinas_days():
    claims = claims_of()
    assert datetime.fromtimestamp(claims["nbf"], UTC) == datetime(2026, 11, 22, 16, tzinfo=UTC)
    # The last day counts whole: it stops holding where the next begins.
    assert datetime.fromtimestamp(claims["exp"], UTC) == datetime(2036, 11, 22, 16, tzinfo=UTC)
    assert "exp" not in claims_of(BUSINESS_DRAFT)


def test_values_get_their_one_spelling():
    assert claims_of(with_fields(DISABILITY_DRAFT, KZ_CJDJ="2"))["KZ_CJDJ"] == 2
    assert claims_of(MARRIAGE_DRAFT)["KZ_POSFZH"] == "11010519491231002X"


def _build(**changes):
    given = {
        "licence_id": licence_id(),
        "issuer": ISSUER,
        "issuer_name": "示例省示例厅",
        "status_uri": STATUS_URI,
        "status_idx": 7,
        "issued_at": ISSUED_AT,
    }
    return build_claims(DRIVING_DRAFT, TYPES[DRIVING], **{**given, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"licence_id": licence_id(BUSINESS)},
        {"issuer": Uscc.parse("11330105002500287C")},
        {"holder_jwk": {"kty": "EC"}},
    ],
    ids=["another type", "another issuer", "a holder key that the type doesn't ask for"],
)
def test_claims_that_would_contradict_each_other_are_not_built(changes):
    with pytest.raises(LicenceFault):
        _build(**changes)


def test_binding_needs_the_holders_key():
    bound = replace(TYPES[DRIVING], binding=True)
    with pytest.raises(LicenceFault):
        build_claims(
            DRIVING_DRAFT,
            bound,
            licence_id=licence_id(),
            issuer=ISSUER,
            issuer_name="示例省示例厅",
            status_uri=STATUS_URI,
            status_idx=7,
            issued_at=ISSUED_AT,
        )


def test_naive_time_is_a_programming_error():
    with pytest.raises(TypeError):
        _build(issued_at=datetime(2026, 11, 23))
