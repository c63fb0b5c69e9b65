"""One process, wired: its services, the threads that keep it fresh, and what the command line asks.

- An `issuer` holds private keys and the writing services; a `verifier` is given neither. `all` is both.
- What a process lacks is None, so that a door for it can't be opened by mistake.
- Nothing runs before `start`; after `close` nothing runs any more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ecert.assembly.cache_care import CacheDifference, check_cache, rebuild_cache
from ecert.assembly.doctor import root_id_of
from ecert.assembly.log_view import LogStatusView
from ecert.assembly.logs import log
from ecert.assembly.redis_at import RedisAt
from ecert.assembly.settings import Settings
from ecert.assembly.trust_keeper import TrustKeeper
from ecert.errors import EcertError, KeyFault, Unavailable
from ecert.licence import LicenceType, load_types
from ecert.services import (
    Checking,
    Clients,
    Issuing,
    Licences,
    Publishing,
    Relay,
    StatusChanges,
)
from ecert.services.ports import CacheWatch, Clock
from ecert.store import DataKeys, KeyFiles, SigningKey
from ecert.store.memory import MemoryStatus
from ecert.store.mirror import Mirror
from ecert.store.redis_client import connect
from ecert.store.redis_status import RedisStatus
from ecert.store.sql import (
    Database,
    Rotated,
    SqlClients,
    SqlLeases,
    SqlRegistry,
    SqlStatusLog,
    SqlTrustLists,
    rotate,
)
from ecert.trust import TrustTable
from ecert.verify import StatusView, Verdict

__all__ = ["App", "Freshness", "Readiness"]

_REFRESH = 1.0  # seconds between looks at clients and trust lists; a withdrawn key must die within two
_RESUME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether requests may be sent here; each part is `ok` or says what it waits for."""

    ready: bool
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old this process's knowledge is, for the counters."""

    mirror_age: timedelta | None
    seq: int
    reloads: int
    alarms: int
    trust_age: timedelta | None


class App:
    """Everything of one process, wired. `start` and `close` are called once each, from any thread.

    Attributes:
        issuing, status, licences: None for a verifier.
        checking: None for an issuer.
        key_files: None for a verifier: it holds no private key.
        redis: Where the status cache was found, in words.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        data_keys: DataKeys | None,
        redis: RedisAt | None,
        memory: MemoryStatus | None,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.types: Mapping[str, LicenceType] = load_types()
        self.database = database
        self.data_keys = data_keys
        self._wire(settings, redis=redis, memory=memory)

    def _wire(self, settings: Settings, *, redis: RedisAt | None, memory: MemoryStatus | None) -> None:
        clock = self.clock
        self._redis = redis
        self.redis = (
            redis.found if redis is not None else "status cache: in this process's memory" if memory else ""
        )
        self.trust_lists = SqlTrustLists(self.database)
        self.log = SqlStatusLog(self.database)
        self.trust = TrustKeeper(
            self.trust_lists, root_file=settings.root_file, root_id=self.root_id, clock=clock
        )
        self.clients = Clients(SqlClients(self.database), clock=clock, random_bytes=secrets.token_bytes)
        self.registry = None if self.data_keys is None else SqlRegistry(self.database, self.data_keys)
        self.mirror = (
            None if redis is None else Mirror(connect(redis.url), base_url=settings.base_url, clock=clock)
        )
        self.memory = memory
        self.key_files = KeyFiles(settings.keys) if settings.issues else None
        self.issuing: Issuing | None = None
        self.status: StatusChanges | None = None
        self.licences: Licences | None = None
        self.publishing: Publishing | None = None
        self.relay: Relay | None = None
        if self.key_files is not None and self.registry is not None:
            cache = memory if redis is None else RedisStatus(connect(redis.url))
            if cache is not None:
                self.relay = Relay(
                    log=self.log,
                    leases=SqlLeases(self.database),
                    cache=cache,
                    holder=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
                    clock=clock,
                )
            watch = _Waking(self.relay, self.mirror or memory)
            self.issuing = Issuing(
                self.registry,
                self.key_files,
                types=self.types,
                trust=self._table,
                clock=clock,
                random_bytes=secrets.token_bytes,
                base_url=settings.base_url,
                watch=watch,
            )
            self.status = StatusChanges(self.registry, clock=clock, watch=watch)
            self.licences = Licences(self.registry, base_url=settings.base_url)
            self.publishing = Publishing(
                self.log,
                self.trust_lists,
                self.key_files,
                trust=self._table,
                clock=clock,
                base_url=settings.base_url,
                ttl=settings.status_ttl,
            )
        view: StatusView | None = self.mirror or memory
        self.checking = self._checker(view) if settings.verifies and view is not None else None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._refreshed = False

    def _checker(self, view: StatusView) -> Checking:
        return Checking(
            trust=self._table,
            status=view,
            clock=self.clock,
            random_bytes=secrets.token_bytes,
            handles=self.registry,
            registered=self.registry if self.settings.confirm_issued else None,
            max_status_age=self.settings.max_status_age,
            clock_skew=self.settings.clock_skew,
        )

    def _table(self) -> TrustTable:
        return self.trust.table

    def root_id(self) -> str | None:
        """The root's USCC: the setting, or what `ecert trust init` wrote."""
        return root_id_of(self.settings)

    # Running

    def start(self, observe: Callable[[], None] = lambda: None) -> None:
        """Start the threads: mirror, relay, and the one that refreshes clients and trust.

        Args:
            observe: Called about once a second, for counters.
        """
        with contextlib.suppress(EcertError):
            self.refresh()
        if self.mirror is not None:
            self.mirror.start()
        if self.relay is not None:
            self._run("ecert-relay", lambda relay=self.relay: relay.run(self._stop))  # type: ignore[misc]
        self._run("ecert-refresh", lambda: self._keep_fresh(observe))

    def refresh(self) -> None:
        """Look at clients, trust lists and data keys now.

        Raises:
            Unavailable: SQL is out of reach; what was known stays.
        """
        self.clients.refresh()
        if self.data_keys is not None:
            self.data_keys.refresh()
        self.trust.refresh()
        self._refreshed = True

    def close(self) -> None:
        """Stop every thread and close what is open."""
        self._stop.set()
        if self.relay is not None:
            self.relay.wake()
        for thread in self._threads:
            thread.join(timeout=10)
        if self.mirror is not None:
            self.mirror.close()
        self.database.close()

    @contextlib.contextmanager
    def running(self) -> Iterator[App]:
        """`start` at the beginning of a block, `close` at its end."""
        try:
            self.start()
            yield self
        finally:
            self.close()

    def _run(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep_fresh(self, observe: Callable[[], None]) -> None:
        resume_at = self.clock()
        while not self._stop.is_set():
            try:
                self.refresh()
                if self.issuing is not None and self.clock() >= resume_at:
                    self.issuing.resume()
                    resume_at = self.clock() + _RESUME
            except EcertError as fault:
                log.warning("refresh failed", kind=type(fault).__name__)
            except Exception as fault:
                log.error("refresh failed", kind=type(fault).__name__)
            observe()
            self._stop.wait(_REFRESH)

    # What it knows

    def readiness(self) -> Readiness:
        """Whether requests may be sent here."""
        parts = {
            "sql": "ok" if self._refreshed else "not read yet",
            "trust": "ok" if self.trust.loaded else "no trust list that counts: `ecert trust init`",
        }
        if self.settings.verifies:
            age = self.freshness().mirror_age
            limit = self.settings.max_status_age
            parts["status"] = (
                "ok"
                if age is not None and age <= limit
                else "no status knowledge yet"
                if age is None
                else "status knowledge is too old"
            )
        return Readiness(ready=all(state == "ok" for state in parts.values()), parts=parts)

    def freshness(self) -> Freshness:
        """How old this process's knowledge is."""
        if self.mirror is None:
            head = None if self.memory is None else self.memory.head()
            known = head is not None and head.beat > 0
            return Freshness(
                mirror_age=timedelta(0) if known else None,
                seq=0,
                reloads=0,
                alarms=0,
                trust_age=self.trust.age,
            )
        stats = self.mirror.stats()
        return Freshness(
            mirror_age=self.mirror.age(),
            seq=stats.seq,
            reloads=stats.reloads,
            alarms=stats.alarms,
            trust_age=self.trust.age,
        )

    # What only the command line asks

    def signing_keys(self) -> Sequence[SigningKey]:
        """Every signing key at hand, of every authority."""
        if self.key_files is None:
            return ()
        owners = sorted({path.name.split(".")[0] for path in self.key_files.directory.glob("*.pem")})
        return [key for owner in owners for key in self.key_files.keys_of(owner)]

    def rotate_data(self, progress: Callable[[int, int], None] | None = None) -> Rotated:
        """Make a new data key current and bring every row to it.

        Raises:
            KeyFault: The data keys are a setting: a new one is added there, not here.
        """
        if self.data_keys is None:
            raise KeyFault("expected the data keys at hand, got none")
        if self.settings.data_keys is None:
            self.data_keys.add()
        return rotate(self.database, self.data_keys, progress=progress)

    def check_cache(self) -> Sequence[CacheDifference]:
        """Compare the status cache and the published lists with SQL.

        Raises:
            Unavailable: A part is out of reach, or no server runs.
        """
        return check_cache(
            self._cache_url(),
            self.log,
            publishing=self.publishing,
            trust=self.trust.table,
            base_url=self.settings.base_url,
            clock=self.clock,
        )

    def rebuild_cache(self) -> int:
        """Have the status cache built anew from SQL; returns its epoch.

        Raises:
            Unavailable: A part is out of reach, or no server runs.
        """
        return rebuild_cache(self._cache_url(), leases=SqlLeases(self.database), relay=self.relay)

    def _cache_url(self) -> str:
        if self._redis is None:
            raise Unavailable("expected ECERT_REDIS_URL, or a running `ecert serve` of this home")
        return self._redis.url

    def check_once(self, text: str | bytes) -> Verdict:
        """Decide one scan from SQL itself, the truth, without cache or mirror."""
        raw = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return (
            self._checker(LogStatusView(self.log, base_url=self.settings.base_url, clock=self.clock))
            .check(raw)
            .verdict
        )


class _Waking:
    """A `CacheWatch` that first wakes this process's relay, so that no change waits for its next look."""

    def __init__(self, relay: Relay | None, watch: CacheWatch | None) -> None:
        self._relay, self._watch = relay, watch

    def wait_applied(self, seq: int, timeout: timedelta) -> bool:
        """Wait until the cache holds event `seq`; False where there is nothing to wait for."""
        if self._relay is not None:
            self._relay.wake()
        return self._watch is not None and self._watch.wait_applied(seq, timeout)
