"""From the acknowledgement of a revocation to its refusal by every worker, on one machine with two workers.

After each acknowledgement every worker is asked at once, and again until it refuses; the slowest one counts.
"""

import sys
import time
from http.client import HTTPConnection

from benchmarks.counter import open_two
from benchmarks.histogram import Histogram
from benchmarks.office import ACCEPTED, Office, Scan, open_office
from benchmarks.stage import Stage
from benchmarks.workers import line_to_each_worker

__all__ = ["measure"]

_PATIENCE = 10.0  # seconds until a revocation counts as lost


def measure(stage: Stage) -> None:
    """Write the rows `propagation: …`."""
    if sys.platform != "linux":
        stage.sheet.skip("propagation", "which worker has a connection is read from /proc")
        return
    office = stage.once(open_office)
    licences = office.dealt.revoking
    spread, acknowledged = Histogram(), []
    server = stage.once(open_two)
    lines = line_to_each_worker(server.port, server.child.pid, workers=2)
    for licence in licences:
        for line in lines:
            if ACCEPTED not in _ask(line, office, licence):
                raise RuntimeError("expected a licence to be accepted before it is revoked, it was not")
        start = time.perf_counter()
        office.change(licence.licence_id)
        since = time.perf_counter()
        acknowledged.append(1000 * (since - start))
        spread.record(max(_until_refused(line, office, licence, since) for line in lines))
    for line in lines:
        line.close()
    add = stage.sheet.add
    add("propagation: revoking, until acknowledged", acknowledged, "ms")
    add("propagation: acknowledged until refused everywhere, p50", spread.percentile(50), "ms")
    add(
        "propagation: acknowledged until refused everywhere, p99",
        spread.percentile(99),
        "ms",
        target="value <= 100",
    )
    add(
        "propagation: acknowledged until refused everywhere, longest",
        spread.percentile(100),
        "ms",
        target="value <= 1000",
    )


def _until_refused(line: HTTPConnection, office: Office, licence: Scan, since: float) -> float:
    while True:
        answer = _ask(line, office, licence)
        took = time.perf_counter() - since
        if b'"code":"revoked"' in answer:
            return took
        if took > _PATIENCE:
            raise RuntimeError("expected a revoked licence to be refused within 10 s, it was not")


def _ask(line: HTTPConnection, office: Office, licence: Scan) -> bytes:
    headers = {"Authorization": f"Bearer {office.window_key}", "Content-Type": "application/json"}
    line.request("POST", "/v1/verify", licence.body, headers)
    return line.getresponse().read()
