"""First scene: keys, five levels of authorities, and the clients that will call."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ecert.assembly import AuthorityPlan, Founded, Settings, build, found_trust, read_plan
from ecert.cli.demo.forgeries import OUTSIDER, make_retired_key, with_outsider
from ecert.cli.demo.telling import Teller
from ecert.cli.trusting import authorities_text
from ecert.errors import KeyFault
from ecert.services.ports import Role
from ecert.store import KeyFiles, SigningKey
from ecert.trust import Authority

__all__ = ["Cast", "found", "tell_chain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody on stage: authorities, their keys, and client secrets (departments by USCC)."""

    plan: AuthorityPlan
    founded: Founded
    keys: KeyFiles
    retired: SigningKey
    departments: dict[str, str]
    window: str
    cache: str


def found(settings: Settings, issuers: list[str]) -> Cast:
    """Make root, chain and clients in the home that the settings name.

    Args:
        settings: Of the demo's own home.
        issuers: USCC of every department that will issue.

    Raises:
        EcertError: Something can't be made; the sentence says what.
    """
    now = datetime.now(UTC)
    plan = read_plan(authorities_text(None))
    with contextlib.closing(build(settings, launch=False)) as app:
        keys = app.key_files
        if keys is None:
            raise KeyFault("expected a home with private keys, got a verifier's")
        # First the chain as it is. Then what the forger will need: a key long retired, and a city that
        # overreaches.
        found_trust(plan, keys=keys, lists=app.trust_lists, at=now)
        retired = make_retired_key(keys, at=now)
        founded = found_trust(with_outsider(plan), keys=keys, lists=app.trust_lists, at=now)
        names = {authority.id: authority.name for authority in plan.authorities}
        departments = {
            issuer: app.clients.create(names[issuer], Role.DEPARTMENT, issuer)[1] for issuer in issuers
        }
        window = app.clients.create("演示窗口", Role.WINDOW)[1]
        return Cast(
            plan=plan,
            founded=founded,
            keys=keys,
            retired=retired,
            departments=departments,
            window=window,
            cache=app.redis,
        )


def tell_chain(teller: Teller, cast: Cast, types: dict[str, str]) -> None:
    """Show who stands where and may issue what."""
    plan = cast.plan
    teller.say(f"root key {cast.founded.root.kid}, pinned; it signs the first list and nothing else")
    rows = [
        (
            authority.level,
            "  " * depth + authority.name,
            f"{authority.region} {_place(authority.region)}",
            "lists others" if authority.may_delegate else "issues",
            _issues(authority, types),
        )
        for depth, authority in _tree(plan, plan.root_id, 0)
    ]
    teller.table(("level", "authority", "region", "does", "types"), rows)
    for problem in cast.founded.problems:
        name = OUTSIDER.name if problem.authority == OUTSIDER.id else problem.authority
        teller.say(f"left out by every verifier: {name} ({OUTSIDER.region}): {problem.reason}")


def _tree(plan: AuthorityPlan, parent: str, depth: int) -> Iterator[tuple[int, Authority]]:
    for authority in plan.authorities:
        if plan.parents[authority.id] == parent:
            yield depth, authority
            yield from _tree(plan, authority.id, depth + 1)


def _place(region: str) -> str:
    ends = (("000000", "国家"), ("0000", "省"), ("00", "市"))
    return next((name for end, name in ends if region.endswith(end)), "县区、乡镇")


def _issues(authority: Authority, types: dict[str, str]) -> str:
    names = [name for code, name in types.items() if authority.types.allows(code)]
    return "all" if len(names) == len(types) else "、".join(names)
