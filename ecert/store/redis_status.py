"""The status cache in Redis or Valkey, its writing side. `ecert.store.mirror` reads what this writes.

Keys, all under one hash tag:

    {ecert}:head     hash    epoch term seq fence beat lag time state
    {ecert}:lists    hash    list id -> number of entries
    {ecert}:sums     hash    list id -> check sum of its entries (`ecert.store.status_bits`)
    {ecert}:s:<id>   string  entries, 2 bits each, in Token Status List order
    {ecert}:x:<id>   set     indexes whose 1 means superseded
    {ecert}:changes  stream  id `<to>-0`; epoch, from, to,
                             data = msgpack [[list, idx, value, superseded], ...],
                             opened = msgpack [[list, size], ...] when the batch opened lists

When Redis is down: every method raises `Unavailable`; what was being written may or may not be there.
Lists are whole and true only while the head says `ready`. No personal data comes here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from redis.exceptions import RedisError, ResponseError

from ecert.errors import Unavailable
from ecert.services.cache_ports import Applied, CacheHead, CacheState, CacheWrite
from ecert.services.ports import StatusEvent
from ecert.store import redis_scripts
from ecert.store.redis_client import RedisClient
from ecert.store.status_bits import check_sum, packed_length

__all__ = ["CHANGES", "HEAD", "LISTS", "SUMS", "RedisStatus", "bits_key", "marks_key"]

HEAD = "{ecert}:head"
LISTS = "{ecert}:lists"
SUMS = "{ecert}:sums"
CHANGES = "{ecert}:changes"
# The stream is cut by event numbers, not by entries, so that its size is bounded whatever the batches were.
KEPT_EVENTS = 100_000
_MARKS_A_CALL = 2000


def bits_key(list_id: str) -> str:
    """Where a list's entries are."""
    return f"{{ecert}}:s:{list_id}"


def marks_key(list_id: str) -> str:
    """Where a list's superseded indexes are."""
    return f"{{ecert}}:x:{list_id}"


class RedisStatus:
    """`StatusCache` on a Redis-compatible server.

    Args:
        client: From `ecert.store.redis_client.connect`.
        kept_events: How many events of the past the stream keeps for mirrors that fell behind.
    """

    def __init__(self, client: RedisClient, *, kept_events: int = KEPT_EVENTS) -> None:
        self._client = client
        self._kept_events = kept_events
        register = client.register_script
        self._head = register(redis_scripts.HEAD)
        self._adopt = register(redis_scripts.ADOPT)
        self._heartbeat = register(redis_scripts.HEARTBEAT)
        self._begin = register(redis_scripts.BEGIN)
        self._put_list = register(redis_scripts.PUT_LIST)
        self._put_marks = register(redis_scripts.PUT_MARKS)
        self._finish = register(redis_scripts.FINISH)
        self._apply = register(redis_scripts.APPLY)

    def head(self) -> CacheHead | None:
        """Read the head and the server's clock."""
        found = _ask(self._head, [HEAD], [])
        if not found:
            return None
        epoch, term, seq, fence, beat, state, clock = found
        return CacheHead(
            epoch=epoch,
            term=term,
            seq=seq,
            fence=fence,
            beat=beat,
            state=CacheState(state.decode()),
            clock=clock,
        )

    def adopt(self, *, epoch: int, seq: int, fence: int, term: int) -> CacheWrite:
        """Take over a sound cache."""
        return _outcome(_ask(self._adopt, [HEAD], [epoch, fence, seq, term]))

    def apply(
        self, events: Sequence[StatusEvent], *, epoch: int, fence: int, after: int, sizes: Mapping[str, int]
    ) -> Applied:
        """Apply a batch, all or none."""
        rows = []
        for event in events:
            if not 0 <= event.idx < sizes[event.list_id]:
                raise Unavailable("status event: expected an index inside its list, got one outside")
            rows.append((event.list_id, event.idx, int(event.value), event.superseded))
        lists = [(name, sizes[name]) for name in dict.fromkeys(row[0] for row in rows)]
        keys = [HEAD, LISTS, SUMS, CHANGES]
        for name, _ in lists:
            keys += [bits_key(name), marks_key(name)]
        pack = msgspec.msgpack.encode
        to = events[-1].seq if events else after
        answer = _ask(
            self._apply, keys, [epoch, fence, after, to, pack(rows), pack(lists), self._kept_events]
        )
        outcome = _outcome(answer[0])
        return Applied(outcome=outcome, kept_invalid=answer[1] if outcome is CacheWrite.DONE else 0)

    def heartbeat(self, *, epoch: int, fence: int, seq: int, since: int) -> CacheWrite:
        """Vouch for `seq` as of the server time `since`."""
        return _outcome(_ask(self._heartbeat, [HEAD], [epoch, fence, seq, since]))

    def begin_rebuild(self, *, epoch: int, fence: int, over: int | None) -> CacheWrite:
        """Empty the cache under a new epoch."""
        args = [epoch, fence, "" if over is None else over]
        return _outcome(_ask(self._begin, [HEAD, LISTS, SUMS, CHANGES], args))

    def put_list(
        self, list_id: str, *, size: int, entries: bytes, superseded: Sequence[int], epoch: int, fence: int
    ) -> CacheWrite:
        """Write one whole list while rebuilding."""
        if len(entries) != packed_length(size):
            raise Unavailable("status list snapshot: expected 2 bits an entry, got another length")
        bits, marks = bits_key(list_id), marks_key(list_id)
        args: list[Any] = [epoch, fence, list_id, size, entries, check_sum(entries)]
        outcome = _outcome(_ask(self._put_list, [HEAD, LISTS, SUMS, bits, marks], args))
        for start in range(0, len(superseded), _MARKS_A_CALL):
            if outcome is not CacheWrite.DONE:
                break
            args = [epoch, fence, *superseded[start : start + _MARKS_A_CALL]]
            outcome = _outcome(_ask(self._put_marks, [HEAD, marks], args))
        return outcome

    def finish_rebuild(self, *, epoch: int, fence: int, seq: int) -> CacheWrite:
        """Open the rebuilt cache to the verifiers."""
        return _outcome(_ask(self._finish, [HEAD], [epoch, fence, seq]))

    def audit(self, *, thorough: int, at_least: int, seq: int) -> Sequence[str] | None:
        """Compare the newest change, every list's length, and one list's entries with their check sum."""
        try:
            register = cast("dict[bytes, bytes]", self._client.hgetall(LISTS))
            names = sorted(name.decode() for name in register)
            newest: Any = self._client.xrevrange(CHANGES, count=1)
            if len(names) < at_least or (newest and not _not_after(newest[0][0], seq)):
                return None
            sizes = {name: int(register[name.encode()]) for name in names}
            lengths = self._client.pipeline(transaction=False)
            for name in names:
                lengths.strlen(bits_key(name))
            found = lengths.execute(raise_on_error=False)
            damaged = [n for n, length in zip(names, found, strict=True) if length != packed_length(sizes[n])]
            if names and not damaged:
                name = names[thorough % len(names)]
                both = self._client.pipeline(transaction=True)
                both.get(bits_key(name))
                both.hget(SUMS, name)
                entries, total = both.execute()
                if entries is None or total is None or check_sum(entries) != int(total):
                    damaged = [name]
        except (ResponseError, ValueError):
            return None
        except RedisError as error:
            raise _unavailable(error) from error
        return damaged


def _ask(script: Any, keys: list[str], args: list[Any]) -> Any:
    try:
        return script(keys=keys, args=args)
    except RedisError as error:
        raise _unavailable(error) from error


def _not_after(change: bytes, seq: int) -> bool:
    whole, _, part = change.partition(b"-")
    return int(whole) <= seq and part == b"0"


def _outcome(answer: bytes) -> CacheWrite:
    return CacheWrite(answer.decode())


def _unavailable(error: RedisError) -> Unavailable:
    # The server's own words may quote an argument or an address, so only the kind of error goes on.
    return Unavailable(f"status cache: expected an answer, got {type(error).__name__}")
