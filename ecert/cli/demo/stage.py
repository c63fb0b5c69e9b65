"""What every scene of the story needs: who tells, who calls, and what has come out so far."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecert.cli.demo.ledger import Ledger
from ecert.cli.demo.pictures import draw_all, read_all
from ecert.cli.demo.server import Caller
from ecert.cli.demo.telling import Teller

__all__ = ["Printed", "Stage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """An issued licence with its picture, and the text that was read back from the picture."""

    id: str
    issuer: str
    type_code: str
    token: str
    picture: Path
    scanned: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The scene: the service's address, its callers by USCC, the window, and two processes for pictures."""

    teller: Teller
    home: Path
    base_url: str
    departments: Mapping[str, Caller]
    window: Caller
    makers: ProcessPoolExecutor
    ledger: Ledger = field(default_factory=Ledger)

    def scan(self, text: str) -> dict[str, Any]:
        """Send what was scanned to the service and give its answer."""
        return self.window.post("/v1/verify", {"qr": text, "at_window": "demo-1"})

    def picture(self, name: str) -> Path:
        """Where a picture of that name goes."""
        return self.home / "qr" / f"{name}.png"

    def drawn(self, codes: Sequence[tuple[str, Path]]) -> list[str]:
        """Draw a few codes and read them back."""
        list(draw_all(self.makers, codes))
        return list(read_all(self.makers, [path for _, path in codes]))
