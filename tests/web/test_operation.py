"""Alive, ready, counted, described: what an operator and a stranger see."""

import re

import pytest

from tests.web.counter import counter_at, settings_of


def test_the_root_says_what_this_is(counter):
    answer = counter.http.get("/")
    assert answer.json()["name"] == "ecert"
    assert answer.json()["docs"] == "/docs"


def test_the_description_page_is_whole_and_fetches_nothing(counter):
    answer = counter.http.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src" not in answer.headers["content-security-policy"]
    for door in ("POST /v1/verify", "GET /status-lists/{list_id}", "VerdictAnswer"):
        assert door in answer.text
    assert not re.search(r"<script|src=|https?://(?!ecert\.example)", answer.text)


def test_alive_and_ready(counter):
    assert counter.http.get("/healthz").json() == {"status": "ok"}
    answer = counter.http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "parts": {"sql": "ok", "trust": "ok", "status": "ok"}}


def test_not_ready_without_trust(tmp_path):
    from ecert.assembly import build
    from ecert.store.memory import MemoryStatus

    settings = settings_of(tmp_path)
    counter = counter_at(build(settings, memory=MemoryStatus(base_url=settings.base_url)))
    with counter.http:
        answer = counter.http.get("/readyz")
        assert answer.status_code == 503
        assert "ecert trust init" in answer.json()["parts"]["trust"]
        assert counter.http.get("/healthz").status_code == 200
        issued = counter.http.post("/v1/licences", json={}, headers=counter.auth("department"))
        assert issued.status_code == 422


def test_metrics_are_an_operators(counter):
    assert counter.http.get("/metrics").status_code == 401
    assert counter.http.get("/metrics", headers=counter.auth("window")).status_code == 403
    counter.verify(counter.issue()["token"])
    counter.verify("123")
    counter.http.get("/no-such-place/with-a-secret")
    counter.app.refresh()
    text = counter.http.get("/metrics", headers=counter.auth("operator")).text
    assert re.search(r'^ecert_verdicts_total\{reason="none",verdict="accepted"\} [1-9]', text, re.MULTILINE)
    assert re.search(r'^ecert_verdicts_total\{reason="misread",verdict="refused"\} [1-9]', text, re.MULTILINE)
    assert re.search(r'^ecert_issued_total\{outcome="issued"\} [1-9]', text, re.MULTILINE)
    assert re.search(
        r'^ecert_http_answers_total\{.*route="/v1/verify",status="200"\} [1-9]', text, re.MULTILINE
    )
    assert "with-a-secret" not in text
    for name in (
        "ecert_mirror_age_seconds",
        "ecert_mirror_seq",
        "ecert_mirror_reloads",
        "ecert_trust_age_seconds",
    ):
        assert re.search(rf"^{name} ", text, re.MULTILINE)


def test_metrics_are_open_where_the_setting_says_so(another):
    assert another(metrics_open=True).http.get("/metrics").status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/openapi.json"])
def test_every_answer_carries_the_security_headers(counter, path):
    headers = counter.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["strict-transport-security"].startswith("max-age=")


def test_no_transport_security_where_the_service_is_plain_http(another):
    assert "strict-transport-security" not in another(base_url="http://127.0.0.1:8000").http.get("/").headers


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/v1/licences/", 404)])
def test_an_unknown_place_is_a_problem_document(counter, path, status):
    answer = counter.http.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:ecert:problem:not_found"


def test_a_verifier_has_no_issuing_doors_and_no_keys(tmp_path, counter):
    from ecert.assembly import build
    from ecert.store.memory import MemoryStatus

    settings = settings_of(
        tmp_path / "verifier",
        role="verifier",
        database_url=counter.app.settings.database,
        trust_root=counter.app.settings.root_file,
        root_id=counter.app.root_id(),
    )
    app = build(settings, memory=MemoryStatus(base_url=settings.base_url))
    assert app.key_files is None
    assert app.issuing is None
    assert app.relay is None
    verifier = counter_at(app)
    with verifier.http:
        assert app.trust.loaded
        token = counter.issue()["token"]
        assert verifier.verify(token)["verdict"] == "undecided"
        assert (
            verifier.http.post("/v1/licences", json={}, headers=verifier.auth("department")).status_code
            == 404
        )
        assert "/v1/licences" not in verifier.http.get("/openapi.json").json()["paths"]
    assert not (tmp_path / "verifier" / "keys").exists()
