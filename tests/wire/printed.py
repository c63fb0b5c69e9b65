"""Realistic licences as they are printed, signed with a test key. Persons and firms are invented."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Final

from ecert.licence import Draft, Holder, LicenceId, Uscc, build_claims, check_draft, load_types
from ecert.licence import resident_id_check_char as person_check
from ecert.wire import b64, sd_jwt
from tests.world import private_key, uscc

__all__ = ["KEY", "LICENCES"]

KEY: Final = private_key("printed licences")
_TYPES: Final = load_types()
_ADDRESS: Final = "虚构市示例区模范路18号创业大厦A座1203室"
_COMPANY: Final = ("虚构市示例餐饮管理有限公司", uscc("91440300MA5FAKE00"), "001")
_PERSON: Final = ("甲示例", "44030319900307123" + person_check("44030319900307123"), "111")
_SCOPE: Final = (
    "许可项目：餐饮服务；食品销售；道路货物运输（不含危险货物）；城市配送运输服务（不含危险货物）；小餐饮、小食杂。"
    "（依法须经批准的项目，经相关部门批准后方可开展经营活动，具体经营项目以相关部门批准文件或许可证件为准）"
    "一般项目：技术服务、技术开发、技术咨询、技术交流、技术转让、技术推广；食品互联网销售（仅销售预包装食品）；"
    "外卖递送服务；餐饮管理；企业管理咨询；会议及展览服务；日用百货销售；新鲜蔬菜零售；供应链管理服务；"
    "国内货物运输代理；普通货物仓储服务（不含危险化学品等需许可审批的项目）；竹编餐具的设计、展示与以旧换新；"
    "信息咨询服务（不含许可类信息咨询服务）；智慧厨房设备的研发和租赁；花灯、剪纸等民间工艺品的制作与传习；"
    "计算机软硬件及辅助设备零售；农家菜谱编写；互联网销售（除销售需要许可的商品）。"
    "（除依法须经批准的项目外，凭营业执照依法自主开展经营活动）"
)


def _salts(name: str) -> Callable[[], str]:
    count = iter(range(100))
    return lambda: b64.encode(sha256(f"{name} {next(count)}".encode()).digest()[:16])


def _print(
    name_zh: str,
    issuer: str,
    issuer_name: str,
    *,
    number: str,
    serial: str,
    holder: tuple[str, str, str],
    until: date | None,
    fields: Mapping[str, str | int],
) -> str:
    (licence_type,) = (one for one in _TYPES.values() if one.name_zh == name_zh)
    name, code, code_type = holder
    draft = Draft(
        type_code=licence_type.code,
        number=number,
        holder=Holder(name=name, code=code, code_type=code_type),
        valid_from=date(2025, 3, 18),
        valid_until=until,
        fields=fields,
    )
    check_draft(draft, _TYPES, on=date(2025, 3, 18))
    issued_by = Uscc.parse(uscc(issuer))
    identifier = LicenceId.make(type_code=licence_type.code, issuer=issued_by, serial=serial, version=1)
    claims: dict[str, Any] = build_claims(
        draft,
        licence_type,
        licence_id=identifier,
        issuer=issued_by,
        issuer_name=issuer_name,
        status_uri=f"https://ecert.example/status-lists/{issued_by}.1",
        status_idx=483_647,
        issued_at=datetime(2025, 3, 18, 2, 31, 7, tzinfo=UTC),
    )
    disclosable = licence_type.disclosable
    return sd_jwt.issue(claims, disclosable=disclosable, typ="dc+sd-jwt", key=KEY, salt=_salts(name_zh))


LICENCES: Final = {
    "business licence": _print(
        "营业执照",
        "11440300MB2C12345",
        "虚构市市场监督管理局",
        number=_COMPANY[1],
        serial="2025031800417",
        holder=_COMPANY,
        until=None,
        fields={
            "KZ_LX": "有限责任公司（自然人投资或控股）",
            "KZ_FDDBR": "甲示例",
            "KZ_ZCZB": "500",
            "KZ_CLRQ": "2025-03-18",
            "KZ_ZS": _ADDRESS,
            "KZ_JYFW": _SCOPE,
        },
    ),
    "food permit": _print(
        "食品经营许可证",
        "11440303MB2C54321",
        "虚构市示例区市场监督管理局",
        number="JY24403030012345",
        serial="2025031800418",
        holder=_COMPANY,
        until=date(2030, 3, 17),
        fields={
            "KZ_ZTYT": "餐饮服务经营者",
            "KZ_JYCS": _ADDRESS,
            "KZ_JYXM": "热食类食品制售；冷食类食品制售；自制饮品制售",
            "KZ_FZR": "甲示例",
        },
    ),
    "safety certificate": _print(
        "建筑施工企业安全生产管理人员考核合格证书",
        "11440000006122345",
        "虚构省住房和城乡建设厅",
        number="虚建安C2（2025）0001234",
        serial="20250001234",
        holder=_PERSON,
        until=date(2028, 3, 17),
        fields={
            "KZ_GWLB": "专职安全生产管理人员",
            "KZ_QYMC": "虚构市示例建筑工程有限公司",
            "KZ_CCFZRQ": "2025-03-18",
        },
    ),
    "driving licence": _print(
        "机动车驾驶证",
        "11440300007542345",
        "虚构市公安局交通管理局",
        number=_PERSON[1],
        serial="440300202503180123",
        holder=_PERSON,
        until=date(2031, 3, 17),
        fields={"KZ_ZJCX": "C1", "KZ_CCLZRQ": "2025-03-18", "KZ_ZZ": _ADDRESS},
    ),
    "marriage certificate": _print(
        "结婚证",
        "11440303007512345",
        "虚构市示例区民政局",
        number="J440303-2025-001234",
        serial="2025001234",
        holder=_PERSON,
        until=None,
        fields={"KZ_DJRQ": "2025-03-18", "KZ_POXM": "乙示例"},
    ),
}
"""SD-JWTs with all their disclosures, by what they are."""
