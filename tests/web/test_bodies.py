"""Reading a body: no byte after the limit is waited for, no second after the deadline."""

import asyncio
from datetime import timedelta

import pytest
from starlette.exceptions import HTTPException

from ecert.web.bodies import header, media_type, read_body

LONG = timedelta(seconds=20)


class Sender:
    """Gives messages one at a time and counts how many were asked for; after the last, silence for ever."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.asked = 0

    async def __call__(self):
        self.asked += 1
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


def read(sender, *headers, limit=10, deadline=LONG):
    return asyncio.run(read_body({"headers": list(headers)}, sender, limit=limit, deadline=deadline))


def refusal(*arguments, **named):
    with pytest.raises(HTTPException) as fault:
        read(*arguments, **named)
    return fault.value.status_code


@pytest.mark.parametrize(
    "messages",
    [
        [part(b"0123456789", more=False)],
        [part(b"01234"), part(b"56789", more=False)],
        [part(b"0123456789"), part(b"", more=False)],
    ],
)
def test_a_body_of_just_the_limit_is_read(messages):
    assert read(Sender(*messages)) == b"0123456789"


def test_an_empty_body_is_empty():
    assert read(Sender({"type": "http.request"})) == b""


def test_nothing_is_waited_for_once_the_limit_is_passed():
    sender = Sender(part(b"01234"), part(b"567890"), part(b"never asked for"))
    assert refusal(sender) == 413
    assert sender.asked == 2


def test_nothing_is_read_when_the_length_says_too_much():
    sender = Sender(part(b""))
    assert refusal(sender, (b"content-length", b"11")) == 413
    assert sender.asked == 0


@pytest.mark.parametrize("length", [b"", b"-1", b"1e3", b"+5", b"9" * 19, b"\xb2"])
def test_a_length_that_is_no_number_is_400(length):
    assert refusal(Sender(part(b"", more=False)), (b"content-length", length)) == 400


@pytest.mark.parametrize("messages", [[], [part(b"0")]])
def test_a_silent_sender_is_408(messages):
    assert refusal(Sender(*messages), deadline=timedelta(milliseconds=20)) == 408


@pytest.mark.parametrize("before", [[], [part(b"0")]])
def test_a_client_that_left_is_400(before):
    assert refusal(Sender(*before, {"type": "http.disconnect"})) == 400


def test_headers_are_found_and_media_types_normalised():
    scope = {"headers": [(b"content-type", b" Application/JSON ; charset=utf-8"), (b"a", b"1"), (b"a", b"2")]}
    assert header(scope, b"a") == b"1"
    assert header(scope, b"b") is None
    assert media_type(scope) == "application/json"
    assert media_type({"headers": []}) == ""
