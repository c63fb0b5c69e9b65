"""`ecert trust`: the trust root and the signed lists of authorities."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from ecert.assembly import App, found_trust, read_plan
from ecert.cli.console import AsJson, Home, Screen
from ecert.cli.opening import opened
from ecert.errors import KeyFault, NotFound, SettingsFault, TrustFault
from ecert.services.ports import StoredTrustList
from ecert.store import KeyFiles
from ecert.trust.lists import unverified_signer
from ecert.wire import json as strict
from ecert.wire import jws

__all__ = ["authorities_text", "register"]

_CHECKOUT = Path("keys/authorities.toml")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    trust = typer.Typer(
        help="Trust root and signed trust lists (信任列表).", no_args_is_help=False, rich_markup_mode=None
    )
    trust.command("init")(_init)
    trust.command("show")(_show)
    trust.command("list")(_list)
    trust.command("export")(_export)
    trust.command("import")(_import)
    app.add_typer(trust, name="trust")


def authorities_text(path: Path | None) -> str:
    """Read the file of authorities: the one named, the checkout's, or the one that comes with the package.

    Raises:
        SettingsFault: The named file can't be read.
    """
    try:
        if path is not None or _CHECKOUT.is_file():
            return (path or _CHECKOUT).read_text(encoding="utf-8")
        packaged = resources.files("ecert.cli.demo").joinpath("authorities.toml")
        # An editable install has no copy in the package: the checkout's own file stands beside it.
        beside = resources.files("ecert").joinpath("..", _CHECKOUT.as_posix())
        return (packaged if packaged.is_file() else beside).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ModuleNotFoundError) as fault:
        raise SettingsFault(
            f"expected a file of authorities at {path or _CHECKOUT}, got {type(fault).__name__}"
        ) from None


def _init(
    authorities: Annotated[
        Path | None, typer.Option("--authorities", help="TOML file; keys/authorities.toml if left out.")
    ] = None,
    algorithm: Annotated[
        str, typer.Option("--algorithm", help="ES256 or EdDSA, for keys made now.")
    ] = "ES256",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys that are missing and sign the trust lists that changed."""
    screen = Screen(as_json=as_json)
    plan = read_plan(authorities_text(authorities))
    with opened(home, make=True) as app:
        keys = _keys(app)
        founded = found_trust(plan, keys=keys, lists=app.trust_lists, at=datetime.now(UTC), alg=algorithm)
        document = {
            "root_id": plan.root_id,
            "root_key": str(keys.directory / "root.jwk"),
            "signed": founded.signed,
            "kept": founded.kept,
            "problems": [{"authority": p.authority, "reason": p.reason} for p in founded.problems],
        }
        screen.show(
            document,
            lambda out: out.print(
                f"root {plan.root_id}, public key in {keys.directory / 'root.jwk'}; "
                f"{len(founded.signed)} lists signed, {len(founded.kept)} unchanged",
                markup=False,
            ),
        )
        for problem in founded.problems:
            screen.say(f"left out by verifiers: {problem.authority}: {problem.reason}")
    raise typer.Exit(1 if founded.problems else 0)


def _show(home: Home = None, as_json: AsJson = False) -> None:
    """Show the authorities that are trusted now, level by level."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        table = app.trust.table
        rows = sorted(table.authorities.values(), key=lambda a: (a.level, str(a.region), a.id))
        document = {
            "expires_at": table.expires_at,
            "authorities": [
                {
                    "id": a.id,
                    "name": a.name,
                    "level": a.level,
                    "region": str(a.region),
                    "types": a.types.patterns,
                }
                for a in rows
            ],
            "problems": [{"authority": p.authority, "reason": p.reason} for p in table.problems],
        }
        screen.show(
            document,
            lambda _: screen.table(
                ("level", "region", "authority", "name", "types"),
                [(a.level, a.region, a.id, a.name, " ".join(a.types.patterns)) for a in rows],
            ),
        )
        for problem in table.problems:
            screen.say(f"left out: {problem.authority or 'a list'}: {problem.reason}")
        if not app.trust.loaded:
            raise NotFound("nothing is trusted yet: `ecert trust init` makes a development root")


def _list(home: Home = None, as_json: AsJson = False) -> None:
    """List the signed trust lists."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        stored = app.trust_lists.all_current()
        screen.show(
            [{"authority": s.authority, "seq": s.seq, "stored_at": s.stored_at} for s in stored],
            lambda _: screen.table(
                ("signed by", "seq", "stored at"), [(s.authority, s.seq, s.stored_at) for s in stored]
            ),
        )


def _export(
    folder: Annotated[Path, typer.Argument(help="Where the lists and the public root key are written.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write every trust list and the public root key as files, for checks without a line."""
    screen = Screen(as_json=as_json)
    with opened(home) as app:
        stored = app.trust_lists.all_current()
        root_id = app.root_id()
        if root_id is None or not app.settings.root_file.is_file():
            raise NotFound("there is no trust root yet: `ecert trust init` makes one")
        written = ["root.jwk", "root.id"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.joinpath("root.jwk").write_bytes(app.settings.root_file.read_bytes())
            folder.joinpath("root.id").write_text(root_id + "\n")
            for one in stored:
                written.append(f"{one.authority}.trustlist")
                folder.joinpath(written[-1]).write_text(one.token)
        except OSError as fault:
            raise SettingsFault(f"expected a folder to write to at {folder}, got {fault.strerror}") from None
    screen.show(
        {"folder": str(folder), "files": written},
        lambda out: out.print(f"{len(written)} files in {folder}", markup=False),
    )


def _import(
    files: Annotated[list[Path], typer.Argument(help="Signed trust lists.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Take over trust lists that others signed; they count when the chain from the root reaches them."""
    screen = Screen(as_json=as_json)
    taken: list[StoredTrustList] = []
    now = datetime.now(UTC)
    for path in files:
        try:
            token = path.read_bytes().strip()
        except OSError as fault:
            raise SettingsFault(f"expected a trust list at {path}, got {fault.strerror}") from None
        authority, _ = unverified_signer(token)
        claims = strict.loads(jws.read_compact(token, max_bytes=4 << 20).payload, max_bytes=4 << 20)
        seq = claims.get("seq") if isinstance(claims, dict) else None
        if not isinstance(seq, int) or isinstance(seq, bool):
            raise SettingsFault(f"expected a trust list with a seq at {path}")
        taken.append(
            StoredTrustList(authority=authority, seq=seq, token=token.decode("ascii"), stored_at=now)
        )
    with opened(home, make=True) as app:
        _would_count(app, taken)
        app.trust_lists.put(taken)
    screen.show(
        [t.authority for t in taken], lambda out: out.print(f"{len(taken)} lists taken over", markup=False)
    )


def _would_count(app: App, taken: list[StoredTrustList]) -> None:
    """Refuse lists that no chain from the pinned root reaches, before they are kept."""
    table = app.trust.resolve_with(taken)
    for one in taken:
        if table.seqs.get(one.authority) != one.seq:
            reasons = [p.reason for p in table.problems if p.authority in (one.authority, "")]
            raise TrustFault(
                f"the list of {one.authority} does not count: {'; '.join(reasons) or 'unknown signer'}"
            )


def _keys(app: App) -> KeyFiles:
    if app.key_files is None:
        raise KeyFault("expected a process that may hold keys: role issuer or all")
    return app.key_files
