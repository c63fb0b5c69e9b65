"""POST /v1/verify and /v1/verify/batch: from the body's bytes to a verdict, with little in between.

- Plain ASGI: msgspec reads the request and writes the answer; authentication, limits and problems are
  everybody's.
- Refused and undecided are answers (200), not errors.
- An offline code that was confirmed before needs memory only and is decided on the event loop; one that is
  new here, and a short code, ask SQL and go to a thread. A batch gives the loop back every few milliseconds,
  and a large body is read in a thread, so that neither holds up single scans.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Protocol, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from ecert.errors import EcertError
from ecert.licence import LicenceType
from ecert.services import Checked, Role
from ecert.web.access import Access
from ecert.web.bodies import BATCH_BYTES, SINGLE_BYTES, media_type, read_body
from ecert.web.metrics import Metrics
from ecert.web.problems import refuse, send_problem
from ecert.web.verdicts import BatchAnswer, VerdictAnswer, answer_of, malformed_item
from ecert.wire import json

__all__ = ["BATCH_ITEMS", "BatchDoor", "BatchRequest", "Checks", "ScanDoor", "ScanRequest", "Scanning"]

BATCH_ITEMS = 1000
_BATCH_COMMAS = 50_000  # far more than 1000 items have, far fewer than would keep a process busy for seconds
_SLICE = 0.004  # seconds of event loop that a batch takes at a time
_SCANNERS = (Role.WINDOW, Role.DEPARTMENT, Role.OPERATOR)

T = TypeVar("T")
Code = Annotated[str, msgspec.Meta(max_length=64)]


class ScanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a window sends: the scanned text or a token, the matter it is for, the window's number."""

    qr: str
    matter: Code | None = None
    at_window: Code | None = None


class BatchRequest(msgspec.Struct, frozen=True):
    """At most 1000 scans. Each is read by itself, so that a bad one does not spoil the others."""

    items: Annotated[list[ScanRequest], msgspec.Meta(max_length=BATCH_ITEMS)]


class _UnreadBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: list[msgspec.Raw]


class Checks(Protocol):
    """The checking service as these doors need it."""

    def check(self, text: str, *, matter: str | None = None, window: str | None = None) -> Checked:
        """Decide one scan."""

    def in_memory(self, text: str) -> bool:
        """Say whether this text can be decided without asking SQL."""


class Scanning:
    """What both doors share."""

    def __init__(
        self,
        checks: Checks,
        *,
        access: Access,
        metrics: Metrics,
        types: Mapping[str, LicenceType],
        deadline: timedelta,
        new_id: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self.checks, self.access, self.metrics, self.types = checks, access, metrics, types
        self.deadline, self.new_id, self.clock = deadline, new_id, clock
        self.read_scan = msgspec.json.Decoder(ScanRequest).decode
        self.read_batch = msgspec.json.Decoder(_UnreadBatch).decode
        self.write = msgspec.json.Encoder().encode

    def decide(self, scan: ScanRequest) -> VerdictAnswer:
        """Check one scan and count it."""
        checked = self.checks.check(scan.qr, matter=scan.matter, window=scan.at_window)
        answer = answer_of(checked, self.types)
        self.metrics.decided(answer.verdict, [answer.reasons[0].code] if answer.reasons else ())
        return answer

    async def decide_one(self, scan: ScanRequest) -> VerdictAnswer:
        """Check one scan where it belongs: in memory, or in a thread when SQL is asked."""
        if self.checks.in_memory(scan.qr):
            return self.decide(scan)
        return await run_in_threadpool(self.decide, scan)


class ScanDoor:
    """`POST /v1/verify`."""

    def __init__(self, scanning: Scanning) -> None:
        self._s = scanning

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        s = self._s
        try:
            s.access.admit(scope, _SCANNERS, s.access.scans)
            _needs_json(scope)
            body = await read_body(scope, receive, limit=SINGLE_BYTES, deadline=s.deadline)
            scan = _read(s.read_scan, body, names=(b'"qr"', b'"matter"', b'"at_window"'))
            answer = s.write(await s.decide_one(scan))
        except (HTTPException, EcertError) as fault:
            await send_problem(fault, send)
            return
        await _send_json(answer, send)


class BatchDoor:
    """`POST /v1/verify/batch`."""

    def __init__(self, scanning: Scanning) -> None:
        self._s = scanning

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        s = self._s
        try:
            actor = s.access.admit(scope, _SCANNERS, s.access.scans)
            _needs_json(scope)
            body = await read_body(scope, receive, limit=BATCH_BYTES, deadline=s.deadline)
            items = await self._items(body)
            if len(items) > 1:
                s.access.spend(s.access.scans, actor.client_id, scope, cost=len(items) - 1)
            answer = s.write(BatchAnswer(await self._decide(items)))
        except (HTTPException, EcertError) as fault:
            await send_problem(fault, send)
            return
        await _send_json(answer, send)

    async def _items(self, body: bytes) -> Sequence[msgspec.Raw]:
        s = self._s
        if body.count(b",") > _BATCH_COMMAS:
            raise refuse(413, f"expected at most {BATCH_ITEMS} items, far more came")
        names = (b'"items"',)
        if len(body) <= SINGLE_BYTES:
            items = _read(s.read_batch, body, names=names, limit=BATCH_BYTES).items
        else:
            items = (await run_in_threadpool(_read, s.read_batch, body, names=names, limit=BATCH_BYTES)).items
        if len(items) > BATCH_ITEMS:
            raise refuse(413, f"expected at most {BATCH_ITEMS} items, {len(items)} came")
        return items

    async def _decide(self, items: Sequence[msgspec.Raw]) -> list[VerdictAnswer]:
        s = self._s
        answers: list[VerdictAnswer] = []
        until = time.perf_counter() + _SLICE
        for item in items:
            try:
                scan = _read(s.read_scan, bytes(item), names=(b'"qr"', b'"matter"', b'"at_window"'))
            except (HTTPException, EcertError) as fault:
                detail = fault.detail if isinstance(fault, HTTPException) else str(fault)
                answers.append(malformed_item(detail, verification_id=s.new_id(), checked_at=s.clock()))
                s.metrics.decided("refused", ("malformed",))
                continue
            answers.append(await s.decide_one(scan))
            if time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + _SLICE
        return answers


def _needs_json(scope: Scope) -> None:
    kind = media_type(scope)
    if kind not in ("", "application/json"):
        raise refuse(415, "expected a body of application/json")


def _read(
    decode: Callable[[bytes], T], body: bytes, *, names: Sequence[bytes], limit: int = SINGLE_BYTES
) -> T:
    """Decode by msgspec. A text that could hide a name given twice goes through the strict gate first.

    Raises:
        Malformed: It is no JSON of one spelling.
        HTTPException: 422 when it is JSON of another shape.
    """
    if b"\\" in body or any(body.count(name) > 1 for name in names):
        json.loads(body, max_bytes=limit)
    try:
        return decode(body)
    except (ValueError, RecursionError) as fault:
        json.loads(body, max_bytes=limit)  # says 400 when it is no JSON at all
        if isinstance(fault, msgspec.ValidationError):
            raise refuse(422, _shape(fault)) from None
        raise refuse(400, "expected JSON") from None


def _shape(fault: msgspec.ValidationError) -> str:
    """msgspec's message without an unknown name, which is the sender's own text."""
    said = str(fault)
    return "expected no other names than the documented ones" if "unknown field" in said else said


async def _send_json(body: bytes, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
