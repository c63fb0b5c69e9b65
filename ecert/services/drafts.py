"""What a department asks for, between JSON, a table's row and a `Draft`: one shape, read strictly.

The shape is that of ``POST /v1/licences`` and of a line of NDJSON::

    {"type": "…", "number": "…", "holder": {"name": "…", "code": "…", "code_type": "111"},
     "valid_from": "2026-01-01", "valid_until": "2035-12-31" or null, "fields": {"KZ_…": "…"}, "issuer": "…"}

Checks types and names only; what a licence type asks for is `ecert.licence.check_draft`'s business.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from ecert.errors import FieldFault
from ecert.licence import Draft, Holder, LicenceId, LicenceType, PresentedLicence, Uscc, build_claims

__all__ = [
    "LONG_TERM",
    "changed_draft",
    "check_renews",
    "content_of_claims",
    "content_of_draft",
    "draft_of_claims",
    "read_date",
    "read_draft",
]

LONG_TERM = ("长期", "长期有效")
_DAY = re.compile(
    r"(\d{4})(?:-(\d{2})-(\d{2})|(\d{2})(\d{2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)", re.ASCII
)
_NAMES = frozenset({"type", "number", "holder", "valid_from", "valid_until", "fields", "issuer"})
_HOLDER_NAMES = frozenset({"name", "code", "code_type"})
#: What issuing adds to what was asked for. Names of issuers change, and holders' keys too.
_ADDED = frozenset({"jti", "iat", "status", "ZZBFJG", "cnf"})
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_PLAIN_NAME = re.compile(r"[A-Za-z_]{1,24}|KZ_[A-Z0-9_]{1,24}", re.ASCII)


def read_draft(body: object) -> tuple[Draft, str | None]:
    """Read a licence as asked for.

    Args:
        body: A parsed JSON value. Untrusted.

    Returns:
        The draft, and the issuer's USCC if the body names one.

    Raises:
        FieldFault: Something is missing, unknown or of the wrong type; it is named.
    """
    members = _object(body, "body", _NAMES)
    holder = _object(members.get("holder"), "holder", _HOLDER_NAMES)
    draft = Draft(
        type_code=_text(members, "type"),
        number=_text(members, "number"),
        holder=Holder(
            name=_text(holder, "name", "holder."),
            code=_text(holder, "code", "holder."),
            code_type=_text(holder, "code_type", "holder."),
        ),
        valid_from=read_date(_text(members, "valid_from"), "valid_from"),
        valid_until=None
        if members.get("valid_until") is None
        else read_date(_text(members, "valid_until"), "valid_until"),
        fields=_fields(members.get("fields", {})),
    )
    return draft, None if members.get("issuer") is None else _text(members, "issuer")


def changed_draft(old: Draft, changes: object) -> Draft:
    """Apply changes to what a licence says; the parts left out stay.

    Args:
        old: The licence as it stands.
        changes: The same shape as a body, all of it optional. A field given as null is taken out. Type and
            number may be repeated but not changed: another number is another licence.

    Raises:
        FieldFault: Something is unknown, of the wrong type, or may not change.
    """
    new = _object(changes, "body", _NAMES)
    for name, same in (("type", old.type_code), ("number", old.number)):
        if name in new and new[name] != same:
            raise FieldFault(name, "expected the same as before: another one is another licence")
    holder = _object(new.get("holder", {}), "holder", _HOLDER_NAMES)
    fields = new.get("fields", {})
    if not isinstance(fields, Mapping):
        raise FieldFault("fields", "expected an object")
    before = {"name": old.holder.name, "code": old.holder.code, "code_type": old.holder.code_type}
    kept = {**old.fields, **fields}
    merged = {
        "valid_from": old.valid_from.isoformat(),
        "valid_until": None if old.valid_until is None else old.valid_until.isoformat(),
        **new,
        "type": old.type_code,
        "number": old.number,
        "holder": {**before, **holder},
        "fields": {name: value for name, value in kept.items() if value is not None},
    }
    return read_draft(merged)[0]


def draft_of_claims(claims: Mapping[str, Any]) -> Draft:
    """What was asked for, from the claims that were made of it."""
    shown = PresentedLicence.from_claims(claims, {})
    return Draft(
        type_code=shown.type_code,
        number=claims["ZZBH"],
        holder=Holder(name=claims["CZZT"], code=claims["CZZTDM"], code_type=claims["CZZTDMLXDM"]),
        valid_from=shown.valid_from,
        valid_until=shown.valid_until,
        fields={name: value for name, value in claims.items() if name.startswith("KZ_")},
    )


def content_of_claims(claims: Mapping[str, object]) -> dict[str, object]:
    """The part of a licence's claims that its issuer asked for: equal parts mean the same licence."""
    return {name: value for name, value in claims.items() if name not in _ADDED}


def content_of_draft(draft: Draft, licence_type: LicenceType, issuer: Uscc) -> dict[str, object]:
    """The same part, before a licence has its identifier, entry and time. The draft must be checked."""
    anywhere = LicenceId.make(type_code=licence_type.code, issuer=issuer, serial="0", version=1)
    return content_of_claims(
        build_claims(
            draft,
            licence_type,
            licence_id=anywhere,
            issuer=issuer,
            issuer_name="",
            status_uri="",
            status_idx=0,
            issued_at=_ANY_TIME,
            holder_jwk={} if licence_type.binding else None,
        )
    )


def check_renews(old: Draft, new: Draft) -> None:
    """Refuse a renewal (延续) that does not make a licence last longer.

    Raises:
        FieldFault: `valid_until` does not move on.
    """
    before, after = old.valid_until, new.valid_until
    if before is None or (after is not None and after <= before):
        raise FieldFault("valid_until", "expected a later day than before, or none, in a renewal")


def read_date(text: str, name: str) -> date:
    """Read a day: 2026-01-31, 20260131, 2026/1/31 or 2026年1月31日.

    Raises:
        FieldFault: Another form, or no such day.
    """
    day = _day(text)
    if day is None:
        raise FieldFault(name, "expected a day as YYYY-MM-DD")
    return day


@lru_cache(maxsize=4096)  # a table has few days and many rows
def _day(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _object(value: object, name: str, known: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise FieldFault(name, "expected an object")
    for member in value:
        if member not in known:
            shown = member if isinstance(member, str) and _PLAIN_NAME.fullmatch(member) else name
            raise FieldFault(shown, f"expected no other names than {', '.join(sorted(known))}")
    return value


def _text(members: Mapping[str, object], name: str, before: str = "") -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise FieldFault(before + name, "expected text")
    return value


def _fields(value: object) -> dict[str, str | int]:
    if not isinstance(value, Mapping):
        raise FieldFault("fields", "expected an object")
    fields: dict[str, str | int] = {}
    for name, member in value.items():
        if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
            raise FieldFault("fields", "expected names that begin with KZ_")
        if isinstance(member, bool) or not isinstance(member, str | int):
            raise FieldFault(name, "expected text or a whole number")
        fields[name] = member
    return fields
