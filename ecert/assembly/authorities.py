"""Founding a chain of authorities (机构): keys and signed trust lists from one TOML file.

The file names who there is; nothing in it is secret::

    [root]
    id = "<USCC>"                     # signs the first list, stands above all levels
    name = "…"

    [[authority]]
    id = "<USCC>"
    name = "…"
    level = 3                         # 1 national, 2 province, 3 city, 4 county, 5 township
    region = "330100"
    parent = "<USCC>"                 # who lists it; the root when left out
    types = ["<21 characters>", "<beginning of one>*", "*"]
    may_delegate = false              # left out: false
    status_provider = "<USCC>"        # left out: it signs its own status lists

Keys that are missing are made: one for licences and one for status lists for each authority, one for trust
lists for each that delegates. A list is signed again only when it would say something new or is about to
expire.

Does not check that a child is narrower than its parent before signing; `problems` says what a verifier leaves
out.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ecert.crypto import PublicKey
from ecert.errors import EcertError, SettingsFault
from ecert.licence import Region, Uscc
from ecert.services.ports import StoredTrustList, TrustListStore
from ecert.store import KeyFiles, SigningKey
from ecert.trust import Authority, KeyUse, ListedKey, TrustProblem, TypeSet, read_list, resolve, sign_list
from ecert.wire import json

__all__ = ["AuthorityPlan", "Founded", "found_trust", "read_plan", "root_id_file"]

_KEY_LIFE = timedelta(days=3 * 365)
_LIST_LIFE = timedelta(days=90)
_RENEW_BEFORE = timedelta(days=30)
_FIELDS = frozenset({"id", "name", "level", "region", "parent", "types", "may_delegate", "status_provider"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityPlan:
    """Who there is, without keys. `parents` says who lists whom."""

    root_id: str
    root_name: str
    authorities: tuple[Authority, ...]
    parents: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """What founding came to: lists signed now, lists left as they were, what a verifier would leave out."""

    root: PublicKey
    signed: tuple[str, ...]
    kept: tuple[str, ...]
    problems: tuple[TrustProblem, ...]


def root_id_file(keys: Path) -> Path:
    """The file that names the development root when no setting does."""
    return keys / "root.id"


def read_plan(text: str) -> AuthorityPlan:
    """Read the file of authorities.

    Raises:
        SettingsFault: Not such a file; the entry and field are named.
    """
    try:
        document = tomllib.loads(text)
        root = document["root"]
        plan: list[Authority] = []
        parents: dict[str, str] = {}
        root_id = str(Uscc.parse(root["id"]))
        for number, entry in enumerate(document["authority"], start=1):
            authority = _planned(entry, number)
            if authority.id in parents:
                raise SettingsFault(f"authority {number}: expected each id once, one came twice")
            parents[authority.id] = str(Uscc.parse(entry.get("parent", root_id)))
            plan.append(authority)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as fault:
        raise SettingsFault(f"expected [root] and [[authority]] tables with their fields: {fault}") from None
    except SettingsFault:
        raise
    except EcertError as fault:
        raise SettingsFault(f"the file of authorities: {fault}") from None
    delegates = {root_id} | {a.id for a in plan if a.may_delegate}
    for authority in plan:
        if parents[authority.id] not in delegates:
            raise SettingsFault(
                f"authority {authority.id}: expected a parent that may delegate, another came"
            )
    return AuthorityPlan(
        root_id=root_id, root_name=str(root["name"]), authorities=tuple(plan), parents=parents
    )


def found_trust(
    plan: AuthorityPlan, *, keys: KeyFiles, lists: TrustListStore, at: datetime, alg: str = "ES256"
) -> Founded:
    """Make the keys that are missing and sign the lists that changed.

    Args:
        plan: Who there is.
        keys: The key directory; the public root key is written beside the keys as `root.jwk`.
        lists: Where the signed lists are kept.
        at: Now, timezone-aware.
        alg: For keys that are made now.

    Raises:
        KeyFault: A key can't be made or read.
        TrustFault: An entry that no reader would take.
        Conflict: Somebody else signed a list meanwhile; run it again.
    """
    begin = at.replace(hour=0, minute=0, second=0, microsecond=0)

    def ensure(owner: str, use: str) -> SigningKey:
        return keys.ensure(owner, use, valid_from=begin, valid_until=begin + _KEY_LIFE, alg=alg)

    root_key = ensure(plan.root_id, "trust")
    for authority in plan.authorities:
        ensure(authority.id, "licence")
        if authority.status_provider is None or authority.status_provider == authority.id:
            ensure(authority.id, "status")
        if authority.may_delegate:
            ensure(authority.id, "trust")
    children: dict[str, list[Authority]] = defaultdict(list)
    for authority in plan.authorities:
        children[plan.parents[authority.id]].append(_with_keys(authority, keys))
    signed: list[StoredTrustList] = []
    kept: list[str] = []
    for signer, entries in children.items():
        new = _list_of(signer, entries, keys=keys, lists=lists, at=at)
        if new is None:
            kept.append(signer)
        else:
            signed.append(new)
    if signed:
        lists.put(signed)
    keys.directory.joinpath("root.jwk").write_bytes(json.dumps(root_key.key.public.to_jwk()) + b"\n")
    root_id_file(keys.directory).write_text(plan.root_id + "\n")
    tokens = [stored.token.encode("ascii") for stored in lists.all_current()]
    table = resolve(root_key.key.public, tokens, root_id=plan.root_id, at=at)
    return Founded(
        root=root_key.key.public,
        signed=tuple(stored.authority for stored in signed),
        kept=tuple(kept),
        problems=table.problems,
    )


def _list_of(
    signer: str, entries: Sequence[Authority], *, keys: KeyFiles, lists: TrustListStore, at: datetime
) -> StoredTrustList | None:
    """Sign one list, or None when the current one says the same and lasts."""
    key = keys.key_for(signer, "trust", at=at)
    current = lists.current(signer)
    if current is not None:
        try:
            old = read_list(current.token.encode("ascii"), key.public)
        except EcertError:  # signed by an earlier key: sign it again
            old = None
        if old is not None and old.authorities == tuple(entries) and old.expires_at - at > _RENEW_BEFORE:
            return None
    seq = 1 if current is None else current.seq + 1
    token = sign_list(entries, signer_id=signer, seq=seq, issued_at=at, expires_at=at + _LIST_LIFE, key=key)
    return StoredTrustList(authority=signer, seq=seq, token=token, stored_at=at)


def _with_keys(authority: Authority, keys: KeyFiles) -> Authority:
    listed = tuple(
        ListedKey(
            key=held.key.public,
            use=KeyUse(held.use),
            valid_from=held.valid_from,
            valid_until=held.valid_until,
            compromised_at=held.compromised_at,
        )
        for held in keys.keys_of(authority.id)
        if held.use != "trust" or authority.may_delegate
    )
    return Authority(
        id=authority.id,
        name=authority.name,
        level=authority.level,
        region=authority.region,
        types=authority.types,
        may_delegate=authority.may_delegate,
        status_provider=authority.status_provider,
        keys=listed,
    )


def _planned(entry: Mapping[str, Any], number: int) -> Authority:
    unknown = sorted(set(entry) - _FIELDS)
    if unknown:
        raise SettingsFault(
            f"authority {number}: expected the fields {', '.join(sorted(_FIELDS))}, got {unknown[0]}"
        )
    level = entry["level"]
    if not isinstance(level, int) or not 1 <= level <= 5:
        raise SettingsFault(f"authority {number}: level: expected 1 to 5, another value came")
    provider = entry.get("status_provider")
    return Authority(
        id=str(Uscc.parse(entry["id"])),
        name=str(entry["name"]),
        level=level,
        region=Region.parse(entry["region"]),
        types=TypeSet.parse(entry["types"]),
        may_delegate=bool(entry.get("may_delegate", False)),
        status_provider=None if provider is None else str(Uscc.parse(provider)),
    )
