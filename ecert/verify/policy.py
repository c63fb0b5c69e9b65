"""What one window requires (核验策略). There is no default: every value is the caller's decision.

Nothing here weakens a step; it sets how old a fact may be and what is asked on top.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

__all__ = ["Binding", "Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Ask for the holder's proof (持有人绑定): for this audience, with this nonce, at most `max_age` ago."""

    audience: str
    nonce: str
    max_age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one decision is made.

    Args:
        max_status_age: A status older than this decides nothing, unless it says "invalid for good".
        clock_skew: How far the issuer's clock and ours may differ, applied to `iat`, `nbf`, `exp` and a
            status's time.
        accepted_types: The type codes this window takes; None for all.
        holder_code: The code (统一社会信用代码 or 身份证号) of the person the matter is about; None not to
            compare.
        binding: The proof that is asked of the holder; None not to ask.
    """

    max_status_age: timedelta
    clock_skew: timedelta
    accepted_types: frozenset[str] | None
    holder_code: str | None
    binding: Binding | None

    @classmethod
    def window(
        cls,
        *,
        accepted_types: frozenset[str] | None = None,
        holder_code: str | None = None,
        binding: Binding | None = None,
    ) -> Self:
        """A service window (综合窗口) with a live mirror: status at most 5 s old, clocks within 60 s."""
        return cls(
            max_status_age=timedelta(seconds=5),
            clock_skew=timedelta(seconds=60),
            accepted_types=accepted_types,
            holder_code=holder_code,
            binding=binding,
        )

    @classmethod
    def offline(
        cls,
        *,
        max_status_age: timedelta,
        accepted_types: frozenset[str] | None = None,
        holder_code: str | None = None,
        binding: Binding | None = None,
    ) -> Self:
        """A check without a line, on published lists as old as the caller says, clocks within 60 s."""
        return cls(
            max_status_age=max_status_age,
            clock_skew=timedelta(seconds=60),
            accepted_types=accepted_types,
            holder_code=holder_code,
            binding=binding,
        )
