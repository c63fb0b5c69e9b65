"""Over HTTP with Redis, one worker on one core: ours, the plain service, the Node one, the server's limit.

All get the same licences and the same requests from the same client, in turns. Every answer is looked at. The
peers do less than ours (see `benchmarks/peers`).

`http: one scan` is the first scan of a licence by this worker, with the settings that `ecert serve` has by
default. `known before`: the worker scanned it so long ago that it must check the signature anew.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.counter import (
    Sample,
    Server,
    answer_to,
    constant,
    mark_revoked,
    node,
    open_counter,
    open_two,
    plain,
    sampled,
)
from benchmarks.limit import bare_checks, bare_speed
from benchmarks.load import Shot, endless, once_through, post, wrk_rate
from benchmarks.office import ACCEPTED, Office, Scan, open_office
from benchmarks.peers.node_peers import why_no_node
from benchmarks.processes import SERVER_CORE, on_cores
from benchmarks.rounds import alternate
from benchmarks.stage import Stage
from benchmarks.workers import send_to_each_worker
from ecert.wire import qr

__all__ = ["batches", "measure"]

ONE, PLAIN, NODE = "http: one scan", "http: one scan, plain FastAPI service", "http: one scan, Node service"
BARE, CONSTANT = "http: bare signature check of the same licences", "http: constant answer of the same server"
KNOWN, AGAIN = "http: one scan, known before", "http: the same licence again"
BATCH, KNOWN_BATCH = "http: batch", "http: batch, known before"
CPU, CPU_KNOWN = "http: CPU time a scan, one worker", "http: CPU time a scan, known before, one worker"
INVALID = "http: every signature invalid"
REVOKED = b'"code":"revoked"'


def batches(office: Office, scans: Sequence[Scan], size: int) -> list[Shot]:
    """Batch requests of `size` scans each; what does not fill one is left out."""
    made = []
    for start in range(0, len(scans) - size + 1, size):
        items = b",".join(scan.body for scan in scans[start : start + size])
        body = b'{"items":[%b]}' % items
        made.append(post("/v1/verify/batch", body, key=office.window_key, expects=ACCEPTED, times=size))
    return made


def measure(stage: Stage) -> None:
    """Write the rows `http: …`."""
    office = stage.once(open_office)
    ours = stage.once(open_counter)
    size, dealt = stage.size, office.dealt
    for scan in dealt.revoked:
        office.change(scan.licence_id)
    mark_revoked(office, dealt.revoked)
    new, known = office.shots(dealt.single), office.shots(dealt.known)
    for shots in (known, office.shots(dealt.revoked, expects=REVOKED)):
        once_through(ours.port, shots, connections=size.connections).checked()
    with ExitStack() as peers:
        cases: dict[str, Callable[[], Sample]] = {}
        cases[ONE] = partial(sampled, ours, endless(new), stage)
        cases[PLAIN] = partial(sampled, peers.enter_context(plain(stage, office)), endless(new), stage)
        if reason := why_no_node(install=size.install):
            stage.sheet.skip(NODE, reason)
        else:
            cases[NODE] = partial(sampled, peers.enter_context(node(stage, office)), endless(new), stage)
        answer = answer_to(office, ours.port, dealt.known[0])
        limit = peers.enter_context(constant(stage, answer))
        cases[CONSTANT] = partial(sampled, limit, endless(known[:1]), stage)
        cases[KNOWN] = partial(sampled, ours, endless(known), stage)
        cases[AGAIN] = partial(sampled, ours, endless(known[:1]), stage)
        for name, supply in _variants(office).items():
            cases[name] = partial(sampled, ours, supply, stage)
        for name, scans in ((BATCH, dealt.batch), (KNOWN_BATCH, dealt.known)):
            supply = endless(batches(office, scans, size.batch))
            cases[name] = partial(sampled, ours, supply, stage, items=size.batch, connections=2)
        bare = bare_checks([scan.token for scan in dealt.known], office.signer().public)
        bare_check = bare_speed(bare, size.call_seconds)
        checks: list[float] = []

        def check() -> Sample | None:
            with on_cores(SERVER_CORE):
                checks.append(bare_check())
            return None

        samples = alternate({BARE: check, **cases}, size.rounds)
        del samples[BARE], checks[0]
        _write(stage, {name: [one for one in all_ if one] for name, all_ in samples.items()}, checks)
        _two_workers(stage, office, known)
        _cross_check(stage, office, ours)


def _variants(office: Office) -> dict[str, Iterator[Shot]]:
    known, gone = office.dealt.known, office.dealt.revoked
    refused = endless(office.shots(gone, expects=REVOKED))
    mixed = [shot for accepted in office.shots(known) for shot in (accepted, next(refused))]
    forged = [Scan(one.licence_id, _forged(one.token), one.uri, one.idx) for one in known]
    codes = [
        post(
            "/v1/verify",
            json.dumps({"qr": qr.encode_token(scan.token, "https://ecert.example")}).encode(),
            key=office.window_key,
            expects=ACCEPTED,
        )
        for scan in known
    ]
    return {
        "http: half revoked, known before": endless(mixed),
        INVALID: endless(office.shots(forged, expects=b'"code":"bad_signature"')),
        "http: one scan from its QR digits, known as a token": endless(codes),
    }


def _forged(token: str) -> str:
    """Another signature of the right form: two characters in its middle change places, or one changes."""
    signed, _, signature = token.removesuffix("~").rpartition(".")
    other = "A" if signature[40] != "A" else "B"
    return f"{signed}.{signature[:40]}{other}{signature[41:]}~"


def _write(stage: Stage, samples: dict[str, list[Sample]], checks: Sequence[float]) -> None:
    add = stage.sheet.add
    rates = {name: [one.items for one in all_] for name, all_ in samples.items()}
    add(BARE, checks, "checks/s")
    add(CONSTANT, rates.pop(CONSTANT), "answers/s")
    add(PLAIN, rates.pop(PLAIN), "scans/s")
    against_node = rates.pop(NODE, None)
    if against_node:
        add(NODE, against_node, "scans/s")
    for name in (ONE, KNOWN):
        values, target = rates.pop(name), {ONE: "ratio >= {}"}.get(name, "")
        add(name, values, "scans/s", ratio_to=PLAIN, target=target.format(4) or None)
        if against_node:
            beside = f"{name}, against the Node service"
            add(beside, values, "scans/s", ratio_to=NODE, target=target.format(1.5) or None)
    add(AGAIN, rates.pop(AGAIN), "scans/s", ratio_to=CONSTANT, target="ratio >= 0.7")
    add(BATCH, rates.pop(BATCH), "licences/s", ratio_to=BARE, target="ratio >= 0.75")
    add(KNOWN_BATCH, rates.pop(KNOWN_BATCH), "licences/s", ratio_to=BARE)
    add(INVALID, rates.pop(INVALID), "scans/s", ratio_to=KNOWN, target="ratio >= 1")
    for name, values in rates.items():
        add(name, values, "scans/s", ratio_to=KNOWN)
    for name, all_ in samples.items():
        label = {ONE: CPU, KNOWN: CPU_KNOWN}.get(name, name.replace("http: ", "http: CPU time, "))
        add(label, [sample.cpu_micros for sample in all_], "µs")
    busiest = max(sample.load.client_share for all_ in samples.values() for sample in all_)
    add("http: load generator's share of its core, at most", 100 * busiest, "%")


def _two_workers(stage: Stage, office: Office, known: Sequence[Shot]) -> None:
    server, shots = stage.once(open_two), endless(known)
    if sys.platform == "linux":
        told = batches(office, office.dealt.known, len(office.dealt.known) // 5)
        send_to_each_worker(server.port, server.child.pid, told, workers=2)
    both = [sampled(server, shots, stage) for _ in range(stage.size.rounds)]
    add = stage.sheet.add
    add(
        "http: one scan, known before, two workers beside the client",
        [one.items for one in both],
        "scans/s",
        ratio_to=KNOWN,
    )
    cpu = [one.cpu_micros for one in both]
    add(
        "http: CPU time a scan, known before, two workers",
        cpu,
        "µs",
        ratio_to=CPU_KNOWN,
        target="ratio <= 1.1",
    )


def _cross_check(stage: Stage, office: Office, ours: Server) -> None:
    wrk = shutil.which("wrk")
    if wrk is None:
        stage.sheet.skip("http: one scan, known before, by wrk", "wrk is not installed")
        return
    bodies = [scan.body for scan in office.dealt.known]
    seconds = max(1, round(stage.size.http_seconds))
    rate = wrk_rate(
        wrk, ours.port, bodies, path="/v1/verify", key=office.window_key, seconds=seconds, folder=stage.folder
    )
    stage.sheet.add("http: one scan, known before, by wrk", rate, "scans/s", ratio_to=KNOWN)
