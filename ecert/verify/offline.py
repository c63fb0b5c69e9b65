"""Verifying with files alone (离线核验): the root key, trust lists and status lists at hand, and no line.

`verify_offline` is the whole of it in one call. It gathers nothing: the caller reads the files and gives
their bytes.
"""

from collections.abc import Iterable
from datetime import datetime

from ecert.crypto import PublicKey
from ecert.errors import EcertError, Malformed, TrustFault
from ecert.trust import KeyUse, TrustTable, resolve
from ecert.verify.engine import verify
from ecert.verify.evidence import Evidence
from ecert.verify.policy import Policy
from ecert.verify.snapshot import ListsStatusView
from ecert.verify.verdict import Verdict
from ecert.wire import json, jws, status_list
from ecert.wire.status_list import StatusToken

__all__ = ["check_status_token", "verify_offline"]

_PREFIX = "uscc:"


def check_status_token(token: bytes, uri: str, trust: TrustTable, at: datetime) -> StatusToken:
    """Check one status list token (状态列表) against the trust table.

    Not checked: that its signer may speak for a given issuer; `verify` does that for the licence it looks at.

    Args:
        token: The compact JWS. Untrusted.
        uri: The list's address, which the token must name as its `sub`.
        trust: The compiled key table.
        at: The moment of the check, timezone-aware.

    Returns:
        The list, genuine and in force at that moment.

    Raises:
        InputError: The token, its signature, its `sub` or its expiry.
        TrustFault: The signer is unknown, or its key may not sign this list.

    Sources: Token Status List section 8.3; docs/formats/status.md.
    """
    issuer, kid = status_list.unverified_signer(token)
    if issuer is None or kid is None or not issuer.startswith(_PREFIX):
        raise Malformed("expected iss to be uscc: and a code, and a kid, something else came")
    found = trust.find(issuer.removeprefix(_PREFIX), kid)
    if found is None or found.use is not KeyUse.STATUS:
        raise TrustFault("expected a key that the signer is listed with for status lists, another came")
    if found.compromised_at is not None:
        raise TrustFault("expected a key in the right hands, it is listed as compromised")
    if at >= found.chain_until:
        raise TrustFault("expected trust lists in force, one has expired")
    read = status_list.read_token(token, found.key, uri=uri, at=at)
    if not found.valid_from <= read.issued_at < found.valid_until:
        raise TrustFault("expected iat inside the key's window, it lies outside")
    return read


def verify_offline(
    evidence: Evidence | str | bytes,
    *,
    root: PublicKey,
    root_id: str,
    trust_lists: Iterable[bytes],
    status_tokens: Iterable[bytes],
    policy: Policy,
    at: datetime,
) -> Verdict:
    """Decide about one licence with nothing but bytes at hand.

    A list that does not count is left out: without the lists it needs, a licence is not accepted.

    Args:
        evidence: What was scanned, at most 16 KiB. Untrusted.
        root: The pinned root key.
        root_id: The root's plain USCC.
        trust_lists: Signed trust lists, in any order. Untrusted.
        status_tokens: Signed status lists, in any order. Untrusted.
        policy: What is required; `Policy.offline` says how old a status list may be.
        at: The moment of decision, timezone-aware.

    Returns:
        As `verify`.

    Raises:
        TypeError: `at` is naive.
        IdentifierFault: `root_id` is not a USCC.
    """
    trust = resolve(root, trust_lists, root_id=root_id, at=at)
    lists: list[StatusToken] = []
    for token in status_tokens:
        try:
            uri = _claimed_uri(token)
            read = check_status_token(token, uri, trust, at)
        except EcertError:
            continue
        # The list's id names its issuer: another's list under that address must not stand in front of it.
        signer = (read.issuer or "").removeprefix(_PREFIX)
        if trust.may_sign_status(signer, uri.rpartition("/")[2].partition(".")[0]):
            lists.append(read)
    return verify(evidence, trust=trust, status=ListsStatusView(lists), policy=policy, at=at)


def _claimed_uri(token: bytes) -> str:
    """The address that a file's list gives itself; a licence finds it only by that address."""
    limit = status_list.MAX_LIST_TOKEN_BYTES
    claims = json.loads(jws.read_compact(token, max_bytes=limit).payload, max_bytes=limit)
    uri = claims.get("sub") if isinstance(claims, dict) else None
    if not isinstance(uri, str):
        raise Malformed("expected sub as text, another type came or none")
    return uri
