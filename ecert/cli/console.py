"""How commands speak: a person's text on a terminal, plain lines in a pipe, one JSON document with `--json`.

- Results go to stdout; what is said about them, and errors, go to stderr.
- An error is one sentence. There is no traceback for anything that can go wrong in use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

__all__ = ["ACCEPTED", "BUG", "REFUSED", "UNDECIDED", "WRONG_USAGE", "AsJson", "Home", "Screen"]

ACCEPTED, REFUSED, UNDECIDED, WRONG_USAGE, BUG = 0, 1, 2, 64, 70

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Folder of the database and the embedded server.", show_default="ECERT_HOME, or var"
    ),
]


class Screen:
    """Where one command writes."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(soft_wrap=True, highlight=False)
        self.err = Console(stderr=True, soft_wrap=True, highlight=False)

    def show(self, document: Any, text: Callable[[Console], None]) -> None:
        """Print the result as JSON, or have it drawn as text."""
        if self.as_json:
            print(json.dumps(document, ensure_ascii=False, default=str))
        else:
            text(self.out)

    def say(self, sentence: str) -> None:
        """A remark beside the result; never in the way of a pipe."""
        self.err.print(sentence, markup=False)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table on a terminal, tab-separated lines in a pipe."""
        if not self.out.is_terminal:
            for row in rows:
                print("\t".join("" if cell is None else str(cell) for cell in row))
            return
        table = Table(*columns, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        self.out.print(table)
