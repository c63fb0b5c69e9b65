"""The entry point: every command under one name, every failure one sentence and an exit status."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Sequence

import typer

from ecert import __version__
from ecert.assembly import place_of
from ecert.cli import (
    caching,
    checking,
    clients,
    demonstration,
    diagnosis,
    issuing,
    keeping,
    serving,
    trusting,
)
from ecert.cli.console import BUG, REFUSED, WRONG_USAGE
from ecert.errors import EcertError, SettingsFault

__all__ = ["app", "main"]

_OURS = (
    (re.compile(r"Input should be a valid integer.*"), "expected a whole number"),
    (re.compile(r"Input should be a valid number.*"), "expected a number"),
    (re.compile(r"(?:Value error, )?'.*' is not one of (.+?)\.?$"), r"expected one of \1"),
    (re.compile(r"Value error, "), ""),
    (re.compile(r"Input should be "), "expected "),
)

app = typer.Typer(
    name="ecert",
    help="Electronic licences (电子证照): departments issue them, windows scan them and know.",
    epilog="\b\nExit status: 0 accepted or done, 1 refused or not done, 2 undecided, 64 wrong usage\n"
    "Begin: ecert demo.",
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

demonstration.register(app)
serving.register(app)
issuing.register(app)
checking.register(app)
trusting.register(app)
keeping.register(app)
clients.register(app)
caching.register(app)
diagnosis.register(app)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status; nothing is raised for wrong usage, bad input or a part out of reach.
    """
    try:
        outcome = app(
            list(sys.argv[1:] if arguments is None else arguments), standalone_mode=False, prog_name="ecert"
        )
        return outcome if isinstance(outcome, int) else 0
    except typer.TyperException as fault:
        return _fail(_plain(fault.format_message()), WRONG_USAGE)
    except SettingsFault as fault:
        return _fail(str(fault), WRONG_USAGE)
    except EcertError as fault:
        return _fail(str(fault), REFUSED)
    except (typer.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except BrokenPipeError:  # the reader of our output went away: no business of the user's
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as fault:  # a bug: its place helps to mend it, its message might quote what was read
        return _fail(f"unexpected {type(fault).__name__} at {place_of(fault)}; please report it", BUG)


def _plain(sentence: str) -> str:
    """The library's words for a wrong option in ours: what was expected."""
    for theirs, ours in _OURS:
        sentence = theirs.sub(ours, sentence)
    return sentence


def _fail(sentence: str, status: int) -> int:
    print(f"ecert: {sentence}", file=sys.stderr)
    return status
