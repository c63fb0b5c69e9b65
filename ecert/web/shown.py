"""What the issuing services give, in the shapes that the issuing doors answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from ecert.licence import LicenceType
from ecert.services import IssuedLicence, LicenceView, RowResult, StatusChanged
from ecert.web.schemas import (
    BatchCounts,
    EventOut,
    HolderOut,
    IssuedBatch,
    IssuedOut,
    LicenceOut,
    RowOut,
    StatusOut,
)

__all__ = ["batch_lines", "batch_out", "issued_out", "licence_out", "row_out", "status_out"]


def issued_out(issued: IssuedLicence) -> IssuedOut:
    """One issued licence."""
    return IssuedOut(
        id=issued.id,
        outcome="issued" if issued.outcome == "issued" else "existing",
        token=issued.token,
        status_list=issued.list_id,
        status_index=issued.idx,
        seq=issued.seq,
        propagated=issued.propagated,
    )


def row_out(result: RowResult) -> RowOut:
    """What became of one row."""
    return RowOut(
        line=result.line, outcome=result.outcome.value, id=result.id, field=result.field, reason=result.reason
    )


def batch_out(results: Iterable[RowResult]) -> IssuedBatch:
    """All rows, and how many came to what."""
    rows = [row_out(result) for result in results]
    counts = Counter(row.outcome for row in rows)
    return IssuedBatch(
        results=rows,
        counts=BatchCounts(issued=counts["issued"], existing=counts["existing"], refused=counts["refused"]),
    )


def batch_lines(batch: IssuedBatch) -> bytes:
    """The same as NDJSON: a line for each row, without the counts."""
    return b"".join(msgspec.json.encode(row.model_dump(exclude_none=True)) + b"\n" for row in batch.results)


def status_out(changed: StatusChanged, licence_id: str) -> StatusOut:
    """A change of status that is on record."""
    return StatusOut(
        id=licence_id,
        state=str(changed.state),
        seq=changed.seq,
        changed_at=changed.changed_at,
        propagated=changed.propagated,
    )


def licence_out(view: LicenceView, types: Mapping[str, LicenceType]) -> LicenceOut:
    """A licence as its department may see it."""
    kind = types.get(view.type)
    return LicenceOut(
        id=view.id,
        type=view.type,
        type_name=None if kind is None else kind.name_zh,
        number=view.number,
        holder=HolderOut(name=view.holder_name, code=view.holder_code, code_type=view.holder_code_type),
        issuer=view.issuer,
        version=view.version,
        valid_from=view.valid_from,
        valid_until=view.valid_until,
        fields=dict(view.fields),
        state=str(view.state),
        status_list=view.list_id,
        status_index=view.idx,
        issued_at=view.issued_at,
        token=view.token,
        history=[
            EventOut(seq=line.seq, operation=str(line.operation), reason=line.reason, at=line.at)
            for line in view.history
        ],
    )
