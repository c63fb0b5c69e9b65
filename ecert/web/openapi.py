"""What every answer looks like, said in OpenAPI.

FastAPI describes its own routes; the scanning doors and the bodies that pass the strict gate are added by
hand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ecert.web.problems import MEDIA_TYPE
from ecert.web.schemas import LicenceIn, ProblemOut, StatusIn, VersionIn

__all__ = ["answers", "described", "json_body", "table_body"]

_REF = "#/components/schemas/{model}"
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemOut")}}}
_BODIES: tuple[type[BaseModel], ...] = (LicenceIn, VersionIn, StatusIn, ProblemOut)
_RATE = {
    "RateLimit": {"schema": {"type": "string"}, "description": "what is left of the minute's allowance"},
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "the allowance"},
}
_WHY = {
    400: "The body can't be read",
    401: "No client key, or not a right one",
    403: "The client's role or authority does not allow this",
    404: "There is no such thing",
    406: "None of the accepted media types can be made",
    408: "The body took too long to arrive",
    409: "It exists with another content, or its state forbids this",
    413: "The body is over the limit",
    415: "The body has another media type",
    422: "Well-formed, but a field is wrong; the field is named",
    429: "Too many requests of this client",
    503: "A needed part is out of reach; try again after Retry-After",
}


def answers(
    *statuses: int, text: Mapping[str, str] | None = None, unchanged: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Describe a route's other answers: problem documents, and the 200 when it is not JSON."""
    found: dict[int | str, dict[str, Any]] = {s: _problem(s) for s in statuses}
    if text:
        content = {kind: {"schema": {"type": "string", "description": what}} for kind, what in text.items()}
        found[200] = {"description": "OK", "content": content}
    if unchanged:
        found[304] = {"description": "What `If-None-Match` names is still current"}
    return found


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that the route reads through the strict gate."""
    schema = {"$ref": _REF.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def table_body() -> dict[str, Any]:
    """Describe the table of licences that the batch door takes."""
    csv = {
        "type": "string",
        "description": "CSV with a header; UTF-8 or GB18030; GB/T 36903 or English names",
    }
    lines = {"type": "string", "description": "one LicenceIn object a line"}
    content = {"text/csv": {"schema": csv}, "application/x-ndjson": {"schema": lines}}
    return {"requestBody": {"required": True, "content": content}}


def described(app: FastAPI, scans: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    """Make the whole description once: routes, gate bodies, scanning doors, security."""
    if app.openapi_schema:
        return app.openapi_schema
    whole = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    schemas: dict[str, Any] = whole.setdefault("components", {}).setdefault("schemas", {})
    _, models = models_json_schema([(m, "validation") for m in _BODIES], ref_template=_REF)
    schemas.update(models["$defs"])
    _, structs = msgspec.json.schema_components(scans, ref_template="#/components/schemas/{name}")
    schemas.update(structs)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    paths = whole["paths"]
    if scans:  # a process of role issuer checks nothing
        schemas["VerdictAnswer"]["properties"]["verdict"] = {"enum": ["accepted", "refused", "undecided"]}
        paths["/v1/verify"] = {"post": _scan("ScanRequest", "VerdictAnswer", "Check one scan", "verify")}
        paths["/v1/verify/batch"] = {
            "post": _scan("BatchRequest", "BatchAnswer", "Check up to 1000 scans", "verify_batch")
        }
    whole["components"]["securitySchemes"] = {"client_key": {"type": "http", "scheme": "bearer"}}
    for path, doors in paths.items():
        for door in doors.values():
            if path.startswith("/v1/") or path == "/metrics":
                door["security"] = [{"client_key": []}]
            _mend_validation(door)
    app.openapi_schema = whole
    return whole


def _problem(status: int) -> dict[str, Any]:
    described = {"description": _WHY[status], "content": _PROBLEM}
    return {**described, "headers": _RATE} if status == 429 else described


def _scan(body: str, answer: str, summary: str, name: str) -> dict[str, Any]:
    return {
        "tags": ["verifying"],
        "summary": summary,
        "description": "Refused and undecided are answers with status 200, with every reason in step order.",
        "operationId": name,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model=body)}}},
        },
        "responses": {
            "200": {
                "description": HTTPStatus(200).phrase,
                "content": {"application/json": {"schema": {"$ref": _REF.format(model=answer)}}},
                "headers": _RATE,
            },
            **{str(s): _problem(s) for s in (400, 401, 403, 408, 413, 415, 422, 429, 503)},
        },
    }


def _mend_validation(door: dict[str, Any]) -> None:
    """FastAPI promises its own 422 form wherever there is a parameter; ours is a problem document."""
    for content in door["responses"].get("422", {}).get("content", {}).values():
        if content.get("schema", {}).get("$ref", "").endswith("HTTPValidationError"):
            door["responses"]["422"] = _problem(422)
            return
