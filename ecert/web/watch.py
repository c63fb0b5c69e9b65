"""The outermost layer: what every answer carries, what is logged and counted, and the last net.

- Logged are method, route template, status, time and client id: never a path as it came, a query, a header or
  a body.
- An exception that nobody turned into an answer becomes a 500 without detail; its type and place go to the
  log, its message does not, because a library's message may quote what it was given.
- The two scanning doors are called from here directly: they need nothing of the router (a measured 4 times
  cheaper).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecert.assembly import place_of
from ecert.web.access import RATE_HEADERS
from ecert.web.metrics import Metrics
from ecert.web.problems import send_problem

__all__ = ["Watch"]

Door = Callable[[Scope, Receive, Send], Awaitable[None]]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_UNLESS_SET = (
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
)


class Watch:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        doors: Mapping[str, Door],
        metrics: Metrics,
        log: Any,
        access_log: bool,
        https: bool,
    ) -> None:
        self.app = app
        self.doors = doors
        self.metrics = metrics
        self.log = log
        self.access_log = access_log
        self.always = list(_ALWAYS)
        if https:
            self.always.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
                return
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._headers(scope, message.get("headers", []))
            await send(message)

        door = self.doors.get(scope["path"]) if scope["method"] == "POST" else None
        try:
            if door is not None:
                await door(scope, receive, watched)
            else:
                await self.app(scope, receive, watched)
        except Exception as fault:
            self.log.error("unexpected", kind=type(fault).__name__, place=place_of(fault))
            if status == 0:
                await send_problem(fault, watched)
        finally:
            self._record(scope, status, time.perf_counter() - began, door is not None)

    def _headers(self, scope: Scope, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in given}
        headers = [*given, *self.always]
        headers.extend(pair for pair in _UNLESS_SET if pair[0] not in names)
        headers.extend(scope.get(RATE_HEADERS, ()))
        return headers

    def _record(self, scope: Scope, status: int, took: float, at_door: bool) -> None:
        route = scope["path"] if at_door else getattr(scope.get("route"), "path", "(none)")
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self.metrics.answered(route, method, status, took)
        if self.access_log:
            self.log.info(
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(took * 1000, 2),
                client=scope.get("ecert.client"),
            )
