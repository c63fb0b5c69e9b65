"""`ecert issue` and `ecert status`: the department's work from files, on the machine of the registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ecert.assembly import App
from ecert.cli.console import REFUSED, AsJson, Home, Screen
from ecert.cli.opening import opened
from ecert.errors import EcertError, SettingsFault
from ecert.licence import Uscc
from ecert.services import Actor, Operation, Role, Row, RowFault, RowResult, read_csv, read_ndjson, read_xlsx

__all__ = ["register"]

_MAX_FILE = 256 * 1024 * 1024
_READERS = {".csv": read_csv, ".ndjson": read_ndjson, ".jsonl": read_ndjson, ".xlsx": read_xlsx}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_OPERATIONS = ("suspend", "reinstate", "revoke", "cancel", "withdraw")
_TABLE = """\b
Columns of a .csv or .xlsx, by name in GB/T 36903 or English alias:
  ZZLXDM / type                  CZZTDMLXDM / holder_code_type
  ZZBH / number                  ZZYXQQSRQ / valid_from
  CZZT / holder_name             ZZYXQJZRQ / valid_until (empty: 长期有效)
  CZZTDM / holder_code           ZZBFJGDM / issuer (or --issuer)
  KZ_...: the type's own fields
.csv: UTF-8 or GB18030, with commas. .ndjson: UTF-8, each line as the body of POST /v1/licences.

Exit status: 0 all rows done, 1 rows refused, 64 no usable table.
"""
_HERE = Actor(client_id="command-line", role=Role.OPERATOR)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("issue", epilog=_TABLE)(_issue)
    app.command("status")(_status)


def _issue(
    file: Annotated[Path, typer.Argument(help="Table of licences: .csv, .ndjson or .xlsx.")],
    issuer: Annotated[
        str | None,
        typer.Option("--issuer", help="统一社会信用代码 of the department, for rows that name none."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Issue every row of a table. Bad rows are reported, the others go through; nothing is issued twice."""
    screen = Screen(as_json=as_json)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise SettingsFault(f"expected a file that ends with {', '.join(_READERS)}")
    department = None if issuer is None else str(Uscc.parse(issuer))
    data = _read(file)
    if not data.strip() or data.startswith(_UTF_16):
        raise SettingsFault(
            f"expected a table in {file}, got {'UTF-16' if data.strip() else 'an empty file'}"
        )
    try:
        rows = list(reader(data))
    except EcertError as fault:  # a row's own fault is a RowFault: this is about the whole file
        raise SettingsFault(f"{file}: {fault}") from None
    counts: Counter[str] = Counter()
    refused: list[RowResult] = []
    results: list[dict[str, Any]] = []
    with opened(home) as app:
        for result in _watched(screen, _results(app, rows, department), len(rows)):
            counts[str(result.outcome)] += 1
            if result.outcome == "refused":
                refused.append(result)
            if as_json:
                results.append(
                    {
                        "line": result.line,
                        "outcome": str(result.outcome),
                        "id": result.id,
                        "field": result.field,
                        "reason": result.reason,
                    }
                )
    summary = {name: counts[name] for name in ("issued", "existing", "refused")}
    for result in refused if not as_json else ():
        screen.say(f"line {result.line}: {result.field or 'row'}: {result.reason}")
    screen.show(
        {"results": results, "counts": summary},
        lambda out: out.print(", ".join(f"{count} {name}" for name, count in summary.items()), markup=False),
    )
    raise typer.Exit(REFUSED if refused else 0)


def _status(
    licence: Annotated[str, typer.Argument(help="电子证照标识.")],
    operation: Annotated[str, typer.Argument(help="suspend, reinstate, revoke, cancel or withdraw.")],
    reason: Annotated[str, typer.Option("--reason", help="事由; kept encrypted.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Suspend 暂扣, reinstate 恢复, revoke 吊销, cancel 注销 or withdraw 撤销 a licence."""
    screen = Screen(as_json=as_json)
    if operation not in _OPERATIONS:
        raise SettingsFault(f"expected an operation of {', '.join(_OPERATIONS)}")
    with opened(home) as app:
        if app.status is None:
            raise SettingsFault("expected role issuer or all")
        changed = app.status.change(licence, Operation(operation), reason=reason, by=_HERE)
    document = {
        "id": licence,
        "state": str(changed.state),
        "seq": changed.seq,
        "changed_at": changed.changed_at,
        "propagated": changed.propagated,
    }
    told = (
        "every running verifier's cache has it"
        if changed.propagated
        else "verifiers learn of it within a second"
    )
    screen.show(
        document,
        lambda out: out.print(f"{changed.state}; on record as event {changed.seq}; {told}", markup=False),
    )


def _results(app: App, rows: list[Row | RowFault], issuer: str | None) -> Iterator[RowResult]:
    if app.issuing is None:
        raise SettingsFault("expected role issuer or all")
    return app.issuing.issue_rows(rows, issuer=issuer, by=_HERE)


def _watched(screen: Screen, results: Iterator[RowResult], count: int) -> Iterator[RowResult]:
    """Draw a progress bar on a terminal while the rows go through."""
    bar = Progress(
        TextColumn("issuing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen.err,
        transient=True,
        disable=not screen.err.is_terminal,
    )
    with bar:
        task = bar.add_task("issuing", total=count)
        for result in results:
            bar.advance(task)
            yield result


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_FILE:
            raise SettingsFault(f"expected a file of at most {_MAX_FILE >> 20} MiB")
        return path.read_bytes()
    except OSError as fault:
        raise SettingsFault(f"expected a file at {path}, got {fault.strerror}") from None
