"""What anybody may fetch: signed status lists and trust lists, cacheable, readable from any origin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from ecert.services import Published
from ecert.web.access import peer
from ecert.web.openapi import answers
from ecert.web.wired import wired

__all__ = ["router"]

router = APIRouter(tags=["published lists"])

ListId = Annotated[
    str, Path(max_length=64, description="`<USCC>.<number>` as it stands in a licence's `status`")
]
AuthorityId = Annotated[str, Path(max_length=18, description="统一社会信用代码 of the signing authority")]


@router.get(
    "/status-lists/{list_id}",
    summary="A signed status list (Token Status List)",
    response_class=Response,
    responses=answers(
        404, 422, 429, 503, text={"application/statuslist+jwt": "the signed list"}, unchanged=True
    ),
)
def status_list(request: Request, list_id: ListId) -> Response:
    """Give the newest signed list; `If-None-Match` is honoured, `Cache-Control` is the list's `ttl`."""
    web = wired(request)
    web.access.spend(web.access.public, peer(request.scope), request.scope)
    return _published(request, web.publishing.status_list(list_id), "application/statuslist+jwt")


@router.get(
    "/trust-lists/{authority}",
    summary="A signed trust list",
    response_class=Response,
    responses=answers(
        404, 422, 429, 503, text={"application/trustlist+jwt": "the signed list"}, unchanged=True
    ),
)
def trust_list(request: Request, authority: AuthorityId) -> Response:
    """Give the newest list that this authority signed for the level below it."""
    web = wired(request)
    web.access.spend(web.access.public, peer(request.scope), request.scope)
    return _published(request, web.publishing.trust_list(authority), "application/trustlist+jwt")


def _published(request: Request, published: Published, media_type: str) -> Response:
    etag = published.etag if published.etag.startswith('"') else f'"{published.etag}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={int(published.max_age.total_seconds())}",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag",
    }
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or known == ["*"]:
        return Response(status_code=304, headers=headers)
    return Response(published.token, headers=headers, media_type=media_type)
