"""The description is true: every door declares its answers, and real answers fit what is declared."""

import json
import re
from functools import cache

import jsonschema_rs
import pytest

from tests.web.counter import food_permit, table


@pytest.fixture(scope="module")
def description(counter):
    return counter.http.get("/openapi.json").json()


def operations(description):
    return [
        (path, method, door) for path, doors in description["paths"].items() for method, door in doors.items()
    ]


def test_every_door_of_the_design_is_described(description):
    doors = {f"{method.upper()} {path}" for path, method, _ in operations(description)}
    assert doors == {
        "GET /",
        "POST /v1/licences",
        "POST /v1/licences/batch",
        "GET /v1/licences/{licence_id}",
        "GET /v1/licences/{licence_id}/qr.{kind}",
        "POST /v1/licences/{licence_id}/status",
        "POST /v1/licences/{licence_id}/versions",
        "POST /v1/verify",
        "POST /v1/verify/batch",
        "GET /status-lists/{list_id}",
        "GET /trust-lists/{authority}",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
    }


def test_every_door_declares_its_answers_and_problems(description):
    for path, method, door in operations(description):
        answers = door["responses"]
        assert any(status.startswith("2") for status in answers), path
        guarded = path.startswith("/v1/") or path == "/metrics"
        assert ("security" in door) == guarded, path
        if guarded:
            assert {"401", "403", "429"} <= answers.keys(), path
        if method == "post":
            assert {"400", "408", "413", "415", "422", "503"} <= answers.keys(), path
            assert door["requestBody"]["content"], path
        for status, answer in answers.items():
            if status[0] in "45" and path != "/readyz":
                assert "application/problem+json" in answer["content"], (path, status)


def test_every_write_names_the_idempotency_key(description):
    for path, method, door in operations(description):
        if method == "post" and path.startswith("/v1/licences"):
            assert "Idempotency-Key" in {p["name"] for p in door["parameters"]}, path


def test_nothing_is_referred_to_that_is_not_there(description):
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(description)))
    assert names <= description["components"]["schemas"].keys()
    assert "HTTPValidationError" not in names


def checker(description, schema):
    whole = json.dumps({**schema, "components": description["components"]}, sort_keys=True)
    return _checker(whole)


@cache
def _checker(whole):
    return jsonschema_rs.Draft202012Validator(json.loads(whole))


def matching(description, method, path):
    """The door that a concrete path belongs to."""
    path = path.partition("?")[0]
    for template, doors in sorted(description["paths"].items(), key=lambda item: "{" in item[0]):
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in doors:
            return doors[method.lower()]
    raise AssertionError(f"{method} {path} is not described")


def test_real_answers_fit_the_description(counter, description):
    issued = counter.issue()
    department, window, operator = (counter.auth(who) for who in ("department", "window", "operator"))
    csv = department | {"content-type": "text/csv"}
    licence = f"/v1/licences/{issued['id']}"
    body = food_permit()
    calls = [
        ("GET", "/", {}),
        ("GET", "/healthz", {}),
        ("GET", "/readyz", {}),
        ("GET", "/metrics", {"headers": operator}),
        ("GET", "/metrics", {}),
        ("GET", f"/status-lists/{issued['status_list']}", {}),
        ("GET", f"/status-lists/{issued['status_list']}", {"headers": {"If-None-Match": "*"}}),
        ("GET", "/status-lists/x", {}),
        ("GET", "/trust-lists/11100000MB9991000K", {}),
        ("POST", "/v1/licences", {"json": body, "headers": department}),
        ("POST", "/v1/licences", {"json": body, "headers": department}),
        ("POST", "/v1/licences", {"json": {}, "headers": department}),
        ("POST", "/v1/licences", {"content": b"{", "headers": department}),
        ("POST", "/v1/licences", {"json": {}, "headers": window}),
        ("POST", "/v1/licences", {"content": b"x" * 70_000, "headers": department}),
        ("POST", "/v1/licences", {"content": b"x", "headers": csv}),
        ("POST", "/v1/licences/batch", {"content": table(2).encode() + b"\nbad", "headers": csv}),
        (
            "POST",
            "/v1/licences/batch",
            {"content": table(1).encode(), "headers": csv | {"accept": "image/png"}},
        ),
        ("GET", licence, {"headers": department}),
        ("GET", f"{licence}x", {"headers": department}),
        ("GET", f"{licence}/qr.svg", {"headers": department}),
        ("GET", f"{licence}/qr.png?form=short", {"headers": department}),
        ("GET", f"{licence}/qr.png?form=x", {"headers": department}),
        ("POST", "/v1/verify", {"json": {"qr": issued["token"]}, "headers": window}),
        ("POST", "/v1/verify", {"json": {"qr": "1"}, "headers": window}),
        ("POST", "/v1/verify", {"json": {}, "headers": window}),
        ("POST", "/v1/verify", {"json": {}}),
        ("POST", "/v1/verify/batch", {"json": {"items": [{"qr": "1"}, {}]}, "headers": window}),
        (
            "POST",
            f"{licence}/versions",
            {"json": {"operation": "change", "fields": {"KZ_FZR": "乙示例"}}, "headers": department},
        ),
        ("POST", f"{licence}/versions", {"json": {"operation": "x"}, "headers": department}),
        (
            "POST",
            f"{licence}/status",
            {"json": {"operation": "revoke", "reason": "x"}, "headers": department},
        ),
        ("POST", f"{licence}/status", {"json": {"operation": "revoke"}, "headers": department}),
    ]
    for method, path, sent in calls:
        answer = counter.http.request(method, path, **sent)
        door = matching(description, method, path)
        declared = door["responses"].get(str(answer.status_code))
        assert declared is not None, (method, path, answer.status_code, answer.text)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status_code == 304:
            continue
        assert kind in declared["content"], (method, path, answer.status_code, kind)
        if kind.endswith("json"):
            faults = list(
                checker(description, declared["content"][kind]["schema"]).iter_errors(answer.json())
            )
            assert faults == [], (method, path, answer.text)


def test_the_bodies_of_the_examples_fit_the_description(description):
    schema = {"$ref": "#/components/schemas/LicenceIn"}
    assert checker(description, schema).is_valid(food_permit())
    assert not checker(description, schema).is_valid(food_permit(number=...))
    assert not checker(description, {"$ref": "#/components/schemas/ScanRequest"}).is_valid(
        {"qr": "1", "x": 1}
    )


def test_a_process_that_only_issues_describes_what_it_does(another):
    made = another(role="issuer")
    described = made.http.get("/openapi.json")
    assert described.status_code == 200
    assert "/v1/licences" in described.json()["paths"]
    assert "/v1/verify" not in described.json()["paths"]
