"""Reading the status cache in Redis: head, whole lists, and changes, each checked before it is believed.

Not checked here: that what was read is newer than what was read before; that is the mirror's to know.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import msgspec

from ecert.store.redis_client import RedisClient
from ecert.store.redis_status import CHANGES, HEAD, LISTS, SUMS, bits_key, marks_key
from ecert.store.status_bits import StatusBits, check_sum, packed_length

__all__ = ["CacheReading", "Change", "Damaged", "ReadHead"]

_CHUNK = 1 << 18
_AT_ONCE = 1 << 18
_CHANGES_AT_ONCE = 100
_NUMBER = re.compile(rb"[0-9]{1,15}")

_events_of = msgspec.msgpack.Decoder(list[tuple[str, int, int, bool]]).decode
_opened_of = msgspec.msgpack.Decoder(list[tuple[str, int]]).decode


class Damaged(Exception):
    """What is in the cache can't be used. The mirror acts on it; it never leaves the store.

    `gap`: it is sound, but something between is missing. `absent`: nothing is there, or it is being rebuilt.
    """

    def __init__(self, what: str, *, gap: bool = False, absent: bool = False) -> None:
        super().__init__(what)
        self.gap = gap
        self.absent = absent


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHead:
    """The head of a cache that is ready. `lag` in seconds: how long before its beat SQL was looked at."""

    epoch: int
    seq: int
    beat: int
    lag: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the stream: the events after `after` up to `seq`, and the lists opened with it."""

    epoch: int
    after: int
    seq: int
    events: list[tuple[str, int, int, bool]]
    opened: list[tuple[str, int]]


class CacheReading:
    """The reading side of what `RedisStatus` writes.

    Every method lets the client's `RedisError` through and raises `Damaged` for contents that can't be right.
    """

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def head(self) -> ReadHead | None:
        """Read the head; None when there is none or the cache is being rebuilt."""
        found = cast("list[bytes | None]", self._client.hmget(HEAD, ["epoch", "seq", "beat", "lag", "state"]))
        if found[4] != b"ready":
            return None
        epoch, seq, beat, lag = (_number(text) for text in found[:4])
        return ReadHead(epoch=epoch, seq=seq, beat=beat, lag=lag / 1e6)

    def lists(self) -> dict[str, StatusBits]:
        """Read every list, by ranges, each with its marks and its check sum in one transaction."""
        register = cast("dict[bytes, bytes]", self._client.hgetall(LISTS))
        sizes = {_text(name): _number(size) for name, size in register.items()}
        found: dict[str, StatusBits] = {}
        group: dict[str, int] = {}
        for name in sorted(sizes):
            group[name] = sizes[name]
            if sum(map(packed_length, group.values())) >= _AT_ONCE:
                found |= self._group(group)
                group = {}
        return found | self._group(group)

    def _group(self, sizes: Mapping[str, int]) -> dict[str, StatusBits]:
        if not sizes:
            return {}
        asking = self._client.pipeline(transaction=True)
        for name, size in sizes.items():
            for start in range(0, packed_length(size), _CHUNK):
                asking.getrange(bits_key(name), start, start + _CHUNK - 1)
            # One byte more than there should be shows a list that grew.
            asking.strlen(bits_key(name))
            asking.smembers(marks_key(name))
            asking.hget(SUMS, name)
        answers = iter(asking.execute())
        found = {}
        for name, size in sizes.items():
            chunks = [next(answers) for _ in range(0, packed_length(size), _CHUNK)]
            length, marks, total = next(answers), next(answers), next(answers)
            entries = b"".join(chunks)
            if length != packed_length(size) or len(entries) != length:
                raise Damaged("a list is missing or of another length")
            if check_sum(entries) != _number(total):
                raise Damaged("a list does not agree with its check sum")
            superseded = [_number(mark) for mark in marks]
            if superseded and max(superseded) >= size:
                raise Damaged("a mark outside its list")
            found[name] = StatusBits(size, entries, superseded)
        return found

    def changes(self, seq: int, *, wait: timedelta | None) -> list[Change]:
        """Read the changes after `seq`, at most 100, waiting for the first up to `wait`."""
        block = None if wait is None else int(wait.total_seconds() * 1000)
        answer: Any = self._client.xread({CHANGES: f"{seq}-0"}, count=_CHANGES_AT_ONCE, block=block)
        if not answer:
            return []
        return [_change(fields) for _, fields in answer[0][1]]


def _change(fields: Mapping[bytes, bytes]) -> Change:
    try:
        opened = fields.get(b"opened")
        return Change(
            epoch=_number(fields.get(b"epoch")),
            after=_number(fields.get(b"from")),
            seq=_number(fields.get(b"to")),
            events=_events_of(fields.get(b"data", b"")),
            opened=_opened_of(opened) if opened else [],
        )
    except msgspec.DecodeError as error:
        raise Damaged("a change that can't be read") from error


def _number(text: bytes | None) -> int:
    if text is None or not _NUMBER.fullmatch(text):
        raise Damaged("expected a number, got something else")
    return int(text)


def _text(name: bytes) -> str:
    try:
        return name.decode("ascii")
    except UnicodeDecodeError:
        raise Damaged("a list whose id is not ASCII") from None
