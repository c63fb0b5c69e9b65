"""What a write's headers say: which request it is, and in which form the answer may be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from starlette.requests import Request

from ecert.services import Actor, RequestKey
from ecert.web.problems import refuse

__all__ = ["accepts", "request_key"]


def request_key(request: Request, key: str | None, by: Actor, body: bytes) -> RequestKey | None:
    """Name a request by its Idempotency-Key; the digest covers method, path and body."""
    if key is None:
        return None
    whole = b"\0".join((request.method.encode(), request.url.path.encode(), body))
    return RequestKey(client_id=by.client_id, key=key, digest=hashlib.sha256(whole).hexdigest())


def accepts(request: Request, offered: Sequence[str]) -> str:
    """Choose the media type of the answer: the first offered one among the most wanted.

    Raises:
        HTTPException: 406 when none of them is accepted.
    """
    stated = request.headers.get("accept", "").strip()
    if not stated:
        return offered[0]
    best, chosen = 0.0, None
    for kind in offered:
        wanted = max((_weight(part, kind) for part in stated.split(",")), default=0.0)
        if wanted > best:
            best, chosen = wanted, kind
    if chosen is None:
        raise refuse(406, f"expected Accept to allow {' or '.join(offered)}")
    return chosen


def _weight(part: str, kind: str) -> float:
    """How much one member of Accept wants a media type; a more specific match counts a little more."""
    name, *parameters = (p.strip().lower() for p in part.split(";"))
    if name not in (kind, "*/*", kind.split("/", maxsplit=1)[0] + "/*"):
        return 0.0
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                quality = 0.0
    specific = 0.0 if quality == 0.0 else 0.01 if name == kind else 0.0
    return quality + specific
