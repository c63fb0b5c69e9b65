"""The scenes of an ordinary day: a table becomes licences, pictures, scans and verdicts."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from typing import Any, Final

from ecert.cli.demo.pictures import draw_all, read_all
from ecert.cli.demo.server import Caller
from ecert.cli.demo.stage import Printed, Stage
from ecert.errors import EcertError
from ecert.licence import LicenceType, shown
from ecert.wire import qr

__all__ = ["Asked", "draw_and_read", "issue_table", "read_table", "scan_all"]

_TYPE, _ISSUER, _UNTIL = "ZZLXDM", "ZZBFJGDM", "ZZYXQJZRQ"
_BATCH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A row of the table that was issued."""

    id: str
    issuer: str
    type_code: str


def read_table() -> dict[str, list[dict[str, str]]]:
    """Read the demo's table, by issuing department."""
    text = resources.files("ecert.cli.demo").joinpath("licences.csv").read_text(encoding="utf-8")
    by_issuer: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(text)):
        by_issuer[row[_ISSUER]].append(row)
    return dict(by_issuer)


def issue_table(
    stage: Stage, table: Mapping[str, Sequence[Mapping[str, str]]], names: Mapping[str, str]
) -> list[Asked]:
    """Every department sends its part of the table; then one sends its part once more."""
    asked: list[Asked] = []
    with stage.teller.counting("rows answered", sum(len(rows) for rows in table.values())) as move:
        lines = []
        for issuer, rows in table.items():
            results = _send(stage.departments[issuer], rows)["results"]
            for row, result in zip(rows, results, strict=True):
                _book(stage, row, result)
                if result["outcome"] == "issued":
                    asked.append(Asked(id=result["id"], issuer=issuer, type_code=row[_TYPE]))
            counts = Counter(result["outcome"] for result in results)
            lines.append((names[issuer], len(rows), counts["issued"], counts["refused"]))
            move(len(rows))
    stage.teller.table(("department", "rows", "issued", "refused"), lines)
    issuer, rows = next(iter(table.items()))
    again = Counter(result["outcome"] for result in _send(stage.departments[issuer], rows)["results"])
    came_to = f"{again['issued']} issued, {again['existing']} there already"
    stage.teller.say(f"the same table from {names[issuer]} once more: {came_to}")
    if again["issued"]:
        stage.ledger.note("the same table issued licences again")
    return asked


def _send(caller: Caller, rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return caller.send("/v1/licences/batch", out.getvalue().encode(), "text/csv")


def _book(stage: Stage, row: Mapping[str, str], result: Mapping[str, Any]) -> None:
    if result["outcome"] == "issued":
        stage.ledger.issued += 1
    elif row[_UNTIL] and date.fromisoformat(row[_UNTIL]) < _today() and result.get("field") == "valid_until":
        # Years from now some rows will have run out; refusing them is right.
        stage.ledger.refused += 1
    else:
        stage.ledger.note(f"line {result['line']}: expected issued, got {result['outcome']}")


def _today() -> date:
    return (datetime.now(UTC) + timedelta(hours=8)).date()


def draw_and_read(stage: Stage, asked: Sequence[Asked], types: Mapping[str, LicenceType]) -> list[Printed]:
    """Fetch every licence, draw its code into a PNG file, and read the file back with zxing-cpp."""
    (stage.home / "qr").mkdir()
    with stage.teller.counting("licences fetched", len(asked)) as move:
        tokens = []
        for each in asked:
            tokens.append(stage.departments[each.issuer].read(f"/v1/licences/{each.id}")["token"])
            move(1)
    texts = [qr.encode_token(token, stage.base_url) for token in tokens]
    pictures = [stage.picture(each.id.split(".", 5)[-1]) for each in asked]
    versions: dict[str, list[int]] = defaultdict(list)
    with stage.teller.counting("pictures drawn", len(asked)) as move:
        for each, version in zip(
            asked, draw_all(stage.makers, list(zip(texts, pictures, strict=True))), strict=True
        ):
            versions[each.type_code].append(version)
            move(1)
    scanned = []
    with stage.teller.counting("pictures read back", len(asked)) as move:
        for text in read_all(stage.makers, pictures):
            scanned.append(text)
            move(1)
    if scanned != texts:
        stage.ledger.note("a picture was read as another text than was drawn")
    stage.teller.table(
        ("type", "pictures", "QR versions", "level"),
        [
            (types[code].name_zh, len(found), f"{min(found)}-{max(found)}", "M")
            for code, found in versions.items()
        ],
    )
    return [
        Printed(
            id=each.id,
            issuer=each.issuer,
            type_code=each.type_code,
            token=token,
            picture=picture,
            scanned=text,
        )
        for each, token, picture, text in zip(asked, tokens, pictures, scanned, strict=True)
    ]


def scan_all(stage: Stage, printed: Sequence[Printed], types: Mapping[str, LicenceType]) -> None:
    """Send every scan to the service one by one, then all in batches, and show one verdict as a window sees
    it."""
    good: Counter[str] = Counter()
    single = []
    with stage.teller.counting("scans, one request each", len(printed)) as move:
        for each in printed:
            answer = stage.scan(each.scanned)
            good[each.type_code] += stage.ledger.expect(each.id, answer, "accepted")
            single.append(answer["verdict"])
            move(1)
    with stage.teller.counting(f"the same in batches of {_BATCH}", len(printed)) as move:
        together = []
        for part in _portions(printed):
            document = {"items": [{"qr": each.scanned} for each in part]}
            answers = stage.window.post("/v1/verify/batch", document)["results"]
            together += [answer["verdict"] for answer in answers]
            move(len(part))
    if together != single:
        stage.ledger.note("a batch came to other verdicts than single scans")
    totals = Counter(each.type_code for each in printed)
    stage.teller.table(
        ("type", "scanned", "accepted"),
        [(types[code].name_zh, count, good[code]) for code, count in totals.items()],
    )
    _show_one(stage, printed, types)


def _portions(printed: Sequence[Printed]) -> Iterator[Sequence[Printed]]:
    for start in range(0, len(printed), _BATCH):
        yield printed[start : start + _BATCH]


def _show_one(stage: Stage, printed: Sequence[Printed], types: Mapping[str, LicenceType]) -> None:
    if not printed:
        return
    answer = stage.scan(printed[0].scanned)
    try:
        licence, status = answer["licence"], answer["status"]
        labels = types[licence["type"]].by_name
        until = licence["valid_until"] or "长期有效"
        rows = [
            ("verdict", answer["verdict"]),
            ("证照", licence["type_name"]),
            ("证照编号", licence["number"]),
            ("持证主体", licence["holder"]["name"]),
            ("颁发机构", licence["issuer"]["name"]),
            ("有效期", f"{licence['valid_from']} - {until}"),
            *((labels[name].label_zh, value) for name, value in licence["fields"].items() if name in labels),
            ("status", f"{status['state']}, known for {status['age_ms']} ms"),
        ]
    except (KeyError, TypeError) as fault:
        raise EcertError(f"expected a whole verdict, {json.dumps(str(fault))} is missing") from None
    stage.teller.say("one verdict as the window sees it:")
    stage.teller.table(("what", "says"), [(what, shown(str(says))[0]) for what, says in rows])
