"""Nothing of a token, a number, a name or a key is ever written to a log, whatever is sent."""

import io
import logging

import pytest
import structlog

from ecert.assembly import configure_logs, log
from ecert.wire import qr
from tests.web.counter import BASE_URL, counter_at, food_permit, founded, lines_of, settings_of, table


@pytest.fixture
def stream():
    """The log's stream; logging is afterwards as it was."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn.access")
    before = (list(root.handlers), root.level, uvicorn.propagate, uvicorn.disabled)
    made = io.BytesIO()
    configure_logs("debug", made)
    yield made
    structlog.reset_defaults()
    root.handlers[:], root.level, uvicorn.propagate, uvicorn.disabled = before


@pytest.fixture
def heard(tmp_path, stream, capfd):
    """A service whose every output is heard: its log, and what any library writes to stdout or stderr."""
    counter = counter_at(founded(settings_of(tmp_path)))
    with counter.http:
        counter.await_ready()
        yield counter, lambda: stream.getvalue().decode() + "".join(capfd.readouterr())


def test_a_line_for_each_request_and_nothing_of_what_was_sent(heard):
    counter, said = heard
    body = food_permit()
    issued = counter.http.post("/v1/licences", json=body, headers=counter.auth("department")).json()
    department, window = counter.auth("department"), counter.auth("window")
    path = f"/v1/licences/{issued['id']}"
    code = qr.encode_token(issued["token"], BASE_URL)
    counter.http.get(path, headers=department)
    counter.http.get(f"{path}/qr.svg?form=short&secret=query-word", headers=department)
    counter.http.post(f"{path}/status", json={"operation": "suspend", "reason": "事由词"}, headers=department)
    counter.http.post("/v1/licences", json=body | {"valid_until": "2030-01-01"}, headers=department)
    counter.http.post(
        "/v1/licences",
        json=food_permit(holder={"name": "张三示例", "code": "1", "code_type": "111"}),
        headers=department,
    )
    counter.http.post(
        "/v1/licences/batch", content=table(2).encode(), headers=department | {"content-type": "text/csv"}
    )
    counter.verify(issued["token"])
    counter.verify(code)
    counter.verify(code[:-1])
    counter.http.post(
        "/v1/verify/batch", json={"items": [{"qr": code}, {"qr": code[:-2]}, {code: 1}]}, headers=window
    )
    counter.http.post("/v1/verify", content=b'{"qr": "' + issued["token"].encode(), headers=window)
    counter.http.post("/v1/verify", json={"qr": "1"}, headers={"Authorization": f"Bearer {issued['token']}"})
    counter.http.get(f"/{issued['token'][:200]}")
    counter.http.request("SECRETMETHOD", "/v1/verify")
    counter.http.get("/status-lists/nobody-list")
    everything = said()
    lines = [line for line in lines_of(everything) if line.get("event") == "request"]
    assert len(lines) == 16
    assert {line["route"] for line in lines} >= {"/v1/verify", "/v1/licences/{licence_id}", "(none)"}
    secrets = [
        issued["token"],
        *issued["token"].split("."),
        issued["id"],
        code.rsplit("/", 1)[1],
        body["number"],
        body["holder"]["name"],
        body["holder"]["code"],
        "张三示例",
        "事由词",
        "query-word",
        "nobody-list",
        "SECRETMETHOD",
        *counter.keys.values(),
        *body["fields"].values(),
    ]
    assert [secret for secret in secrets if secret in everything] == []


def test_an_unexpected_fault_is_500_without_detail_and_its_message_is_not_logged(heard, monkeypatch):
    counter, said = heard

    def broken(*_, **__):
        raise RuntimeError("a library quotes secret-word")

    monkeypatch.setattr(type(counter.app.checking), "check", broken)
    monkeypatch.setattr(type(counter.app.licences), "get", broken)
    for answer in (
        counter.http.post("/v1/verify", json={"qr": "1" * 600}, headers=counter.auth("window")),
        counter.http.get("/v1/licences/x", headers=counter.auth("department")),
    ):
        assert answer.status_code == 500
        assert answer.json() == {
            "type": "urn:ecert:problem:internal",
            "title": "Something went wrong here",
            "status": 500,
        }
        assert answer.headers["x-content-type-options"] == "nosniff"
    everything = said()
    assert "secret-word" not in everything
    assert "Traceback" not in everything
    faults = [line for line in lines_of(everything) if line["event"] == "unexpected"]
    assert [fault["kind"] for fault in faults] == ["RuntimeError", "RuntimeError"]
    assert all(fault["place"].startswith("test_quiet.py:") for fault in faults)


def test_a_librarys_exception_is_named_and_its_message_is_not_written(stream, capfd):
    try:
        raise ValueError("secret-word")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    log.info("after")
    first, second = lines_of(stream.getvalue().decode())
    assert (first["event"], first["kind"], first["logger"]) == ("it failed", "ValueError", "some.library")
    assert second["event"] == "after"
    assert b"secret-word" not in stream.getvalue()
    assert capfd.readouterr().err == ""
