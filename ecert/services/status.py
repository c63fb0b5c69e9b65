"""Change where a licence stands (状态变更): suspend, reinstate, revoke, cancel, withdraw.

- 暂扣 and 恢复 go to and fro; 吊销, 注销 and 撤销 are for good, and so is being superseded by a new version.
- A change is acknowledged after its SQL commit. Only then the status cache is waited for, at most 200 ms, to
  say whether verifiers have it already; the change holds whether they have or not.
- A department reaches its own licences only, and others' are not even said to exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from ecert.errors import Conflict, FieldFault
from ecert.services.permission import earlier_request, known_id, may_handle, not_found
from ecert.services.ports import (
    Actor,
    CacheWatch,
    Clock,
    EventDraft,
    LicenceRecord,
    LicenceState,
    Operation,
    Registry,
    RequestKey,
    Standing,
)

__all__ = ["MAX_REASON", "StatusChanged", "StatusChanges", "standing_after"]

MAX_REASON = 200
_CACHE_WAIT = timedelta(milliseconds=200)
_LIVING = (Standing.VALID, Standing.SUSPENDED)
_STEPS: Mapping[Operation, tuple[tuple[Standing, ...], Standing]] = MappingProxyType(
    {
        Operation.SUSPEND: ((Standing.VALID,), Standing.SUSPENDED),
        Operation.REINSTATE: ((Standing.SUSPENDED,), Standing.VALID),
        Operation.REVOKE: (_LIVING, Standing.REVOKED),
        Operation.CANCEL: (_LIVING, Standing.CANCELLED),
        Operation.WITHDRAW: (_LIVING, Standing.WITHDRAWN),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """A change that is on record as event `seq`. `propagated`: the status cache has it too."""

    licence_id: str
    seq: int
    state: Standing
    changed_at: datetime
    propagated: bool


def standing_after(operation: Operation, standing: Standing) -> Standing:
    """The state machine.

    Raises:
        Conflict: The operation does not lead on from there; the present standing is named.
    """
    if operation not in _STEPS:
        raise FieldFault("operation", f"expected one of {', '.join(_STEPS)}")
    sources, target = _STEPS[operation]
    if standing not in sources:
        raise Conflict(
            f"expected a licence that is {' or '.join(sources)} to {operation}, got one that is {standing}"
        )
    return target


class StatusChanges:
    """The service of status changes.

    Args:
        registry: The truth.
        clock: Gives the time, timezone-aware UTC.
        watch: Lets a change wait for the status cache; None where there is none.
    """

    def __init__(self, registry: Registry, *, clock: Clock, watch: CacheWatch | None = None) -> None:
        self._registry = registry
        self._clock = clock
        self._watch = watch

    def change(
        self,
        licence_id: str,
        operation: Operation,
        *,
        reason: str | None,
        by: Actor,
        request: RequestKey | None = None,
    ) -> StatusChanged:
        """Change where one licence stands.

        Args:
            licence_id: Its identifier.
            operation: What is done.
            reason: Why (事由), for the record, at most 200 characters; encrypted at rest, never shown to
                verifiers.
            by: Who does it.
            request: The Idempotency-Key; the same again gives the same result and changes nothing.

        Raises:
            NotFound: No such licence of this caller's.
            Conflict: Its present standing forbids the operation, or it is not signed yet.
            FieldFault: An operation that is not among the five, or a reason that is too long.
            RequestMismatch: The key was used for another request.
            Unavailable: SQL can't be reached; whether the change was made is said by the same key again.
        """
        if reason is not None and (len(reason) > MAX_REASON or not reason.isprintable()):
            raise FieldFault("reason", f"expected at most {MAX_REASON} printable characters")
        if operation not in _STEPS:
            raise FieldFault("operation", f"expected one of {', '.join(_STEPS)}")
        licence_id = str(known_id(licence_id))
        now = self._clock()
        with self._registry.begin() as t:
            earlier = None if request is None else earlier_request(t, request)
            if earlier is None:
                record = t.find(licence_id, lock=True)
                if record is None or not may_handle(by, record.issuer):
                    raise not_found()
                state = self._next(record, operation)
                seq = t.set_standing([(_event(record, operation, reason, by, now), state)])
                if request is not None:
                    t.remember(request, kind=f"{operation}:{state}", licence_id=licence_id, seq=seq, at=now)
        if earlier is not None:
            licence_id, seq = earlier.licence_id, earlier.seq
            state = Standing(earlier.kind.split(":")[1])
            now = next(event.at for event, _, _ in self._registry.history(licence_id) if event.seq == seq)
        propagated = self._watch is not None and self._watch.wait_applied(seq, _CACHE_WAIT)
        return StatusChanged(
            licence_id=licence_id, seq=seq, state=state, changed_at=now, propagated=propagated
        )

    @staticmethod
    def _next(record: LicenceRecord, operation: Operation) -> Standing:
        if record.state is not LicenceState.ISSUED:
            raise Conflict("expected an issued licence, got one that is not signed yet")
        return standing_after(operation, record.standing)


def _event(
    record: LicenceRecord, operation: Operation, reason: str | None, by: Actor, at: datetime
) -> EventDraft:
    return EventDraft(
        row=record.row,
        licence_id=record.licence_id,
        list_id=record.list_id,
        idx=record.idx,
        operation=operation,
        client_id=by.client_id,
        at=at,
        reason=reason,
    )
