"""`ecert client`: who may call, and as what."""

from __future__ import annotations

from typing import Annotated

import typer

from ecert.cli.console import AsJson, Home, Screen
from ecert.cli.opening import opened
from ecert.errors import NotFound, SettingsFault
from ecert.services.ports import Role

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    client = typer.Typer(
        help="Client keys (接入密钥) of departments, windows and operators.", rich_markup_mode=None
    )
    client.command("create")(_create)
    client.command("list")(_list)
    client.command("withdraw")(_withdraw)
    app.add_typer(client, name="client")


def _create(
    name: Annotated[str, typer.Argument(help="What the client is called, for people.")],
    role: Annotated[Role, typer.Option("--role", help="What it may do.")],
    authority: Annotated[
        str | None, typer.Option("--authority", help="统一社会信用代码 that a department acts for.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a client; its key is printed once and kept nowhere."""
    screen = Screen(as_json=as_json)
    if role is Role.DEPARTMENT and authority is None:
        raise SettingsFault("expected --authority with the 统一社会信用代码 that the department acts for")
    if role is not Role.DEPARTMENT and authority is not None:
        raise SettingsFault(f"expected --authority for a department only, got it for role {role}")
    with opened(home, make=True) as app:
        client_id, secret = app.clients.create(name, role, authority)
    screen.show({"client": client_id, "key": secret}, lambda out: out.print(secret, markup=False))
    if not as_json:
        screen.say(f"client {client_id}: this key is shown once; send it as Authorization: Bearer KEY")


def _list(home: Home = None, as_json: AsJson = False) -> None:
    """List the clients, withdrawn ones included."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        known = app.clients.list()
    screen.show(
        [
            {
                "client": c.client_id,
                "name": c.name,
                "role": c.role,
                "authority": c.authority,
                "created_at": c.created_at,
                "withdrawn_at": c.withdrawn_at,
            }
            for c in known
        ],
        lambda _: screen.table(
            ("client", "role", "authority", "name", "withdrawn"),
            [(c.client_id, c.role, c.authority, c.name, c.withdrawn_at) for c in known],
        ),
    )


def _withdraw(
    client: Annotated[str, typer.Argument(help="The client's id, from `ecert client list`.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a client; its key stops working within two seconds."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        if app.clients.withdraw(client) is False:
            raise NotFound("expected a client that is not withdrawn yet, there is none with this id")
    screen.show(
        {"client": client, "withdrawn": True}, lambda out: out.print(f"{client} is withdrawn", markup=False)
    )
