"""Errors become HTTP here and nowhere else: problem documents (RFC 9457).

- One function, `problem_of`, turns any exception into a document. An unknown one loses its detail.
- A document never repeats what was sent: it says what was expected.

Sources: RFC 9457; DESIGN section 7.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send

from ecert.errors import (
    Conflict,
    EcertError,
    FieldFault,
    Forbidden,
    InputError,
    LicenceFault,
    NotFound,
    RequestMismatch,
    TooLarge,
    Unavailable,
)

__all__ = ["MEDIA_TYPE", "Problem", "answer_problem", "body_of", "problem_of", "refuse", "send_problem"]

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:ecert:problem:"

_TITLES = {
    400: ("malformed", "The request can't be read"),
    401: ("no_client_key", "A client key is needed"),
    403: ("forbidden", "This client may not do that"),
    404: ("not_found", "There is no such thing"),
    405: ("method_not_allowed", "Another method is needed here"),
    406: ("not_acceptable", "None of the accepted media types can be made"),
    408: ("too_slow", "The request took too long to arrive"),
    409: ("conflict", "It exists already, or its state forbids this"),
    413: ("too_large", "The request is over the limit"),
    415: ("unsupported_media_type", "Another media type is needed here"),
    422: ("invalid", "The request is well-formed but not valid"),
    429: ("too_fast", "Too many requests"),
    500: ("internal", "Something went wrong here"),
    503: ("unavailable", "A needed part is out of reach; try again"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem document before it is bytes."""

    status: int
    name: str
    title: str
    detail: str | None = None
    field: str | None = None
    errors: tuple[Mapping[str, str], ...] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def refuse(
    status: int, detail: str, *, name: str | None = None, headers: Mapping[str, str] | None = None
) -> Exception:
    """Make the exception that ends a request with this status; the caller raises it."""
    fault = HTTPException(status, detail=detail, headers=headers)
    fault.__dict__["problem_name"] = name
    return fault


def problem_of(fault: BaseException) -> Problem:
    """Turn any exception into the document that its caller may see."""
    match fault:
        case HTTPException():
            return _of_status(
                fault.status_code,
                None if fault.detail == HTTPStatus(fault.status_code).phrase else fault.detail,
                name=fault.__dict__.get("problem_name"),
                headers=fault.headers,
            )
        case RequestValidationError():
            return _of_errors(fault.errors())
        case TooLarge():
            return _of_status(413, str(fault))
        case InputError():
            return _of_status(400, str(fault), name=fault.code)
        case FieldFault():
            return _of_status(422, str(fault), name="invalid_field", field=fault.field)
        case LicenceFault():
            return _of_status(422, str(fault))
        case NotFound():
            return _of_status(404, str(fault))
        case Forbidden():
            return _of_status(403, str(fault))
        case Conflict():
            return _of_status(409, str(fault))
        case RequestMismatch():
            return _of_status(422, str(fault), name="request_mismatch")
        case Unavailable():
            return _of_status(503, str(fault), headers={"Retry-After": "1"})
        case EcertError():  # a key or list of ours is out of order: nothing the caller could mend
            return _of_status(503, None, headers={"Retry-After": "30"})
        case _:
            return _of_status(500, None)


def body_of(problem: Problem) -> bytes:
    """Write the document as JSON."""
    document: dict[str, object] = {
        "type": TYPE_PREFIX + problem.name,
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail is not None:
        document["detail"] = problem.detail
    if problem.field is not None:
        document["field"] = problem.field
    if problem.errors:
        document["errors"] = list(problem.errors)
    return msgspec.json.encode(document)


async def answer_problem(request: Request, fault: Exception) -> Response:  # noqa: ARG001 - its form
    """Answer with the problem document of an exception: the application's only exception handler."""
    problem = problem_of(fault)
    return Response(body_of(problem), problem.status, problem.headers, MEDIA_TYPE)


async def send_problem(fault: BaseException, send: Send) -> None:
    """The same below the router, where there is no `Response`."""
    problem = problem_of(fault)
    body = body_of(problem)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    headers.extend((k.lower().encode(), v.encode()) for k, v in problem.headers.items())
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _of_status(
    status: int,
    detail: str | None,
    *,
    name: str | None = None,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    known, title = _TITLES.get(status, ("problem", HTTPStatus(status).phrase))
    sent = dict(headers or {})
    if status == 401:
        sent.setdefault("WWW-Authenticate", 'Bearer realm="ecert"')
    return Problem(status=status, name=name or known, title=title, detail=detail, field=field, headers=sent)


def _of_errors(errors: Iterable[Mapping[str, object]]) -> Problem:
    """Pydantic's findings, without what was sent."""
    found = []
    for error in errors:
        place = error.get("loc", ())
        path = [str(p)[:60] for p in place] if isinstance(place, tuple) else []
        if path and path[0] in ("body", "query", "path", "header"):
            path = path[1:]
        found.append({"field": ".".join(path), "expected": str(error.get("msg", "another value"))})
        if len(found) == 20:
            break
    first = found[0] if found else {"field": "", "expected": "another value"}
    name, title = _TITLES[422]
    return Problem(
        status=422,
        name=name,
        title=title,
        detail=f"{first['field']}: {first['expected']}" if first["field"] else first["expected"],
        field=first["field"] or None,
        errors=tuple(found),
    )
