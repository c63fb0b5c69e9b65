"""Check what a window scanned (核验): resolve a short code, gather trust and status, decide.

- The decision is `ecert.verify.verify`'s alone; trust and status are in memory, and no SQL is asked for an
  offline code.
- A licence handle (short code of kind 1) is looked up in SQL first. One that nobody has is `code_unknown`.
- A policy is a window's: status at most 5 s old by default, with the types that the matter takes.
- Where a `Registered` port is given, an accepted licence must also be the one that the registry issued under
  its identifier. Without it, a key in the wrong hands could copy a living licence's identifier or status
  entry. What was confirmed once is remembered by its digest: the registry never takes a signature back, so
  only a licence's first scan in a process asks SQL. With SQL out of reach the verdict stands as decided.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol

from ecert.errors import InputError, KeyFault, Unavailable
from ecert.services.ports import Clock, HandleReading, RandomBytes
from ecert.trust import TrustTable
from ecert.verify import (
    Accepted,
    Finding,
    Policy,
    ReasonCode,
    Refused,
    StatusView,
    Verdict,
    verify,
)
from ecert.wire import b64, qr

__all__ = ["Checked", "Checking", "Registered", "Scan"]

_SHORT_TEXT = 512  # characters: a longer text holds an offline code or a token, never a short code alone
_REMEMBERED: Final = 100_000  # confirmed scans, by digest: about 10 MB


@dataclass(frozen=True, slots=True)
class Checked:
    """A decision, its name for the record, and its moment."""

    verdict: Verdict
    verification_id: str
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of many."""

    text: str
    matter: str | None = None
    window: str | None = None


class Registered(Protocol):
    """Says what the registry issued under an identifier."""

    def token_of(self, licence_id: str) -> str | None:
        """The licence as it was issued; None when there is none."""


class Checking:
    """The checking service.

    Args:
        trust: Gives the current key table.
        status: What is known of statuses in this process.
        clock: Gives the time, timezone-aware UTC.
        random_bytes: Gives the names of decisions.
        handles: Resolves short codes; None where SQL is not at hand, and then every handle is `code_unknown`.
        registered: Compares accepted licences with the registry; None not to.
        max_status_age: The oldest status that counts.
        clock_skew: How far other clocks may be off.
    """

    def __init__(
        self,
        *,
        trust: Callable[[], TrustTable],
        status: StatusView,
        clock: Clock,
        random_bytes: RandomBytes,
        handles: HandleReading | None = None,
        registered: Registered | None = None,
        max_status_age: timedelta | None = None,
        clock_skew: timedelta | None = None,
    ) -> None:
        self._trust = trust
        self._status = status
        self._clock = clock
        self._random = random_bytes
        self._handles = handles
        self._registered = registered
        self._confirmed: dict[bytes, None] = {}
        window = Policy.window()
        self._policy = replace(
            window,
            max_status_age=window.max_status_age if max_status_age is None else max_status_age,
            clock_skew=window.clock_skew if clock_skew is None else clock_skew,
        )

    def check(
        self,
        text: str,
        *,
        matter: str | None = None,  # noqa: ARG002 - for the record of the case, which comes with matters
        window: str | None = None,  # noqa: ARG002 - likewise
        accepted_types: frozenset[str] | None = None,
        holder_code: str | None = None,
    ) -> Checked:
        """Decide one scan.

        Args:
            text: A QR code's text, digits as typed by a scanner, or a token. Untrusted.
            matter: The matter (事项) it is for; kept for the record, decides nothing yet.
            window: The window it was scanned at; likewise.
            accepted_types: The licence types taken here; None for all.
            holder_code: The code of the person the matter is about; None not to compare.

        Raises:
            Unavailable: A short code came and SQL can't be reached. Nothing else, whatever the text.
        """
        policy = self._policy
        if accepted_types is not None or holder_code is not None:
            policy = replace(policy, accepted_types=accepted_types, holder_code=holder_code)
        at = self._clock()
        token = self._resolved(text) if len(text) <= _SHORT_TEXT and "~" not in text else text
        if token is None:
            detail = "expected a short code that is known here, another came"
            finding = Finding(ReasonCode.CODE_UNKNOWN, 1, detail)
            verdict: Verdict = Refused(findings=(finding,))
        else:
            verdict = verify(token, trust=self._trust(), status=self._status, policy=policy, at=at)
        if self._registered is not None and isinstance(verdict, Accepted):
            verdict = self._confirm(verdict, token or "", self._registered)
        return Checked(verdict, b64.encode(self._random(16)), at)

    def in_memory(self, text: str) -> bool:
        """Say whether this text can be decided without asking SQL."""
        if len(text) <= _SHORT_TEXT:
            return False
        return self._registered is None or _digest(text) in self._confirmed

    def _confirm(self, verdict: Accepted, text: str, registered: Registered) -> Verdict:
        """Compare what was accepted with what the registry issued under that identifier."""
        digest = _digest(text)
        if digest in self._confirmed:
            return verdict
        try:
            issued = registered.token_of(str(verdict.licence.id))
        except (Unavailable, KeyFault):
            return verdict
        if issued is None or _signed_part(issued) != _signed_part(text):
            detail = "expected the licence on record under its identifier, another came"
            finding = Finding(ReasonCode.NOT_ISSUED, 7, detail)
            return Refused(findings=(finding,), licence_id=verdict.licence.id, status=verdict.status)
        if len(self._confirmed) >= _REMEMBERED:
            self._confirmed = {}
        self._confirmed[digest] = None
        return verdict

    def check_many(self, items: Iterable[Scan]) -> Sequence[Checked]:
        """Decide many scans, each by itself."""
        return [self.check(item.text, matter=item.matter, window=item.window) for item in items]

    def _resolved(self, text: str) -> str | None:
        """The token behind a licence handle; None for a handle of nobody; other text as it is."""
        try:
            read = qr.read(text)
        except InputError:
            return text  # the verdict says what is wrong with it
        if isinstance(read, str):
            return read
        if read.kind is not qr.ShortKind.LICENCE or self._handles is None:
            return None
        return self._handles.token_by_handle(read.value)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _signed_part(text: str) -> str:
    """Header and payload of an accepted scan: signatures have two spellings, disclosures may be left out."""
    token = text if "~" in text else qr.read(text)
    return token.partition("~")[0].rpartition(".")[0] if isinstance(token, str) else ""
