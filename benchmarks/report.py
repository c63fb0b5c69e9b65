"""A run as people read it: Markdown table, plots, and the block in the README, all made of the JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.plots import Bar, Curve, bars, curves
from benchmarks.rows import Row, load_run, met

__all__ = ["BEGIN", "END", "draw_plots", "put_in_readme", "table"]

BEGIN, END = "<!-- benchmark: made by `make bench`, not by hand -->", "<!-- end of benchmark -->"
_VERDICT = {True: "met", False: "**missed**", None: ""}
_HTTP = ("http: one scan", "http: one scan, plain FastAPI service", "http: one scan, Node service")
_PERCENTILES = ("p50", "p99", "p99.9")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(rows: Sequence[Row], *, only_targets: bool = False) -> str:
    """The rows as a Markdown table; `only_targets` keeps those that have one."""
    lines = ["| what | value | unit | ratio | to | target | |", "|---|--:|---|--:|---|---|---|"]
    for row in rows:
        if only_targets and row.target is None:
            continue
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        target = (row.target or "").replace(">=", "≥").replace("<=", "≤")
        lines.append(
            f"| {row.name} | {_figure(row.value)} | {row.unit} | {ratio} | {row.ratio_to or ''} | {target}"
            f" | {_VERDICT[met(row)]} |"
        )
    return "\n".join(lines) + "\n"


def summary(run: Mapping[str, Any]) -> str:
    """One sentence on where and when."""
    machine, versions = run["machine"], run["versions"]
    return (
        f"Measured {run['date'][:10]} at commit {run['commit'][:7]} on {machine['cores']} cores of"
        f" {machine['cpu']}, Python {versions['python']}, OpenSSL {versions['openssl']},"
        f" {versions.get('redis_server', 'no Redis')}; {machine['pinning']}.\n"
    )


def draw_plots(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write the plots that these rows are enough for."""
    found = {row.name: row for row in rows}
    drawn: dict[str, str] = {}
    throughput = [Bar(name.removeprefix("http: "), found[name].value) for name in _HTTP if name in found]
    if throughput:
        drawn["throughput.svg"] = bars("Scans a second, one worker on one core", throughput, unit="scans/s")
    limit = [Bar(row.name, row.value) for row in rows if row.name.startswith(("limit: ES256", "core: ES256"))]
    if limit:
        drawn["limit.svg"] = bars("ES256 checks a second, one core", limit, unit="checks/s")
    latency = [
        Curve(percentile, points)
        for percentile in _PERCENTILES
        if (points := _points(found, f"latency: {percentile} at ", (25, 50, 75)))
    ]
    if latency:
        drawn["latency.svg"] = curves(
            "Latency under load, counted from the intended start", latency, x="% of the highest rate", y="ms"
        )
    memory = _points(found, "mirror: memory, ", (1, 10, 100))
    if memory:
        drawn["mirror.svg"] = curves(
            "Memory of one mirror", [Curve("resident", memory)], x="million licences", y="MB"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in drawn.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in drawn]


def _points(found: Mapping[str, Row], start: str, xs: Sequence[int]) -> tuple[tuple[float, float], ...]:
    points = []
    for x in xs:
        for name, row in found.items():
            if name.startswith(f"{start}{x} "):
                points.append((float(x), row.value))
    return tuple(points)


def put_in_readme(readme: Path, run_file: Path, plots: Sequence[Path]) -> bool:
    """Replace what stands between the markers; False when the README has none."""
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    if BEGIN not in text or END not in text:
        return False
    run, rows = load_run(run_file)
    pictures = [f"![{plot.stem}]({plot.relative_to(readme.parent).as_posix()})" for plot in plots]
    skipped = [f"Not measured: {one['name']} ({one['reason']})." for one in run["skipped"]]
    block = "\n".join([table(rows, only_targets=True), summary(run), *skipped, *pictures])
    before, _, rest = text.partition(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n\n{block}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return True
