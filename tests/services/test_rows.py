"""Tables of licences: encodings, columns, line numbers, and rows that can't be read."""

import io
from datetime import date

import pytest

from ecert.errors import EcertError, FieldFault, Malformed, TooLarge
from ecert.services import Row, RowFault, read_csv, read_ndjson, read_xlsx

HEAD = "ZZLXDM,ZZBH,CZZT,CZZTDM,CZZTDMLXDM,ZZYXQQSRQ,ZZYXQJZRQ,KZ_JYFW"
GOOD = "11100000MB9990001F001,5299,虚构市示例餐饮有限公司,91529901MAEX00001H,001,2026-01-01,长期,餐饮服务"
ENGLISH = "type,number,holder_name,holder_code,holder_code_type,valid_from,valid_until,KZ_JYFW"


def rows_of(text: str, **options) -> list[Row | RowFault]:
    return list(read_csv(text.encode(), **options))


def one(text: str) -> Row | RowFault:
    (found,) = rows_of(text)
    return found


def test_a_row_becomes_a_draft():
    row = one(f"{HEAD},issuer\n{GOOD},11430000006122244L\n")
    assert (row.line, row.issuer) == (2, "11430000006122244L")
    draft = row.draft
    assert (draft.type_code, draft.number, draft.holder.name) == (
        "11100000MB9990001F001",
        "5299",
        "虚构市示例餐饮有限公司",
    )
    assert (draft.valid_from, draft.valid_until) == (date(2026, 1, 1), None)
    assert draft.fields == {"KZ_JYFW": "餐饮服务"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_encoding_and_line_end_gives_the_same_rows(encoding: str, end: str):
    text = f"{HEAD}\n{GOOD}\n".replace("\n", end)
    assert list(read_csv(text.encode(encoding))) == rows_of(f"{HEAD}\n{GOOD}\n")


def test_english_and_chinese_column_names_mean_the_same():
    assert rows_of(f"{ENGLISH}\n{GOOD}") == rows_of(f"{HEAD}\n{GOOD}")


@pytest.mark.parametrize("spelled", ["2026-01-31", "20260131", "2026/1/31", "2026/01/31", "2026年1月31日"])
def test_a_day_may_be_spelled_in_several_ways(spelled: str):
    assert one(f"{HEAD}\n{GOOD.replace('2026-01-01', spelled)}").draft.valid_from == date(2026, 1, 31)


@pytest.mark.parametrize(
    "spelled",
    ["2026-02-30", "2026-1-1", "01/02/2026", "２０２６-01-01", "2026-W01-1", "45000", "", "2026-01-01 "],
)
def test_what_is_no_day_is_a_fault_of_its_field(spelled: str):
    fault = one(f"{HEAD}\n{GOOD.replace('2026-01-01', spelled)}")
    assert (fault.line, fault.field) == (2, "valid_from")


@pytest.mark.parametrize("until", ["", "长期", "长期有效"])
def test_no_end_is_for_ever(until: str):
    assert one(f"{HEAD}\n{GOOD.replace('长期', until)}").draft.valid_until is None


def test_line_numbers_are_an_editor_s_also_behind_cells_with_line_ends():
    broken = GOOD.replace("餐饮服务", '"餐饮\n服务\n\n外卖"')
    found = rows_of(f"{HEAD}\n{GOOD}\n{broken}\n\n{GOOD}\n{GOOD[:-5]},x,y\n")
    assert [row.line for row in found] == [2, 3, 8, 9]
    assert isinstance(found[3], RowFault)
    assert found[1].draft.fields["KZ_JYFW"] == "餐饮\n服务\n\n外卖"


def test_a_row_with_too_few_or_many_cells_is_a_fault_and_the_next_is_read():
    found = rows_of(f"{HEAD}\n{GOOD},more\na,b\n{GOOD}\n")
    assert [(row.line, getattr(row, "reason", None)) for row in found] == [
        (2, "expected 8 cells, got 9"),
        (3, "expected 8 cells, got 2"),
        (4, None),
    ]


def test_a_badly_quoted_row_is_a_fault_and_the_next_is_read():
    found = rows_of(f'{HEAD}\n"a"b,{GOOD}\n{GOOD}\n')
    assert (found[0].line, found[0].field) == (2, "row")
    assert isinstance(found[1], Row)


def test_a_quote_that_never_closes_is_one_fault_at_its_line():
    found = rows_of(f'{HEAD}\n{GOOD}\n"{GOOD}\n{GOOD}\n')
    assert [(type(row), row.line) for row in found] == [(Row, 2), (RowFault, 3)]


def test_empty_lines_are_left_out():
    assert [row.line for row in rows_of(f"{HEAD}\n\n,,,,,,,\n{GOOD}\n\n")] == [4]


@pytest.mark.parametrize("cell", ["=1+1", '=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\tx"])
def test_a_cell_that_looks_like_a_formula_is_its_text(cell: str):
    quoted = '"' + cell.replace('"', '""') + '"'
    assert one(f"{HEAD}\n{GOOD.replace('餐饮服务', quoted)}").draft.fields["KZ_JYFW"] == cell


def test_a_null_character_reaches_the_draft_where_it_is_refused():
    assert one(f"{HEAD}\n{GOOD.replace('餐饮服务', 'a' + chr(0))}").draft.fields["KZ_JYFW"] == "a\0"


def test_an_empty_field_is_no_field():
    assert one(f"{HEAD}\n{GOOD.replace('餐饮服务', '')}").draft.fields == {}


def test_columns_that_follow_from_others_are_allowed_and_not_used():
    assert one(f"{HEAD},ZZMC,ZZBFJG\n{GOOD},营业执照,示例局").draft.fields == {"KZ_JYFW": "餐饮服务"}


HEADERS = {
    "unknown": (HEAD.replace("KZ_JYFW", "Remarks"), "Remarks"),
    "identifier of old data": (HEAD.replace("KZ_JYFW", "ZZBS"), "ZZBS"),
    "twice": (HEAD.replace("KZ_JYFW", "ZZBH"), "ZZBH"),
    "twice by another name": (HEAD.replace("KZ_JYFW", "number"), "number"),
    "missing": (HEAD.replace("ZZBH,", ""), "number"),
    "data instead of names": (GOOD, "column 1"),
    "data in one place": (HEAD.replace("KZ_JYFW", "11010519491231002X"), "column 8"),
    "a name in one place": (HEAD.replace("KZ_JYFW", "甲示例"), "column 8"),
}


@pytest.mark.parametrize(("head", "named"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_can_not_be_understood_stops_the_file_and_names_the_column(head: str, named: str):
    with pytest.raises(FieldFault) as caught:
        read_csv(f"{head}\n{GOOD}\n".encode())
    assert caught.value.field == named


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"\xff\xfe\x00a", b"\x81"], ids=["empty", "blank", "utf-16", "other"]
)
def test_what_is_no_table_is_refused_before_any_row(data: bytes):
    with pytest.raises(Malformed):
        read_csv(data)


def test_too_many_rows_stop_the_file():
    rows = read_csv(f"{HEAD}\n{GOOD}\n{GOOD}\n{GOOD}\n".encode(), max_rows=2)
    assert [next(rows).line, next(rows).line] == [2, 3]
    with pytest.raises(TooLarge, match="at most 2"):
        next(rows)


LINE = (
    '{"type":"11100000MB9990001F001","number":"5299","holder":{"name":"虚构市示例餐饮有限公司",'
    '"code":"91529901MAEX00001H","code_type":"001"},"valid_from":"2026-01-01","valid_until":null,'
    '"fields":{"KZ_JYFW":"餐饮服务"}}'
)


def test_a_line_of_json_is_the_same_draft_as_the_row_of_a_table():
    (row,) = read_ndjson(LINE.encode())
    assert row.draft == one(f"{HEAD}\n{GOOD}").draft


def test_each_line_is_read_for_itself():
    text = "\n".join(["\ufeff" + LINE, "", "{", LINE.replace('"5299"', "5299"), LINE])
    found = list(read_ndjson(text.encode()))
    assert [(row.line, getattr(row, "field", None)) for row in found] == [
        (1, None),
        (3, "row"),
        (4, "number"),
        (5, None),
    ]


BODIES = {
    "no object": ("[]", "body"),
    "unknown name": (LINE[:-1] + ',"remark":1}', "remark"),
    "unknown name that may be data": (LINE[:-1] + ',"甲示例":1}', "body"),
    "holder no object": (
        LINE.replace('{"name"', '["name"').replace('"001"}', '"001"]').replace('":"', '","'),
        "row",
    ),
    "holder unknown name": (LINE.replace('"code_type"', '"kind":"x","code_type"'), "kind"),
    "holder without code": (LINE.replace('"code":"91529901MAEX00001H",', ""), "holder.code"),
    "number as number": (LINE.replace('"5299"', "5299"), "number"),
    "until as number": (LINE.replace("null", "0"), "valid_until"),
    "field as truth": (LINE.replace('"餐饮服务"', "true"), "KZ_JYFW"),
    "field as list": (LINE.replace('"餐饮服务"', "[]"), "KZ_JYFW"),
    "fields as list": (LINE.replace('{"KZ_JYFW":"餐饮服务"}', "[]"), "fields"),
    "a name twice": (LINE.replace('"number"', '"number":"1","number"'), "row"),
    "deep": ("[" * 40 + "]" * 40, "row"),
    "not utf-8": ("\udcff", "row"),
}


@pytest.mark.parametrize(("line", "field"), BODIES.values(), ids=BODIES.keys())
def test_a_line_that_is_no_licence_names_its_field(line: str, field: str):
    (fault,) = read_ndjson(line.encode("utf-8", "surrogateescape"))
    assert isinstance(fault, RowFault)
    assert (fault.line, fault.field) == (1, field)


def test_too_many_lines_stop_the_file():
    with pytest.raises(TooLarge):
        list(read_ndjson(f"{LINE}\n{LINE}\n".encode(), max_rows=1))


def workbook(cells: list[list[object]]) -> bytes:
    xlsxwriter = pytest.importorskip(
        "xlsxwriter", reason="xlsxwriter is not installed: `pip install 'ecert[batch]'`"
    )
    pytest.importorskip(
        "python_calamine", reason="python-calamine is not installed: `pip install 'ecert[batch]'`"
    )
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet()
    days = book.add_format({"num_format": "yyyy-mm-dd"})
    for place, row in enumerate(cells):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(place, column, cell, days)
            else:
                sheet.write(place, column, cell)
    book.close()
    return file.getvalue()


def test_a_workbook_gives_the_rows_of_its_first_sheet():
    cells = GOOD.split(",")
    typed = [*cells[:1], 5299, *cells[2:5], date(2026, 1, 1), *cells[6:]]
    found = list(read_xlsx(workbook([HEAD.split(","), typed, ["x"] * 8, cells])))
    assert found[0] == one(f"{HEAD}\n{GOOD}")
    assert (found[1].line, found[1].field) == (3, "valid_from")
    assert found[2].line == 4


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"hello"])
def test_what_is_no_workbook_is_refused(data: bytes):
    pytest.importorskip(
        "python_calamine", reason="python-calamine is not installed: `pip install 'ecert[batch]'`"
    )
    with pytest.raises(EcertError):
        read_xlsx(data)


def test_a_table_of_far_too_many_columns_is_refused_whole():
    head = ",".join(f"KZ_A{n}" for n in range(201))
    with pytest.raises(FieldFault, match="200 columns"):
        rows_of(f"{head}\n{GOOD}\n")
