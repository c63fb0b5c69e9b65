"""The compiled key table (密钥表): what a verifier looks a signer up in.

- Made by `resolve` only. A key is found by issuer and kid together, never by kid alone.
- The table is a picture of one moment: each key says until when the lists above it hold (`chain_until`), and
  the reader compares that with its own moment of decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ecert.crypto import PublicKey
from ecert.trust.authority import Authority, KeyUse, TypeSet

__all__ = ["TrustProblem", "TrustTable", "TrustedKey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustProblem:
    """Something that was left out of the table, or used with a warning. `authority` is "" when unknown."""

    authority: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A key with everything that a verifier asks about it."""

    key: PublicKey
    use: KeyUse
    types: TypeSet
    valid_from: datetime
    valid_until: datetime
    compromised_at: datetime | None
    authority: Authority
    chain_until: datetime
    """The earliest expiry of the lists between the root and this key."""
    window: range
    """`valid_from` to `valid_until` in seconds since 1970: ``iat in window`` is the whole question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustTable:
    """Every key that can be trusted, by issuer's USCC and kid."""

    keys: Mapping[tuple[str, str], TrustedKey]
    authorities: Mapping[str, Authority]
    problems: tuple[TrustProblem, ...]
    seqs: Mapping[str, int]
    """The highest `seq` known of each signer: hand it to the next `resolve` as `seen`, and keep it."""
    built_at: datetime
    expires_at: datetime
    """The earliest expiry of any list in use; `built_at` when there is none."""
    root_until: datetime | None
    """The expiry of the root's own list; None when there is no usable one."""

    def find(self, issuer: str, kid: str) -> TrustedKey | None:
        """Find a key by the plain USCC of its owner and its kid."""
        return self.keys.get((issuer, kid))

    def authority(self, id: str) -> Authority | None:
        """Find an authority by its plain USCC."""
        return self.authorities.get(id)

    def may_sign_status(self, signer: str, issuer: str) -> bool:
        """Say whether `signer` may sign status lists about the licences of `issuer` (both plain USCC)."""
        known = self.authorities.get(issuer)
        return known is not None and signer in (issuer, known.status_provider)

    def holds_at(self, at: datetime) -> bool:
        """Say whether the root's list is there and in force: only then is a missing name unknown."""
        return self.root_until is not None and at < self.root_until
