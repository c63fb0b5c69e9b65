"""Statuses straight from SQL, for a command that checks one licence and ends. Far too slow for a server."""

from __future__ import annotations

from ecert.errors import NotFound
from ecert.services.ports import Clock, StatusLog
from ecert.verify import StatusAnswer

__all__ = ["LogStatusView"]


class LogStatusView:
    """A `StatusView` that reads the list from the log at each look-up: always as of now.

    Args:
        log: The truth.
        base_url: Of our service; lists are known as ``{base_url}/status-lists/{list}``.
        clock: Timezone-aware UTC.
    """

    def __init__(self, log: StatusLog, *, base_url: str, clock: Clock) -> None:
        self._log, self._clock = log, clock
        self._prefix = f"{base_url.rstrip('/')}/status-lists/"

    def lookup(self, uri: str, idx: int) -> StatusAnswer | None:
        """Answer for one entry; None when the list is not ours or the index lies outside it.

        Raises:
            Unavailable: SQL is out of reach.
        """
        if not uri.startswith(self._prefix):
            return None
        list_id = uri.removeprefix(self._prefix)
        as_of = self._clock()
        try:
            _, entries, superseded = self._log.snapshot(list_id)
        except NotFound:
            return None
        if not 0 <= idx < len(entries) * 4:
            return None
        value = entries[idx // 4] >> (2 * (idx % 4)) & 3
        return StatusAnswer(value, value == 1 and idx in superseded, as_of, list_id.partition(".")[0])
