"""How the cost of one decision grows: ten times the licences, ten times the authorities."""

import time
from dataclasses import replace
from functools import partial

from benchmarks.core import verifying
from benchmarks.processes import SERVER_CORE, on_cores
from benchmarks.province import NOW, Province, make_province, tokens_of
from benchmarks.rounds import alternate, speed_of
from benchmarks.stage import Stage
from ecert.trust import resolve

__all__ = ["measure"]


def measure(stage: Stage) -> None:
    """Write the rows `growth: …`. Two workers against one stands among `http: …`."""
    size = stage.size
    few = make_province(departments=10)
    many = make_province(departments=100)
    count = max(1, size.tokens // 2)
    tokens, more = tokens_of(few, count), tokens_of(few, count * 10)
    # The same department and licences, among ten times the authorities.
    among_many = replace(few, trust=replace(few.trust, keys={**many.trust.keys, **few.trust.keys}))
    base = f"growth: verify, {count:,} licences, 10 departments"
    with on_cores(SERVER_CORE):
        samples = alternate(
            {
                base: speed_of(verifying(few), tokens, size.call_seconds),
                "growth: verify, 10 × the licences": speed_of(verifying(few), more, size.call_seconds),
                "growth: verify, 10 × the departments": speed_of(
                    verifying(among_many), tokens, size.call_seconds
                ),
            },
            size.rounds,
        )
        compiled = alternate(
            {
                "growth: compile trust lists, 10 departments": partial(_compiled, few),
                "growth: compile trust lists, 10 × the departments": partial(_compiled, many),
            },
            size.rounds,
        )
    for name, rates in samples.items():
        stage.sheet.add(name, rates, "checks/s", ratio_to=None if name == base else base)
    first = next(iter(compiled))
    for name, times in compiled.items():
        stage.sheet.add(name, times, "ms", ratio_to=None if name == first else first)


def _compiled(province: Province) -> float:
    start = time.process_time()
    table = resolve(province.root, province.lists, root_id=province.root_id, at=NOW)
    if table.problems:
        raise RuntimeError("expected every list to stand, got problems")
    return 1000 * (time.process_time() - start)
