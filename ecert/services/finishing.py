"""The second half of issuing: sign what is reserved, and commit it once.

Used by whoever reserved the rows and by `resume` after a crash. Two of them may meet over one row: both sign
the same bytes, one commit counts, the other signature is dropped and was never shown to anybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ecert.crypto import PrivateKey
from ecert.errors import Conflict, EcertError, KeyFault, Unavailable
from ecert.licence import LicenceType
from ecert.services.ports import (
    Clock,
    EventDraft,
    IssuedRow,
    LicenceRecord,
    Operation,
    Registry,
    ReservedRow,
    Signer,
    Standing,
    WriteTransaction,
)
from ecert.services.preparing import sign

__all__ = ["Finished", "Finisher", "Pending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A reserved row to be signed; `claims` where they are still at hand."""

    row: ReservedRow
    claims: Mapping[str, object] | None = None


@dataclass(slots=True, kw_only=True)
class Finished:
    """What came of each row, by identifier. One that is nowhere here was finished by somebody else."""

    tokens: dict[str, str] = field(default_factory=dict)
    abandoned: dict[str, Conflict] = field(default_factory=dict)
    waiting: dict[str, EcertError] = field(default_factory=dict)


class Finisher:
    """Signs and commits reserved rows."""

    def __init__(
        self, registry: Registry, signer: Signer, *, types: Mapping[str, LicenceType], clock: Clock
    ) -> None:
        self._registry = registry
        self._signer = signer
        self._types = types
        self._clock = clock

    def finish(self, pending: Sequence[Pending], *, client_id: str) -> Finished:
        """Sign rows outside any transaction, then commit them in one.

        Raises:
            Unavailable: SQL can't be reached; the rows stay reserved.
        """
        done = Finished()
        signed = self._signed(pending, done)
        if not signed:
            return done
        with self._registry.begin() as t:
            fit, older = [], []
            for one in signed:
                if one.reserved.version > 1:
                    before = t.newest_issued(one.reserved.family)
                    if before is not None and before.version < one.reserved.version:
                        if before.standing is not Standing.VALID:
                            t.abandon([one.reserved.row])
                            done.abandoned[one.reserved.licence_id] = Conflict(
                                f"expected the version before to be valid, got one that is {before.standing}"
                            )
                            continue
                        older.append((one.reserved.licence_id, before))
                fit.append(one)
            committed = t.commit_issued(fit, client_id=client_id, at=self._clock())
            self._supersede(t, [before for new, before in older if new in committed], client_id)
        done.tokens.update(
            (one.reserved.licence_id, one.token) for one in fit if one.reserved.licence_id in committed
        )
        return done

    def _signed(self, pending: Sequence[Pending], done: Finished) -> list[IssuedRow]:
        keys: dict[tuple[str, int], PrivateKey] = {}
        signed = []
        for one in pending:
            row = one.row
            try:
                kind = self._types.get(row.type_code)
                if kind is None:
                    raise Unavailable("expected the licence type to be defined, got one that is not any more")
                # The key's window must cover the time that the claims state, which was fixed at reserving.
                when = (row.issuer, int(row.created_at.timestamp()))
                if when not in keys:
                    keys[when] = self._signer.key_for(row.issuer, "licence", at=row.created_at)
                signed.append(IssuedRow(reserved=row, token=sign(row, kind, keys[when], claims=one.claims)))
            except (KeyFault, Unavailable) as fault:
                done.waiting[row.licence_id] = fault
        return signed

    def _supersede(self, t: WriteTransaction, records: Sequence[LicenceRecord], client_id: str) -> None:
        if records:
            now = self._clock()
            t.set_standing(
                [
                    (
                        EventDraft(
                            row=record.row,
                            licence_id=record.licence_id,
                            list_id=record.list_id,
                            idx=record.idx,
                            operation=Operation.SUPERSEDE,
                            client_id=client_id,
                            at=now,
                        ),
                        Standing.SUPERSEDED,
                    )
                    for record in records
                ]
            )
