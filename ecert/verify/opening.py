"""What can be said of a scan before anyone is trusted (拆封): steps 1 and 2, and the names for step 3.

- Everything here is unverified, and named so. Nothing of it is believed before the signature.
- A text that comes again is opened once: a few hundred openings are kept, with the key that verified them and
  the licence that was read behind the signature. Both follow from the text alone, so remembering them changes
  no verdict; trust, time, status and policy are asked anew every time.
"""

from functools import lru_cache
from typing import Final

from ecert.crypto import PublicKey
from ecert.errors import InputError, Malformed, WrongTokenType
from ecert.licence import PresentedLicence
from ecert.verify import evidence
from ecert.verify.evidence import LICENCE_TYP
from ecert.verify.verdict import Finding, ReasonCode
from ecert.wire import json, jws, sd_jwt

__all__ = ["Opened", "Stop", "open_scan"]

_PREFIX: Final = "uscc:"
_PREFIX_LENGTH: Final = len(_PREFIX)
_MEMBERS: Final = 3
_KEPT: Final = 256
_LONGEST_KEPT: Final = 4096


class Stop(Exception):
    """Ends the walk at a step that refuses, or can't go on. Never leaves `verify`."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings


class Opened:
    """One scan, taken apart. The last two are filled in by the engine, each once its step has passed."""

    __slots__ = ("issued_at", "issuer", "kid", "licence", "payload", "presented", "token", "verified_by")

    def __init__(self, raw: str | bytes) -> None:
        # 1 read: size, QR, token grammar
        step = 1
        try:
            presented = evidence.read(raw)
            if not isinstance(presented, sd_jwt.Presentation):
                raise Stop(Finding(ReasonCode.CODE_UNKNOWN, 1, "expected a licence, a short code came"))
            self.presented = presented

            # 2 header: closed set of algorithms, typ, no other member
            step = 2
            self.token = jws.read_compact(presented.jwt)
            header = self.token.header
            if header.get("typ") != LICENCE_TYP:
                raise WrongTokenType(f"expected a token of typ {LICENCE_TYP}, another kind came")
            kid = header.get("kid")
            if type(kid) is not str or len(header) != _MEMBERS:
                raise Malformed("expected the header members alg, kid and typ, others came")

            # 3 issuer, as the payload names it: only to look the key up
            step = 3
            payload = json.loads(self.token.payload)
            if type(payload) is not dict:
                raise Malformed("expected a JSON object as payload, another value came")
            issuer, issued_at = payload.get("iss"), payload.get("iat")
            if type(issuer) is not str or type(issued_at) is not int:
                raise Malformed("expected iss as text and iat as an integer, others came")
        except InputError as fault:
            raise Stop(Finding(ReasonCode(fault.code), step, str(fault))) from None
        self.kid: str = kid
        self.payload: dict[str, object] = payload
        self.issuer: str = issuer[_PREFIX_LENGTH:] if issuer.startswith(_PREFIX) else ""
        self.issued_at: int = issued_at
        self.verified_by: PublicKey | None = None
        self.licence: PresentedLicence | None = None


_kept = lru_cache(maxsize=_KEPT)(Opened)


# Hashes of texts seen lately, one a slot. Only a text that comes a second time is worth keeping: a stream of
# ever new licences would otherwise pay for filling and emptying the cache.
_seen: Final = [0] * 1024


def open_scan(raw: str | bytes) -> Opened:
    """Take one scan apart.

    Raises:
        Stop: A finding of steps 1 to 3 that refuses.
    """
    if type(raw) is str and len(raw) <= _LONGEST_KEPT:
        mark = hash(raw)
        slot = mark % len(_seen)
        if _seen[slot] == mark:
            return _kept(raw)
        _seen[slot] = mark
    return Opened(raw)
