"""A verdict as it is answered: what was decided, why, and how fresh the knowledge is.

Only an accepted verdict carries the licence. The reasons stand in step order; each has the code for programs,
the detail for a log and the sentence for the clerk in Chinese and English.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ecert.licence import LicenceType, PresentedLicence
from ecert.services import Checked
from ecert.verify import Accepted, Finding, ReasonCode, StatusAnswer, sentences

__all__ = [
    "BatchAnswer",
    "HolderShown",
    "IssuerShown",
    "LicenceShown",
    "Reason",
    "SentenceShown",
    "StatusShown",
    "VerdictAnswer",
    "answer_of",
    "malformed_item",
    "reason_of",
]


class SentenceShown(msgspec.Struct, frozen=True):
    """What the clerk reads: what is wrong and what to do next."""

    zh: str
    en: str


class Reason(msgspec.Struct, frozen=True):
    """One finding. `step` is the number of the verification step that made it."""

    code: str
    step: int
    detail: str
    sentence: SentenceShown


class HolderShown(msgspec.Struct, frozen=True):
    """The holder (持证主体) as far as disclosed."""

    name: str | None
    code: str | None
    code_type: str | None


class IssuerShown(msgspec.Struct, frozen=True):
    """The issuing department (发证单位)."""

    id: str
    name: str | None


class LicenceShown(msgspec.Struct, frozen=True):
    """An accepted licence. `valid_until` null: 长期有效. Fields carry their names of GB/T 36903."""

    id: str
    type: str
    type_name: str | None
    type_name_en: str | None
    number: str | None
    holder: HolderShown
    issuer: IssuerShown
    valid_from: date
    valid_until: date | None
    fields: dict[str, Any]


class StatusShown(msgspec.Struct, frozen=True):
    """The licence's status, from when that knowledge is, and its age at the decision in milliseconds."""

    state: str
    as_of: datetime
    age_ms: int


class VerdictAnswer(msgspec.Struct, frozen=True):
    """The answer to one scan."""

    verdict: str
    reasons: list[Reason]
    verification_id: str
    checked_at: datetime
    licence: LicenceShown | UnsetType = UNSET
    licence_id: str | UnsetType = UNSET
    status: StatusShown | UnsetType = UNSET


class BatchAnswer(msgspec.Struct, frozen=True):
    """One answer an item, in the order of the items."""

    results: list[VerdictAnswer]


@cache
def _sentence(code: str) -> SentenceShown:
    said = sentences(ReasonCode(code))
    return SentenceShown(said.zh, said.en)


def reason_of(finding: Finding) -> Reason:
    """Show one finding."""
    return Reason(str(finding.code), finding.step, finding.detail, _sentence(finding.code))


def answer_of(checked: Checked, types: Mapping[str, LicenceType]) -> VerdictAnswer:
    """Show one verdict."""
    verdict = checked.verdict
    if isinstance(verdict, Accepted):
        licence = _licence(verdict.licence, types)
        return VerdictAnswer(
            verdict.outcome,
            [],
            checked.verification_id,
            checked.checked_at,
            licence,
            licence.id,
            _status(verdict.status, checked.checked_at),
        )
    return VerdictAnswer(
        verdict.outcome,
        [reason_of(f) for f in verdict.findings],
        checked.verification_id,
        checked.checked_at,
        UNSET,
        UNSET if verdict.licence_id is None else str(verdict.licence_id),
        UNSET if verdict.status is None else _status(verdict.status, checked.checked_at),
    )


def malformed_item(detail: str, *, verification_id: str, checked_at: datetime) -> VerdictAnswer:
    """Refuse one item of a batch that is no scan at all, so that the others are not held up."""
    reason = Reason("malformed", 1, detail, _sentence("malformed"))
    return VerdictAnswer("refused", [reason], verification_id, checked_at)


def _licence(shown: PresentedLicence, types: Mapping[str, LicenceType]) -> LicenceShown:
    kind = types.get(shown.type_code)
    holder = shown.holder
    return LicenceShown(
        str(shown.id),
        shown.type_code,
        None if kind is None else kind.name_zh,
        None if kind is None else kind.name_en,
        shown.number,
        HolderShown(holder.name, holder.code, holder.code_type),
        IssuerShown(str(shown.issuer), shown.issuer_name),
        shown.valid_from,
        shown.valid_until,
        dict(shown.fields),
    )


def _status(answer: StatusAnswer, at: datetime) -> StatusShown:
    age = (at - answer.as_of).total_seconds()
    return StatusShown(str(answer.state), answer.as_of, max(0, round(age * 1000)))
