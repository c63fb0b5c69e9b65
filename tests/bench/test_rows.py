"""A run's sheet: ratios within rounds, targets, the file, the table, the plots, the README's block."""

import json
import math
import xml.etree.ElementTree as ET

import pytest

from benchmarks import report, rounds
from benchmarks.plots import Bar, Curve, bars, curves
from benchmarks.rows import Row, Sheet, load_run, met, newest_run, save_run

ABOUT = {
    "commit": "0123456789abcdef",
    "date": "2026-06-15T02:00:00Z",
    "machine": {"cores": 2, "cpu": "a processor", "pinning": "no pinning"},
    "versions": {"python": "3.11.7", "openssl": "4.0.0"},
}


def quiet() -> Sheet:
    return Sheet(say=lambda _: None)


def test_a_ratio_is_the_median_of_the_ratios_within_rounds():
    """The machine slows down by half after the first round: the ratio stays."""
    sheet = quiet()
    sheet.add("peer", [100, 50, 10], "scans/s")
    row = sheet.add("ours", [400, 200, 60], "scans/s", ratio_to="peer")
    assert (row.value, row.ratio) == (200, 4)


def test_a_ratio_to_a_row_that_was_skipped_is_none():
    sheet = quiet()
    sheet.skip("peer", "not installed")
    row = sheet.add("ours", [1], "scans/s", ratio_to="peer", target="ratio >= 4")
    assert row.ratio is None
    assert met(row) is None


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("a", 1, "x"), None),
        (Row("a", 1, "x", "b", 0.85, "ratio >= 0.85"), True),
        (Row("a", 1, "x", "b", 0.849, "ratio >= 0.85"), False),
        (Row("a", 100, "ms", None, None, "value <= 100"), True),
        (Row("a", 100.1, "ms", None, None, "value <= 100"), False),
        (Row("a", math.nan, "ms", None, None, "value <= 100"), None),
    ],
)
def test_targets(row, verdict):
    assert met(row) is verdict


def test_each_round_begins_one_case_later():
    order: list[str] = []
    cases = {name: (lambda name=name: order.append(name)) for name in "abc"}
    rounds.alternate(cases, 3)
    assert "".join(order) == "abc" + "abcbcacab", "a round to warm up, then three"


def test_calls_are_counted():
    calls: list[int] = []
    case = rounds.speed_of(calls.append, [1, 2, 3], 0.001)
    assert case() > 0
    assert case() > 0
    assert calls == [1 + number % 3 for number in range(len(calls))], (
        "a round goes on where the last one ended"
    )


def test_a_run_is_read_back_as_it_was_saved(tmp_path):
    sheet = quiet()
    sheet.add("http: one scan", [3, 1, 2], "scans/s")
    path = save_run(tmp_path, sheet, ABOUT)
    run, rows = load_run(path)
    assert path.name == "20260615T020000Z-0123456.json"
    assert set(json.loads(path.read_text())["rows"][0]) == {
        "name",
        "value",
        "unit",
        "ratio_to",
        "ratio",
        "target",
    }
    assert rows == sheet.rows
    assert run["samples"] == {"http: one scan": [3, 1, 2]}
    assert newest_run(tmp_path) == path


def test_the_readme_gets_what_stands_between_the_markers(tmp_path):
    sheet = quiet()
    sheet.add("core: bare", [10], "checks/s")
    sheet.add("core: verify", [9], "checks/s", ratio_to="core: bare", target="ratio >= 0.85")
    sheet.skip("Node", "npm is not installed")
    path = save_run(tmp_path / "results", sheet, ABOUT)
    plots = report.draw_plots(sheet.rows, tmp_path / "results")
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    assert report.put_in_readme(readme, path, plots)
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| core: verify | 9 | checks/s | 0.90 | core: bare | ratio ≥ 0.85 | met |" in text
    assert "core: bare | 10" not in text  # no target, so not in the README
    assert "Not measured: Node (npm is not installed)." in text
    assert report.put_in_readme(readme, path, plots)
    assert readme.read_text() == text


def test_a_readme_without_markers_is_left_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("text")
    assert not report.put_in_readme(readme, save_run(tmp_path, quiet(), ABOUT), [])
    assert readme.read_text() == "text"


@pytest.mark.parametrize(
    "picture",
    [
        bars("Scans & more", [Bar("ours <1>", 5), Bar("theirs", 0)], unit="scans/s"),
        curves("Latency", [Curve("p50", ((25, 0.1), (75, 0.4))), Curve("p99", ((25, 3.0),))], x="%", y="ms"),
        curves("Nothing", [Curve("none", ((1, 0.0),))], x="x", y="y"),
    ],
)
def test_pictures_are_well_formed(picture):
    assert ET.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
