"""`ecert demo`: the whole story on this machine, with invented persons and companies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecert.cli.console import Screen

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(_demo)


def _demo(
    serve: Annotated[bool, typer.Option("--serve", help="Keep serving afterwards, until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to serve on.")] = 8000,
    home: Annotated[Path, typer.Option("--home", help="Folder for everything the demo makes.")] = Path(
        "var/demo"
    ),
) -> None:
    """The whole story: set up, issue, scan, revoke, refuse."""
    from ecert.cli.demo import story  # noqa: PLC0415 - the demo's libraries (pictures) are loaded only here

    raise typer.Exit(story.run(Screen().out, home=home, serve=serve, port=port))
