"""A licence before it is signed: what a department wants it to say, checked against its type.

- All faults of a draft are found at once, each naming its field; nothing is corrected silently.
- Dates are days in China's time (UTC+8, no summer time): valid from 00:00 of the first to 24:00 of the last
  day.

Not checked here: whether the issuer may issue the type (trust), and whether the number is used already
(services).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from ecert.errors import FieldFault, IdentifierFault, LicenceFault
from ecert.licence.definition import HOLDER_CODE_TYPES, LicenceType
from ecert.licence.formats import Value, checked_name, checked_number
from ecert.licence.identifier import LicenceId
from ecert.licence.numbers import ResidentId, Uscc

__all__ = ["CHINA_TIME", "Draft", "Holder", "build_claims", "check_draft", "day_start", "draft_faults"]

CHINA_TIME: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A holder (持证主体): name (CZZT), code (CZZTDM) and the code's type (CZZTDMLXDM, 111 an ID card)."""

    name: str
    code: str
    code_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a licence shall say. `number` is the licence number (证照编号).

    No `valid_until` means for ever (长期有效). `fields` are the type's own, by claim name; an integer may
    come as its decimal text (a CSV has nothing else).
    """

    type_code: str
    number: str
    holder: Holder
    valid_from: date
    valid_until: date | None
    fields: Mapping[str, Value]


def day_start(day: date) -> int:
    """The second since 1970 at which a day begins in China's time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=CHINA_TIME).timestamp())


def draft_faults(draft: Draft, types: Mapping[str, LicenceType]) -> tuple[FieldFault, ...]:
    """Find every fault of a draft; empty when it may be issued.

    Fault names are those of the POST /v1/licences body: ``type``, ``number``, ``holder.name``,
    ``valid_from``..., and ``KZ_*``.
    """
    kind = types.get(draft.type_code)
    if kind is None:
        return (FieldFault("type", "expected the code of a known licence type"),)
    return (*_holder_faults(draft, kind), *_date_faults(draft, kind), *_field_faults(draft, kind))


def check_draft(draft: Draft, types: Mapping[str, LicenceType], *, on: date) -> None:
    """Refuse a draft that can't be issued on a day, with its first fault.

    Raises:
        FieldFault: A field is missing, unknown or ill-formed, or the licence would have run out before `on`.
    """
    for fault in draft_faults(draft, types):
        raise fault
    if draft.valid_until is not None and draft.valid_until < on:
        raise FieldFault("valid_until", "expected a day that has not passed")


def _holder_faults(draft: Draft, kind: LicenceType) -> Iterator[FieldFault]:
    holder = draft.holder
    try:
        checked_number("number", draft.number)
    except FieldFault as fault:
        yield fault
    try:
        checked_name("holder.name", holder.name)
    except FieldFault as fault:
        yield fault
    holder_kind = HOLDER_CODE_TYPES.get(holder.code_type) if isinstance(holder.code_type, str) else None
    if holder_kind is None:
        yield FieldFault("holder.code_type", "expected a holder code type of GB/T 36903")
    elif holder_kind not in kind.holder_kinds:
        yield FieldFault("holder.code_type", f"expected one for {' or '.join(sorted(kind.holder_kinds))}")
    try:
        _check_holder_code(holder)
    except FieldFault as fault:
        yield fault


def _check_holder_code(holder: Holder) -> None:
    try:
        if holder.code_type == "001":
            Uscc.parse(holder.code)
        elif holder.code_type == "111":
            # One spelling: a small x would give one person two hashes.
            if ResidentId.parse(holder.code) != holder.code:
                raise FieldFault("holder.code", "expected a capital X at the end")
        else:
            checked_number("holder.code", holder.code, max_length=30)
    except IdentifierFault:
        what = "unified social credit code" if holder.code_type == "001" else "resident identity number"
        raise FieldFault("holder.code", f"expected a {what} with its check digit") from None


def _date_faults(draft: Draft, kind: LicenceType) -> Iterator[FieldFault]:
    start, end = draft.valid_from, draft.valid_until
    if not _is_day(start):
        yield FieldFault("valid_from", f"expected a day from {_FIRST_YEAR} on")
        return
    years = kind.longest_validity_years
    if end is None:
        if years is not None:
            yield FieldFault("valid_until", f"expected a day, at most {years} years after valid_from")
    elif not _is_day(end) or end < start:
        yield FieldFault("valid_until", "expected a day not before valid_from")
    elif years is not None and end > _years_later(start, years):
        yield FieldFault("valid_until", f"expected a day at most {years} years after valid_from")


def _is_day(value: object) -> bool:
    # A datetime is a date to Python; here it would hide an hour.
    return (
        isinstance(value, date)
        and not isinstance(value, datetime)
        and _FIRST_YEAR <= value.year <= _LAST_YEAR
    )


def _years_later(day: date, years: int) -> date:
    if day.year + years > _LAST_YEAR:
        return date(_LAST_YEAR, 12, 31)
    # 29 February has its anniversary on 28 February in an ordinary year.
    last = 28 if (day.month, day.day) == (2, 29) else day.day
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=last)


def _field_faults(draft: Draft, kind: LicenceType) -> Iterator[FieldFault]:
    known = kind.by_name
    for name in draft.fields:
        if name not in known:
            yield FieldFault(_printable(name), "expected a field that the type has")
    for field in kind.fields:
        value = draft.fields.get(field.name)
        if value is None:
            if field.required:
                yield FieldFault(field.name, "expected a value, the type requires one")
            continue
        try:
            field.normal(value)
        except FieldFault as fault:
            yield fault


def _printable(name: object) -> str:
    # The name of an unknown field comes from outside and goes into answers and logs.
    if isinstance(name, str) and name.isascii() and name.isprintable() and 0 < len(name) <= 32:
        return name
    return "fields"


def build_claims(
    draft: Draft,
    licence_type: LicenceType,
    *,
    licence_id: LicenceId,
    issuer: Uscc,
    issuer_name: str,
    status_uri: str,
    status_idx: int,
    issued_at: datetime,
    holder_jwk: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Give all claims of a licence by their plain names, in the order in which they are signed.

    Does not check the draft again: call `check_draft` first.

    Args:
        draft: What the licence shall say, checked.
        licence_type: Its type.
        licence_id: Its identifier, agreeing with type and issuer.
        issuer: The issuing department's USCC.
        issuer_name: Its name (ZZBFJG).
        status_uri: Address of the status list.
        status_idx: Index in that list.
        issued_at: The moment of issue, timezone-aware.
        holder_jwk: The holder's public key where the type asks for binding.

    Raises:
        LicenceFault: Identifier, type and issuer don't agree, or binding is asked for and no key came.
        TypeError: `issued_at` is naive.

    Sources: DESIGN 4.1; GB/T 36903.
    """
    if issued_at.tzinfo is None:
        raise TypeError("expected an aware datetime for issued_at")
    if licence_id.type_code != licence_type.code or draft.type_code != licence_type.code:
        raise LicenceFault("expected an identifier of the licence's type, another came")
    if licence_id.issuer != issuer:
        raise LicenceFault("expected an identifier of the issuer, another's came")
    if licence_type.binding != (holder_jwk is not None):
        raise LicenceFault("expected a holder key where the type asks for binding and nowhere else")
    claims: dict[str, Any] = {
        "iss": f"uscc:{issuer}",
        "vct": licence_type.code,
        "jti": str(licence_id),
        "iat": int(issued_at.timestamp()),
        "nbf": day_start(draft.valid_from),
    }
    if draft.valid_until is not None:
        claims["exp"] = day_start(draft.valid_until + timedelta(days=1))
    claims["status"] = {"status_list": {"idx": status_idx, "uri": status_uri}}
    claims["ZZBFJG"] = issuer_name
    claims["ZZBH"] = draft.number
    claims["CZZT"] = draft.holder.name
    claims["CZZTDM"] = draft.holder.code
    claims["CZZTDMLXDM"] = draft.holder.code_type
    for field in licence_type.fields:
        value = draft.fields.get(field.name)
        if value is not None:
            claims[field.name] = field.normal(value)
    if holder_jwk is not None:
        claims["cnf"] = {"jwk": dict(holder_jwk)}
    return claims
