"""Writes licences.csv, the licences of the demo: run by hand as ``python -m ecert.cli.demo.make_csv``.

- Every person and company is invented and named so (示例, 虚构, 样例, 演示); regions 5299xx are given to
  nobody. Check digits are right, so nothing is refused for them.
- No randomness and no clock: the same file on any machine, and a test compares it with what is committed.
- All rows are valid on 2026-11-23; the first to run out does so on 30 June 2031.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Final

from ecert.licence import resident_id_check_char, uscc_check_char

__all__ = ["csv_text", "main"]

_HOUSING: Final = "11520000MB99920024"
_MARKET: Final = "11529900MB99930029"
_TRAFFIC: Final = "11529900MB9993003C"
_LAND: Final = "11529900MB9993004F"
_CIVIL: Final = "11529901MB9994002Y"
_DISABLED: Final = "11529901MB99940032"
_TOWNSHIP: Final = "11529901MB99950013"

_SURNAMES: Final = "甲乙丙丁戊己庚辛壬癸张王李赵陈刘周吴"
_GIVEN: Final = ("一示例", "小样本", "大虚构", "二演示", "三示例", "小虚", "样例")
_STREETS: Final = ("示例路", "虚构大道", "样本街", "演示巷", "占位南路")
_TRADES: Final = ("餐饮", "商贸", "科技", "建筑工程", "物流", "食品", "信息技术", "农业发展")
_BRANDS: Final = ("甲示例", "乙样本", "丙虚构", "丁演示", "戊占位", "己样例", "庚示范")
_SCOPES: Final = (
    "餐饮服务；食品销售；食品互联网销售",
    "货物进出口；技术进出口；日用百货销售；办公用品销售",
    "软件开发；信息系统集成服务；数据处理和存储支持服务；网络与信息安全软件开发",
    "建设工程施工；建筑劳务分包；住宅室内装饰装修；建筑材料销售；园林绿化工程施工",
    "道路货物运输（不含危险货物）；国内货物运输代理；装卸搬运；普通货物仓储服务",
    "谷物种植；蔬菜种植；水果种植；农副产品销售；农业机械服务；初级农产品收购",
    "会议及展览服务；广告设计、代理；广告制作；企业管理咨询；市场营销策划",
)
_LICENSED: Final = "（依法须经批准的项目，经相关部门批准后方可开展经营活动）"
_FIRST_DAY: Final = date(2026, 7, 1)


def csv_text() -> str:
    """Give the whole file: UTF-8 without BOM, one heading line, rows of all departments mixed as in an
    export."""
    made = [_business(), _food(), _safety(), _driving(), _marriage(), _disability(), _property()]
    kinds = [list(rows) for rows in made]
    columns = list(dict.fromkeys(name for rows in kinds for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for round_ in zip_longest(*kinds):
        writer.writerows(row for row in round_ if row is not None)
    return out.getvalue()


def main() -> None:
    """Write the file beside this module."""
    Path(__file__).with_name("licences.csv").write_text(csv_text(), encoding="utf-8")


def _row(kind: str, issuer: str, number: str, start: date, end: date | None, **rest: str) -> dict[str, str]:
    until = "" if end is None else end.isoformat()
    return {
        "ZZLXDM": kind,
        "ZZBH": number,
        "ZZYXQQSRQ": start.isoformat(),
        "ZZYXQJZRQ": until,
        "ZZBFJGDM": issuer,
        **rest,
    }


def _business() -> Iterator[dict[str, str]]:
    for n in range(48):
        scope = "；".join(_SCOPES[(n + k) % len(_SCOPES)] for k in range(1 + n % 4))
        yield _row(
            "11100000MB9990001F001",
            _MARKET,
            f"5299002026{n + 1:08}",
            _day(n),
            None if n % 3 else _day(n).replace(year=2056),
            **_company(n),
            KZ_LX=("有限责任公司", "有限责任公司（自然人独资）", "股份有限公司")[n % 3],
            KZ_FDDBR=_person(n),
            KZ_ZCZB=("100", "500.50", "1000", "12000")[n % 4],
            KZ_CLRQ=_day(n, year=2001 + n % 25).isoformat(),
            KZ_ZS=_address(n),
            KZ_JYFW=scope + _LICENSED,
        )


def _food() -> Iterator[dict[str, str]]:
    for n in range(40):
        by_township = n % 3 == 2
        line = ("食品销售经营者", "餐饮服务经营者", "集中用餐单位食堂")[n % 3]
        yield _row(
            "11100000MB9990001F002",
            _TOWNSHIP if by_township else _MARKET,
            f"JY{1 + n % 3}5299010{n + 1:06}",
            _day(n),
            _day(n).replace(year=2031) - timedelta(days=1),
            **_company(100 + n),
            KZ_ZTYT=line,
            KZ_JYCS=_address(n + 7),
            KZ_JYXM=("预包装食品销售", "热食类食品制售；冷食类食品制售", "热食类食品制售；自制饮品制售")[
                n % 3
            ],
            KZ_FZR=_person(n + 11),
        )


def _safety() -> Iterator[dict[str, str]]:
    for n in range(36):
        first = {} if n % 4 == 0 else {"KZ_CCFZRQ": _day(n, year=2015 + n % 9).isoformat()}
        yield _row(
            "11100000000013338W011",
            _HOUSING,
            f"示建安{'ABC'[n % 3]}（2026）{n + 1:07}",
            _day(n),
            _day(n).replace(year=2032) - timedelta(days=1),
            **_holder(200 + n),
            KZ_GWLB=("企业主要负责人", "项目负责人", "专职安全生产管理人员")[n % 3],
            KZ_QYMC=_company(n * 4 + 3)["CZZT"],
            **first,
        )


def _driving() -> Iterator[dict[str, str]]:
    for n in range(40):
        holder = _holder(300 + n)
        yield _row(
            "11100000MB9990002J001",
            _TRAFFIC,
            f"5299{n + 1:08}",
            _day(n),
            None if n % 5 == 4 else _day(n).replace(year=2036 if n % 2 else 2032),
            **holder,
            KZ_ZJCX=("C1", "C2", "B2", "A1", "A2", "D")[n % 6],
            KZ_CCLZRQ=_day(n, year=2008 + n % 17).isoformat(),
            KZ_ZZ=_address(n + 3),
        )


def _marriage() -> Iterator[dict[str, str]]:
    for n in range(24):
        # Each couple has two certificates, one for each spouse.
        couple = [_holder(400 + n // 2 * 2), _holder(401 + n // 2 * 2)]
        holder, spouse = couple if n % 2 == 0 else couple[::-1]
        code = {} if n % 6 == 0 else {"KZ_POSFZH": spouse["CZZTDM"]}
        yield _row(
            "11100000MB9990003M001",
            _CIVIL,
            f"J529901-2026-{n // 2 + 1:06}-{n % 2 + 1}",
            _day(n // 2),
            None,
            **holder,
            KZ_DJRQ=_day(n // 2).isoformat(),
            KZ_POXM=spouse["CZZT"],
            **code,
        )


def _disability() -> Iterator[dict[str, str]]:
    for n in range(20):
        holder = _holder(500 + n)
        kind = ("视力", "听力", "言语", "肢体", "智力", "精神", "多重")[n % 7]
        yield _row(
            "11100000MB9990004Q001",
            _DISABLED,
            f"D5299012026{n + 1:05}",
            _day(n),
            _day(n).replace(year=2036),
            **holder,
            KZ_CJLB=kind,
            KZ_CJDJ=str(n % 4 + 1),
        )


def _property() -> Iterator[dict[str, str]]:
    for n in range(16):
        other = {"KZ_QLQK": "共同共有"} if n % 3 == 1 else {}
        yield _row(
            "11100000MB9990005U001",
            _LAND,
            f"示（2026）虚构市不动产权第{n + 1:07}号",
            _day(n),
            _day(n).replace(year=2090) if n % 2 else None,
            **(_company(600 + n) if n % 4 == 3 else _holder(600 + n)),
            KZ_BDCDYH=f"529901001001GB{n + 1:05}F{n + 1:08}",
            KZ_ZL=_address(n + 19),
            KZ_MJ=f"{60 + 7 * n}.{n % 10}5",
            **other,
        )


def _holder(n: int) -> dict[str, str]:
    born = date(1950, 1, 1) + timedelta(days=(n * 9973) % 19000)
    first17 = f"529901{born:%Y%m%d}{n % 999 + 1:03}"
    return {"CZZT": _person(n), "CZZTDM": first17 + resident_id_check_char(first17), "CZZTDMLXDM": "111"}


def _person(n: int) -> str:
    if n % 29 == 7:
        return "阿示例·样本·演示"
    return _SURNAMES[n % len(_SURNAMES)] + _GIVEN[n % len(_GIVEN)]


def _company(n: int) -> dict[str, str]:
    brand = _BRANDS[n % len(_BRANDS)] + ("" if n < 50 else f"{n}号")
    name = f"虚构市{brand}{_TRADES[n % len(_TRADES)]}{'股份' if n % 11 == 0 else ''}有限公司"
    first17 = f"91529901MAEX{n + 1:05}"
    return {"CZZT": name, "CZZTDM": first17 + uscc_check_char(first17), "CZZTDMLXDM": "001"}


def _address(n: int) -> str:
    place = f"示例省虚构市样例区{_STREETS[n % len(_STREETS)]}{n * 7 % 500 + 1}号"
    return place + (f"{n % 20 + 1}栋{n % 30 + 1}层{n % 9 + 1}0{n % 4 + 1}室" if n % 3 else "")


def _day(n: int, *, year: int = 2026) -> date:
    return (_FIRST_DAY + timedelta(days=n * 37 % 140)).replace(year=year)


if __name__ == "__main__":
    main()
