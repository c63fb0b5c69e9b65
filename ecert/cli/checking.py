"""`ecert verify`: is this licence good? Against the registry here, or offline with files alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ecert.assembly import read_root
from ecert.cli.console import ACCEPTED, REFUSED, UNDECIDED, AsJson, Home, Screen
from ecert.cli.opening import opened
from ecert.cli.pictures import PICTURE_ENDINGS, read_picture
from ecert.errors import EcertError, InputError, SettingsFault
from ecert.licence import Uscc, load_types, shown
from ecert.verify import Accepted, Finding, Policy, ReasonCode, Refused, Verdict, sentences, verify_offline
from ecert.wire import jws

__all__ = ["register"]

_STATUS = {"accepted": ACCEPTED, "refused": REFUSED, "undecided": UNDECIDED}
_MAX_LIST = 8 * 1024 * 1024
_FILE_ENDINGS = PICTURE_ENDINGS | {".svg", ".txt", ".pdf"}
_DIGITS = re.compile(r"\d{17}")  # the shortest run of digits in a code


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(_verify)


def _verify(  # noqa: PLR0917 - typer calls it by name
    what: Annotated[
        str, typer.Argument(help="What was scanned, a token, a file with either, a picture, or - for stdin.")
    ],
    offline: Annotated[
        bool, typer.Option("--offline", help="Use only the files named here; no registry.")
    ] = False,
    root: Annotated[Path | None, typer.Option("--root", help="Public root key (JWK), offline.")] = None,
    root_id: Annotated[
        str | None,
        typer.Option("--root-id", help="Root's 统一社会信用代码; root.id beside the key if left out."),
    ] = None,
    trust_list: Annotated[
        list[Path] | None,
        typer.Option("--trust-list", help="Signed trust list or a folder, offline; repeatable."),
    ] = None,
    status_list: Annotated[
        list[Path] | None,
        typer.Option("--status-list", help="Signed status list or a folder, offline; repeatable."),
    ] = None,
    max_status_age: Annotated[
        float,
        typer.Option("--max-status-age", min=0, help="Oldest status list that decides, offline, in hours."),
    ] = 24.0,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="Decide for this moment (ISO 8601 with zone), offline.", show_default="now"
        ),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check one licence. Exit status: 0 accepted, 1 refused, 2 undecided."""
    screen = Screen(as_json=as_json)
    moment = _moment(at)
    given = {"--root": root, "--root-id": root_id, "--trust-list": trust_list, "--status-list": status_list}
    if offline:
        _check_root(root)
    else:
        _check_registry({**given, "--at": at})
    try:
        text = _scanned(what)
    except InputError as fault:
        verdict: Verdict = Refused(findings=(Finding(ReasonCode(fault.code), 1, str(fault)),))
    else:
        if offline:
            verdict = _offline(
                text,
                root=root,
                root_id=root_id,
                trust_lists=trust_list or (),
                status_lists=status_list or (),
                hours=max_status_age,
                at=moment,
            )
        else:
            with opened(home, role="all") as app:
                verdict = app.check_once(text)
    document = _document(verdict, moment)
    screen.show(document, lambda out: _draw(out, document))
    raise typer.Exit(_STATUS[verdict.outcome])


def _offline(
    text: str | bytes,
    *,
    root: Path | None,
    root_id: str | None,
    trust_lists: Iterable[Path],
    status_lists: Iterable[Path],
    hours: float,
    at: datetime,
) -> Verdict:
    root = _check_root(root)
    if root_id is None:
        if not root.with_name("root.id").is_file():
            raise SettingsFault(f"expected --root-id, or the file root.id beside {root}")
        root_id = _read(root.with_name("root.id"), 64).decode("ascii", "replace").strip()
    return verify_offline(
        text,
        root=read_root(root),
        root_id=str(Uscc.parse(root_id)),
        trust_lists=[token for path in trust_lists for token in _lists(path, "trustlist+jwt")],
        status_tokens=[token for path in status_lists for token in _lists(path, "statuslist+jwt")],
        policy=Policy.offline(max_status_age=timedelta(hours=hours)),
        at=at,
    )


def _check_root(root: Path | None) -> Path:
    if root is None:
        raise SettingsFault(
            "--offline needs --root FILE, and --trust-list and --status-list for each list at hand"
        )
    if not root.is_file():
        raise SettingsFault(f"--root: expected the public root key at {root}, there is no file of that name")
    return root


def _check_registry(given: Mapping[str, object]) -> None:
    """Options that count for files alone must not seem to count for the registry."""
    for name, value in given.items():
        if value:
            raise SettingsFault(f"{name} needs --offline: the registry answers for now, by its own lists")


def _lists(path: Path, typ: str) -> list[bytes]:
    """The signed list of a file, or those of its kind in a folder, where other files may lie beside them."""
    if not path.is_dir():
        return [_read(path, _MAX_LIST).strip()]
    found = []
    for file in sorted(path.iterdir()):
        if file.is_file() and file.stat().st_size <= _MAX_LIST:
            token = _read(file, _MAX_LIST).strip()
            try:
                if jws.read_compact(token, max_bytes=_MAX_LIST).header.get("typ") == typ:
                    found.append(token)
            except EcertError:
                continue  # another file: the key, a picture
    if not found:
        raise SettingsFault(f"expected signed lists of type {typ} in {path}, found none")
    return found


def _scanned(what: str) -> str | bytes:
    """The text itself, or what the file or picture of that name holds."""
    if what == "-":
        return sys.stdin.buffer.read(_MAX_LIST).strip()
    if len(what) < 1024 and "://" not in what and "\0" not in what:
        path = Path(what)
        ending = path.suffix.lower()
        try:
            there = path.is_file()
        except OSError:  # too long for a name, so no name
            return what
        named = ending in _FILE_ENDINGS or ("/" in what and not _DIGITS.search(what))
        if named and not there:
            raise SettingsFault(f"expected a scan or a file, got {what}: no file of that name")
        if ending == ".svg":
            raise SettingsFault("an SVG can't be read here: fetch the PNG")
        if ending in PICTURE_ENDINGS:
            return read_picture(path)
        if there:
            return _read(path, _MAX_LIST).strip()
    return what


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as fault:
        raise SettingsFault(f"expected a file at {path}, got {fault.strerror}") from None
    if len(data) > limit:
        raise SettingsFault(f"expected a file of at most {limit} bytes at {path}")
    return data


def _moment(at: str | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise SettingsFault("--at: expected a moment as 2026-01-31T09:30:00+08:00") from None
    if moment.tzinfo is None:
        raise SettingsFault("--at: expected a moment with its zone, as 2026-01-31T09:30:00+08:00")
    return moment.astimezone(UTC)


def _document(verdict: Verdict, at: datetime) -> dict[str, Any]:
    document: dict[str, Any] = {"verdict": verdict.outcome, "at": at.isoformat(), "reasons": []}
    if isinstance(verdict, Accepted):
        has = verdict.licence
        kind = load_types().get(has.type_code)
        document["licence"] = {
            "id": str(has.id),
            "type": has.type_code,
            "type_name": None if kind is None else kind.name_zh,
            "number": has.number,
            "holder": {"name": has.holder.name, "code": has.holder.code, "code_type": has.holder.code_type},
            "issuer": {"id": str(has.issuer), "name": has.issuer_name},
            "valid_from": str(has.valid_from),
            "valid_until": None if has.valid_until is None else str(has.valid_until),
            "fields": dict(has.fields),
        }
    else:
        for finding in verdict.findings:
            said = sentences(finding.code)
            document["reasons"].append(
                {
                    "code": str(finding.code),
                    "step": finding.step,
                    "detail": finding.detail,
                    "sentence": {"zh": said.zh, "en": said.en},
                }
            )
        if verdict.licence_id is not None:
            document["licence_id"] = str(verdict.licence_id)
    if verdict.status is not None:
        document["status"] = {"state": verdict.status.state, "as_of": verdict.status.as_of.isoformat()}
    return document


def _draw(out: Console, document: dict[str, Any]) -> None:
    words = {"accepted": "[bold green]accepted 有效[/]", "refused": "[bold red]refused 不予采信[/]"}
    out.print(words.get(document["verdict"], "[bold yellow]undecided 无法判定[/]"))
    if "licence" in document:
        has = document["licence"]
        lines = [
            ("licence", f"{has['type_name'] or has['type']} {has['number'] or ''}"),
            ("holder", " ".join(str(v) for v in (has["holder"]["name"], has["holder"]["code"]) if v)),
            ("issuer", has["issuer"]["name"] or has["issuer"]["id"]),
            ("valid", f"{has['valid_from']} – {has['valid_until'] or '长期'}"),
            ("id", has["id"]),
            *((name, str(value)) for name, value in has["fields"].items()),
        ]
        for name, value in lines:
            out.print(f"  {name}: {shown(value)[0]}", markup=False)
    for reason in document["reasons"]:
        out.print(f"  {reason['code']} (step {reason['step']}): {reason['detail']}", markup=False)
        out.print(f"    {reason['sentence']['zh']}", markup=False)
        out.print(f"    {reason['sentence']['en']}", markup=False)
    if "status" in document:
        out.print(
            f"  status: {document['status']['state']}, as of {document['status']['as_of']}", markup=False
        )
