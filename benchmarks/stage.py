"""What every part of a run is given: how much to do, where to write, a folder, what parts share."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from benchmarks.rows import Sheet
from benchmarks.sizes import Size

__all__ = ["Part", "Stage"]

T = TypeVar("T")


@dataclass(slots=True)
class Stage:
    """One run. `folder` is thrown away at the end, and what `once` opened is closed."""

    size: Size
    sheet: Sheet
    folder: Path
    _open: ExitStack = field(default_factory=ExitStack)
    _made: dict[Any, Any] = field(default_factory=dict)

    def once(self, make: Callable[["Stage"], AbstractContextManager[T]]) -> T:
        """Open something that several parts use: the first one pays for it."""
        if make not in self._made:
            self._made[make] = self._open.enter_context(make(self))
        made: T = self._made[make]
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


Part = Callable[[Stage], None]
