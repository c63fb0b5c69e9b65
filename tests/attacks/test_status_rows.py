"""ATTACKS rows 27-34, 37 and 38: what is wrong with a status list or its cache never makes a licence good.

Rows 30 and 31 are here for what a verifier does; what a publisher refuses is tested with the publisher.
Rows 35 and 36 are the registry's.
"""

import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from ecert.errors import EcertError, Malformed, Unavailable
from ecert.store.fetch import FetchRules, fetch
from ecert.store.mirror import Mirror
from ecert.store.redis_client import connect
from ecert.store.redis_status import CHANGES, bits_key
from ecert.verify import ListsStatusView, check_status_token
from ecert.wire import b64, json, jws
from ecert.wire.status_list import StatusList
from tests.status_line import SOON, Line, until
from tests.world import DAY, IDS, NOW, World, private_key, status_uri

LIST = f"{IDS['housing']}.1"
URI = status_uri(IDS["housing"])
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    """Five levels of authorities."""
    return World()


@pytest.fixture
def live(redis_url: str) -> Iterator[Line]:
    """A relay, a real server and a mirror whose clock stands at the world's."""
    line = Line(redis_url, clock=lambda: NOW)
    try:
        line.truth.add(7, 0, list_id=LIST)
        line.truth.add(8, 1, list_id=LIST)
        until(lambda: line.shows(7, LIST) == "valid", "the line is up")
        yield line
    finally:
        line.close()


def codes(verdict: Any) -> list[str]:
    return [finding.code.value for finding in getattr(verdict, "findings", ())]


def offline(world: World, *tokens: str, **licence: Any) -> tuple[str, list[str]]:
    """The verdict on a licence with nothing but these published lists at hand."""
    lists = []
    for token in tokens:
        try:
            lists.append(check_status_token(token.encode(), URI, world.trust, world.at))
        except EcertError:
            continue
    verdict = world.verify(
        world.issue(status=None, **licence),
        status=ListsStatusView(lists),
        policy=world.policy.__class__.offline(max_status_age=timedelta(hours=1)),
    )
    return verdict.outcome, codes(verdict)


def online(world: World, live: Line, **licence: Any) -> tuple[str, list[str]]:
    """The verdict on a licence with the mirror at hand."""
    verdict = world.verify(world.issue(status=None, **licence), status=live.mirror)
    return verdict.outcome, codes(verdict)


def forged(world: World, lst: bytes | str, bits: object = 2, **changes: Any) -> str:
    """A status list token of the housing authority, rightly signed, whatever is in it."""
    claims = {
        "iss": f"uscc:{IDS['housing']}",
        "sub": URI,
        "iat": int((world.at - MINUTE).timestamp()),
        "exp": int((world.at + DAY).timestamp()),
        "ttl": 300,
        "seq": 1,
        "status_list": {"bits": bits, "lst": lst if isinstance(lst, str) else b64.encode(lst)},
    } | changes
    return jws.sign_compact({"typ": "statuslist+jwt"}, json.dumps(claims), private_key("housing status"))


GOOD = ("accepted", [])
MISSING = ("undecided", ["status_missing"])


def test_the_good_cases_are_accepted_so_that_the_rows_mean_something(world: World, live: Line) -> None:
    assert offline(world, world.status_token(values={7: 0})) == GOOD
    assert offline(world, forged(world, zlib.compress(bytes(16)))) == GOOD
    assert online(world, live) == GOOD


@pytest.mark.parametrize("idx", [64, 65, 2**20, 2**24])
def test_row_27_index_out_of_range(world: World, live: Line, idx: int) -> None:
    assert offline(world, world.status_token(values={7: 0}), idx=idx) == MISSING
    assert online(world, live, idx=idx + 4096) == MISSING


ROW_28: dict[str, Callable[[World], str]] = {
    "sub-of-another-list": lambda w: w.status_token(values={7: 0}, uri=status_uri(IDS["housing"], 2)),
    "signed-by-another-issuer": lambda w: w.status_token(values={7: 0}, signer="civil"),
    "signed-by-a-provider-of-others": lambda w: w.status_token(values={7: 0}, signer="provider"),
    "another-key-under-its-name": lambda w: w.status_token(values={7: 0}, key=private_key("a stranger")),
    "signed-with-its-licence-key": lambda w: w.status_token(
        values={7: 0}, key=private_key("housing licence")
    ),
    "another-typ": lambda w: jws.sign_compact(
        {"typ": "dc+sd-jwt"},
        jws.read_compact(w.status_token(values={7: 0}).encode()).payload,
        private_key("housing status"),
    ),
    "not-signed": lambda w: w.status_token(values={7: 0}).rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("make", ROW_28.values(), ids=ROW_28.keys())
def test_row_28_a_list_that_is_not_the_issuers_own(world: World, make: Callable[[World], str]) -> None:
    assert offline(world, make(world)) == MISSING


def test_row_28_a_licence_that_points_at_another_issuers_list(world: World, live: Line) -> None:
    """Its entry there is valid, but it is the entry of somebody else's licence."""
    live.truth.add(7, 0, list_id=f"{IDS['civil']}.1")
    until(lambda: live.shows(7, f"{IDS['civil']}.1") == "valid", "the other list is known")
    status = {"status_list": {"idx": 7, "uri": status_uri(IDS["civil"])}}
    assert online(world, live, claims={"status": status}) == MISSING


def test_row_29_an_expired_list(world: World) -> None:
    old = world.status_token(values={7: 0}, issued_at=world.at - DAY)
    assert offline(world, old) == MISSING


def test_row_29_knowledge_grows_stale_when_nothing_new_comes(world: World, live: Line) -> None:
    """Until the policy's age is reached the last good state counts, with its age told; then it does not."""
    live.stop_relay()
    token = world.issue(status=None)
    young = world.verify(token, status=live.mirror)
    assert young.outcome == "accepted"
    assert young.status.as_of < NOW
    age = live.mirror.age()
    assert age is not None
    later = world.verify(token, status=live.mirror, at=NOW + world.policy.max_status_age)
    assert (later.outcome, codes(later)) == ("undecided", ["status_stale"])
    live.start_relay()


def test_row_30_an_older_list_does_not_replace_a_newer_one(world: World) -> None:
    older = world.status_token(values={7: 0}, seq=1, issued_at=world.at - 2 * MINUTE)
    newer = world.status_token(values={7: 1}, seq=2, issued_at=world.at - 3 * MINUTE)
    for tokens in ((older, newer), (newer, older)):
        assert offline(world, *tokens) == ("refused", ["revoked"])


def test_row_30_a_cache_rolled_back_is_not_shown(world: World, live: Line) -> None:
    live.stop_relay()
    old = {key: live.server.dump(key) for key in live.server.keys("{ecert}*")}
    live.start_relay("relay-b")
    live.mirror.wait_applied(live.add(7, 1, list_id=LIST), SOON)
    live.stop_relay()
    live.server.flushall()
    for key, value in old.items():
        live.server.restore(key, 0, value)
    until(lambda: not live.mirror.ready, "the mirror shows nothing")
    assert online(world, live) == MISSING
    live.start_relay("relay-c")
    until(lambda: live.mirror.ready, "the mirror is right again")
    assert online(world, live) == ("refused", ["revoked"])


def test_row_31_a_change_that_unrevokes(world: World, live: Line) -> None:
    live.mirror.wait_applied(live.add(8, 0, list_id=LIST), SOON)
    until(lambda: live.mirror.stats().alarms == 1, "the alarm")
    until(lambda: live.mirror.stats().reloads == 2 and live.mirror.ready, "the mirror has looked again")
    assert online(world, live, idx=8) == ("refused", ["revoked"])
    until(lambda: live.relay.stats().kept_invalid == 1, "the relay's alarm")


BOMB = zlib.compress(bytes(64 << 20), 9)
WHOLE = zlib.compress(bytes(16))
_dictionary = zlib.compressobj(zdict=bytes(8))
ROW_32 = {
    "bomb": BOMB,
    "raw-deflate": WHOLE[2:-4],
    "gzip": zlib.compressobj(wbits=31).flush(),
    "wrong-check-sum": WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]),
    "wrong-header": b"\x79" + WHOLE[1:],
    "trailing-data": WHOLE + b"\0",
    "two-streams": WHOLE + WHOLE,
    "cut-off": WHOLE[:-1],
    "preset-dictionary": _dictionary.compress(bytes(16)) + _dictionary.flush(),
    "nothing": b"",
}


@pytest.mark.parametrize("lst", ROW_32.values(), ids=ROW_32.keys())
def test_row_32_a_list_that_does_not_inflate_as_it_should(world: World, lst: bytes) -> None:
    assert offline(world, forged(world, lst)) == MISSING
    with pytest.raises(EcertError):
        StatusList.from_claim({"bits": 2, "lst": b64.encode(lst)})


@pytest.mark.parametrize("bits", [0, 3, 16, -2, 2.0, True, "2", None, [2]])
def test_row_33_bits_outside_the_four(world: World, bits: object) -> None:
    assert offline(world, forged(world, WHOLE, bits)) == MISSING


@pytest.mark.parametrize("value", range(4, 256, 17))
def test_row_33_a_reserved_value_is_never_valid(world: World, value: int) -> None:
    token = forged(world, zlib.compress(bytes([value] * 16)), 8)
    assert offline(world, token)[0] != "accepted"


def test_row_33_an_unknown_value_is_refused(world: World) -> None:
    assert offline(world, forged(world, zlib.compress(bytes([4] * 16)), 8)) == ("refused", ["revoked"])


def test_row_33_bits_are_read_least_significant_first(world: World, live: Line) -> None:
    """Entry 7 is 0 and entry 4 is 1; read from the other end it would be the other way round."""
    entries = bytes([0xFF, 0b00_11_11_01]) + b"\xff" * 14
    token = forged(world, zlib.compress(entries))
    assert offline(world, token, idx=7) == GOOD
    assert offline(world, token, idx=4) == ("refused", ["revoked"])
    seq = live.add(4, 1, list_id=LIST)
    live.mirror.wait_applied(seq, SOON)
    assert live.server.getrange(bits_key(LIST), 1, 1) == bytes([0b00_11_11_01])


@pytest.mark.parametrize(
    "url",
    [
        "http://lists.example/1",
        "https://127.0.0.1/1",
        "https://169.254.169.254/latest/",
        "https://[::1]/1",
        "file:///etc/hostname",
    ],
)
def test_row_34_a_list_is_not_fetched_from_where_it_may_not_be(world: World, url: str) -> None:
    rules = FetchRules(hosts=frozenset({"lists.example"}))
    with pytest.raises(Malformed):
        fetch(url, rules=rules, resolve=lambda *_: ["127.0.0.1"])


def test_row_34_a_name_that_leads_inside(world: World) -> None:
    rules = FetchRules(hosts=frozenset({"lists.example"}))
    with pytest.raises(Malformed):
        fetch("https://lists.example/1", rules=rules, resolve=lambda *_: ["10.0.0.1"])


@pytest.mark.parametrize(("ttl", "kept"), [(0, 5), (10**9, 3600)])
def test_row_34_a_time_to_live_out_of_bounds(ttl: int, kept: int) -> None:
    assert FetchRules().clamp(timedelta(seconds=ttl)) == timedelta(seconds=kept)


def test_row_34_a_list_that_cannot_be_fetched_leaves_the_verdict_open(world: World) -> None:
    """Loops, slow bodies and the rest are in tests/store/test_fetch.py; none of them gives a list."""
    with pytest.raises(Unavailable):
        fetch(URI, rules=FetchRules(hosts=frozenset({"ecert.example"})), resolve=lambda *_: [])
    assert offline(world) == MISSING


def test_row_37_revocations_that_race_all_count(world: World, live: Line) -> None:
    gate = threading.Barrier(8)

    def revoke(first: int) -> None:
        gate.wait()
        for idx in range(first, first + 40):
            live.add(idx, 1, list_id=LIST)

    threads = [threading.Thread(target=revoke, args=(1000 + 40 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert live.mirror.wait_applied(live.truth.head(), SOON)
    assert all(live.shows(idx, LIST) == "revoked" for idx in range(1000, 1320))
    assert online(world, live, idx=1319) == ("refused", ["revoked"])


ROW_38: dict[str, Callable[[Line], object]] = {
    "emptied": lambda line: line.server.flushall(),
    "list-evicted": lambda line: line.server.delete(bits_key(LIST)),
    "list-zeroed": lambda line: line.server.set(bits_key(LIST), bytes(1024)),
    "stream-evicted": lambda line: line.server.delete(CHANGES),
}


@pytest.mark.parametrize("lose", ROW_38.values(), ids=ROW_38.keys())
def test_row_38_a_lost_cache_never_makes_a_revoked_licence_valid(
    world: World, live: Line, lose: Callable[[Line], object]
) -> None:
    """Neither to the mirror that was there nor to one that starts in the middle of it, before and after."""
    token = world.issue(status=None, idx=8)
    live.stop_relay()
    lose(live)
    late = Mirror(connect(live.url), base_url="https://ecert.example", clock=lambda: NOW)
    late.start()
    try:
        outcomes = set()
        for view in (live.mirror, late):
            outcomes.add(world.verify(token, status=view).outcome)
        assert "accepted" not in outcomes
        live.start_relay("relay-b")
        assert late.wait_ready(SOON)
        until(lambda: live.mirror.ready, "the first mirror is there again")
        for view in (live.mirror, late):
            assert world.verify(token, status=view).outcome == "refused"
    finally:
        late.close()


def test_row_38_without_a_server_nothing_is_accepted(world: World) -> None:
    mirror = Mirror(connect("redis://127.0.0.1:1/0"), base_url="https://ecert.example", clock=lambda: NOW)
    mirror.start()
    try:
        until(lambda: mirror.stats().errors > 0, "it has tried")
        verdict = world.verify(world.issue(status=None), status=mirror)
        assert (verdict.outcome, codes(verdict)) == MISSING
    finally:
        mirror.close()
