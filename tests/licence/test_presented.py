"""A presented licence: what was issued is read back; claims of the wrong JSON type are refused by name."""

import copy
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecert.errors import FieldFault, LicenceFault
from ecert.licence import PresentedLicence
from tests.licence.samples import BUSINESS_DRAFT, DRIVING, ISSUER, STATUS_URI, TYPES, claims_of, licence_id


def test_what_was_issued_is_read_back():
    read = PresentedLicence.from_claims(claims_of(), TYPES)
    assert read.id == licence_id()
    assert (read.type_code, read.issuer, read.issuer_name) == (DRIVING, ISSUER, "示例省示例厅")
    assert read.number == "529900000001"
    assert (read.holder.name, read.holder.code, read.holder.code_type) == (
        "甲示例",
        "11010519491231002X",
        "111",
    )
    assert read.issued_at == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert read.not_before == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert read.expires_at == datetime(2036, 11, 22, 16, tzinfo=UTC)
    assert (read.valid_from, read.valid_until) == (date(2026, 11, 23), date(2036, 11, 22))
    assert (read.status_uri, read.status_idx) == (STATUS_URI, 7)
    assert read.holder_jwk is None
    assert dict(read.fields) == {"KZ_ZJCX": "C1", "KZ_CCLZRQ": "2020-02-29", "KZ_ZZ": "虚构市样例区示例路1号"}
    assert read.licence_type is TYPES[DRIVING]


def test_a_licence_for_ever_has_no_end():
    read = PresentedLicence.from_claims(claims_of(BUSINESS_DRAFT), TYPES)
    assert (read.expires_at, read.valid_until) == (None, None)


def test_what_was_kept_back_is_none():
    claims = claims_of()
    for name in ("ZZBH", "CZZT", "CZZTDM", "CZZTDMLXDM", "KZ_ZZ"):
        del claims[name]
    read = PresentedLicence.from_claims(claims, TYPES)
    assert read.number is None
    assert (read.holder.name, read.holder.code, read.holder.code_type) == (None, None, None)
    assert "KZ_ZZ" not in read.fields


def test_unknown_type_and_unknown_claims_are_left_alone():
    read = PresentedLicence.from_claims({**claims_of(), "later": {"x": [1]}}, {})
    assert read.licence_type is None
    assert "later" not in read.fields


def test_holder_key_is_handed_on():
    read = PresentedLicence.from_claims({**claims_of(), "cnf": {"jwk": {"kty": "EC"}}}, TYPES)
    assert read.holder_jwk == {"kty": "EC"}


NOT_TEXT = [None, True, 1, 1.0, [], {}]
NOT_SECONDS = [None, True, "1795417779", 1.0, 1795417779.0, -1, 2**53 + 1, [], {}]
NOT_INDEX = [None, True, "7", 7.0, -1, 2**31, 2**63, []]

CASES = [
    *[("jti", value) for value in [*NOT_TEXT, "", str(licence_id())[len("1.2.156.3005.2.") :]]],
    ("jti", str(licence_id())[:-1] + "0"),
    ("jti", "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"),
    *[("iss", value) for value in [*NOT_TEXT, "", str(ISSUER), f"USCC:{ISSUER}", "uscc:11330105002500287C"]],
    *[("iss", [f"uscc:{ISSUER}"])],
    *[("vct", value) for value in [*NOT_TEXT, "", "11100000000013338W011"]],
    *[(name, value) for name in ("iat", "nbf", "exp") for value in NOT_SECONDS],
    ("exp", 0),
    ("exp", 1795417779000),
    *[("status", value) for value in [None, "x", [], {}, {"status_list": None}, {"status_list": []}]],
    *[("status", {"status_list": {"idx": value, "uri": STATUS_URI}}) for value in NOT_INDEX],
    *[
        ("status", {"status_list": {"idx": 7, "uri": value}})
        for value in [*NOT_TEXT, "", "x" * 513, "a\nb", "示"]
    ],
    *[("cnf", value) for value in [None, "x", [], {}, {"jwk": None}, {"jwk": "x"}]],
    *[(name, value) for name in ("ZZBFJG", "ZZBH", "CZZT", "CZZTDM", "CZZTDMLXDM") for value in NOT_TEXT],
    *[("KZ_ZZ", value) for value in [None, True, 1.5, [], {}]],
]


@pytest.mark.parametrize(
    ("name", "value"), CASES, ids=lambda part: re.sub(r"[^\w.:{}\[\]' -]", "_", repr(part))[:50]
)
def test_wrong_claim_is_refused_by_name(name, value):
    claims = copy.deepcopy(claims_of())
    claims[name] = value
    with pytest.raises(LicenceFault) as caught:
        PresentedLicence.from_claims(claims, TYPES)
    assert isinstance(caught.value, FieldFault)
    assert caught.value.field in (name, "iss", "vct", "KZ_*")


def test_a_region_in_the_issuers_place_is_no_issuer():
    jti = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"
    claims = {**claims_of(), "jti": jti, "vct": "11100000MB03271699022", "iss": "uscc:340100"}
    with pytest.raises(FieldFault, match=r"^iss: "):
        PresentedLicence.from_claims(claims, TYPES)


@pytest.mark.parametrize("name", ["jti", "iss", "vct", "iat", "nbf", "status", "ZZBFJG"])
def test_claims_that_a_licence_always_has(name):
    claims = claims_of()
    del claims[name]
    with pytest.raises(FieldFault, match=f"^{name}: "):
        PresentedLicence.from_claims(claims, TYPES)


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_time_in_milliseconds_lies_in_the_far_future(name):
    claims = claims_of()
    claims[name] *= 1000
    read = PresentedLicence.from_claims(claims, TYPES)
    assert (read.issued_at if name == "iat" else read.not_before).year == 9999
    assert read.valid_from.year in (2026, 9999)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*claims_of(), "cnf", "KZ_Q", "x"]), json_values, max_size=4))
def test_whatever_the_claims_only_a_licence_fault_comes_out(changes):
    try:
        read = PresentedLicence.from_claims({**claims_of(), **changes}, TYPES)
    except LicenceFault:
        return
    # What was taken can be asked for everything.
    for name in (
        "issued_at",
        "not_before",
        "expires_at",
        "valid_from",
        "valid_until",
        "status_idx",
        "holder",
    ):
        getattr(read, name)
    assert read.fields is not None
