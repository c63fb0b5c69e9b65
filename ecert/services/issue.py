"""Issue licences (签发): reserve, sign, commit.

1. **Reserve**, one transaction: identifier, status list entry, time and claims are fixed and written,
encrypted. 2. **Sign** what was written, outside any transaction. 3. **Commit**, one transaction: the token,
the state `issued` and the status event, only if the row is still reserved.

- A crash anywhere leaves either nothing or a reserved row; `resume`, the same row again, or the same
  Idempotency-Key again finish it with the same identifier and the same entry. Nothing is lost and nothing is
  issued twice.
- Nothing is signed that is not committed to SQL before: a signature without a row has no status, and is
  refused.
- A licence is known by issuer, type and number: the same content again is `existing`, other content a
  Conflict.
- A department issues for itself only; the trust lists must let it.

Not checked: whether the holder may have the licence. That is the department's own decision, made before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from ecert.errors import Conflict, Forbidden
from ecert.licence import CHINA_TIME, Draft, LicenceType, Uscc, check_draft
from ecert.services.bulk import ChunkIssue, RowResult
from ecert.services.drafts import (
    changed_draft,
    check_renews,
    content_of_claims,
    content_of_draft,
    draft_of_claims,
)
from ecert.services.finishing import Finisher, Pending
from ecert.services.permission import (
    check_may_issue,
    earlier_request,
    known_id,
    may_handle,
    not_found,
)
from ecert.services.ports import (
    Actor,
    CacheWatch,
    Clock,
    LicenceRecord,
    LicenceState,
    NumberKey,
    Operation,
    RandomBytes,
    Registry,
    RequestKey,
    Role,
    Signer,
    Standing,
    WriteTransaction,
)
from ecert.services.preparing import SECRET_BYTES, IssuerDesk, claims_of, family_serial, prepare, row_of
from ecert.services.rows import Row, RowFault
from ecert.trust import TrustTable

__all__ = ["CHUNK_ROWS", "IssuedLicence", "Issuing", "Resumed", "VersionOperation"]

CHUNK_ROWS = 1000
_CACHE_WAIT = timedelta(milliseconds=200)


class VersionOperation(StrEnum):
    """Why a licence gets a new version: its content changed (变更) or its time was extended (延续)."""

    CHANGE = "change"
    RENEW = "renew"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedLicence:
    """A licence that is issued and on record. `outcome` is `issued`, or `existing` when it was so before.

    `propagated` says whether the status cache had event `seq` within 200 ms.
    """

    id: str
    token: str
    list_id: str
    idx: int
    outcome: str
    seq: int
    propagated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What `resume` found: licences finished, given up because the older version fell, and still waiting."""

    issued: int
    abandoned: int
    waiting: int


class Issuing:
    """The issuing service.

    Args:
        registry: The truth.
        signer: The departments' keys.
        types: Licence types by code.
        trust: Gives the current key table.
        clock: Gives the time, timezone-aware UTC.
        random_bytes: Gives the secrets of licences.
        base_url: Public address of this service; it stands in every licence's status reference.
        watch: Lets an issue wait for the status cache; None where there is none.
    """

    def __init__(
        self,
        registry: Registry,
        signer: Signer,
        *,
        types: Mapping[str, LicenceType],
        trust: Callable[[], TrustTable],
        clock: Clock,
        random_bytes: RandomBytes,
        base_url: str,
        watch: CacheWatch | None = None,
    ) -> None:
        self._registry = registry
        self._signer = signer
        self._types = types
        self._trust = trust
        self._clock = clock
        self._random = random_bytes
        self._base_url = base_url
        self._watch = watch
        self._finisher = Finisher(registry, signer, types=types, clock=clock)

    def issue(
        self,
        draft: Draft,
        *,
        issuer: str,
        by: Actor,
        request: RequestKey | None = None,
        holder_jwk: Mapping[str, str] | None = None,
    ) -> IssuedLicence:
        """Issue one licence.

        Args:
            draft: What it shall say.
            issuer: USCC of the issuing department.
            by: Who asks.
            request: The Idempotency-Key; the same again gives the same result.
            holder_jwk: The holder's public key, for a type that asks for binding.

        Raises:
            Forbidden: The caller may not issue for this department, or the department not this type.
            FieldFault: The draft can't be issued as given.
            Conflict: The number is there with other content.
            RequestMismatch: The key was used for another request.
            Unavailable: SQL can't be reached, or the trust list does not name the current key.
            KeyFault: The department has no key in force.
        """
        check_may_issue(by, issuer)
        now = self._clock()
        pending: Pending | None = None
        with self._registry.begin() as t:
            # A retry comes first: what was issued yesterday stays issued, though it could not be today.
            earlier = None if request is None else earlier_request(t, request)
            if earlier is None:
                check_draft(draft, self._types, on=now.astimezone(CHINA_TIME).date())
                desk = self._desk(issuer, now)
                desk.check_type(draft.type_code)
                kind = self._types[draft.type_code]
                t.lock_issuer(issuer)
                key = NumberKey(draft.type_code, draft.number)
                there = t.numbers(issuer, [key]).get(key)
                if there is not None and not _says(there, draft, kind):
                    raise Conflict(
                        "expected a number that is not issued yet, got one that is, with other content"
                    )
                if there is None:
                    slot = t.take(issuer, 1)[0]
                    row, claims = prepare(
                        draft,
                        kind,
                        desk=desk,
                        slot=slot,
                        serial=family_serial(slot),
                        version=1,
                        secret=self._random(SECRET_BYTES),
                        base_url=self._base_url,
                        at=now,
                        holder_jwk=holder_jwk,
                    )
                    t.reserve([row])
                    pending = Pending(row=row, claims=claims)
                outcome = "existing" if there is not None and there.token is not None else "issued"
                licence_id = (
                    pending.row.licence_id if pending is not None else there.licence_id if there else ""
                )
                if request is not None:
                    t.remember(request, kind=outcome, licence_id=licence_id, seq=0, at=now)
            else:
                outcome, licence_id = earlier.kind, earlier.licence_id
        return self._finished(licence_id, outcome, pending, by)

    def issue_rows(
        self, rows: Iterable[Row | RowFault], *, issuer: str | None = None, by: Actor
    ) -> Iterator[RowResult]:
        """Issue a table of licences, 1000 rows a transaction; bad rows are reported, the others go through.

        Args:
            rows: From `ecert.services.rows`.
            issuer: The department for rows that name none; a department's own is implied.
            by: Who asks.

        Returns:
            One result a row, in order, each chunk's after its licences are on record.

        Raises:
            Forbidden: The caller may not issue at all.
            Unavailable: SQL can't be reached; what was reported before is on record.
        """
        if by.role is Role.WINDOW:
            raise Forbidden("expected a department or an operator to issue, got a window")
        issuer = issuer if issuer is not None else by.authority
        if issuer is not None:
            check_may_issue(by, issuer)
        source = iter(rows)
        while chunk := list(islice(source, CHUNK_ROWS)):
            now = self._clock()
            yield from ChunkIssue(
                self._registry,
                self._finisher,
                types=self._types,
                desk=lambda of, at=now: self._desk(of, at),  # type: ignore[misc]
                random_bytes=self._random,
                base_url=self._base_url,
                by=by,
                at=now,
            ).run(chunk, issuer)

    def new_version(
        self,
        licence_id: str,
        draft_changes: object,
        *,
        operation: VersionOperation,
        by: Actor,
        request: RequestKey | None = None,
    ) -> IssuedLicence:
        """Issue the next version of a licence and supersede the one before it, in one commit.

        Args:
            licence_id: The version in force.
            draft_changes: A partial body of ``POST /v1/licences``: what is different from now on.
            operation: Change, or renew (which asks for a new `valid_until`).
            by: Who asks.
            request: The Idempotency-Key.

        Raises:
            NotFound: No such licence of this caller's.
            Conflict: It is not valid (suspended, superseded, ended), or another change of it is under way.
            FieldFault: The changed draft can't be issued, or a renewal does not move `valid_until`.
        """
        now = self._clock()
        pending: Pending | None = None
        known = known_id(licence_id)
        with self._registry.begin() as t:
            earlier = None if request is None else earlier_request(t, request)
            t.lock_issuer(known.issuer)
            if earlier is not None:
                new_id, outcome = earlier.licence_id, earlier.kind
            else:
                pending = self._next_version(t, str(known), draft_changes, operation, by, now)
                new_id, outcome = pending.row.licence_id, "issued"
                if request is not None:
                    t.remember(request, kind=outcome, licence_id=new_id, seq=0, at=now)
        return self._finished(new_id, outcome, pending, by)

    def _next_version(  # noqa: PLR0917 - one call, beside it
        self,
        t: WriteTransaction,
        licence_id: str,
        draft_changes: object,
        operation: VersionOperation,
        by: Actor,
        now: datetime,
    ) -> Pending:
        old = t.find(licence_id, lock=True)
        if old is None or not may_handle(by, old.issuer):
            raise not_found()
        if old.standing is not Standing.VALID:
            raise Conflict(f"expected a valid licence, got one that is {old.standing}")
        kind = self._types.get(old.type_code)
        if kind is None:
            raise Conflict("expected a licence of a type that is still defined, got another")
        before = draft_of_claims(claims_of(old))
        draft = changed_draft(before, draft_changes)
        check_draft(draft, self._types, on=now.astimezone(CHINA_TIME).date())
        if _says(old, draft, kind):
            raise Conflict("expected something different from the version in force, got the same")
        if operation is VersionOperation.RENEW:
            check_renews(before, draft)
        newest = t.newest(old.family)
        if newest is not None and newest.state is LicenceState.RESERVED:
            if not _says(newest, draft, kind):
                raise Conflict("expected no other change under way, got one that is not finished yet")
            return Pending(row=row_of(newest))
        desk = self._desk(old.issuer, now)
        desk.check_type(old.type_code)
        row, claims = prepare(
            draft,
            kind,
            desk=desk,
            slot=t.take(old.issuer, 1)[0],
            serial=old.family.rsplit(".", 1)[1],
            version=(old.version if newest is None else newest.version) + 1,
            secret=self._random(SECRET_BYTES),
            base_url=self._base_url,
            at=now,
        )
        t.reserve([row])
        return Pending(row=row, claims=claims)

    def resume(self, *, limit: int = 1000) -> Resumed:
        """Finish what a crash left reserved. Safe to call at any time and from several processes.

        Returns:
            What came of the rows; those that wait have no key in force or a type that is not defined any
            more.

        Raises:
            Unavailable: SQL can't be reached.
        """
        issued = abandoned = waiting = 0
        after = -1
        before = self._clock() + timedelta(seconds=1)
        while records := self._registry.reserved(before=before, limit=limit, after_row=after):
            after = records[-1].row
            done = self._finisher.finish([Pending(row=row_of(r)) for r in records], client_id="resume")
            issued += len(done.tokens)
            abandoned += len(done.abandoned)
            waiting += len(done.waiting)
        return Resumed(issued=issued, abandoned=abandoned, waiting=waiting)

    def _finished(self, licence_id: str, outcome: str, pending: Pending | None, by: Actor) -> IssuedLicence:
        if pending is None:
            record = self._registry.find(licence_id)
            if record is not None and record.state is LicenceState.RESERVED:
                pending = Pending(row=row_of(record))
        if pending is not None:
            done = self._finisher.finish([pending], client_id=by.client_id)
            for fault in done.waiting.values():
                raise fault
        record = self._registry.find(licence_id)
        if record is None or record.token is None:
            raise Conflict(
                "expected the older version to stay valid until the new one was signed, got it ended"
            )
        seq = next(
            (event.seq for event, kind, _ in self._registry.history(licence_id) if kind is Operation.ISSUE), 0
        )
        propagated = self._watch is not None and self._watch.wait_applied(seq, _CACHE_WAIT)
        return IssuedLicence(
            id=licence_id,
            token=record.token,
            list_id=record.list_id,
            idx=record.idx,
            outcome=outcome,
            seq=seq,
            propagated=propagated,
        )

    def _desk(self, issuer: str, at: datetime) -> IssuerDesk:
        trust = self._trust()
        if trust.authority(issuer) is None:
            raise Forbidden("expected an issuer that the trust lists name, got another")
        return IssuerDesk.open(issuer, self._signer.key_for(issuer, "licence", at=at), trust, at=at)


def _says(record: LicenceRecord, draft: Draft, kind: LicenceType) -> bool:
    """Whether a licence on record says what the draft asks for."""
    asked = content_of_draft(draft, kind, Uscc.parse(record.issuer))
    return content_of_claims(claims_of(record)) == asked
