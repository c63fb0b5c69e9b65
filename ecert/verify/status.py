"""What a verifier asks about a licence's status (状态): an answer with its age, or that there is none."""

from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

__all__ = ["StatusAnswer", "StatusView"]

_STATES: Final[dict[int, Literal["valid", "revoked", "suspended", "not_issued"]]] = {
    0: "valid",
    1: "revoked",
    2: "suspended",
    3: "not_issued",
}


class StatusAnswer(msgspec.Struct, frozen=True):
    """One entry of a status list (状态列表) as a view knows it.

    `value` is 0 valid, 1 invalid for good, 2 suspended, 3 never issued. `as_of` is the moment at which the
    view knows it to have been so. `superseded` tells a 1 that came with a newer version from a revocation,
    where the view knows. `signer` is the plain USCC of whoever keeps the list, where the view knows it; the
    engine then checks that the trust list lets it speak for the licence's issuer.
    """

    value: int
    superseded: bool
    as_of: datetime
    signer: str | None = None

    @property
    def state(self) -> Literal["valid", "revoked", "superseded", "suspended", "not_issued", "unknown"]:
        """The value in a word; `unknown` for a value outside the four."""
        if self.value == 1 and self.superseded:
            return "superseded"
        return _STATES.get(self.value, "unknown")


class StatusView(Protocol):
    """Statuses held in memory. A look-up makes no network call and never answers by default."""

    def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
        """Answer for one entry; None when the list is not known or the index lies outside it."""
