"""What a route needs, found from its request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from ecert.assembly import App
from ecert.errors import Unavailable
from ecert.services import Issuing, Licences, Publishing, StatusChanges
from ecert.web.access import Access
from ecert.web.metrics import Metrics

__all__ = ["Wired", "wired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """The services, and the web's own parts."""

    app: App
    access: Access
    metrics: Metrics

    @property
    def issuing(self) -> Issuing:
        """The issuing service; its doors are only there where it is."""
        if self.app.issuing is None:
            raise Unavailable("expected a process that issues, this one only verifies")
        return self.app.issuing

    @property
    def changes(self) -> StatusChanges:
        """The service of status changes; likewise."""
        if self.app.status is None:
            raise Unavailable("expected a process that changes statuses, this one only verifies")
        return self.app.status

    @property
    def reading(self) -> Licences:
        """The service of reading; likewise."""
        if self.app.licences is None:
            raise Unavailable("expected a process that issues, this one only verifies")
        return self.app.licences

    @property
    def publishing(self) -> Publishing:
        """The service of published lists; likewise."""
        if self.app.publishing is None:
            raise Unavailable("expected a process that publishes, this one only verifies")
        return self.app.publishing


def wired(request: Request) -> Wired:
    """The parts that `create_app` put beside the application."""
    return cast(Wired, request.app.state.wired)
