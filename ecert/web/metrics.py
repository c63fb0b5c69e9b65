"""What is counted, in Prometheus' form.

Each process counts for itself; with several workers `ecert serve` sets `PROMETHEUS_MULTIPROC_DIR`, and the
answer of any worker sums them all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The counters of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._verdicts = Counter("ecert_verdicts", "Licences checked", ["verdict", "reason"], registry=own)
        self._issued = Counter(
            "ecert_issued", "Rows issued, found again or refused", ["outcome"], registry=own
        )
        self._answers = Counter(
            "ecert_http_answers", "HTTP answers", ["route", "method", "status"], registry=own
        )
        self._seconds = Histogram(
            "ecert_http_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=own
        )
        self._age = Gauge(
            "ecert_mirror_age_seconds",
            "Age of what the mirror knows",
            registry=own,
            multiprocess_mode="livemax",
        )
        self._seq = Gauge(
            "ecert_mirror_seq", "Newest event in the mirror", registry=own, multiprocess_mode="livemin"
        )
        self._reloads = Gauge(
            "ecert_mirror_reloads",
            "Times the mirror was read anew",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._alarms = Gauge(
            "ecert_mirror_alarms",
            "Impossible changes seen and not applied",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._trust = Gauge(
            "ecert_trust_age_seconds", "Age of the trust table", registry=own, multiprocess_mode="livemax"
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._verdict_known: dict[tuple[str, str], Counter] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one HTTP answer. `route` is a template, so the number of series is bounded."""
        key = (route, method, status)
        pair = self._known.get(key)
        if pair is None:
            pair = (self._answers.labels(route, method, str(status)), self._seconds.labels(route))
            self._known[key] = pair
        pair[0].inc()
        pair[1].observe(seconds)

    def decided(self, verdict: str, reasons: Iterable[str]) -> None:
        """Count one verdict under its first reason."""
        key = (verdict, next(iter(reasons), "none"))
        counter = self._verdict_known.get(key)
        if counter is None:
            counter = self._verdict_known.setdefault(key, self._verdicts.labels(*key))
        counter.inc()

    def issued(self, outcome: str, count: int = 1) -> None:
        """Count rows of issuing by what became of them."""
        self._issued.labels(outcome).inc(count)

    def observe(
        self, *, age: float | None, seq: int, reloads: int, alarms: int, trust_age: float | None
    ) -> None:
        """Note how fresh this process is; called about once a second. None: nothing is known yet."""
        self._age.set(float("inf") if age is None else age)
        self._seq.set(seq)
        self._reloads.set(reloads)
        self._alarms.set(alarms)
        self._trust.set(float("inf") if trust_age is None else trust_age)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        multiprocess.MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)
