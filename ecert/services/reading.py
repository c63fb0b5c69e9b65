"""Read licences back (查询): for the department that issued them, with history and codes to print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ecert.errors import Conflict
from ecert.services.drafts import draft_of_claims
from ecert.services.permission import known_id, may_handle, not_found
from ecert.services.ports import Actor, LicenceRecord, Operation, RegistryReading, Standing
from ecert.services.preparing import claims_of
from ecert.wire import qr

__all__ = ["HistoryLine", "LicenceView", "Licences", "QrForm"]


class QrForm(StrEnum):
    """Which code to draw: the whole licence, or a short handle that only this service can resolve."""

    OFFLINE = "offline"
    SHORT = "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One event in a licence's life."""

    seq: int
    operation: Operation
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceView:
    """A licence as its department sees it. `token` is None while it is reserved and not signed."""

    id: str
    type: str
    issuer: str
    version: int
    number: str
    holder_name: str
    holder_code: str
    holder_code_type: str
    valid_from: date
    valid_until: date | None
    fields: Mapping[str, str | int]
    state: Standing
    list_id: str
    idx: int
    issued_at: datetime | None
    token: str | None
    history: Sequence[HistoryLine]


class Licences:
    """The service of reading.

    Args:
        registry: The truth, to be read only.
        base_url: Public address of this service; it stands in every code.
    """

    def __init__(self, registry: RegistryReading, *, base_url: str) -> None:
        self._registry = registry
        self._base_url = base_url

    def get(self, licence_id: str, by: Actor) -> LicenceView:
        """Read one licence.

        Raises:
            NotFound: No such licence of this caller's.
            Unavailable: SQL can't be reached.
        """
        record = self._find(licence_id, by)
        draft = draft_of_claims(claims_of(record))
        return LicenceView(
            id=record.licence_id,
            type=record.type_code,
            issuer=record.issuer,
            version=record.version,
            number=draft.number,
            holder_name=draft.holder.name,
            holder_code=draft.holder.code,
            holder_code_type=draft.holder.code_type,
            valid_from=draft.valid_from,
            valid_until=draft.valid_until,
            fields=draft.fields,
            state=record.standing,
            list_id=record.list_id,
            idx=record.idx,
            issued_at=record.issued_at,
            token=record.token,
            history=tuple(
                HistoryLine(seq=event.seq, operation=operation, reason=reason, at=event.at)
                for event, operation, reason in self._registry.history(record.licence_id)
            ),
        )

    def qr_text(self, licence_id: str, by: Actor, *, form: QrForm = QrForm.OFFLINE) -> str:
        """The text of a licence's QR code.

        Args:
            licence_id: Its identifier.
            by: Who asks.
            form: The whole licence, readable without this service, or a short handle.

        Raises:
            NotFound: No such licence of this caller's.
            Conflict: It is not signed yet.
            TooLarge: It has too much to say for an offline code; the short form always fits.
        """
        record = self._find(licence_id, by)
        if record.token is None:
            raise Conflict("expected an issued licence, got one that is not signed yet")
        if form is QrForm.SHORT:
            return qr.encode_short(qr.ShortKind.LICENCE, record.secret[:16], self._base_url)
        return qr.encode_token(record.token, self._base_url)

    def _find(self, licence_id: str, by: Actor) -> LicenceRecord:
        record = self._registry.find(str(known_id(licence_id)))
        if record is None or not may_handle(by, record.issuer):
            raise not_found()
        return record
