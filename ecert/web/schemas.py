"""The shapes of requests and answers outside the scanning doors. What is right is decided below."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

__all__ = [
    "About",
    "BatchCounts",
    "EventOut",
    "Health",
    "HolderIn",
    "HolderOut",
    "IssuedBatch",
    "IssuedOut",
    "LicenceIn",
    "LicenceOut",
    "ProblemOut",
    "Readiness",
    "RowOut",
    "StatusIn",
    "StatusOut",
    "VersionIn",
]

Text = Annotated[str, Field(min_length=1, max_length=200)]
FieldName = Annotated[str, Field(pattern=r"^KZ_[A-Z0-9_]{1,40}$")]
FieldValue = Annotated[StrictStr, Field(max_length=4000)] | StrictInt


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class HolderIn(_In):
    """The holder (持证主体): code type 001 is a 统一社会信用代码, 111 a 公民身份号码."""

    name: Text
    code: Annotated[str, Field(min_length=1, max_length=64)]
    code_type: Annotated[str, Field(pattern=r"^[0-9]{3}$")]


class LicenceIn(_In):
    """A licence (电子证照) to be issued. The issuer is the caller's own authority."""

    type: Annotated[str, Field(min_length=1, max_length=40, description="证照类型代码, 21 characters")]
    number: Annotated[
        str, Field(min_length=1, max_length=100, description="证照编号, unique to issuer and type")
    ]
    holder: HolderIn
    valid_from: date
    valid_until: Annotated[date | None, Field(description="null: 长期有效")] = None
    fields: Annotated[dict[FieldName, FieldValue], Field(max_length=64)] = {}
    issuer: Annotated[
        str | None, Field(description="统一社会信用代码; the caller's own authority when left out")
    ] = None


class VersionIn(_In):
    """A new version: what changes (变更), or the new period (延续). What is left out stays."""

    operation: Literal["change", "renew"]
    holder: HolderIn | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    fields: Annotated[dict[FieldName, FieldValue] | None, Field(max_length=64)] = None


class StatusIn(_In):
    """A change of status: 暂扣 suspend, 恢复 reinstate, 吊销 revoke, 注销 cancel, 撤销 withdraw."""

    operation: Literal["suspend", "reinstate", "revoke", "cancel", "withdraw"]
    reason: Annotated[str, Field(min_length=1, max_length=500, description="事由, kept encrypted")]


class IssuedOut(_Out):
    """An issued licence. `existing`: the same licence was issued before, and this is it."""

    id: str
    outcome: Literal["issued", "existing"]
    token: Annotated[str, Field(description="the signed licence (SD-JWT VC)")]
    status_list: str
    status_index: int
    seq: Annotated[int, Field(description="number of the status event")]
    propagated: Annotated[bool, Field(description="the status cache had it before this answer")]


class RowOut(_Out):
    """What became of one row."""

    line: int
    outcome: Literal["issued", "existing", "refused"]
    id: str | None = None
    field: str | None = None
    reason: str | None = None


class BatchCounts(_Out):
    """How many rows came to what."""

    issued: int
    existing: int
    refused: int


class IssuedBatch(_Out):
    """A result for each row, in the order of the rows."""

    results: list[RowOut]
    counts: BatchCounts


class StatusOut(_Out):
    """A committed change. `propagated`: the status cache had it before this answer."""

    id: str
    state: str
    seq: int
    changed_at: datetime
    propagated: bool


class HolderOut(_Out):
    """The holder as the issuing department wrote it."""

    name: str
    code: str
    code_type: str


class EventOut(_Out):
    """One line of a licence's history."""

    seq: int
    operation: str
    reason: str | None
    at: datetime


class LicenceOut(_Out):
    """A licence as the registry holds it, for its department. `token` is null until it is signed."""

    id: str
    type: str
    type_name: str | None
    number: str
    holder: HolderOut
    issuer: str
    version: int
    valid_from: date
    valid_until: date | None
    fields: dict[str, str | int]
    state: str
    status_list: str
    status_index: int
    issued_at: datetime | None
    token: str | None
    history: list[EventOut]


class ProblemOut(_Out):
    """A problem document (RFC 9457)."""

    type: Annotated[str, Field(pattern="^urn:ecert:problem:[a-z_]+$")]
    title: str
    status: int
    detail: str | None = None
    field: str | None = None
    errors: list[dict[str, str]] | None = None


class About(_Out):
    """What this service is and where its doors are described."""

    name: str = "ecert"
    what: str = "electronic licences (电子证照): issue, show as QR code, verify"
    docs: str = "/docs"
    openapi: str = "/openapi.json"


class Health(_Out):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Readiness(_Out):
    """Whether requests may be sent here; a part is `ok` or says what it waits for."""

    ready: bool
    parts: dict[str, str]
