"""`ecert cache`: the status cache, compared with SQL or built anew."""

from __future__ import annotations

import typer

from ecert.cli.console import REFUSED, AsJson, Home, Screen
from ecert.cli.opening import opened

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    cache = typer.Typer(
        help="The status cache: compare it with SQL, or build it anew.", rich_markup_mode=None
    )
    cache.command("rebuild")(_rebuild)
    cache.command("check")(_check)
    app.add_typer(cache, name="cache")


def _rebuild(home: Home = None, as_json: AsJson = False) -> None:
    """Build the status cache anew from SQL; verifiers say undecided until it is done."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        epoch = app.rebuild_cache()
    screen.show({"epoch": epoch}, lambda out: out.print(f"rebuilt from SQL as epoch {epoch}", markup=False))


def _check(home: Home = None, as_json: AsJson = False) -> None:
    """Compare the cache and every published list with SQL, and name each difference. Exit status 1 if any."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        found = app.check_cache()
        lists = len(app.log.lists())
    screen.show(
        {
            "lists": lists,
            "differences": [{"where": d.where, "list": d.list_id, "what": d.what} for d in found],
        },
        lambda out: out.print(f"{lists} lists compared, {len(found)} differences", markup=False),
    )
    for difference in found if not as_json else ():
        screen.say(f"{difference.where}: {difference.list_id}: {difference.what}")
    raise typer.Exit(REFUSED if found else 0)
