"""The verdict (核验结论): accepted, refused or undecided, and the reasons.

- Only `Accepted` carries the licence: code that forgets to look at the verdict fails loudly.
- `Undecided` means that a needed fact is missing or too old. It is never shown as valid.
- Frozen msgspec structs: making a frozen dataclass costs ten times as much, on every verification.
- Reason codes are append-only. One that is no longer given stays reserved.
"""

from enum import StrEnum
from typing import ClassVar, Final, Literal

import msgspec

from ecert.licence import LicenceId, PresentedLicence
from ecert.verify.status import StatusAnswer

__all__ = ["UNDECIDED_CODES", "Accepted", "Finding", "ReasonCode", "Refused", "Undecided", "Verdict"]


class ReasonCode(StrEnum):
    """Why a licence isn't accepted (原因码), for programs; people get `sentences`."""

    MISREAD = "misread"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    WRONG_TOKEN_TYPE = "wrong_token_type"  # noqa: S105 - a reason, not a secret
    UNKNOWN_ISSUER = "unknown_issuer"
    UNKNOWN_KEY = "unknown_key"
    KEY_OUTSIDE_WINDOW = "key_outside_window"
    KEY_COMPROMISED = "key_compromised"
    BAD_SIGNATURE = "bad_signature"
    TYPE_NOT_AUTHORISED = "type_not_authorised"
    CLAIMS_INVALID = "claims_invalid"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    SUSPENDED = "suspended"
    NOT_ISSUED = "not_issued"
    BINDING_MISSING = "binding_missing"
    BINDING_FAILED = "binding_failed"
    CODE_UNKNOWN = "code_unknown"
    CODE_EXPIRED = "code_expired"
    CODE_USED = "code_used"
    TYPE_NOT_ACCEPTED = "type_not_accepted"
    HOLDER_MISMATCH = "holder_mismatch"
    STATUS_MISSING = "status_missing"
    STATUS_STALE = "status_stale"
    TRUST_STALE = "trust_stale"


UNDECIDED_CODES: Final = frozenset(
    {ReasonCode.STATUS_MISSING, ReasonCode.STATUS_STALE, ReasonCode.TRUST_STALE}
)


class Finding(msgspec.Struct, frozen=True):
    """One reason: its code, the step that found it (DESIGN's numbers 1 to 9), and a line for the log.

    `detail` says what was expected, then what came; never a value out of the licence.
    """

    code: ReasonCode
    step: int
    detail: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The licence may be relied on at that moment, under that policy."""

    outcome: ClassVar[Literal["accepted"]] = "accepted"
    licence: PresentedLicence
    status: StatusAnswer


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """It may not. `licence_id` is set once the signature was good and the claims could be read."""

    outcome: ClassVar[Literal["refused"]] = "refused"
    findings: tuple[Finding, ...]
    licence_id: LicenceId | None = None
    status: StatusAnswer | None = None


class Undecided(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing speaks against it, but a needed fact is missing or too old: not valid, ask again."""

    outcome: ClassVar[Literal["undecided"]] = "undecided"
    findings: tuple[Finding, ...]
    licence_id: LicenceId | None = None
    status: StatusAnswer | None = None


Verdict = Accepted | Refused | Undecided
