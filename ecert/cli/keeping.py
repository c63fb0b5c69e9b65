"""`ecert keys`: signing keys and the data key of personal data at rest."""

from __future__ import annotations

import typer

from ecert.cli.console import AsJson, Home, Screen
from ecert.cli.opening import opened

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="Signing keys, and the data key of personal data at rest.", rich_markup_mode=None)
    keys.command("list")(_list)
    keys.command("rotate-data")(_rotate)
    app.add_typer(keys, name="keys")


def _list(home: Home = None, as_json: AsJson = False) -> None:
    """List the signing keys: whose, for what, from when until when. Never the keys themselves."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        held = app.signing_keys()
        screen.show(
            [
                {
                    "authority": k.authority,
                    "use": k.use,
                    "kid": k.key.kid,
                    "alg": k.key.alg,
                    "from": k.valid_from,
                    "until": k.valid_until,
                    "compromised_at": k.compromised_at,
                }
                for k in held
            ],
            lambda _: screen.table(
                ("authority", "use", "kid", "alg", "from", "until"),
                [
                    (k.authority, k.use, k.key.kid, k.key.alg, k.valid_from.date(), k.valid_until.date())
                    for k in held
                ],
            ),
        )


def _rotate(home: Home = None, as_json: AsJson = False) -> None:
    """Make a new data key and encrypt everything anew under it. Safe to stop and run again."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        done = app.rotate_data()
    screen.show(
        {"data_key": done.key_id, "licences": done.licences, "reasons": done.reasons},
        lambda out: out.print(
            f"data key {done.key_id} is current; encrypted anew: "
            f"{done.licences} licences, {done.reasons} reasons",
            markup=False,
        ),
    )
