"""`ecert serve`: this process finds or starts Redis, then uvicorn runs one server process or several.

The application is named to uvicorn as text: the command line knows nothing of the web's insides.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import tempfile
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
import uvicorn

from ecert.assembly import Settings, configure_logs, prepare
from ecert.cli.console import Home, Screen
from ecert.cli.listening import check_port, hear_ctrl_c

__all__ = ["register", "serve"]

_GRACE = 10  # seconds that running requests get at the end


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(_serve)


def _serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 for a free one.", show_default="8000")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Server processes.", show_default="1")
    ] = None,
    role: Annotated[str | None, typer.Option(help="issuer, verifier or all.", show_default="all")] = None,
    home: Home = None,
) -> None:
    """Serve the HTTP doors until Ctrl-C."""
    settings = Settings.read(host=host, port=port, workers=workers, role=role, home=home)
    raise typer.Exit(serve(settings, Screen()))


def serve(settings: Settings, screen: Screen) -> int:
    """Serve until a signal says stop.

    Args:
        settings: For all processes; the workers get them through their environment.
        screen: Says to a person what was found and where the service listens.

    Returns:
        The exit status.

    Raises:
        SettingsFault: A setting is wrong, the port is taken, or no Redis-compatible server can be found or
            started.
        Unavailable: SQL is out of reach.
    """
    check_port(settings.host, settings.port)
    hear_ctrl_c()
    configure_logs(settings.log_level)
    _more_files(settings.max_connections)
    with prepare(settings) as ready, _told(ready.environment), _shared_counters(settings.workers):
        screen.say(ready.redis)
        screen.say(
            f"ecert serves on http://{settings.host}:{settings.port} "
            f"({settings.workers} process(es), role {settings.role}); what it offers is described at /docs"
        )
        # uvicorn raises the signal again when it has stopped: that must not keep us from clearing up.
        signal.signal(signal.SIGTERM, _ended)
        try:
            uvicorn.run(
                "ecert.web:create",
                factory=True,
                host=settings.host,
                port=settings.port,
                workers=settings.workers,
                http="ecert.web.connection:GuardedProtocol",
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=bool(settings.proxies),
                forwarded_allow_ips=settings.proxies or None,
                limit_concurrency=settings.max_connections,
                timeout_keep_alive=10,
                timeout_graceful_shutdown=_GRACE,
                timeout_worker_healthcheck=60,
            )
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
    return 0


def _ended(_number: int, _frame: object) -> None:
    raise SystemExit(0)


@contextlib.contextmanager
def _told(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the processes that uvicorn starts, and put back what was there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _shared_counters(workers: int) -> Iterator[None]:
    """Let several workers' counters be summed by whichever of them answers /metrics."""
    if workers == 1:
        yield
        return
    with (
        tempfile.TemporaryDirectory(prefix="ecert-metrics-") as folder,
        _told({"PROMETHEUS_MULTIPROC_DIR": folder}),
    ):
        yield


def _more_files(connections: int) -> None:
    """Raise this process's limit of open files as far as allowed, so that many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 512
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
