"""`ecert doctor`: each part, what was found, what is missing, and what to type."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import typer

from ecert.assembly import PartFound, Settings, examine, setting_rows
from ecert.cli.console import AsJson, Home, Screen

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(_doctor)


def _doctor(
    settings: bool = typer.Option(False, "--settings", help="List every setting with its meaning instead."),
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say what is missing and what to type. Exit status 1 if something is."""
    screen = Screen(as_json=as_json)
    if settings:
        rows = setting_rows()
        screen.show(
            [{"name": name, "default": default, "meaning": meaning} for name, default, meaning in rows],
            lambda _: screen.table(("setting", "default", "meaning"), rows),
        )
        return
    findings = [_advised(found, home) for found in examine(Settings.read(home=home))]
    screen.show(
        [{"part": f.part, "ok": f.ok, "found": f.found, "type": f.remedy} for f in findings],
        lambda _: screen.table(
            ("part", "", "found", "what to type"),
            [(f.part, "ok" if f.ok else "MISSING", f.found, f.remedy) for f in findings],
        ),
    )
    raise typer.Exit(0 if all(f.ok for f in findings) else 1)


def _advised(found: PartFound, home: Path | None) -> PartFound:
    """The part as this command was asked about it: advice for the same home."""
    remedy = re.sub(r"ecert (trust init|serve)", lambda m: m[0] + _option(home), found.remedy)
    return replace(found, remedy=remedy)


def _option(home: Path | None) -> str:
    return "" if home is None else f" --home {shlex.quote(str(home))}"
