"""The one decision (核验), in nine numbered steps; the number stands at each block and in each finding.

- Pure and total: the same arguments give the same verdict, and no bytes raise.
- Steps 1 to 5 build on one another and stop at the first that refuses: nothing is read further than it can be
  trusted. Steps 6 to 9 look at a genuine licence and all report.
- One finding that refuses makes the verdict Refused, with every finding in step order. Otherwise one that is
  undecided makes it Undecided. Only then it is Accepted.
- Not decided here: whether the person present is the holder, unless the policy asks for binding.
"""

from datetime import datetime
from typing import Final

from ecert.crypto import PublicKey
from ecert.errors import BadSignature, EcertError, FieldFault, InputError
from ecert.licence import PresentedLicence, load_types
from ecert.trust import KeyUse, TrustedKey, TrustTable
from ecert.verify.evidence import Evidence
from ecert.verify.holder import holder_findings
from ecert.verify.opening import Opened, Stop, open_scan
from ecert.verify.policy import Policy
from ecert.verify.status import StatusAnswer, StatusView
from ecert.verify.verdict import UNDECIDED_CODES, Accepted, Finding, ReasonCode, Refused, Undecided, Verdict
from ecert.wire import sd_jwt

__all__ = ["verify"]

_NEVER: Final = float("inf")
_NAMES_THAT_AGREE: Final = frozenset({"jti", "vct", "iss"})
_CHAIN_EXPIRED: Final = Finding(ReasonCode.TRUST_STALE, 3, "expected trust lists in force, one has expired")


def verify(
    evidence: Evidence | str | bytes,
    *,
    trust: TrustTable,
    status: StatusView,
    policy: Policy,
    at: datetime,
) -> Verdict:
    """Decide whether one presented licence (电子证照) may be relied on at one moment.

    Fetches nothing. Does not check that the person at the window is the holder unless `policy` asks for
    binding. A short code is looked up by the caller; one that comes here is `code_unknown`.

    Args:
        evidence: What was scanned, at most 16 KiB: a token or the text of a QR code. Untrusted.
        trust: The compiled key table, with the time it was built from.
        status: The statuses on hand, each with its age.
        policy: What this window requires; there is no default.
        at: The moment of decision, timezone-aware.

    Returns:
        `Accepted` with the disclosed licence; `Refused` with every finding in step order; `Undecided` when a
        needed fact is missing or older than the policy allows.

    Raises:
        TypeError: `at` is naive. Nothing else, whatever the bytes.

    Sources: RFC 9901 section 7; Token Status List section 8.3; docs/formats/licence.md.
    """
    if at.tzinfo is None:
        raise TypeError("expected a timezone-aware datetime, a naive one came")
    findings: list[Finding] = []
    try:
        # 1 read: size, QR, token grammar
        # 2 header: closed set of algorithms, typ, no other member
        opened = open_scan(evidence.raw if isinstance(evidence, Evidence) else evidence)

        # 3 issuer: key known, right use, window covers iat, not compromised, lists above it in force
        signer = trust.find(opened.issuer, opened.kid)
        if (
            signer is None
            or signer.use is not KeyUse.LICENCE
            or opened.issued_at not in signer.window
            or signer.compromised_at is not None
        ):
            raise Stop(*_issuer_findings(opened, signer, trust, at))
        if at >= signer.chain_until:
            findings.append(_CHAIN_EXPIRED)

        # 4 signature, by the key's own algorithm
        _check_signature(opened, signer.key)

        # 5 claims: disclosures, strict types, type authorised, jti agrees with vct and iss
        licence = _licence(opened, signer)
    except Stop as stop:
        return _decided([*findings, *stop.findings])

    # 6 time
    claims, skew, now = licence.claims, policy.clock_skew.total_seconds(), at.timestamp()
    if claims["nbf"] > now + skew or claims["iat"] > now + skew:
        findings.append(
            Finding(ReasonCode.NOT_YET_VALID, 6, "expected a licence in force, its time is yet to come")
        )
    if claims.get("exp", _NEVER) <= now - skew:
        findings.append(Finding(ReasonCode.EXPIRED, 6, "expected a licence in force, its time is over"))

    # 7 status: list present, fresh enough, index inside
    answer = _lookup(status, licence)
    if (
        answer is not None
        and answer.signer is not None
        and not trust.may_sign_status(answer.signer, signer.authority.id)
    ):
        answer = None
    if answer is None:
        detail = "expected the licence's status list with its index, none is on hand"
        findings.append(Finding(ReasonCode.STATUS_MISSING, 7, detail))
    elif answer.value or not -policy.clock_skew <= at - answer.as_of <= policy.max_status_age:
        findings.append(_judged(answer, policy, at))

    # 8 holder: proof of the holder's key, where the policy asks for it
    if policy.binding is not None or opened.presented.key_binding is not None:
        findings += holder_findings(opened.presented, licence.holder_jwk, policy, at)

    # 9 matter: a type that is taken here, the holder that the matter is about
    if policy.accepted_types is not None and licence.type_code not in policy.accepted_types:
        detail = "expected a type that this window takes, another came"
        findings.append(Finding(ReasonCode.TYPE_NOT_ACCEPTED, 9, detail))
    if policy.holder_code is not None and licence.holder.code != policy.holder_code:
        detail = "expected the holder that the matter is about, another came or none is disclosed"
        findings.append(Finding(ReasonCode.HOLDER_MISMATCH, 9, detail))

    if findings or answer is None:
        return _decided(findings, licence, answer)
    return Accepted(licence=licence, status=answer)


def _issuer_findings(
    opened: Opened, signer: TrustedKey | None, trust: TrustTable, at: datetime
) -> list[Finding]:
    """Say everything that is wrong with a signer who isn't good as it stands."""
    if signer is None and trust.authority(opened.issuer) is None:
        if trust.holds_at(at):
            detail = "expected an issuer on the trust lists, another came"
            return [Finding(ReasonCode.UNKNOWN_ISSUER, 3, detail)]
        # Without a root list in force, that a name is missing says nothing about it.
        return [Finding(ReasonCode.TRUST_STALE, 3, "expected a root list in force, there is none")]
    if signer is None or signer.use is not KeyUse.LICENCE:
        detail = "expected a key that the issuer is listed with for licences, another kid came"
        return [Finding(ReasonCode.UNKNOWN_KEY, 3, detail)]
    found = [_CHAIN_EXPIRED] if at >= signer.chain_until else []
    if opened.issued_at not in signer.window:
        detail = "expected iat inside the key's window, it lies outside"
        found.append(Finding(ReasonCode.KEY_OUTSIDE_WINDOW, 3, detail))
    if signer.compromised_at is not None:
        # Whatever iat says: whoever has the key writes any date.
        detail = "expected a key in the right hands, it is listed as compromised"
        found.append(Finding(ReasonCode.KEY_COMPROMISED, 3, detail))
    return found


def _check_signature(opened: Opened, key: PublicKey) -> None:
    if opened.verified_by == key:
        return
    if opened.token.header["alg"] != key.alg:
        detail = "expected the algorithm of the issuer's key, another came"
        raise Stop(Finding(ReasonCode.UNSUPPORTED_ALGORITHM, 4, detail))
    try:
        key.verify(opened.token.signature, opened.token.signing_input)
    except BadSignature as fault:
        raise Stop(Finding(ReasonCode.BAD_SIGNATURE, 4, str(fault))) from None
    opened.verified_by = key


def _licence(opened: Opened, signer: TrustedKey) -> PresentedLicence:
    faults = []
    type_code = opened.payload.get("vct")
    if type(type_code) is str and not signer.types.allows(type_code):
        detail = "expected a type that the issuer is authorised for, another came"
        faults.append(Finding(ReasonCode.TYPE_NOT_AUTHORISED, 5, detail))
    if opened.licence is None:
        try:
            opened.licence = PresentedLicence.from_claims(_claims(opened), load_types())
        except InputError as fault:
            faults.append(Finding(ReasonCode(fault.code), 5, str(fault)))
        except FieldFault as fault:
            # Text that contradicts other text is invalid; what is missing or of another form was no licence.
            contradicts = fault.field in _NAMES_THAT_AGREE and type(opened.payload.get(fault.field)) is str
            code = ReasonCode.CLAIMS_INVALID if contradicts else ReasonCode.MALFORMED
            faults.append(Finding(code, 5, str(fault)))
    if faults or opened.licence is None:
        raise Stop(*faults)
    return opened.licence


def _claims(opened: Opened) -> dict[str, object]:
    text, disclosures = opened.token.payload, opened.presented.disclosures
    if disclosures or b'"_sd' in text or b'"..."' in text or b"\\" in text:
        # Only where a disclosure, a digest, or an escape that could spell one is there at all.
        return sd_jwt.process(opened.payload, disclosures, never_disclosable=sd_jwt.NEVER_DISCLOSABLE)
    return opened.payload


def _lookup(status: StatusView, licence: PresentedLicence) -> StatusAnswer | None:
    try:
        return status.lookup(licence.status_uri, licence.status_idx)
    except EcertError:
        return None


def _judged(answer: StatusAnswer, policy: Policy, at: datetime) -> Finding:
    """Say what an answer that isn't a fresh "valid" comes to."""
    if answer.value == 1:
        # For good, so its age doesn't matter.
        code = ReasonCode.SUPERSEDED if answer.superseded else ReasonCode.REVOKED
        return Finding(code, 7, "expected status valid, invalid for good came")
    if answer.as_of > at + policy.clock_skew:
        return Finding(
            ReasonCode.STATUS_STALE, 7, "expected a status from the past, one from the future came"
        )
    age = at - answer.as_of
    if age > policy.max_status_age:
        detail = f"status too old: known {age} before the decision, policy allows {policy.max_status_age}"
        return Finding(ReasonCode.STATUS_STALE, 7, detail)
    if answer.value == 2:
        return Finding(ReasonCode.SUSPENDED, 7, "expected status valid, suspended came")
    if answer.value == 3:
        return Finding(ReasonCode.NOT_ISSUED, 7, "expected status valid, never issued came")
    # A value from a later edition is at best a restriction; what isn't known to be valid is refused.
    return Finding(ReasonCode.REVOKED, 7, "expected one of the four statuses, an unknown value came")


def _decided(
    findings: list[Finding], licence: PresentedLicence | None = None, answer: StatusAnswer | None = None
) -> Verdict:
    undecided = all(finding.code in UNDECIDED_CODES for finding in findings)
    kind = Undecided if undecided else Refused
    return kind(findings=tuple(findings), licence_id=None if licence is None else licence.id, status=answer)
