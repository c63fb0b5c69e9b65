"""ATTACKS row 57 at the socket: slow and long heads, idle sockets, endless bodies; others are served."""

import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from ecert.web import connection
from tests.web.counter import counter_at, founded, settings_of


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    """The application on a real socket in this process, with short deadlines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "HEAD_SECONDS", 0.4)
        patch.setattr(connection, "REST_SECONDS", 0.4)
        patch.setattr(connection, "WRITE_SECONDS", 0.4)
        counter = counter_at(founded(settings_of(tmp_path_factory.mktemp("home"), body_deadline=0.4)))
        config = uvicorn.Config(
            counter.http.app,
            http="ecert.web.connection:GuardedProtocol",
            ws="none",
            port=0,
            log_config=None,
            access_log=False,
            timeout_keep_alive=1,
            limit_concurrency=400,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until = time.monotonic() + 30
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield port, counter.keys["window"], server
        server.should_exit = True
        thread.join(20)


def connect(listening):
    return socket.create_connection(("127.0.0.1", listening[0]), timeout=20)


def answer_of(sock):
    """All that comes until the other side closes; a reset is an end as well."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def asks(path, *headers, method="POST"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def healthy(listening):
    with connect(listening) as sock:
        sock.sendall(asks("/healthz", "Connection: close", method="GET"))
        return answer_of(sock).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_says_nothing_is_closed(listening):
    with connect(listening) as sock:
        assert answer_of(sock) == b""


@pytest.mark.parametrize(
    "start", [b"P", b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nX-A: ", b"GET / HTTP/1.1\r\n"]
)
def test_a_head_that_never_ends_is_closed(listening, start):
    with connect(listening) as sock:
        sock.sendall(start)
        assert answer_of(sock) == b""


def test_a_second_head_that_never_ends_is_closed(listening):
    with connect(listening) as sock:
        sock.sendall(asks("/healthz", method="GET") + b"GET /healthz HT")
        answer = answer_of(sock)
        assert answer.count(b"HTTP/1.1 200 ") == 1


@pytest.mark.parametrize("size", [40_000, 4_000_000])
@pytest.mark.parametrize("shape", ["one header", "many headers", "target"])
def test_a_head_over_the_limit_is_refused_without_being_kept(listening, size, shape):
    head = {
        "one header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * size + b"\r\n\r\n",
        "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: aaaaaaaa\r\n" * (size // 15) + b"\r\n",
        "target": b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    }[shape]
    with connect(listening) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(head)
        answer = answer_of(sock)
    assert not answer.startswith(b"HTTP/1.1 2")
    assert healthy(listening)


def test_a_body_that_trickles_is_408(listening):
    with connect(listening) as sock:
        sock.sendall(
            asks("/v1/verify", f"Authorization: Bearer {listening[1]}", "Content-Length: 1000") + b"{"
        )
        assert answer_of(sock).startswith(b"HTTP/1.1 408 ")


def test_a_chunked_body_that_trickles_is_408(listening):
    with connect(listening) as sock:
        sock.sendall(
            asks("/v1/verify", f"Authorization: Bearer {listening[1]}", "Transfer-Encoding: chunked")
        )
        answer = b""
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                sock.sendall(b"1\r\n \r\n")
                sock.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    answer += sock.recv(4096)
                    break
        assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/verify/batch"])
def test_a_gigabyte_announced_is_413_before_it_is_sent(listening, path):
    with connect(listening) as sock:
        sock.sendall(asks(path, f"Authorization: Bearer {listening[1]}", "Content-Length: 1000000000"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_an_honest_client_reads_the_413_although_it_sends_all_first(listening):
    body = b" " * 3_000_000
    with connect(listening) as sock:
        sock.sendall(
            asks("/v1/verify", f"Authorization: Bearer {listening[1]}", f"Content-Length: {len(body)}") + body
        )
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_who_goes_on_sending_after_a_413_is_cut_off(listening):
    with connect(listening) as sock:
        sock.sendall(
            asks("/v1/verify", f"Authorization: Bearer {listening[1]}", "Transfer-Encoding: chunked")
        )
        sent = 0
        with contextlib.suppress(ConnectionError):
            for _ in range(100_000):
                sock.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
                sent += 4096
        assert sent < 100_000 * 4096


def test_three_hundred_idle_sockets_do_not_hold_up_the_others(listening):
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connect(listening)).sendall(b"GET / HT")
        assert all(healthy(listening) for _ in range(20))


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\x00" * 100,
        b"\r\n" * 100 + b"x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_or_closed(listening, rubbish):
    with connect(listening) as sock:
        sock.sendall(rubbish)
        assert not answer_of(sock).startswith(b"HTTP/1.1 2")
    assert healthy(listening)


def test_a_client_that_does_not_take_its_answers_in_is_cut_off(listening):
    held = listening[2].server_state.connections
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", listening[0]))
        sock.settimeout(20)
        with contextlib.suppress(ConnectionError):
            sock.sendall(asks("/openapi.json", method="GET") * 400)
        until = time.monotonic() + 20
        while not held and time.monotonic() < until:
            time.sleep(0.01)
        while held and time.monotonic() < until:
            time.sleep(0.01)
        assert not held, "the connection is still held"
    assert healthy(listening)
