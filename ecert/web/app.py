"""The application: routes, scanning doors, errors, limits and description, around wired services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ecert import __version__
from ecert.assembly import App, Settings, build, configure_logs, log
from ecert.errors import EcertError
from ecert.web import health, licences, lists
from ecert.web.access import Access, Pace
from ecert.web.docs_page import DOCS_POLICY, docs_page
from ecert.web.metrics import Metrics
from ecert.web.openapi import described
from ecert.web.problems import answer_problem
from ecert.web.scans import BatchDoor, BatchRequest, ScanDoor, Scanning, ScanRequest
from ecert.web.verdicts import BatchAnswer, VerdictAnswer
from ecert.web.watch import Watch
from ecert.web.wired import Wired

__all__ = ["create", "create_app"]

_ABOUT = (
    "Electronic licences (电子证照): departments issue and change them, windows scan and know. "
    "Errors are problem documents (RFC 9457). An Idempotency-Key may go with every write; without one, "
    "the same content again is found again and not issued twice."
)


def create() -> FastAPI:
    """Make the application of one server process from the environment; uvicorn calls this in each worker."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    return create_app(build(settings))


def create_app(app: App) -> FastAPI:
    """Put HTTP around wired services. Its lifespan starts and stops their threads."""
    settings, metrics = app.settings, Metrics()
    access = Access(
        app.clients,
        scans=Pace("scans", settings.scans_per_minute),
        writes=Pace("requests", settings.writes_per_minute),
        public=Pace("anonymous", settings.public_per_minute),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(app.start, lambda: _observe(app, metrics))
        log.info("started", version=__version__, role=settings.role, redis=app.redis)
        try:
            yield
        finally:
            await run_in_threadpool(app.close)
            log.info("stopped")

    doors = _doors(app, access, metrics)
    web = FastAPI(
        title="ecert",
        version=__version__,
        summary="Electronic licences with signed QR codes",
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[
            Middleware(
                Watch,
                doors=doors,
                metrics=metrics,
                log=log.bind(),
                access_log=settings.access_log,
                https=settings.base_url.startswith("https:"),
            )
        ],
        exception_handlers={
            HTTPException: answer_problem,
            RequestValidationError: answer_problem,
            EcertError: answer_problem,
        },
    )
    web.state.wired = Wired(app=app, access=access, metrics=metrics)
    for path, door in doors.items():  # POST never comes here: these say 405 to the other methods
        web.router.routes.append(Route(path, door, methods=["POST"], include_in_schema=False))
    web.include_router(health.router)
    if app.publishing is not None:
        web.include_router(lists.router)
    if app.issuing is not None:
        web.include_router(licences.router)
    web.router.routes.append(Route("/docs", _docs, include_in_schema=False))
    shapes = (ScanRequest, BatchRequest, VerdictAnswer, BatchAnswer)
    web.openapi = lambda: described(web, shapes if settings.verifies else ())  # type: ignore[method-assign]
    return web


def _doors(app: App, access: Access, metrics: Metrics) -> dict[str, ScanDoor | BatchDoor]:
    if app.checking is None:
        return {}
    scanning = Scanning(
        app.checking,
        access=access,
        metrics=metrics,
        types=app.types,
        deadline=app.settings.body_deadline,
        new_id=lambda: str(uuid4()),
        clock=lambda: datetime.now(UTC),
    )
    return {"/v1/verify": ScanDoor(scanning), "/v1/verify/batch": BatchDoor(scanning)}


async def _docs(request: Request) -> Response:
    return HTMLResponse(docs_page(request.app.openapi()), headers={"Content-Security-Policy": DOCS_POLICY})


def _observe(app: App, metrics: Metrics) -> None:
    state = app.freshness()
    metrics.observe(
        age=None if state.mirror_age is None else state.mirror_age.total_seconds(),
        seq=state.seq,
        reloads=state.reloads,
        alarms=state.alarms,
        trust_age=None if state.trust_age is None else state.trust_age.total_seconds(),
    )
