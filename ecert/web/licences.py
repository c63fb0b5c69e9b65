"""The department's doors: issue one or many, read, draw, change the status, make a new version."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import Response

from ecert.errors import FieldFault, Forbidden
from ecert.services import Actor, Operation, QrForm, Role, VersionOperation, read_csv, read_draft, read_ndjson
from ecert.web.bodies import BATCH_BYTES, SINGLE_BYTES, media_type, read_body, strict_json
from ecert.web.openapi import answers, json_body, table_body
from ecert.web.problems import refuse
from ecert.web.requests import accepts, request_key
from ecert.web.schemas import IssuedBatch, IssuedOut, LicenceIn, LicenceOut, StatusIn, StatusOut, VersionIn
from ecert.web.shown import batch_lines, batch_out, issued_out, licence_out, status_out
from ecert.web.wired import wired
from ecert.wire import qr

__all__ = ["router"]

router = APIRouter(prefix="/v1/licences", tags=["issuing"])

LicenceIdText = Annotated[str, Path(max_length=120, description="电子证照标识")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        pattern=r"^[\x20-\x7e]+$",
        description="Makes a retry come to one result. Without it the licence's number does, for issuing.",
    ),
]
_READ = (401, 403, 404, 422, 429, 503)
_WRITE = (400, 401, 403, 408, 409, 413, 415, 422, 429, 503)
_NDJSON = "application/x-ndjson"
_JSON = "application/json"
_BATCH_ANSWER = {
    "description": "A result for each row",
    "content": {_NDJSON: {"schema": {"type": "string", "description": "one RowOut object a line"}}},
}


async def department(request: Request) -> Actor:
    """The calling department, counted against its allowance."""
    web = wired(request)
    return web.access.admit(request.scope, (Role.DEPARTMENT,), web.access.writes)


async def json_text(request: Request) -> bytes:
    """The body of a write, within the limits; called after the caller is known."""
    if media_type(request.scope) not in ("", _JSON):
        raise refuse(415, "expected a body of application/json")
    deadline = wired(request).app.settings.body_deadline
    return await read_body(request.scope, request.receive, limit=SINGLE_BYTES, deadline=deadline)


async def table_text(request: Request) -> bytes:
    """The body of a batch."""
    if media_type(request.scope) not in ("text/csv", _NDJSON):
        raise refuse(415, f"expected a body of text/csv or {_NDJSON}")
    deadline = wired(request).app.settings.body_deadline
    return await read_body(request.scope, request.receive, limit=BATCH_BYTES, deadline=deadline)


Department = Annotated[Actor, Depends(department)]
JsonText = Annotated[bytes, Depends(json_text)]
TableText = Annotated[bytes, Depends(table_text)]


@router.post(
    "",
    summary="Issue a licence",
    status_code=201,
    responses=answers(*_WRITE)
    | {200: {"model": IssuedOut, "description": "It was issued before; this is it"}},
    openapi_extra=json_body(LicenceIn),
)
def issue(
    request: Request, response: Response, by: Department, body: JsonText, key: IdempotencyKey = None
) -> IssuedOut:
    """Issue one licence for the caller's own authority. The same again is found, not issued twice."""
    web = wired(request)
    draft, issuer = read_draft(strict_json(body, limit=SINGLE_BYTES))
    issued = web.issuing.issue(
        draft, issuer=issuer or _authority(by), by=by, request=request_key(request, key, by, body)
    )
    web.metrics.issued(issued.outcome)
    response.status_code = 201 if issued.outcome == "issued" else 200
    response.headers["Location"] = f"/v1/licences/{issued.id}"
    return issued_out(issued)


@router.post(
    "/batch",
    summary="Issue a table of licences",
    responses=answers(*_WRITE, 406) | {200: _BATCH_ANSWER},
    response_model=IssuedBatch,
    openapi_extra=table_body(),
)
def issue_batch(
    request: Request,
    by: Department,
    body: TableText,
    key: IdempotencyKey = None,  # noqa: ARG001 - checked and described; the rows' numbers do its work
) -> Response:
    """Issue a row at a time: a bad row is reported with its line, field and reason, the others go through.

    The rows' numbers make it safe to send the same table again; an Idempotency-Key is accepted and adds
    nothing.
    """
    web = wired(request)
    kind = accepts(request, (_JSON, _NDJSON))
    read = read_csv if media_type(request.scope) == "text/csv" else read_ndjson
    done = batch_out(web.issuing.issue_rows(read(body), by=by))
    for outcome, count in done.counts:
        web.metrics.issued(outcome, count)
    return Response(batch_lines(done) if kind == _NDJSON else done.model_dump_json(), media_type=kind)


@router.get("/{licence_id}", summary="Read a licence", responses=answers(*_READ))
def read(request: Request, by: Department, licence_id: LicenceIdText) -> LicenceOut:
    """Read a licence of the caller's own authority, as it was asked for, with its status."""
    web = wired(request)
    return licence_out(web.reading.get(licence_id, by), web.app.types)


@router.get(
    "/{licence_id}/qr.{kind}",
    summary="Draw a licence's QR code",
    response_class=Response,
    responses=answers(*_READ, text={"image/svg+xml": "the code", "image/png": "the code"}),
)
def draw(
    request: Request,
    by: Department,
    licence_id: LicenceIdText,
    kind: Literal["svg", "png"],
    form: Annotated[Literal["offline", "short"], Query(description="whole licence, or a handle")] = "offline",
) -> Response:
    """Draw the whole licence (offline), or a short handle that is looked up online."""
    text = wired(request).reading.qr_text(licence_id, by, form=QrForm(form))
    if kind == "svg":
        return Response(qr.draw_svg(text), media_type="image/svg+xml")
    return Response(qr.draw_png(text), media_type="image/png")


@router.post(
    "/{licence_id}/status",
    summary="Change a licence's status",
    responses=answers(*_WRITE, 404),
    openapi_extra=json_body(StatusIn),
)
def change_status(
    request: Request, by: Department, licence_id: LicenceIdText, body: JsonText, key: IdempotencyKey = None
) -> StatusOut:
    """Suspend, reinstate, revoke, cancel or withdraw. Answered after the commit."""
    web = wired(request)
    asked = _checked(StatusIn, body)
    changed = web.changes.change(
        licence_id,
        Operation(asked.operation),
        reason=asked.reason,
        by=by,
        request=request_key(request, key, by, body),
    )
    return status_out(changed, licence_id)


@router.post(
    "/{licence_id}/versions",
    summary="Issue a new version",
    status_code=201,
    responses=answers(*_WRITE, 404)
    | {200: {"model": IssuedOut, "description": "It was made before; this is it"}},
    openapi_extra=json_body(VersionIn),
)
def new_version(  # noqa: PLR0917 - FastAPI calls it by name
    request: Request,
    response: Response,
    by: Department,
    licence_id: LicenceIdText,
    body: JsonText,
    key: IdempotencyKey = None,
) -> IssuedOut:
    """Change (变更) or renew (延续) a licence; the version before it is superseded in the same commit."""
    web = wired(request)
    changes = dict(strict_json(body, limit=SINGLE_BYTES))
    asked = changes.pop("operation", None)
    if asked not in ("change", "renew"):
        raise FieldFault("operation", "expected change or renew")
    issued = web.issuing.new_version(
        licence_id,
        changes,
        operation=VersionOperation(asked),
        by=by,
        request=request_key(request, key, by, body),
    )
    web.metrics.issued(issued.outcome)
    response.status_code = 201 if issued.outcome == "issued" else 200
    response.headers["Location"] = f"/v1/licences/{issued.id}"
    return issued_out(issued)


def _authority(by: Actor) -> str:
    if by.authority is None:
        raise Forbidden("expected a department that is bound to its authority")
    return by.authority


def _checked(model: type[StatusIn], body: bytes) -> StatusIn:
    strict_json(body, limit=SINGLE_BYTES)
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as fault:
        raise RequestValidationError(fault.errors(include_input=False, include_url=False)) from None
