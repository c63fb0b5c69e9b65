"""Bulk issue in one process: read a table, check every row, sign, store and index it, against bare signing.

By the clock, disk included: a licence counts when SQLite has it for good (WAL, synchronous=FULL).
"""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.office import Office
from benchmarks.processes import SERVER_CORE, on_cores
from benchmarks.rounds import alternate
from benchmarks.stage import Stage
from ecert.assembly import App, Settings, build
from ecert.services import RowOutcome, read_ndjson

__all__ = ["measure"]

_MESSAGE = b"." * 900  # about what a licence's header and payload come to


def measure(stage: Stage) -> None:
    """Write the rows `issue: …`."""
    home = stage.folder / "issuing"
    home.mkdir(mode=0o700)
    office = Office(home)
    app = build(Settings.read(home=home, role="issuer", base_url="https://ecert.example"), launch=False)
    used: list[float] = []
    try:
        app.refresh()
        cases: dict[str, Callable[[], float]] = {
            "bare": lambda: _bare_signing(stage.size.call_seconds),
            "bulk": lambda: _bulk(app, office, stage.size.bulk, used),
        }
        with on_cores(SERVER_CORE):
            samples = alternate(cases, stage.size.rounds)
    finally:
        app.close()
    stage.sheet.add("issue: bare ES256 signatures", samples["bare"], "signatures/s")
    name = f"issue: {stage.size.bulk:,} licences in bulk"
    target = "ratio >= 0.25"
    stage.sheet.add(
        name, samples["bulk"], "licences/s", ratio_to="issue: bare ES256 signatures", target=target
    )
    stage.sheet.add("issue: CPU time a licence", used[1:], "µs")


def _bare_signing(seconds: float) -> float:
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
    done, start = 0, time.perf_counter()
    while (now := time.perf_counter()) < start + seconds or not done:
        for _ in range(100):
            key.sign(_MESSAGE, algorithm)
        done += 100
    return done / (now - start)


def _bulk(app: App, office: Office, how_many: int, used: list[float]) -> float:
    if app.issuing is None:
        raise RuntimeError("expected a process that may issue, got none")
    by = app.clients.authenticate(office.department_key)
    if by is None:
        raise RuntimeError("expected the department's key to be known, it is not")
    table = office.rows(how_many)
    start, cpu = time.perf_counter(), time.process_time()
    outcomes = [row.outcome for row in app.issuing.issue_rows(read_ndjson(table), by=by)]
    took = time.perf_counter() - start
    used.append(1e6 * (time.process_time() - cpu) / how_many)
    if (issued := outcomes.count(RowOutcome.ISSUED)) != how_many:
        raise RuntimeError(f"expected {how_many} licences to be issued, got {issued}")
    return how_many / took
