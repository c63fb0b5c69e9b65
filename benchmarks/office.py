"""A running authority: Redis, SQLite, keys, trust lists, clients and an issuing process.

Every licence of a load is really issued, through `POST /v1/licences/batch`, and dealt out so that each case
knows whether the worker that it loads has seen a licence before.

The issuing process (SQL, relay) shares the client's core; what is measured is a verifier process of its own.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import count, islice
from pathlib import Path
from typing import Any

from benchmarks.load import Shot, post
from benchmarks.processes import CLIENT_CORE, Child, free_port, on_cores, start_redis
from benchmarks.province import draft_of, public_type
from benchmarks.sizes import Size
from benchmarks.stage import Stage
from ecert.assembly import Settings, build, found_trust, read_plan
from ecert.crypto import PrivateKey
from ecert.licence import Draft
from ecert.services import Role
from ecert.store.keyfiles import KeyFiles

__all__ = ["ACCEPTED", "REFUSED", "Dealt", "Office", "Scan", "found_authority", "open_office"]

ACCEPTED, REFUSED = b'"verdict":"accepted"', b'"verdict":"refused"'
_ECERT = (sys.executable, "-c", "import sys; from ecert.cli import main; sys.exit(main())")
_AUTHORITIES = Path(__file__).parent.parent / "keys" / "authorities.toml"
_UNLIMITED = "1000000000"  # a minute: the limiter counts every request and never refuses


@dataclass(frozen=True, slots=True)
class Scan:
    """A licence in the registry: its identifier, its token, and where its status is."""

    licence_id: str
    token: str
    uri: str
    idx: int

    @property
    def body(self) -> bytes:
        """The request that a window sends for it."""
        return b'{"qr":"%b"}' % self.token.encode()


def found_authority(home: Path) -> tuple[str, str, str]:
    """Make keys, trust lists and clients in a new home, from the development chain.

    Returns:
        The USCC of a department that may issue the benchmark's type, its client key, and a window's.
    """
    app = build(Settings.read(home=home, role="issuer"), launch=False)
    try:
        plan = read_plan(_AUTHORITIES.read_text(encoding="utf-8"))
        if app.key_files is None:
            raise RuntimeError("expected a process that may hold keys, got none")
        found_trust(plan, keys=app.key_files, lists=app.trust_lists, at=datetime.now(UTC))
        app.refresh()
        authorities = app.trust.table.authorities.values()
        department = next(one.id for one in authorities if public_type().code in one.types.patterns)
        _, department_key = app.clients.create("bench department", Role.DEPARTMENT, department)
        _, window_key = app.clients.create("bench window", Role.WINDOW, None)
    finally:
        app.close()
    return department, department_key, window_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealt:
    """The licences of a run by what happens to them; none is in two places.

    A worker has never seen those of `single` and `batch` when a load begins, and has seen those of `known`.
    `revoked` are revoked before the load, `revoking` one by one while the time is taken.
    """

    single: Sequence[Scan] = ()
    batch: Sequence[Scan] = ()
    known: Sequence[Scan] = ()
    revoked: Sequence[Scan] = ()
    revoking: Sequence[Scan] = ()

    @classmethod
    def of(cls, licences: Sequence[Scan], size: Size) -> "Dealt":
        """Deal licences out."""
        supply = iter(licences)
        half = size.new // 2
        return cls(
            single=tuple(islice(supply, half)),
            batch=tuple(islice(supply, half)),
            known=tuple(islice(supply, size.known)),
            revoked=tuple(islice(supply, size.revoked)),
            revoking=tuple(islice(supply, size.revocations)),
        )


class Office:
    """The authority and its clients. Made by `open_office`."""

    def __init__(self, home: Path, redis_url: str = "") -> None:
        self.home = home
        self.redis_url = redis_url
        self.environment = {
            "ECERT_HOME": str(home),
            **({"ECERT_REDIS_URL": redis_url} if redis_url else {}),
            "ECERT_SCANS_PER_MINUTE": _UNLIMITED,
            "ECERT_WRITES_PER_MINUTE": _UNLIMITED,
            "ECERT_PUBLIC_PER_MINUTE": _UNLIMITED,
            "ECERT_ACCESS_LOG": "false",
        }
        found = found_authority(home)
        self.department, self.department_key, self.window_key = found
        self.port = 0
        self.dealt = Dealt()
        self._numbers = count(1)

    @contextmanager
    def serving(
        self, *, role: str, workers: int = 1, cores: Sequence[int] = ()
    ) -> Iterator[tuple[int, Child]]:
        """Run a server of this authority, as `ecert serve` does by default, while the block lasts.

        Yields:
            Its port and process.
        """
        port = free_port()
        command = [*_ECERT, "serve", "--port", str(port), "--workers", str(workers)]
        log = self.home / f"serve-{role}-{port}.log"
        with Child(
            [*command, "--role", role], log=log, cores=cores, environment=self.environment, folder=self.home
        ) as child:
            child.wait_http(f"http://127.0.0.1:{port}/readyz")
            yield port, child

    def request(self, method: str, path: str, body: bytes = b"", *, kind: str = "application/json") -> Any:
        """Call the issuing process as the department and read its JSON; anything but 2xx stops the run."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {self.department_key}", "Content-Type": kind}
        try:
            line.request(method, path, body or None, headers)
            answer = line.getresponse()
            text = answer.read()
            if answer.status // 100 != 2:
                raise RuntimeError(f"expected 2xx for {method}, got {answer.status}: {text[:300]!r}")
            return json.loads(text)
        finally:
            line.close()

    def rows(self, how_many: int) -> bytes:
        """NDJSON of licences that were never asked for before."""
        kind, today = public_type(), datetime.now(UTC).date()
        drafts = (draft_of(kind, number, today) for number in islice(self._numbers, how_many))
        return b"\n".join(json.dumps(_row(draft), ensure_ascii=False).encode() for draft in drafts) + b"\n"

    def issue(self, how_many: int) -> list[Scan]:
        """Issue licences, and read their tokens back from the registry."""
        for start in range(0, how_many, 2000):
            rows = self.rows(min(2000, how_many - start))
            answer = self.request("POST", "/v1/licences/batch", rows, kind="application/x-ndjson")
            if answer["counts"]["issued"] != len(answer["results"]):
                raise RuntimeError(f"expected every row to be issued, got {answer['counts']}")
        settings = Settings.read(home=self.home, role="issuer", redis_url=self.redis_url)
        app = build(settings, launch=False)
        try:
            if app.registry is None:
                raise RuntimeError("expected a registry that can be read, got none")
            uri = f"{settings.base_url}/status-lists/"
            return [
                Scan(one.licence_id, one.token, uri + one.list_id, one.idx)
                for batch in app.registry.walk()
                for one, _ in batch
                if one.token is not None
            ]
        finally:
            app.close()

    def change(self, licence_id: str, operation: str = "revoke") -> Any:
        """Change a licence's status."""
        body = json.dumps({"operation": operation, "reason": "benchmark"}).encode()
        return self.request("POST", f"/v1/licences/{licence_id}/status", body)

    def signer(self) -> PrivateKey:
        """The department's licence key, from its key file."""
        return KeyFiles(self.home / "keys").key_for(self.department, "licence", at=datetime.now(UTC))

    def shots(self, scans: Sequence[Scan], *, expects: bytes = ACCEPTED) -> list[Shot]:
        """The requests of a window, ready to be sent."""
        return [post("/v1/verify", scan.body, key=self.window_key, expects=expects) for scan in scans]

    def world(self) -> dict[str, Any]:
        """What a peer is given: the same Redis, the same client key, the department's public key."""
        key = self.signer().public
        return {
            "redis": self.redis_url,
            "clients": [self.window_key],
            "keys": {key.kid: key.to_jwk()},
        }


def _row(draft: Draft) -> Mapping[str, object]:
    return {
        "type": draft.type_code,
        "number": draft.number,
        "holder": {
            "name": draft.holder.name,
            "code": draft.holder.code,
            "code_type": draft.holder.code_type,
        },
        "valid_from": draft.valid_from.isoformat(),
        "valid_until": draft.valid_until and draft.valid_until.isoformat(),
        "fields": dict(draft.fields),
    }


@contextmanager
def open_office(stage: Stage) -> Iterator[Office]:
    """Start everything that a verifier needs, with licences issued, for the parts that measure over HTTP."""
    port = free_port()
    home = stage.folder / "office"
    home.mkdir(mode=0o700)
    with start_redis(stage.folder / "redis", port), on_cores(CLIENT_CORE):
        office = Office(home, f"redis://127.0.0.1:{port}/0")
        with office.serving(role="issuer", cores=CLIENT_CORE) as (office.port, _):
            size = stage.size
            office.dealt = Dealt.of(
                office.issue(size.new + size.known + size.revoked + size.revocations), size
            )
            yield office
