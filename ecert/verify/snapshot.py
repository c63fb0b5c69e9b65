"""Statuses from published lists (已发布的状态列表), for checks without a line."""

from collections.abc import Iterable

from ecert.errors import EcertError
from ecert.verify.status import StatusAnswer
from ecert.wire.status_list import StatusToken

__all__ = ["ListsStatusView"]

_PREFIX = "uscc:"


class ListsStatusView:
    """A `StatusView` over status list tokens that were checked before (`check_status_token`).

    Of several tokens of one list the highest `seq` counts, and of those the latest `iat`: an older list that
    is still validly signed can't bring a revoked licence back. A list speaks as of its `iat`. A published
    list doesn't tell a superseded licence from a revoked one.
    """

    __slots__ = ("_lists",)

    def __init__(self, tokens: Iterable[StatusToken]) -> None:
        self._lists: dict[str, StatusToken] = {}
        for token in tokens:
            known = self._lists.get(token.uri)
            if known is None or (token.seq, token.issued_at) > (known.seq, known.issued_at):
                self._lists[token.uri] = token

    def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
        """Answer for one entry; None when the list is not known or the index lies outside it."""
        token = self._lists.get(uri)
        if token is None or token.issuer is None:
            return None
        try:
            value = token.statuses.get(idx)
        except EcertError:
            return None
        return StatusAnswer(value, False, token.issued_at, token.issuer.removeprefix(_PREFIX))
