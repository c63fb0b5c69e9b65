"""Is it alive, may it be used, what has it counted; and the plain page at the root."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ecert.services import Role
from ecert.web.access import peer
from ecert.web.metrics import CONTENT_TYPE_LATEST
from ecert.web.openapi import answers
from ecert.web.schemas import About, Health, Readiness
from ecert.web.wired import wired

__all__ = ["router"]

router = APIRouter(tags=["operation"])


@router.get("/", summary="What this is", responses=answers(429))
async def about(request: Request) -> About:
    """Say what this service is and where its doors are described."""
    web = wired(request)
    web.access.spend(web.access.public, peer(request.scope), request.scope)
    return About()


@router.get("/healthz", summary="The process is alive", responses=answers())
async def healthz() -> Health:
    """Answer as long as the event loop turns; touches nothing."""
    return Health()


@router.get(
    "/readyz",
    summary="The process may be sent requests",
    responses={
        200: {"model": Readiness},
        503: {"model": Readiness, "description": "Not yet, or not any more"},
    },
)
async def readyz(request: Request) -> Response:
    """Say whether trust is loaded and the mirror is fresh; each missing part is named."""
    state = wired(request).app.readiness()
    answer = Readiness(ready=state.ready, parts=dict(state.parts))
    return JSONResponse(answer.model_dump(), 200 if state.ready else 503)


@router.get(
    "/metrics",
    summary="Counters in Prometheus' form",
    response_class=Response,
    responses=answers(401, 403, 429, text={"text/plain": "counters"}),
)
def metrics(request: Request) -> Response:
    """Give the counters to an operator, or to anybody where `ECERT_METRICS_OPEN` says so."""
    web = wired(request)
    if not web.app.settings.metrics_open:
        web.access.admit(request.scope, (Role.OPERATOR,), web.access.writes)
    return Response(web.metrics.text(), media_type=CONTENT_TYPE_LATEST)
