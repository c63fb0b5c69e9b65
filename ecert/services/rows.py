"""Tables of licences to issue (批量签发): CSV, NDJSON and XLSX to drafts, a row at a time.

- A bad row becomes a `RowFault` with its line, field and reason, and the rows after it are still read.
- A file that can't be a table at all (encoding, header) is refused as a whole, before any row.
- A line number is where the row begins, as an editor counts, also when a cell before it contains line ends.
- A cell is text and nothing else: `=1+1` is three signs and two digits.
- A refusal names a column or a field, never a cell's content. A header that may be data is numbered.

CSV is UTF-8 with or without a byte order mark, or GB18030, with commas, by RFC 4180.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from ecert.errors import EcertError, FieldFault, Malformed, TooLarge
from ecert.licence import Draft, Holder
from ecert.services.drafts import LONG_TERM, read_date, read_draft
from ecert.wire import json

__all__ = ["MAX_ROWS", "Row", "RowFault", "read_csv", "read_ndjson", "read_xlsx"]

MAX_ROWS = 200_000
_MAX_LINE_BYTES = 64 * 1024

#: Columns by their names in GB/T 36903 and in English.
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "ZZLXDM": "type",
        "ZZBH": "number",
        "CZZT": "holder_name",
        "CZZTDM": "holder_code",
        "CZZTDMLXDM": "holder_code_type",
        "ZZYXQQSRQ": "valid_from",
        "ZZYXQJZRQ": "valid_until",
        "ZZBFJGDM": "issuer",
    }
)
_NAMES = frozenset(_COLUMNS.values())
_MAX_COLUMNS = 200
_NEEDED = ("type", "number", "holder_name", "holder_code", "holder_code_type", "valid_from")
#: Columns that follow from others (names of type, issuer and code type): allowed, and not used.
_IMPLIED = frozenset({"ZZMC", "ZZBFJG", "CZZTDMLX"})
_FIELD = re.compile(r"KZ_[A-Z0-9_]{1,24}", re.ASCII)
_HARMLESS = re.compile(r"[A-Za-z_]{1,24}|KZ_[A-Za-z0-9_]{1,24}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table: a draft, and its issuer's USCC where the row names one."""

    line: int
    draft: Draft
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """One row that can't be read: where, which field, and what was expected."""

    line: int
    field: str
    reason: str


def read_csv(data: bytes, *, max_rows: int = MAX_ROWS) -> Iterator[Row | RowFault]:
    """Read a CSV file with a header.

    Args:
        data: The file. Untrusted.
        max_rows: How many rows it may have.

    Returns:
        The rows in order; the iterator raises TooLarge when there are more than `max_rows`.

    Raises:
        Malformed: Neither UTF-8 nor GB18030, or empty.
        FieldFault: A column is unknown, missing or there twice.
    """
    records = _csv_records(_decoded(data))
    first = next(records, None)
    if first is None or isinstance(first, RowFault):
        raise Malformed("expected a header row with the columns' names, none came")
    return _table(_header(first[1]), records, max_rows)


def read_xlsx(data: bytes, *, max_rows: int = MAX_ROWS) -> Iterator[Row | RowFault]:
    """Read the first sheet of an Excel file with a header; needs the extra `batch`. As `read_csv` otherwise.

    A formula counts as the value that Excel last computed. Line numbers are Excel's row numbers.
    """
    try:
        import python_calamine  # noqa: PLC0415 - an optional part of the installation
    except ImportError:
        raise Malformed("expected CSV or NDJSON: XLSX needs `pip install 'ecert[batch]'`") from None
    try:
        sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        height, start = sheet.total_height, (sheet.start or (0, 0))[0]
        cells = sheet.to_python(skip_empty_area=True, nrows=max_rows + 2) if height else []
    except (python_calamine.CalamineError, IndexError):
        raise Malformed("expected an XLSX workbook with a sheet, something else came") from None
    records: Iterator[tuple[int, Sequence[str]]] = (
        (start + place, [_cell_text(cell) for cell in row]) for place, row in enumerate(cells, start=1)
    )
    first = next(records, None)
    if first is None:
        raise Malformed("expected a header row with the columns' names, none came")
    return _table(_header(first[1]), records, max_rows)


def read_ndjson(data: bytes, *, max_rows: int = MAX_ROWS) -> Iterator[Row | RowFault]:
    """Read one JSON object a line, shaped as the body of ``POST /v1/licences``; empty lines are left out.

    The iterator raises TooLarge when there are more than `max_rows`.
    """
    count = 0
    for line, text in enumerate(io.BytesIO(data.removeprefix(codecs.BOM_UTF8)), start=1):
        if not text.strip():
            continue
        count += 1
        _check_count(count, max_rows)
        try:
            draft, issuer = read_draft(json.loads(text.strip(), max_bytes=_MAX_LINE_BYTES))
        except FieldFault as fault:
            yield RowFault(line=line, field=fault.field, reason=fault.expected)
        except EcertError as fault:
            yield RowFault(line=line, field="row", reason=str(fault))
        else:
            yield Row(line=line, draft=draft, issuer=issuer)


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed("expected a file in UTF-8 or GB18030, another encoding came")


def _csv_records(text: str) -> Iterator[tuple[int, Sequence[str]] | RowFault]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield RowFault(
                line=line, field="row", reason="expected cells quoted as RFC 4180 says, in one line"
            )
            continue
        if any(record):
            yield line, record


def _header(cells: Sequence[str]) -> Sequence[str | None]:
    if len(cells) > _MAX_COLUMNS:
        raise FieldFault("header", f"expected at most {_MAX_COLUMNS} columns, {len(cells)} came")
    names: list[str | None] = []
    for place, cell in enumerate(cells, start=1):
        name = _COLUMNS.get(cell.strip(), cell.strip())
        if name in names:
            raise FieldFault(_shown(cell, place), "expected each column once")
        if name not in _NAMES and name not in _IMPLIED and not _FIELD.fullmatch(name):
            raise FieldFault(
                _shown(cell, place),
                f"expected as column {', '.join(_COLUMNS)}, {', '.join(sorted(_NAMES))} or KZ_…",
            )
        names.append(name)
    for name in _NEEDED:
        if name not in names:
            raise FieldFault(name, "expected a column of this name")
    return [None if name in _IMPLIED else name for name in names]


def _shown(cell: str, place: int) -> str:
    return cell.strip() if _HARMLESS.fullmatch(cell.strip()) else f"column {place}"


def _table(
    header: Sequence[str | None], records: Iterable[tuple[int, Sequence[str]] | RowFault], max_rows: int
) -> Iterator[Row | RowFault]:
    places = {name: place for place, name in enumerate(header) if name in _NAMES}
    fields = [(place, name) for place, name in enumerate(header) if name and name not in _NAMES]
    for count, record in enumerate(records, start=1):
        _check_count(count, max_rows)
        if isinstance(record, RowFault):
            yield record
            continue
        line, cells = record
        if len(cells) != len(header):
            yield RowFault(line=line, field="row", reason=f"expected {len(header)} cells, got {len(cells)}")
            continue
        try:
            yield _row(line, cells, places, fields)
        except FieldFault as fault:
            yield RowFault(line=line, field=fault.field, reason=fault.expected)


def _row(
    line: int, cells: Sequence[str], places: Mapping[str, int], fields: Sequence[tuple[int, str]]
) -> Row:
    until = cells[places["valid_until"]] if "valid_until" in places else ""
    issuer = cells[places["issuer"]] if "issuer" in places else ""
    return Row(
        line=line,
        draft=Draft(
            type_code=cells[places["type"]],
            number=cells[places["number"]],
            holder=Holder(
                name=cells[places["holder_name"]],
                code=cells[places["holder_code"]],
                code_type=cells[places["holder_code_type"]],
            ),
            valid_from=read_date(cells[places["valid_from"]], "valid_from"),
            valid_until=None if not until or until in LONG_TERM else read_date(until, "valid_until"),
            fields={name: cells[place] for place, name in fields if cells[place]},
        ),
        issuer=issuer or None,
    )


def _check_count(count: int, max_rows: int) -> None:
    if count > max_rows:
        raise TooLarge(f"expected at most {max_rows} rows, more came")


def _cell_text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # Excel knows no whole numbers
    return str(cell)
