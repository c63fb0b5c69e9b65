"""`python -m benchmarks [--quick] [--part NAME]…`: measure, write JSON, table and plots, fill the README.

A whole run takes at most ten minutes, `--quick` at most one. A quick run, or one of some parts, is kept apart
from the record and leaves the README alone.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks.machine import about_this_run
from benchmarks.report import draw_plots, put_in_readme, table
from benchmarks.rows import Sheet, met, save_run
from benchmarks.sizes import SIZES
from benchmarks.stage import Part, Stage

__all__ = ["PARTS", "main", "run"]

PARTS = ("limit", "core", "http", "latency", "propagation", "issue", "qr", "mirror", "growth", "memory")
_HERE = Path(__file__).parent
_README = _HERE.parent / "README.md"


def run(stage: Stage, parts: Sequence[str]) -> None:
    """Measure the parts in order; one that can't be measured is skipped by name and the others go on."""
    for name in parts:
        stage.sheet.say(f"{name}:")
        start = time.perf_counter()
        cast(Part, import_module(f"benchmarks.{name}").measure)(stage)
        stage.sheet.say(f"  ({time.perf_counter() - start:.1f} s)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="at most a minute, for a look; not for the record"
    )
    parser.add_argument("--size", choices=SIZES, help=argparse.SUPPRESS)
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="measure this part only; may be repeated"
    )
    options = parser.parse_args(arguments)
    size = SIZES[options.size or ("quick" if options.quick else "full")]
    parts = [part for part in PARTS if not options.part or part in options.part]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended on the way out
    about = about_this_run(size=size.name, parts=parts)
    sheet = Sheet()
    start = time.perf_counter()
    folder = tempfile.TemporaryDirectory(prefix="ecert-bench-")
    with folder as path, Stage(size, sheet, Path(path)) as stage:
        run(stage, parts)
    about["seconds"] = round(time.perf_counter() - start, 1)
    about["machine"]["load_average_after"] = [round(load, 2) for load in os.getloadavg()]
    _publish(sheet, about, whole=size.name == "full" and len(parts) == len(PARTS))


def _publish(sheet: Sheet, about: dict[str, object], *, whole: bool) -> None:
    results = _HERE / "results" if whole else _HERE / "results" / "partial"
    path = save_run(results, sheet, about)
    path.with_suffix(".md").write_text(table(sheet.rows), encoding="utf-8")
    plots = draw_plots(sheet.rows, results)
    if whole:
        put_in_readme(_README, path, plots)
    missed = [row.name for row in sheet.rows if met(row) is False]
    sheet.say(f"{len(sheet.rows)} rows in {about['seconds']} s: {path.relative_to(_HERE.parent)}")
    for name in missed:
        sheet.say(f"target missed: {name}")


if __name__ == "__main__":
    main()
