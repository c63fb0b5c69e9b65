"""Every part of the benchmark runs once, tiny: it can't rot between two real runs.

No figure is looked at beyond its being there: time is never a reason to pass or fail.
"""

import math
from importlib import import_module

import pytest

from benchmarks.__main__ import PARTS, run
from benchmarks.rows import Sheet
from benchmarks.sizes import TINY
from benchmarks.stage import Stage

ALONE = ("limit", "core", "issue", "qr", "mirror", "growth")


def measured(parts, folder):
    sheet = Sheet(say=lambda _: None)
    with Stage(TINY, sheet, folder) as stage:
        run(stage, parts)
    return sheet


@pytest.mark.parametrize("part", ALONE)
def test_a_part_that_needs_no_server(part, tmp_path):
    sheet = measured([part], tmp_path)
    assert sheet.rows
    assert all(row.name.startswith(f"{part}: ") and math.isfinite(row.value) for row in sheet.rows)


def test_the_parts_over_http(tmp_path):
    """One authority, one Redis, ours and the peers: started once for all of them."""
    parts = [part for part in PARTS if part not in ALONE]
    sheet = measured(parts, tmp_path)
    assert {row.name.partition(":")[0] for row in sheet.rows} == set(parts)
    ratios = {row.name: row.ratio for row in sheet.rows}
    assert ratios["http: one scan"] is not None, "the plain service is a peer that is always there"


def test_every_part_has_its_module():
    assert all(callable(import_module(f"benchmarks.{part}").measure) for part in PARTS)
