"""The service as it runs: two processes, one Redis-compatible server, one port, and a clean end."""

import json
import os
import signal
import time
from collections import Counter

import httpx2
import pytest

from ecert.cli import main
from tests.web.counter import food_permit
from tests.web.served import served


@pytest.fixture(scope="module")
def service(tmp_path_factory, server_binary):
    with served(tmp_path_factory.mktemp("served"), workers=2, ECERT_BODY_DEADLINE="0.5") as made:
        yield made


def test_a_revocation_is_seen_by_every_worker(service):
    with httpx2.Client(base_url=service.url, timeout=20) as http:
        answer = http.post("/v1/licences", json=food_permit(), headers=service.auth("department"))
        assert answer.status_code == 201, service.faults()
        issued = answer.json()
    seen = Counter()  # a worker that has not heard yet says undecided, or for a moment what was true before
    for verdict, operation in (("accepted", None), ("refused", "revoke")):
        if operation:
            path = f"{service.url}/v1/licences/{issued['id']}/status"
            body = {"operation": operation, "reason": "测试"}
            assert (
                httpx2.post(path, json=body, headers=service.auth("department"), timeout=20).status_code
                == 200
            )
        until = time.monotonic() + 20
        in_a_row = 0
        while in_a_row < 20 and time.monotonic() < until:
            # A connection each: which of the workers answers is the kernel's choice.
            answer = httpx2.post(
                f"{service.url}/v1/verify",
                json={"qr": issued["token"]},
                headers=service.auth("window"),
                timeout=20,
            )
            in_a_row = in_a_row + 1 if answer.json()["verdict"] == verdict else 0
            seen[answer.json()["verdict"]] += 1
        assert in_a_row == 20
    assert seen["refused"] >= 20


def test_the_workers_counters_are_summed(service):
    def count():
        text = httpx2.get(f"{service.url}/metrics", headers=service.auth("operator"), timeout=20).text
        lines = [line for line in text.splitlines() if line.startswith("ecert_verdicts_total")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    before = count()
    for _ in range(12):
        httpx2.post(f"{service.url}/v1/verify", json={"qr": "1"}, headers=service.auth("window"), timeout=20)
    assert count() == before + 12


def test_a_command_joins_the_running_server(service, monkeypatch, capfd):
    monkeypatch.setenv("ECERT_HOME", str(service.log.parent))
    monkeypatch.setenv("ECERT_BASE_URL", service.url)
    assert main(["cache", "check", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["differences"] == []
    assert main(["cache", "rebuild"]) == 0
    assert main(["cache", "check"]) == 0
    assert main(["doctor"]) == 0
    assert "the running server of this home answers" in capfd.readouterr().out


def test_a_body_that_trickles_is_408_and_the_service_goes_on(service):
    key = service.keys["window"]
    with service.connect() as slow:
        head = ["POST /v1/verify HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", "Content-Length: 50"]
        slow.sendall("\r\n".join([*head, "", "{"]).encode())
        assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert httpx2.get(f"{service.url}/healthz", timeout=20).status_code == 200


def test_the_log_is_json_lines_without_what_was_sent(service):
    assert service.faults() == []
    lines = service.log.read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert {event["event"] for event in events} >= {"started", "request"}
    plain = [line for line in lines if not line.startswith("{")]
    assert [line for line in plain if not line.startswith(("status cache: ", "ecert serves on "))] == []
    assert "ecert_window_" not in "\n".join(lines)


def test_sigterm_ends_it_cleanly(tmp_path, server_binary):
    with served(tmp_path) as service:
        os.kill(service.process.pid, signal.SIGTERM)
        assert service.process.wait(30) == 0
    events = [
        json.loads(line)["event"] for line in service.log.read_text().splitlines() if line.startswith("{")
    ]
    assert events.count("started") == events.count("stopped") == 1
    assert not (tmp_path / "redis.url").exists()
    assert not list((tmp_path / "redis").glob("*.sock"))
