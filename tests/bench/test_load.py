"""The load generator and its histogram tell the truth about a server whose behaviour is known."""

import math
import socket
import threading
import time
from collections.abc import Iterator
from itertools import repeat

import pytest

from benchmarks.histogram import Histogram
from benchmarks.load import Shot, closed_loop, once_through, open_loop, post

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n" + b'{"verdict":"accepted"}'
SHOT = post("/v1/verify", b"{}", key="k", expects=b'"accepted"')


class Server:
    """Answers one request after another, on every connection, after `pause` seconds, never two at a time."""

    def __init__(self, answer: bytes, *, pause: float = 0.0, pieces: bool = False) -> None:
        self.answer, self.pause, self.pieces = answer, pause, pieces
        self.turn = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=(line,)))
            self.threads[-1].start()

    def serve(self, line: socket.socket) -> None:
        with line:
            while True:
                try:
                    if not line.recv(65536):
                        return
                    with self.turn:
                        time.sleep(self.pause)
                    for piece in (self.answer[:30], self.answer[30:]) if self.pieces else (self.answer,):
                        line.sendall(piece)
                        time.sleep(0.001 if self.pieces else 0)
                except OSError:
                    return

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def serve() -> Iterator[object]:
    running: list[Server] = []

    def start(answer: bytes = ANSWER, **options: object) -> Server:
        running.append(Server(answer, **options))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for server in running:
        server.close()


def test_closed_loop_counts_right_answers(serve):
    load = closed_loop(serve().port, repeat(SHOT), connections=3, seconds=0.1).checked()
    assert load.answered > 3
    assert load.latency.total == load.answered


def test_an_answer_in_pieces_is_one_answer(serve):
    load = closed_loop(serve(pieces=True).port, repeat(SHOT), connections=2, seconds=0.1)
    assert load.answered
    assert load.wrong == 0


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ANSWER.replace(b"accepted", b"rejected"), id="another verdict"),
        pytest.param(ANSWER.replace(b"200 OK", b"500 NO"), id="another HTTP status"),
    ],
)
def test_a_wrong_answer_is_no_measurement(serve, answer):
    load = closed_loop(serve(answer).port, repeat(SHOT), connections=1, seconds=0.05)
    assert load.wrong == load.answered > 0
    with pytest.raises(RuntimeError, match="wrong"):
        load.checked()


def test_a_batch_answer_must_hold_every_verdict(serve):
    two = Shot(SHOT.wire, b'"accepted"', times=2)
    assert closed_loop(serve().port, repeat(two), connections=1, seconds=0.05).wrong > 0


def test_once_through_sends_each_request_once(serve):
    load = once_through(serve().port, [SHOT] * 7, connections=3).checked()
    assert load.answered == 7


def test_open_loop_sends_what_was_asked(serve):
    load = open_loop(serve().port, repeat(SHOT), connections=4, seconds=0.2, rate=200).checked()
    assert load.answered == 40


def test_open_loop_counts_from_the_moment_a_request_was_due(serve):
    """Ten requests due at once behind a server of 20 ms each: the last one waited for all others."""
    load = open_loop(serve(pause=0.02).port, repeat(SHOT), connections=1, seconds=0.01, rate=1000).checked()
    assert load.latency.percentile(100) >= 190


def test_percentiles_are_exact_to_a_thousandth():
    counted = Histogram()
    for micros in range(1, 100_001):
        counted.record(micros / 1e6)
    for percent in (0.5, 50, 99, 99.9, 100):
        exact = 1000 * percent
        assert exact <= counted.percentile(percent) * 1000 <= exact * 1.001 + 1


def test_histograms_add_up():
    one, two = Histogram(), Histogram()
    one.record(0.001)
    two.record(0.009)
    one.add(two)
    assert (one.total, one.percentile(50), one.percentile(100)) == (2, 1.0, 9.0)


def test_no_sample_has_no_percentile():
    assert math.isnan(Histogram().percentile(50))
