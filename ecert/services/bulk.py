"""Issue one chunk of a table (批量签发): check every row, reserve, sign and commit the good ones together.

- A row's fault stays with its row: the rest of the chunk goes through.
- A row that is on record with the same content is `existing`; one that was reserved before a crash is
  finished now.
- Two rows of one number in a chunk: the same content counts once, other content refuses the second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ecert.errors import EcertError, FieldFault, Forbidden, KeyFault
from ecert.licence import CHINA_TIME, LicenceType, check_draft
from ecert.services.drafts import content_of_claims, content_of_draft
from ecert.services.finishing import Finisher, Pending
from ecert.services.permission import may_handle
from ecert.services.ports import Actor, LicenceRecord, NumberKey, RandomBytes, Registry, WriteTransaction
from ecert.services.preparing import SECRET_BYTES, IssuerDesk, claims_of, family_serial, prepare, row_of
from ecert.services.rows import Row, RowFault

__all__ = ["ChunkIssue", "RowOutcome", "RowResult"]


class RowOutcome(StrEnum):
    """What came of a row: issued now, on record before, or refused."""

    ISSUED = "issued"
    EXISTING = "existing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """The result of one row. A refused one names the field and what was expected."""

    line: int
    outcome: RowOutcome
    id: str | None = None
    field: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Checked:
    row: Row
    kind: LicenceType
    desk: IssuerDesk
    key: NumberKey

    def content(self) -> dict[str, object]:
        return content_of_draft(self.row.draft, self.kind, self.desk.issuer)


class ChunkIssue:
    """One chunk. Made for one use."""

    def __init__(
        self,
        registry: Registry,
        finisher: Finisher,
        *,
        types: Mapping[str, LicenceType],
        desk: Callable[[str], IssuerDesk],
        random_bytes: RandomBytes,
        base_url: str,
        by: Actor,
        at: datetime,
    ) -> None:
        self._registry = registry
        self._finisher = finisher
        self._types = types
        self._open_desk = desk
        self._random = random_bytes
        self._base_url = base_url
        self._by = by
        self._at = at
        self._today: date = at.astimezone(CHINA_TIME).date()
        self._desks: dict[str, IssuerDesk | EcertError] = {}
        self._results: dict[int, RowResult] = {}  # by place in the chunk

    def run(self, chunk: Sequence[Row | RowFault], issuer: str | None) -> Sequence[RowResult]:
        """Issue the chunk's good rows.

        Returns:
            A result for each row, in order.

        Raises:
            Unavailable: SQL can't be reached; some rows may be reserved or issued, and are found again next
                time.
        """
        by_issuer: dict[str, list[tuple[int, _Checked]]] = {}
        for place, row in enumerate(chunk):
            try:
                if isinstance(row, RowFault):
                    raise FieldFault(row.field, row.reason)
                checked = self._checked(row, issuer)
            except FieldFault as fault:
                self._refuse(place, row.line, fault.field, fault.expected)
            else:
                by_issuer.setdefault(checked.desk.issuer, []).append((place, checked))
        waiting: list[tuple[int, int, str]] = []
        pending: dict[str, Pending] = {}
        for of, rows in by_issuer.items():
            with self._registry.begin() as t:
                pending.update(self._reserved(t, of, rows, waiting))
        done = self._finisher.finish(list(pending.values()), client_id=self._by.client_id)
        shown: set[str] = set()
        for place, line, licence_id in waiting:
            fault_ = done.waiting.get(licence_id) or done.abandoned.get(licence_id)
            if fault_ is not None:
                self._refuse(place, line, "row", str(fault_))
                continue
            first = licence_id in done.tokens and licence_id not in shown
            shown.add(licence_id)
            outcome = RowOutcome.ISSUED if first else RowOutcome.EXISTING
            self._results[place] = RowResult(line=line, outcome=outcome, id=licence_id)
        return [self._results[place] for place in range(len(chunk))]

    def _checked(self, row: Row, issuer: str | None) -> _Checked:
        of = issuer if row.issuer is None else row.issuer
        if of is None:
            raise FieldFault(
                "issuer", "expected the issuing department's code in the row or for the whole file"
            )
        if not may_handle(self._by, of) or (issuer is not None and of != issuer):
            raise FieldFault("issuer", "expected the department in whose name the file is issued")
        desk = self._desk(of)
        check_draft(row.draft, self._types, on=self._today)
        kind = self._types[row.draft.type_code]
        if not desk.allows(kind.code):
            raise FieldFault("type", "expected a type that the trust lists let this issuer issue")
        if kind.binding:
            raise FieldFault("type", "expected a type without holder binding in a table")
        key = NumberKey(kind.code, row.draft.number)
        return _Checked(row, kind, desk, key)

    def _desk(self, issuer: str) -> IssuerDesk:
        known = self._desks.get(issuer)
        if known is None:
            try:
                known = self._open_desk(issuer)
            except (Forbidden, KeyFault) as fault:
                known = fault
            self._desks[issuer] = known
        if isinstance(known, EcertError):
            raise FieldFault("issuer", str(known))
        return known

    def _reserved(
        self,
        t: WriteTransaction,
        issuer: str,
        rows: Sequence[tuple[int, _Checked]],
        waiting: list[tuple[int, int, str]],
    ) -> dict[str, Pending]:
        """Reserve what is new; `waiting` gets (place, line, identifier) of each row that is on record."""
        t.lock_issuer(issuer)
        there: dict[NumberKey, LicenceRecord | _Checked] = dict(t.numbers(issuer, [c.key for _, c in rows]))
        new: list[_Checked] = []
        results: list[tuple[int, _Checked]] = []
        for place, checked in rows:
            known = there.get(checked.key)
            if known is None:
                there[checked.key] = checked
                new.append(checked)
            elif _content(known) != checked.content():
                self._refuse(
                    place,
                    checked.row.line,
                    "number",
                    "expected a number that is not there with other content",
                )
                continue
            results.append((place, checked))
        reserved: dict[NumberKey, Pending] = {}
        secrets = self._random(SECRET_BYTES * len(new))
        for turn, (checked, slot) in enumerate(zip(new, t.take(issuer, len(new)), strict=True)):
            row, claims = prepare(
                checked.row.draft,
                checked.kind,
                desk=checked.desk,
                slot=slot,
                serial=family_serial(slot),
                version=1,
                secret=secrets[SECRET_BYTES * turn : SECRET_BYTES * (turn + 1)],
                base_url=self._base_url,
                at=self._at,
            )
            reserved[checked.key] = Pending(row=row, claims=claims)
        t.reserve([one.row for one in reserved.values()])
        for place, checked in results:
            known = there[checked.key]
            if isinstance(known, _Checked):
                waiting.append((place, checked.row.line, reserved[checked.key].row.licence_id))
                continue
            if known.token is None:
                reserved[checked.key] = Pending(row=row_of(known))
            waiting.append((place, checked.row.line, known.licence_id))
        return {one.row.licence_id: one for one in reserved.values()}

    def _refuse(self, place: int, line: int, field: str, reason: str) -> None:
        self._results[place] = RowResult(line=line, outcome=RowOutcome.REFUSED, field=field, reason=reason)


def _content(known: LicenceRecord | _Checked) -> dict[str, object]:
    return known.content() if isinstance(known, _Checked) else content_of_claims(claims_of(known))
