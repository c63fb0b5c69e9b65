"""Fetching published lists: every limit, against a server that does not keep to them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from ecert.errors import EcertError, Malformed, TooLarge, Unavailable
from ecert.store.fetch import FetchRules, fetch

KIND = "application/statuslist+jwt"
INNER = FetchRules(inner_hosts=frozenset({"127.0.0.1"}), deadline=timedelta(seconds=2), max_bytes=1000)
OUTER = FetchRules(hosts=frozenset({"lists.example"}), deadline=timedelta(seconds=2))


class Handler(BaseHTTPRequestHandler):
    """Answers as the table says, and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, dict[str, str]]]] = []
    release = threading.Event()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer one request."""
        self.asked.append((self.path, dict(self.headers)))
        answer = ANSWERS.get(self.path.partition("?")[0])
        if answer is None:
            self.reply(404)
        else:
            answer(self)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        named = {"Content_Type": KIND, "Content_Length": str(len(body))} | headers
        for name, value in named.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def trickle(handler: Handler) -> None:
    handler.reply(200, Content_Length="900")
    with _cut():
        while not handler.release.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()


def slow_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    with _cut():
        while not handler.release.wait(0.05):
            handler.wfile.write(b"X-More: x\r\n")


@contextmanager
def _cut() -> Iterator[None]:
    with suppress(OSError):
        yield


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", KIND)
    handler.end_headers()
    with _cut():
        for _ in range(1000):
            handler.wfile.write(b"x" * 1000)


def conditional(handler: Handler) -> None:
    if handler.headers.get("If-None-Match") == '"v1"':
        handler.reply(304, Content_Length="", Content_Type="", ETag='"v1"', Cache_Control="max-age=60")
    else:
        handler.reply(200, b"list", ETag='"v1"', Cache_Control="public, max-age=60")


def to(place: str) -> Callable[[Handler], None]:
    return lambda handler: handler.reply(302, Location=place)


ANSWERS: dict[str, Callable[[Handler], None]] = {
    "/good": lambda h: h.reply(200, b"list"),
    "/conditional": conditional,
    "/no-wait": lambda h: h.reply(200, b"list", Cache_Control="max-age=0"),
    "/for-ever": lambda h: h.reply(200, b"list", Cache_Control="max-age=1000000000"),
    "/exactly": lambda h: h.reply(200, b"x" * 1000),
    "/large": lambda h: h.reply(200, b"x" * 1001),
    "/endless": endless,
    "/trickle": trickle,
    "/slow-headers": slow_headers,
    "/short": lambda h: h.reply(200, b"x", Content_Length="10"),
    "/html": lambda h: h.reply(200, b"<html>", Content_Type="text/html"),
    "/untyped": lambda h: h.reply(200, b"list", Content_Type=""),
    "/zipped": lambda h: h.reply(200, b"list", Content_Encoding="gzip"),
    "/broken": lambda h: h.reply(500, b"list"),
    "/unasked-304": lambda h: h.reply(304, Content_Length=""),
    "/once": to("/good"),
    "/thrice": to("/twice"),
    "/twice": to("/once"),
    "/four-times": to("/thrice"),
    "/round": to("/round"),
    "/nowhere": lambda h: h.reply(302),
    "/elsewhere": to("http://127.0.0.2:1/"),
    "/metadata": to("http://169.254.169.254/latest/meta-data/"),
    "/file": to("file:///etc/hostname"),
    "/other-port": to("http://127.0.0.1:1/"),
    "/as-user": to("http://user@127.0.0.1/"),
}


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """The address of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Handler.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/good", "/good?list=1", "/once", "/twice", "/thrice"])
def test_a_list_is_fetched_through_at_most_three_redirects(place: str, path: str) -> None:
    found = fetch(place + path, rules=INNER)
    assert (found.body, found.etag, found.fresh_for) == (b"list", None, INNER.min_ttl)


def test_what_is_current_is_not_sent_again(place: str) -> None:
    first = fetch(f"{place}/conditional", rules=INNER)
    assert (first.body, first.etag, first.fresh_for) == (b"list", '"v1"', timedelta(seconds=60))
    again = fetch(f"{place}/conditional", rules=INNER, etag=first.etag)
    assert (again.body, again.etag, again.fresh_for) == (None, '"v1"', timedelta(seconds=60))


def test_a_time_to_live_is_believed_within_bounds_only(place: str) -> None:
    assert fetch(f"{place}/no-wait", rules=INNER).fresh_for == INNER.min_ttl
    assert fetch(f"{place}/for-ever", rules=INNER).fresh_for == INNER.max_ttl
    for ttl, wanted in [(None, 5), (0, 5), (-1, 5), (60, 60), (10**9, 3600)]:
        announced = None if ttl is None else timedelta(seconds=ttl)
        assert INNER.clamp(announced) == timedelta(seconds=wanted)


def test_a_body_may_be_as_large_as_the_limit(place: str) -> None:
    body = fetch(f"{place}/exactly", rules=INNER).body
    assert body is not None
    assert len(body) == INNER.max_bytes


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/large", TooLarge),
        ("/endless", TooLarge),
        ("/short", Unavailable),
        ("/html", Malformed),
        ("/untyped", Malformed),
        ("/zipped", Malformed),
        ("/broken", Unavailable),
        ("/missing", Unavailable),
        ("/unasked-304", Unavailable),
        ("/four-times", Unavailable),
        ("/round", Unavailable),
        ("/nowhere", Unavailable),
        ("/elsewhere", Malformed),
        ("/metadata", Malformed),
        ("/file", Malformed),
        ("/other-port", Malformed),
        ("/as-user", Malformed),
    ],
)
def test_what_breaks_a_rule_is_refused(place: str, path: str, fault: type[EcertError]) -> None:
    with pytest.raises(fault):
        fetch(place + path, rules=INNER)


@pytest.mark.parametrize("path", ["/trickle", "/slow-headers"])
def test_a_body_that_trickles_ends_at_the_deadline(place: str, path: str) -> None:
    """Bytes keep coming every 50 ms, so only a limit on the whole can end this."""
    rules = FetchRules(inner_hosts=INNER.inner_hosts, deadline=timedelta(milliseconds=300))
    with pytest.raises(Unavailable):
        fetch(place + path, rules=rules)


def test_a_host_that_accepts_and_says_nothing_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rules = FetchRules(inner_hosts=INNER.inner_hosts, deadline=timedelta(milliseconds=200))
        with pytest.raises(Unavailable):
            fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/", rules=rules)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "lists.example/1",
        "http://lists.example/1",
        "ftp://lists.example/1",
        "https://other.example/1",
        "https://lists.example.other.example/1",
        "https://lists.example@other.example/1",
        "https://user:pass@lists.example/1",
        "https://lists.example:99999/1",
        "https://lists.example:0/1",
        "https://lists.example/1#part",
        "https://lists.example\\@other.example/1",
        "https://lists.example/1 HTTP/1.1\r\nHost: other.example",
        "https://lists.example/\u0661",
        "https://[::1",
        "https://127.0.0.1/1",
    ],
)
def test_an_address_that_is_not_allowed_is_never_asked(url: str) -> None:
    with pytest.raises(Malformed):
        fetch(url, rules=OUTER, resolve=_nobody)


def _nobody(host: str, port: int) -> list[str]:
    raise AssertionError(f"asked for {host}:{port}")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
@pytest.mark.parametrize("first", [[], ["93.184.215.14"]], ids=["alone", "behind-a-good-one"])
def test_an_allowed_name_may_not_lead_inside(
    address: str, first: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", _no_connection)
    with pytest.raises(Malformed):
        fetch("https://lists.example/1", rules=OUTER, resolve=lambda *_: [*first, address])


def _no_connection(*_: Any, **__: Any) -> socket.socket:
    raise AssertionError("connected")


def test_a_checked_address_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time (DNS rebinding) is asked only once."""
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    places = []

    def connect(place: tuple[str, int], **_: object) -> socket.socket:
        places.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unavailable):
        fetch("https://lists.example/1", rules=OUTER, resolve=lambda *_: answers.pop(0))
    assert places == [("93.184.215.14", 443)]


def test_a_name_without_address_is_unavailable() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    for resolve in (fails, lambda *_: []):
        with pytest.raises(Unavailable):
            fetch("https://lists.example/1", rules=OUTER, resolve=resolve)


def test_only_what_is_needed_is_told_to_the_other_side(place: str) -> None:
    Handler.asked.clear()
    fetch(f"{place}/good", rules=INNER, etag='"a"\r\nCookie: x')
    ((path, headers),) = Handler.asked
    assert path == "/good"
    assert headers.keys() == {"Host", "Accept", "Accept-Encoding", "User-Agent", "Connection"}
