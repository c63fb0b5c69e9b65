"""Publish what outsiders verify with: signed status lists (状态列表) and trust lists (信任列表).

- A status list is made from one snapshot of SQL, never from the cache, and names the event number it is true
  at.
- It is signed by the issuer's `status` key, or by the status provider that the trust list names for the
  issuer.
- In a process a list is signed again only when it changed, or half of its `ttl` has passed; so its ETag stays
  as long as its content is fresh.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from ecert.crypto import PrivateKey
from ecert.errors import KeyFault, NotFound
from ecert.services.ports import Clock, Signer, StatusLog, TrustListStore
from ecert.services.preparing import status_uri
from ecert.trust import TrustTable
from ecert.wire import status_list

__all__ = ["Published", "Publishing"]

_LIST_ID = re.compile(r"([0-9A-Z]{18})\.[1-9][0-9]{0,5}", re.ASCII)
_AUTHORITY = re.compile(r"[0-9A-Z]{18}", re.ASCII)
_TRUST_MAX_AGE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A signed list, its ETag (quoted), and how long a copy may be kept."""

    token: str
    etag: str
    max_age: timedelta


@dataclass(frozen=True, slots=True)
class _Made:
    head: int  # the newest event of any list when this one was last compared
    entries: bytes
    at: datetime
    published: Published


class Publishing:
    """The publishing service.

    Args:
        log: The truth about statuses.
        lists: Trust lists.
        signer: The keys of issuers and status providers.
        trust: Gives the current key table.
        clock: Gives the time, timezone-aware UTC.
        base_url: Public address of this service.
        ttl: How long a copy of a status list may be kept.
        lifetime: How long after signing a status list may be used at all.
    """

    def __init__(
        self,
        log: StatusLog,
        lists: TrustListStore,
        signer: Signer,
        *,
        trust: Callable[[], TrustTable],
        clock: Clock,
        base_url: str,
        ttl: timedelta = timedelta(minutes=5),
        lifetime: timedelta = timedelta(hours=24),
    ) -> None:
        self._log = log
        self._lists = lists
        self._signer = signer
        self._trust = trust
        self._clock = clock
        self._base_url = base_url
        self._ttl = ttl
        self._lifetime = lifetime
        self._made: dict[str, _Made] = {}
        # A list is made by one thread at a time; of many lists, a few share a lock.
        self._making = tuple(threading.Lock() for _ in range(64))

    def status_list(self, list_id: str) -> Published:
        """Give the newest signed status list.

        Args:
            list_id: `<USCC>.<number>`, the last part of a licence's status reference. Untrusted.

        Raises:
            NotFound: There is no such list.
            Unavailable: SQL can't be reached.
            KeyFault: Nobody here has a key in force to sign it with.
        """
        match = _LIST_ID.fullmatch(list_id)
        if match is None:
            raise NotFound("expected the id of a status list, got something else")
        last = self._last(list_id, self._clock())
        making = self._making[hash(list_id) % len(self._making)]
        if not making.acquire(blocking=last is None) and last is not None:
            return last.published  # the next one is being made: this one is good for a moment more
        try:
            return self._made_anew(list_id, match[1])
        finally:
            making.release()

    def _made_anew(self, list_id: str, issuer: str) -> Published:
        """Make the list if anything changed; under its lock."""
        now, head = self._clock(), self._log.head()
        last = self._last(list_id, now)
        if last is not None and last.head == head:
            return last.published
        seq, entries, _ = self._log.snapshot(list_id)
        if last is not None and last.entries == entries:
            self._made[list_id] = _Made(seq, entries, last.at, last.published)
            return last.published
        signer, key = self._status_key(issuer, now)
        token = status_list.sign_token(
            status_list.StatusList.from_bytes(entries, bits=2),
            uri=status_uri(self._base_url, list_id),
            issuer=f"uscc:{signer}",
            seq=seq,
            issued_at=now,
            ttl=self._ttl,
            lifetime=self._lifetime,
            key=key,
        )
        published = Published(token=token, etag=_etag(token), max_age=self._ttl)
        self._made[list_id] = _Made(seq, entries, now, published)
        return published

    def _last(self, list_id: str, now: datetime) -> _Made | None:
        """The list as last made, while it is young enough to be given."""
        made = self._made.get(list_id)
        return made if made is not None and timedelta(0) <= now - made.at < self._ttl / 2 else None

    def trust_list(self, authority: str) -> Published:
        """Give the newest trust list that an authority signed.

        Raises:
            NotFound: It signed none.
            Unavailable: SQL can't be reached.
        """
        stored = self._lists.current(authority) if _AUTHORITY.fullmatch(authority) else None
        if stored is None:
            raise NotFound("expected the code of an authority that signed a trust list, got another")
        return Published(token=stored.token, etag=_etag(stored.token), max_age=_TRUST_MAX_AGE)

    def _status_key(self, issuer: str, now: datetime) -> tuple[str, PrivateKey]:
        known = self._trust().authority(issuer)
        provider = None if known is None else known.status_provider
        if provider is not None:
            try:
                return provider, self._signer.key_for(provider, "status", at=now)
            except KeyFault:
                pass  # the provider's key is kept elsewhere; the issuer may always sign for itself
        return issuer, self._signer.key_for(issuer, "status", at=now)


def _etag(token: str) -> str:
    return f'"{sha256(token.encode()).hexdigest()[:32]}"'
