"""ATTACKS at the HTTP door: rows 5, 18, 19, 49, 50 and, with a socket, 57 in tests/web/test_connection.py.

Whatever is sent: a verdict or a problem document, never a 500, and no connection of ours.
"""

import json
import socket

import pytest

from ecert.services import Actor, QrForm, Role
from ecert.wire import b64, qr
from tests.web.counter import BASE_URL, Counter, counter_at, food_permit, founded, settings_of


@pytest.fixture(scope="module")
def counter(tmp_path_factory) -> Counter:
    made = counter_at(founded(settings_of(tmp_path_factory.mktemp("home"))))
    with made.http:
        made.await_ready()
        yield made


@pytest.fixture(scope="module")
def token(counter):
    return counter.issue()["token"]


def with_header(token, **members):
    """The same licence with other header members; the signature no longer fits, which must not matter."""
    head, rest = token.split(".", 1)
    header = json.loads(b64.decode(head)) | members
    return f"{b64.encode(json.dumps(header).encode())}.{rest}"


def codes(answer):
    return [reason["code"] for reason in answer["reasons"]]


@pytest.mark.parametrize(
    "members",
    [
        {"jku": "http://127.0.0.1:9/keys"},
        {"jku": "http://169.254.169.254/latest/meta-data"},
        {"x5u": "https://attacker.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "A", "y": "A"}},
        {"kid": "https://attacker.example/key"},
        {"kid": "../../../dev/null"},
    ],
    ids=lambda members: next(iter(members)),
)
def test_row_5_a_header_that_names_an_address_opens_no_connection(counter, token, members, monkeypatch):
    def refused(*_, **__):
        raise AssertionError("a connection was opened")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refused, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    answer = counter.verify(with_header(token, **members))
    assert answer["verdict"] == "refused"
    assert codes(answer) in (["malformed"], ["unknown_key"])


@pytest.mark.parametrize("size", [16_385, 60_000])
def test_row_18_a_token_over_the_limit_is_too_large(counter, token, size):
    assert codes(counter.verify(token + "A" * (size - len(token)) + "~")) == ["too_large"]


@pytest.mark.parametrize("size", [65_537, 1 << 20, 1 << 26])
def test_row_18_a_body_over_the_limit_is_413_and_nothing_of_it_is_decoded(counter, size):
    # Not even valid JSON: a 400 would show that it was looked at.
    for path, over in (("/v1/verify", size), ("/v1/verify/batch", max(size, (4 << 20) + 1))):
        answer = counter.http.post(path, content=b"x" * over, headers=counter.auth("window"))
        assert answer.status_code == 413


@pytest.mark.parametrize("part", ["header", "signature", "disclosure"])
def test_row_18_an_endless_part_is_refused(counter, token, part):
    head, payload, signature = token.rstrip("~").split(".")
    long = "A" * 12_000
    text = {
        "header": f"{head}{long}.{payload}.{signature}~",
        "signature": f"{head}.{payload}.{signature}{long}~",
        "disclosure": f"{head}.{payload}.{signature}~{long}~",
    }[part]
    answer = counter.verify(text)
    assert answer["verdict"] == "refused"
    assert set(codes(answer)) <= {"malformed", "too_large", "bad_signature"}


ROW_19 = {
    "depth": b'{"qr":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "depth of objects": b'{"a":' * 8_000,
    "names": b"{" + b",".join(b'"k%d":1' % i for i in range(5_500)) + b"}",
    "long integer": b'{"qr": ' + b"9" * 5_000 + b"}",
    "huge float": b'{"qr": 1e400}',
    "NaN": b'{"qr": NaN}',
    "minus zero": b'{"qr": -0}',
    "lone surrogate": b'{"qr": "\\udc00"}',
    "BOM": b'\xef\xbb\xbf{"qr": "1"}',
    "UTF-16": '{"qr": "1"}'.encode("utf-16"),
    "UTF-32": '{"qr": "1"}'.encode("utf-32-le"),
    "NUL": b'{"qr": "1"}\x00',
    "two values": b'{"qr": "1"}{"qr": "1"}',
    "twice": b'{"qr": "1", "qr": "1"}',
}


@pytest.mark.parametrize("body", ROW_19.values(), ids=ROW_19)
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/verify/batch", "/v1/licences"])
def test_row_19_hostile_json_is_a_problem_document(counter, path, body):
    who = "department" if path == "/v1/licences" else "window"
    answer = counter.http.post(path, content=body, headers=counter.auth(who))
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("body", ROW_19.values(), ids=ROW_19)
def test_row_19_hostile_json_inside_a_token_is_a_verdict(counter, token, body):
    head, _, signature = token.rstrip("~").split(".")
    inner = body[:12_000]
    for text in (
        f"{head}.{b64.encode(inner)}.{signature}~",
        f"{b64.encode(inner[:700])}.{b64.encode(b'{}')}.{signature}~",
    ):
        answer = counter.verify(text)
        assert answer["verdict"] == "refused"
        assert set(codes(answer)) <= {
            "malformed",
            "too_large",
            "bad_signature",
            "unknown_issuer",
            "unknown_key",
            "claims_invalid",
            "unsupported_algorithm",
        }


def test_row_49_a_retry_with_the_same_key_gets_the_same_result(counter):
    body, key = food_permit(), {"Idempotency-Key": "row 49"}
    answers = [
        counter.http.post("/v1/licences", json=body, headers=counter.auth("department") | key).json()
        for _ in range(5)
    ]
    assert len({answer["id"] for answer in answers}) == 1
    assert len({answer["seq"] for answer in answers}) == 1
    change = {"operation": "revoke", "reason": "测试"}
    path = f"/v1/licences/{answers[0]['id']}/status"
    revoked = [
        counter.http.post(
            path, json=change, headers=counter.auth("department") | {"Idempotency-Key": "row 49 b"}
        )
        for _ in range(3)
    ]
    assert [r.status_code for r in revoked] == [200] * 3
    assert len({(r.json()["seq"], r.json()["changed_at"]) for r in revoked}) == 1


def test_row_50_a_short_code_has_128_random_bits_and_travels_in_the_body_only(counter):
    issued = counter.issue()
    clerk = Actor(client_id="t", role=Role.OPERATOR)
    text = counter.app.licences.qr_text(issued["id"], clerk, form=QrForm.SHORT)
    digits = text.rsplit("/", 1)[1]
    assert len(digits) == 42
    assert len(qr.read(text).value) == 16
    assert counter.verify(text)["verdict"] == "accepted"
    others = {counter.app.licences.qr_text(counter.issue()["id"], clerk, form=QrForm.SHORT) for _ in range(5)}
    assert len(others | {text}) == 6
    for path in (f"/V/{digits}", f"/v1/verify?qr={digits}", f"/v1/verify/{digits}"):
        assert counter.http.get(path, headers=counter.auth("window")).status_code in (404, 405)


def test_row_50_guessing_codes_runs_into_429(tmp_path):
    made = counter_at(founded(settings_of(tmp_path, scans_per_minute=20)))
    with made.http:
        statuses = []
        for number in range(25):
            guess = qr.encode_short(qr.ShortKind.LICENCE, number.to_bytes(16), BASE_URL)
            answer = made.http.post("/v1/verify", json={"qr": guess}, headers=made.auth("window"))
            statuses.append(answer.status_code)
        assert statuses == [200] * 20 + [429] * 5
        whole = {"items": [{"qr": "1"}] * 25}
        assert (
            made.http.post("/v1/verify/batch", json=whole, headers=made.auth("operator")).status_code == 429
        )
