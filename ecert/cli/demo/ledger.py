"""What was expected and what came: the figures of the demo's last line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Ledger", "first_code"]


def first_code(answer: Mapping[str, Any]) -> str:
    """The first reason's code of a verdict; the verdict itself when there is none."""
    reasons = answer.get("reasons") or ()
    return str(reasons[0]["code"]) if reasons else str(answer["verdict"])


@dataclass(slots=True)
class Ledger:
    """Licences issued, licences accepted, checks refused as they should be, and everything that came out
    otherwise."""

    issued: int = 0
    accepted: set[str] = field(default_factory=set)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, answer: Mapping[str, Any], expected: str) -> bool:
        """Compare a verdict with `accepted` or the one reason code that must stand first.

        Returns:
            Whether it came out as expected.
        """
        came = first_code(answer)
        if expected == "accepted":
            right = came == "accepted" and bool(answer["licence"]["id"])
            if right:
                self.accepted.add(answer["licence"]["id"])
        else:
            right = answer["verdict"] == "refused" and came == expected
            self.refused += right
        if not right:
            self.wrong.append(f"{what}: expected {expected}, got {came}")
        return right

    def note(self, what: str) -> None:
        """Write down something else that went wrong."""
        self.wrong.append(what)

    def line(self) -> str:
        """The last line."""
        return (
            f"demo: {self.issued} issued, {len(self.accepted)} accepted, "
            f"{self.refused} refused as they should be, {len(self.wrong)} wrong"
        )
