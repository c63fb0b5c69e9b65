"""From the pinned root down (逐级授权): which lists count, which entries stand, compiled to one table.

The rules, each a test in tests/trust/:

- The root's key and id are given by the caller's settings. A list never teaches a root.
- A list counts when its signer was itself listed with `may_delegate`, by a key for trust lists whose window
  covers the list's `iat` and that is not compromised. Of several, the highest `seq` counts; two different
  lists with that same `seq` are a fork and neither counts. A `seq` lower than one seen before is a rollback
  and does not count.
- A child only narrows its parent: deeper level, region inside, types a subset. The division inside its USCC
  (characters 3 to 8) lies in the signer's region too, so that nobody can name, and by naming displace, an
  authority of another region. One whose division is of another place is listed by a signer above both.
- An authority named at two places belongs to the place nearer the root; between equally near places it
  belongs to neither. A key named by two authorities is told as a problem and stays with both: it is looked up
  with its issuer, and who lists another's public key can't sign with it. The root's key is nobody else's.
- What breaks a rule is left out and named in `problems`; everything else stands.
- An expired list still compiles: its keys carry a `chain_until` in the past, so that a verifier says "too
  old" (undecided) and not "unknown" (refused).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from ecert.crypto import PublicKey
from ecert.errors import EcertError, IdentifierFault, TrustFault
from ecert.licence import Region, Uscc
from ecert.trust.authority import Authority, KeyUse, ListedKey, TypeSet
from ecert.trust.lists import TrustList, read_list, unverified_signer
from ecert.trust.table import TrustedKey, TrustProblem, TrustTable

__all__ = ["resolve"]

_CLOCK_SKEW: Final = timedelta(seconds=60)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 12, 31, tzinfo=UTC)


def resolve(
    root: PublicKey,
    lists: Iterable[bytes],
    *,
    root_id: str,
    at: datetime,
    seen: Mapping[str, int] = MappingProxyType({}),
) -> TrustTable:
    """Check every list from the pinned root down and compile what stands into one table.

    Fetches nothing. Never raises for a bad list: it is named in the table's `problems`.

    Args:
        root: The pinned root key.
        lists: Signed trust lists in any order, old ones among them or not. Untrusted.
        root_id: The root's plain USCC, from settings.
        at: The moment of compiling, timezone-aware. Lists from more than 60 s in its future do not count.
        seen: The highest `seq` ever known of each signer (plain USCC), as an earlier table's `seqs` gave it.

    Returns:
        The table; empty, with problems, when nothing stands.

    Raises:
        TypeError: `at` is naive.
        IdentifierFault: `root_id` is not a USCC.

    Sources: docs/formats/trust.md; RFC 5280 section 6.1 for the idea of a path that only narrows.
    """
    if at.tzinfo is None:
        raise TypeError("expected a timezone-aware datetime, a naive one came")
    return _Resolution(root, str(Uscc.parse(root_id)), at, seen).run(lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delegate:
    """Someone who may sign a list, and until when the lists above hold. The root stands at level 0."""

    authority: Authority
    level: int
    chain_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """An entry at the place where a list put it."""

    authority: Authority
    chain_until: datetime


class _Resolution:
    def __init__(self, root: PublicKey, root_id: str, at: datetime, seen: Mapping[str, int]) -> None:
        self.at = at
        self.seqs = dict(seen)
        self.problems: list[TrustProblem] = []
        self.keys: dict[tuple[str, str], TrustedKey] = {}
        self.authorities: dict[str, Authority] = {}
        self.expiries: list[datetime] = []
        self.taken_ids = {root_id}
        self.root_key = root.thumbprint
        self.known_keys: set[str] = set()
        root_key = ListedKey(key=root, use=KeyUse.TRUST, valid_from=_BEGINNING, valid_until=_END)
        root_itself = Authority(
            id=root_id,
            name="root",
            level=1,
            region=Region.parse("000000"),
            types=TypeSet.parse(["*"]),
            may_delegate=True,
            keys=(root_key,),
        )
        self.root = _Delegate(authority=root_itself, level=0, chain_until=_END)

    def run(self, lists: Iterable[bytes]) -> TrustTable:
        waiting = self._by_signer(lists)
        root_until: datetime | None = None
        delegates = [self.root]
        while delegates:
            # One rank of delegates at a time: what stands nearer the root is settled before what is further
            # away.
            places: list[_Place] = []
            for delegate in delegates:
                chosen = self._newest(delegate, waiting.pop(delegate.authority.id, ()))
                if chosen is None:
                    continue
                if delegate is self.root:
                    root_until = chosen.expires_at
                places += self._narrowed(delegate, chosen)
            delegates = self._settle(places)
        for signer in waiting:
            self._problem(signer, "list not used: expected a signer that may delegate, nobody says it may")
        return TrustTable(
            keys=MappingProxyType(self.keys),
            authorities=MappingProxyType(self.authorities),
            problems=tuple(self.problems),
            seqs=MappingProxyType(self.seqs),
            built_at=self.at,
            expires_at=min(self.expiries, default=self.at),
            root_until=root_until,
        )

    def _by_signer(self, lists: Iterable[bytes]) -> dict[str, list[tuple[str, bytes]]]:
        waiting: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
        for token in lists:
            try:
                signer, kid = unverified_signer(token)
            except EcertError as fault:
                self._problem("", f"list not used: {fault}")
            else:
                waiting[signer].append((kid, token))
        return waiting

    def _newest(self, delegate: _Delegate, candidates: Sequence[tuple[str, bytes]]) -> TrustList | None:
        signer = delegate.authority.id
        genuine: list[TrustList] = []
        for kid, token in candidates:
            listed = next((key for key in delegate.authority.keys if key.kid == kid), None)
            try:
                genuine += [self._signed(listed, token)]
            except EcertError as fault:
                self._problem(signer, f"list not used: {fault}")
        if not genuine:
            return None
        top = max(genuine, key=lambda each: each.seq)
        if top.seq < self.seqs.get(signer, 0):
            self._problem(signer, f"list not used: expected seq {self.seqs[signer]} or more, {top.seq} came")
            return None
        self.seqs[signer] = top.seq
        if any(each.seq == top.seq and each.payload != top.payload for each in genuine):
            self._problem(
                signer, f"list not used: expected one list of seq {top.seq}, two different ones came"
            )
            return None
        if top.expires_at <= self.at:
            self._problem(signer, "list expired: verdicts through it are undecided until a newer one comes")
        self.problems += top.problems
        self.expiries.append(top.expires_at)
        return top

    def _signed(self, listed: ListedKey | None, token: bytes) -> TrustList:
        if listed is None:
            raise TrustFault("expected a key that the signer was listed with, another kid came")
        if listed.use is not KeyUse.TRUST:
            raise TrustFault(f"expected a key for trust lists, a key for {listed.use} came")
        if listed.compromised_at is not None:
            raise TrustFault("expected a key in the right hands, a compromised one came")
        read = read_list(token, listed.key)
        if not listed.valid_from <= read.issued_at < listed.valid_until:
            raise TrustFault("expected iat inside the key's window, it lies outside")
        if read.issued_at > self.at + _CLOCK_SKEW:
            raise TrustFault("expected a list from the past, one from the future came")
        return read

    def _narrowed(self, parent: _Delegate, read: TrustList) -> list[_Place]:
        chain_until = min(parent.chain_until, read.expires_at)
        kept: list[_Place] = []
        for child in read.authorities:
            faults = []
            if child.level <= parent.level:
                faults.append(f"expected a level deeper than {parent.level}, {child.level} came")
            if not parent.authority.region.contains(child.region):
                faults.append("expected a region inside the signer's, another came")
            if not _has_division(parent.authority.region, child.id):
                faults.append("expected a USCC whose division is inside the signer's region, another came")
            if not parent.authority.types.contains(child.types):
                faults.append("expected types among the signer's, others came")
            if faults:
                self._problem(child.id, f"left out of the list of {read.signer}: {'; '.join(faults)}")
            else:
                kept.append(_Place(authority=child, chain_until=chain_until))
        return kept

    def _settle(self, places: Sequence[_Place]) -> list[_Delegate]:
        """Put one rank into the table and say who of it may delegate."""
        ids = Counter(place.authority.id for place in places)
        standing: list[_Place] = []
        for place in places:
            id_ = place.authority.id
            if id_ in self.taken_ids:
                self._problem(
                    id_, "left out: expected each authority at one place, it stands nearer the root too"
                )
            elif ids[id_] > 1:
                self._problem(id_, "left out: expected each authority at one place, two signers list it")
            else:
                standing.append(place)
        owners = Counter(listed.key.thumbprint for place in standing for listed in place.authority.keys)
        delegates: list[_Delegate] = []
        for place in standing:
            own = place.authority.keys
            keys = tuple(listed for listed in own if listed.key.thumbprint != self.root_key)
            if len(keys) < len(own):
                self._problem(place.authority.id, "key left out: expected a key of its own, the root's came")
            thumbprints = {listed.key.thumbprint for listed in keys}
            if thumbprints & self.known_keys or any(owners[each] > 1 for each in thumbprints):
                self._problem(place.authority.id, "expected a key of one authority only, another has it too")
            authority = replace(place.authority, keys=keys)
            self._compile(authority, place.chain_until)
            if authority.may_delegate:
                delegate = _Delegate(
                    authority=authority, level=authority.level, chain_until=place.chain_until
                )
                delegates.append(delegate)
        # Only after the whole rank: two of the same rank must not depend on their order.
        self.taken_ids |= ids.keys()
        self.known_keys |= owners.keys()
        return delegates

    def _compile(self, authority: Authority, chain_until: datetime) -> None:
        self.authorities[authority.id] = authority
        for listed in authority.keys:
            self.keys[authority.id, listed.kid] = TrustedKey(
                key=listed.key,
                use=listed.use,
                types=authority.types,
                valid_from=listed.valid_from,
                valid_until=listed.valid_until,
                compromised_at=listed.compromised_at,
                authority=authority,
                chain_until=chain_until,
                window=range(int(listed.valid_from.timestamp()), int(listed.valid_until.timestamp())),
            )

    def _problem(self, authority: str, reason: str) -> None:
        self.problems.append(TrustProblem(authority=authority, reason=reason))


def _has_division(region: Region, id_: str) -> bool:
    """Say whether the administrative division inside a USCC lies in a region; the whole country has any."""
    if region == "000000":
        return True
    try:
        return region.contains(Region.parse(id_[2:8]))
    except IdentifierFault:
        return False
