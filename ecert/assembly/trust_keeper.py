"""The process's trust table: read from SQL, resolved from the pinned root, swapped whole on a change.

- Readers take `table` without a lock; a new table replaces the old one in one assignment.
- The highest `seq` seen of each signer is carried from table to table, so an older list never comes back.
- When SQL is out of reach the table stays as it was; its keys carry their own expiry.
- A root key is read from the pinned file only. Without it nothing is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from ecert.crypto import PublicKey
from ecert.errors import EcertError, SettingsFault, TrustFault
from ecert.services.ports import StoredTrustList, TrustListStore
from ecert.trust import TrustTable, resolve
from ecert.wire import json

__all__ = ["TrustKeeper", "read_root"]

_ANYWAY = timedelta(minutes=1)  # a list dated ahead of our clock comes into force without any change in SQL


def read_root(path: Path) -> PublicKey:
    """Read the pinned public root key from a JWK file.

    Raises:
        SettingsFault: There is no such file, or it holds no public key.
    """
    try:
        text = path.read_bytes()
    except OSError as fault:
        raise SettingsFault(
            f"expected the root key at {path}, got {fault.strerror}: `ecert trust init` makes one"
        ) from None
    try:
        jwk = json.loads(text)
        if not isinstance(jwk, dict):
            raise TrustFault("expected an object")
        return PublicKey.from_jwk(jwk)
    except EcertError as fault:
        raise SettingsFault(f"expected a public JWK at {path}: {fault}") from None


class TrustKeeper:
    """Holds the newest table. `refresh` is called by one thread; `table` by all.

    Args:
        lists: Where the signed lists are.
        root_file: The pinned root key.
        root_id: Gives the root's USCC, or None while it is not known yet.
        clock: Timezone-aware UTC.
    """

    def __init__(
        self,
        lists: TrustListStore,
        *,
        root_file: Path,
        root_id: Callable[[], str | None],
        clock: Callable[[], datetime],
    ) -> None:
        self._lists, self._root_file, self._root_id, self._clock = lists, root_file, root_id, clock
        self._made_from: frozenset[tuple[str, int]] | None = None
        self.table = TrustTable(
            keys=MappingProxyType({}),
            authorities=MappingProxyType({}),
            problems=(),
            seqs=MappingProxyType({}),
            built_at=clock(),
            expires_at=clock(),
            root_until=None,
        )

    @property
    def loaded(self) -> bool:
        """Whether the root's list was found and counts."""
        return self.table.root_until is not None

    @property
    def age(self) -> timedelta | None:
        """How long ago the table was resolved; None while nothing is trusted."""
        return self._clock() - self.table.built_at if self.loaded else None

    def resolve_with(self, more: Sequence[StoredTrustList]) -> TrustTable:
        """What the table would be with these lists in place of their signers' present ones; none is kept.

        Raises:
            Unavailable: SQL is out of reach.
            SettingsFault: There is no root key, or its owner is not known.
        """
        root_id = self._root_id()
        if root_id is None:
            raise SettingsFault("expected ECERT_ROOT_ID: the 统一社会信用代码 of the root")
        newer = {stored.authority for stored in more}
        others = [stored for stored in self._lists.all_current() if stored.authority not in newer]
        tokens = [stored.token.encode("ascii") for stored in (*others, *more)]
        return resolve(read_root(self._root_file), tokens, root_id=root_id, at=self._clock())

    def refresh(self) -> bool:
        """Read the lists and resolve them anew if they changed, or a minute has passed.

        Returns:
            Whether a new table was made.

        Raises:
            Unavailable: SQL is out of reach; the table stays.
            SettingsFault: The root key can't be read; the table stays.
        """
        current = self._lists.all_current()
        made_from = frozenset((stored.authority, stored.seq) for stored in current)
        now = self._clock()
        if made_from == self._made_from and now - self.table.built_at < _ANYWAY:
            return False
        root_id = self._root_id()
        if not current or root_id is None:
            return False
        seen: Mapping[str, int] = self.table.seqs
        root = read_root(self._root_file)
        self.table = resolve(
            root, [s.token.encode("ascii") for s in current], root_id=root_id, at=now, seen=seen
        )
        self._made_from = made_from
        return True
