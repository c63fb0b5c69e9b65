"""The sheet of one run: rows, samples, what was skipped, and where and when it was measured.

A row is `{"name", "value", "unit", "ratio_to", "ratio", "target"}`. `value` is the median of the rounds.
`ratio` is the median of the ratios *within each round* to the row named `ratio_to`, since drift hits all of a
round alike. `target` reads `ratio >= 0.85` or `value <= 100`. Every sample is kept beside the rows.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Row", "Sheet", "load_run", "met", "newest_run", "save_run"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of a run."""

    name: str
    value: float
    unit: str
    ratio_to: str | None = None
    ratio: float | None = None
    target: str | None = None


def met(row: Row) -> bool | None:
    """Say whether a row reaches its target; None when it has none, or nothing to compare with."""
    if row.target is None:
        return None
    what, comparison, bound = row.target.split()
    figure = row.ratio if what == "ratio" else row.value
    if figure is None or math.isnan(figure):
        return None
    return figure >= float(bound) if comparison == ">=" else figure <= float(bound)


@dataclass(slots=True)
class Sheet:
    """Rows in the order they were measured, filled by the parts of a run."""

    rows: list[Row] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)
    skipped: list[dict[str, str]] = field(default_factory=list)
    say: Callable[[str], None] = print

    def add(
        self,
        name: str,
        samples: Sequence[float] | float,
        unit: str,
        *,
        ratio_to: str | None = None,
        target: str | None = None,
    ) -> Row:
        """Write one row from the samples of its rounds. A row to compare with must be there already."""
        values = (
            [float(samples)] if isinstance(samples, int | float) else [float(sample) for sample in samples]
        )
        ratio = None
        if ratio_to is not None and ratio_to in self.samples:
            ratio = _ratio(values, self.samples[ratio_to])
        row = Row(name, _round(median(values)), unit, ratio_to, _round(ratio), target)
        self.rows.append(row)
        self.samples[name] = [_round(value) for value in values]
        self.say(_line(row))
        return row

    def skip(self, name: str, reason: str) -> None:
        """Say by name what was not measured, and why."""
        self.skipped.append({"name": name, "reason": reason})
        self.say(f"  skipped {name}: {reason}")


def _ratio(values: Sequence[float], others: Sequence[float]) -> float:
    if len(values) == len(others):
        return median(
            value / other if other else math.nan for value, other in zip(values, others, strict=True)
        )
    other = median(others)
    return median(values) / other if other else math.nan


def _round(value: float | None) -> Any:
    """Four digits are more than any of these figures can be trusted for."""
    return value if value is None or not math.isfinite(value) or value == 0 else float(f"{value:.4g}")


def _line(row: Row) -> str:
    text = f"  {row.name}: {row.value:,.6g} {row.unit}"
    if row.ratio is not None:
        text += f" = {row.ratio:.3g} x {row.ratio_to}"
    if row.target is not None:
        text += f" (target {row.target}: {({True: 'met', False: 'MISSED', None: 'not measured'})[met(row)]})"
    return text


def save_run(folder: Path, sheet: Sheet, about: Mapping[str, Any]) -> Path:
    """Write one run as one JSON file, named by its date and commit."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = str(about["date"]).replace(":", "").replace("-", "")
    path = folder / f"{stamp}-{str(about['commit'])[:7]}.json"
    run = {
        "format": 1,
        **about,
        "skipped": sheet.skipped,
        "rows": [asdict(row) for row in sheet.rows],
        "samples": sheet.samples,
    }
    path.write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def load_run(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """Read a run back: the whole file, and its rows."""
    run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return run, [Row(**row) for row in run["rows"]]


def newest_run(folder: Path) -> Path | None:
    """The newest run in a folder; names begin with the date."""
    return max(folder.glob("2*.json"), key=lambda path: path.name, default=None)
