"""The holder's proof (持有人证明): the engine's step 8.

- Whether a proof is needed is the policy's decision, made before anyone looks whether there is one.
- A proof that is there must hold, asked for or not: what a verdict was given on is never half checked.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ecert.errors import BindingFailed, EcertError
from ecert.verify.policy import Binding, Policy
from ecert.verify.verdict import Finding, ReasonCode
from ecert.wire import json, jws, sd_jwt

__all__ = ["holder_findings"]

_ANY_AGE: Final = timedelta(days=366 * 10_000)


def holder_findings(
    presented: sd_jwt.Presentation, holder_jwk: Mapping[str, object] | None, policy: Policy, at: datetime
) -> tuple[Finding, ...]:
    """Check the key binding of one presentation against the policy.

    Args:
        presented: The presentation, its issuer's signature verified.
        holder_jwk: The holder's key out of the licence, if it has one.
        policy: Says whether a proof is asked for, for whom and how fresh.
        at: The moment of decision, timezone-aware.

    Returns:
        Nothing, or the one finding.

    Sources: RFC 9901 section 7.3.
    """
    asked = policy.binding
    if asked is not None and (presented.key_binding is None or holder_jwk is None):
        detail = "expected a proof by the holder's key, none came or the licence names no key"
        return (Finding(ReasonCode.BINDING_MISSING, 8, detail),)
    if presented.key_binding is None:
        return ()
    try:
        terms = asked or _own_terms(presented.key_binding)
        sd_jwt.check_key_binding(
            presented,
            holder_jwk,
            audience=terms.audience,
            nonce=terms.nonce,
            at=at,
            max_age=terms.max_age,
            clock_skew=policy.clock_skew if asked else _ANY_AGE,
        )
    except EcertError as fault:
        return (Finding(ReasonCode.BINDING_FAILED, 8, str(fault)),)
    return ()


def _own_terms(key_binding: bytes) -> Binding:
    """What a proof nobody asked for says of itself, so that form, signature and sd_hash get checked."""
    claims = json.loads(jws.read_compact(key_binding).payload)
    audience = claims.get("aud") if isinstance(claims, dict) else None
    nonce = claims.get("nonce") if isinstance(claims, dict) else None
    if not isinstance(audience, str) or not isinstance(nonce, str):
        raise BindingFailed("expected a key binding with text as aud and nonce, another came")
    return Binding(audience=audience, nonce=nonce, max_age=_ANY_AGE)
