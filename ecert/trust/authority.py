"""Authorities (机构) as a trust list names them: place, licence types, and keys.

- Values only, each right in itself. Whether an authority may stand where a list puts it is `resolve`'s
  question.
- A key has one use. A key that signs licences can't sign status lists or trust lists, and the other way
  round.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from ecert.crypto import PublicKey
from ecert.errors import TrustFault
from ecert.licence import Region

__all__ = ["Authority", "KeyUse", "ListedKey", "TypeSet"]

_CODE_LENGTH: Final = 21
_CODE_CHARACTERS: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


class KeyUse(StrEnum):
    """What a key signs: licences (证照), status lists (状态列表) or trust lists (信任列表)."""

    LICENCE = "licence"
    STATUS = "status"
    TRUST = "trust"


@dataclass(frozen=True, slots=True)
class TypeSet:
    """The licence types (证照类型) that an authority may handle. Made by `parse`.

    A pattern is a whole type code (21 characters), the beginning of one followed by ``*``, or ``*`` alone for
    all.
    """

    patterns: tuple[str, ...]
    _codes: frozenset[str]
    _prefixes: tuple[str, ...]

    @classmethod
    def parse(cls, patterns: Iterable[str]) -> Self:
        """Read the patterns of a trust list entry; none at all means no type.

        Raises:
            TrustFault: A pattern is neither a type code, nor the beginning of one with ``*``, nor ``*``.
        """
        kept = tuple(patterns)
        for pattern in kept:
            stem = pattern[:-1] if pattern.endswith("*") else pattern
            whole = len(pattern) == len(stem)
            fits = len(stem) == _CODE_LENGTH if whole else len(stem) < _CODE_LENGTH
            if not fits or not _CODE_CHARACTERS.issuperset(stem):
                raise TrustFault(
                    "expected a type code, a shorter prefix of one with *, or *, another pattern came"
                )
        codes = frozenset(pattern for pattern in kept if not pattern.endswith("*"))
        return cls(kept, codes, tuple(pattern[:-1] for pattern in kept if pattern.endswith("*")))

    def allows(self, type_code: str) -> bool:
        """Say whether one type code is among these."""
        return type_code in self._codes or type_code.startswith(self._prefixes)

    def contains(self, other: "TypeSet") -> bool:
        """Say whether every type that `other` allows is allowed here too, pattern by pattern."""
        return all(self.allows(code) for code in other._codes) and all(
            prefix.startswith(self._prefixes) for prefix in other._prefixes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """A key as a trust list gives it: what it signs, from when (inclusive) until when (exclusive).

    `compromised_at` set means that the key is in the wrong hands: nothing it ever signed counts, whatever the
    date in the signed text, because whoever has the key writes any date.
    """

    key: PublicKey
    use: KeyUse
    valid_from: datetime
    valid_until: datetime
    compromised_at: datetime | None = None

    @property
    def kid(self) -> str:
        """The key's name inside its authority."""
        return self.key.kid


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority (机构) on a trust list.

    `level` is 1 national (国家), 2 province (省), 3 city (市), 4 county (县), 5 township (乡). `id` is its
    unified social credit code (统一社会信用代码), `region` its administrative division (行政区划).
    `status_provider` is the USCC of the authority that may sign status lists in its place, if there is one.
    """

    id: str
    name: str
    level: int
    region: Region
    types: TypeSet
    may_delegate: bool = False
    status_provider: str | None = None
    keys: tuple[ListedKey, ...] = ()
