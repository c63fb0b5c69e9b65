"""Who calls, what that role may do, and how fast.

- A client key comes as `Authorization: Bearer KEY` and nowhere else; it is looked up in the process's
  snapshot.
- A wrong key counts against the address it came from; a right one is never slowed by somebody else's wrong
  ones.
- Counts live in this process (`limits`): N workers allow up to N times the policy.

Sources: RFC 6750; draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.types import Scope

from ecert.services import Actor, Role
from ecert.web.bodies import header
from ecert.web.problems import refuse

__all__ = ["RATE_HEADERS", "Access", "ClientKeys", "Pace"]

RATE_HEADERS = "ecert.rate_headers"
_LONGEST_KEY = 256


class ClientKeys(Protocol):
    """The process's snapshot of client keys."""

    def authenticate(self, secret: str) -> Actor | None:
        """Say whose key this is."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One limit: its name in the headers, and how much a minute allows (0: everything)."""

    name: str
    per_minute: int


class Access:
    """Authentication, roles and limits of one process.

    Args:
        keys: Who holds which key.
        scans: Cost is counted in licences checked.
        writes: Everything else that is done with a key.
        public: Without a key, by address; failed keys are counted here too.
    """

    def __init__(self, keys: ClientKeys, *, scans: Pace, writes: Pace, public: Pace) -> None:
        self._keys = keys
        self.scans, self.writes, self.public = scans, writes, public
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._items = {
            p.name: RateLimitItemPerMinute(p.per_minute, namespace=p.name) for p in (scans, writes, public)
        }
        self._policies = {
            p.name: (b"ratelimit-policy", f'"{p.name}";q={p.per_minute};w=60'.encode())
            for p in (scans, writes, public)
        }

    def authenticate(self, scope: Scope) -> Actor:
        """Say who calls.

        Raises:
            HTTPException: 401 without a right key, 429 when too many wrong ones came from this address.
        """
        stated = header(scope, b"authorization")
        if stated is not None and stated[:7].lower() == b"bearer " and len(stated) <= _LONGEST_KEY + 7:
            secret = stated[7:].strip()
            actor = self._keys.authenticate(secret.decode("ascii")) if secret.isascii() else None
            if actor is not None:
                return actor
        self.spend(self.public, peer(scope), scope)
        raise refuse(401, "expected Authorization: Bearer with the key of a client that is not withdrawn")

    def admit(self, scope: Scope, roles: Iterable[Role], pace: Pace, *, cost: int = 1) -> Actor:
        """Authenticate, check the role, count the request.

        Raises:
            HTTPException: 401, 403 or 429.
        """
        actor = self.authenticate(scope)
        scope["ecert.client"] = actor.client_id
        if actor.role not in roles:
            raise refuse(403, f"expected a client of role {' or '.join(roles)}, this one is {actor.role}")
        self.spend(pace, actor.client_id, scope, cost=cost)
        return actor

    def spend(self, pace: Pace, who: str, scope: Scope, *, cost: int = 1) -> None:
        """Count against a limit and leave the `RateLimit` headers for the answer.

        Raises:
            HTTPException: 429 when the minute's allowance is used up.
        """
        if pace.per_minute == 0 or cost == 0:
            return
        item = self._items[pace.name]
        fits = self._limiter.hit(item, who, cost=cost)
        stats = self._limiter.get_window_stats(item, who)
        left = max(0, stats.remaining) if fits else 0
        wait = max(1, int(stats.reset_time - time.time() + 0.999))
        scope[RATE_HEADERS] = (
            self._policies[pace.name],
            (b"ratelimit", f'"{pace.name}";r={left};t={wait}'.encode()),
        )
        if not fits:
            raise refuse(
                429,
                f"expected at most {pace.per_minute} {pace.name} a minute; try again in {wait} s",
                headers={"Retry-After": str(wait)},
            )


def peer(scope: Scope) -> str:
    """The address a request came from; one name for all that have none (a Unix socket)."""
    client = scope.get("client")
    return str(client[0]) if client else "local"
