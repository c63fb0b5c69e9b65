"""How the story is told: tables and progress bars on a terminal, plain aligned lines in a pipe."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

__all__ = ["Teller"]


class Teller:
    """Tells one story on one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """Begin the next chapter."""
        self._chapter += 1
        heading = f"{self._chapter}. {title}"
        self.console.print()
        self.console.print(heading, style="bold", markup=False)

    def say(self, sentence: str, *, style: str | None = None) -> None:
        """Tell one sentence."""
        self.console.print(f"   {sentence}", style=style, markup=False, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Show rows under headings."""
        cells = [[str(cell) for cell in row] for row in rows]
        if self.console.is_terminal:
            table = Table(header_style="bold")
            for name in columns:
                table.add_column(name, overflow="fold")
            for row in cells:
                table.add_row(*row)
            self.console.print(table, soft_wrap=False)
            return
        widths = [max(cell_len(row[i]) for row in [columns, *cells]) for i in range(len(columns))]
        for row in [list(columns), *cells]:
            padded = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
            self.console.print(f"   {'  '.join(padded)}".rstrip(), markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Count up to `total` under a name; gives a function that moves on by a number."""
        done = 0
        began = time.perf_counter()
        bar = Progress(
            TextColumn("   {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        with bar:
            task = bar.add_task(what, total=total)

            def move(by: int = 1) -> None:
                nonlocal done
                done += by
                bar.advance(task, by)

            yield move
        self.say(f"{what}: {done} of {total}, {time.perf_counter() - began:.1f} s")
