"""Reading a request's body: never over the limit or the deadline, JSON by the strict gate."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from starlette.types import Receive, Scope

from ecert.web.problems import refuse
from ecert.wire import json

__all__ = ["BATCH_BYTES", "SINGLE_BYTES", "header", "media_type", "read_body", "strict_json"]

SINGLE_BYTES = 64 * 1024
BATCH_BYTES = 4 * 1024 * 1024


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def media_type(scope: Scope) -> str:
    """The body's media type without parameters, lower-case; empty when none is stated."""
    stated = header(scope, b"content-type") or b""
    return stated.split(b";")[0].strip().lower().decode("latin-1")


async def read_body(scope: Scope, receive: Receive, *, limit: int, deadline: timedelta) -> bytes:
    """Read a whole body.

    Args:
        scope: The request.
        receive: Its messages.
        limit: Bytes; one more and reading stops.
        deadline: From the first call until the last byte.

    Raises:
        HTTPException: 413 over the limit (before anything is read when the length is stated), 408 over the
            deadline, 400 when the stated length is no number or the client left.
    """
    stated = header(scope, b"content-length")
    if stated is not None:
        if not stated.isdigit() or len(stated) > 18:
            raise refuse(400, "Content-Length: expected a number of bytes")
        if int(stated) > limit:
            raise refuse(413, f"expected a body of at most {limit} bytes, more was announced")
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            return await _collect(receive, limit)
    except TimeoutError:
        raise refuse(408, f"expected the whole body within {deadline.total_seconds():g} s") from None


async def _collect(receive: Receive, limit: int) -> bytes:
    message = await receive()
    first: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body") and len(first) <= limit:
        return first
    parts, size = [first], len(first)
    while size <= limit:
        if message["type"] == "http.disconnect":
            raise refuse(400, "expected a whole body, the client left before its end")
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    raise refuse(413, f"expected a body of at most {limit} bytes, more came")


def strict_json(body: bytes, *, limit: int) -> Mapping[str, object]:
    """Read a JSON object through the gate: no duplicate names, no NaN, no deep nesting.

    Raises:
        Malformed: Not such a text.
        HTTPException: 422 when it is JSON of another kind.
    """
    value = json.loads(body, max_bytes=limit)
    if not isinstance(value, dict):
        raise refuse(422, "expected a JSON object")
    return value
