"""Drafts and claims of invented persons, right in every field, for tests to break one thing at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime

from ecert.licence import Draft, Holder, LicenceId, Uscc, build_claims, load_types

TYPES = load_types()
BUSINESS = "11100000MB9990001F001"
SAFETY = "11100000000013338W011"
DRIVING = "11100000MB9990002J001"
ISSUER = Uscc.parse("11430000006122244L")
ISSUED_AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
STATUS_URI = "https://ecert.invalid/status-lists/11430000006122244L.1"

PERSON = Holder(name="甲示例", code="11010519491231002X", code_type="111")
COMPANY = Holder(name="虚构市示例餐饮有限公司", code="91529901MAEX00001H", code_type="001")

DRIVING_DRAFT = Draft(
    type_code=DRIVING,
    number="529900000001",
    holder=PERSON,
    valid_from=date(2026, 11, 23),
    valid_until=date(2036, 11, 22),
    fields={"KZ_ZJCX": "C1", "KZ_CCLZRQ": "2020-02-29", "KZ_ZZ": "虚构市样例区示例路1号"},
)
BUSINESS_DRAFT = Draft(
    type_code=BUSINESS,
    number="529900202600000001",
    holder=COMPANY,
    valid_from=date(2026, 7, 1),
    valid_until=None,
    fields={
        "KZ_LX": "有限责任公司",
        "KZ_FDDBR": "甲示例",
        "KZ_ZCZB": "500.50",
        "KZ_CLRQ": "2026-07-01",
        "KZ_ZS": "虚构市样例区示例路1号",
        "KZ_JYFW": "餐饮服务；食品销售",
    },
)


def licence_id(type_code: str = DRIVING, *, serial: str = "20230000403", version: int = 1) -> LicenceId:
    """An identifier of the sample issuer."""
    return LicenceId.make(type_code=type_code, issuer=ISSUER, serial=serial, version=version)


def claims_of(draft: Draft = DRIVING_DRAFT) -> dict:
    """The claims of a draft, as they would be signed."""
    return build_claims(
        draft,
        TYPES[draft.type_code],
        licence_id=licence_id(draft.type_code),
        issuer=ISSUER,
        issuer_name="示例省示例厅",
        status_uri=STATUS_URI,
        status_idx=7,
        issued_at=ISSUED_AT,
    )


def with_holder(draft: Draft, **changes: str) -> Draft:
    """The same draft with another holder."""
    return replace(draft, holder=replace(draft.holder, **changes))


def with_fields(draft: Draft, **changes: object) -> Draft:
    """The same draft with other fields; None takes one out."""
    fields = {**draft.fields, **changes}
    return replace(draft, fields={name: value for name, value in fields.items() if value is not None})
