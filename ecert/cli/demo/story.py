"""The story of `ecert demo`: a department's table becomes signed QR codes; a window scans one and knows.

Everything in it is real: the server is another process, the pictures are files that another program reads
back, the verdicts are the server's. Only the persons, companies and authorities are invented.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from ecert.assembly import Settings
from ecert.cli.demo.changes import change_statuses
from ecert.cli.demo.counter import draw_and_read, issue_table, read_table, scan_all
from ecert.cli.demo.forgeries import OUTSIDER, Workshop
from ecert.cli.demo.founding import Cast, found, tell_chain
from ecert.cli.demo.fresh import fresh_home, without_settings
from ecert.cli.demo.ledger import first_code
from ecert.cli.demo.pictures import picture_makers
from ecert.cli.demo.server import Caller, ends_orderly, free_port, running_server
from ecert.cli.demo.stage import Printed, Stage
from ecert.cli.demo.telling import Teller
from ecert.cli.listening import check_port
from ecert.licence import load_types

__all__ = ["command_here", "commands_to_try", "run"]

_DRIVING = "11100000MB9990002J001"
_SERVED_AT = 8000


def run(console: Console, *, home: Path, serve: bool, port: int | None) -> int:
    """Tell the story, and go on serving afterwards if asked to.

    Everything that it starts ends with it, also on Ctrl-C and SIGTERM.

    Args:
        console: Where it is told.
        home: A folder of the demo's own; emptied first.
        serve: Go on serving until Ctrl-C.
        port: Port to serve on; None or 0 takes 8000 when serving. Without `serve` any free port is taken.

    Returns:
        0 if everything came out as it should, else 1.

    Raises:
        EcertError: A part could not be set up; the sentence says which.
    """
    port = (port or _SERVED_AT) if serve else free_port()
    check_port("127.0.0.1", port)
    base_url = f"http://127.0.0.1:{port}"
    teller = Teller(console)
    with ends_orderly(), without_settings(), fresh_home(home), contextlib.ExitStack() as stack:
        makers = stack.enter_context(picture_makers())
        table = read_table()
        teller.chapter("A trust root and five levels of authorities")
        cast = found(Settings.read(home=home, port=port, base_url=base_url), list(table))
        tell_chain(teller, cast, {code: kind.name_zh for code, kind in load_types().items()})

        teller.chapter("The server: HTTP, SQL and status cache")
        child = stack.enter_context(running_server(home, port=port, base_url=base_url))
        for line in (home / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()[:1]:
            teller.say(line)
        teller.say(f"SQLite in {home / 'ecert.db'}; HTTP on {base_url}, process {child.pid}")
        stage = Stage(
            teller=teller,
            home=home,
            base_url=base_url,
            departments={
                issuer: stack.enter_context(contextlib.closing(Caller(port, key)))
                for issuer, key in cast.departments.items()
            },
            window=stack.enter_context(contextlib.closing(Caller(port, cast.window))),
            makers=makers,
        )
        printed = _tell(stage, cast)
        ledger = stage.ledger
        for wrong in ledger.wrong:
            teller.say(f"wrong: {wrong}", style="red")
        console.print()
        console.print(ledger.line(), markup=False, soft_wrap=True)
        if serve:
            _serve_on(stage, cast, printed, child)
        return 1 if ledger.wrong else 0


def _tell(stage: Stage, cast: Cast) -> list[Printed]:
    teller, types, table = stage.teller, load_types(), read_table()
    names = {authority.id: authority.name for authority in cast.plan.authorities}
    teller.chapter("Departments issue: every row of a table becomes a signed licence")
    asked = issue_table(stage, table, names)

    teller.chapter("QR codes: drawn as PNG files, read back from the files")
    printed = draw_and_read(stage, asked, types)

    teller.chapter("At the window: what was read goes to the service")
    scan_all(stage, printed, types)

    teller.chapter("Changes: suspended, reinstated, revoked, superseded")
    change_statuses(stage, printed)

    teller.chapter("Forgeries")
    _refuse_forgeries(stage, cast, printed)
    return printed


def _refuse_forgeries(stage: Stage, cast: Cast, printed: list[Printed]) -> None:
    left_out = [problem.authority for problem in cast.founded.problems]
    if left_out != [OUTSIDER.id]:
        stage.ledger.note("the trust lists: expected one department to be left out, got another result")
    # The first two driving licences were suspended and revoked in the scene before.
    good = [each for each in printed if each.type_code == _DRIVING][2]
    workshop = Workshop(
        keys=cast.keys,
        retired=cast.retired,
        good_token=good.token,
        good_text=good.scanned,
        base_url=stage.base_url,
        caller=stage.window,
    )
    forgeries = list(workshop.forgeries())
    drawn = [each for each in forgeries if each.drawn]
    pictures = [(each.text, stage.picture(f"forged-{each.expected}")) for each in drawn]
    read = dict(zip((each.what for each in drawn), stage.drawn(pictures), strict=True))
    rows = []
    for each in forgeries:
        answer = stage.scan(read.get(each.what, each.text))
        right = stage.ledger.expect(each.what, answer, each.expected)
        found = first_code(answer) if right else f"{first_code(answer)} (expected {each.expected})"
        steps = [reason["step"] for reason in answer["reasons"]] or ["-"]
        advice = [reason["sentence"]["zh"] for reason in answer["reasons"]] or [""]
        rows.append((each.what, answer["verdict"], steps[0], found, advice[0]))
    stage.teller.table(("forgery", "verdict", "step", "reason", "the clerk reads"), rows)


def _serve_on(stage: Stage, cast: Cast, printed: list[Printed], child: subprocess.Popen[bytes]) -> None:
    """Say how to try it, and wait for Ctrl-C or the server's end."""
    last = [each for each in printed if each.type_code == _DRIVING][-1]
    say, url = stage.teller.say, stage.base_url
    stage.teller.chapter(f"Serving on {url} until Ctrl-C")
    say(f"what it offers: {url}/docs    pictures: {stage.home / 'qr'}")
    say(f"a window's key: {cast.window}")
    say(f"a department's key (traffic police): {cast.departments[last.issuer]}")
    commands = commands_to_try(url, last, window=cast.window, department=cast.departments[last.issuer])
    here = command_here(last.picture, stage.home)
    if (
        url != f"http://127.0.0.1:{_SERVED_AT}"
    ):  # the lists' address, which the command line takes for its own
        here = f"ECERT_BASE_URL={url} {here}"
    for what, command in [("verify a picture", here), *commands]:
        say(f"{what}:")
        say(command)
    with contextlib.suppress(KeyboardInterrupt):
        child.wait()
    say("stopping")


def command_here(picture: Path, home: Path) -> str:
    """What to type to have the command line check a picture; names the program as this shell finds it."""
    program = "ecert"
    if shutil.which(program) is None and Path(sys.argv[0]).is_file():
        program = os.path.relpath(sys.argv[0])
    return shlex.join([program, "verify", str(picture), "--home", str(home)])


def commands_to_try(url: str, licence: Printed, *, window: str, department: str) -> list[tuple[str, str]]:
    """What to type into a shell, and what it does."""
    json_body = "-H 'Content-Type: application/json'"
    verify = (
        f"curl -s {url}/v1/verify -H 'Authorization: Bearer {window}' {json_body} "
        f'-d \'{{"qr": "{licence.scanned}"}}\''
    )
    revoke = (
        f"curl -s {url}/v1/licences/{licence.id}/status -H 'Authorization: Bearer {department}' {json_body} "
        f'-H \'Idempotency-Key: try-1\' -d \'{{"operation": "revoke", "reason": "演示"}}\''
    )
    return [("verify a licence", verify), ("revoke it, then verify it again", revoke)]
