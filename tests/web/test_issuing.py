"""The department's doors: what is issued, found again, refused, changed, and who may see it."""

import json

import pytest

from ecert.wire import qr
from tests.web.counter import CIVIL, FOOD, food_permit, table


def post(counter, path, body, who="department", **headers):
    return counter.http.post(path, json=body, headers=counter.auth(who) | headers)


def test_an_issued_licence_is_accepted_at_the_window(counter):
    issued = counter.issue()
    assert issued["outcome"] == "issued"
    verdict = counter.verify(issued["token"])
    assert verdict["verdict"] == "accepted"
    assert verdict["licence"]["id"] == issued["id"]


def test_the_answer_says_where_the_licence_is(counter):
    answer = post(counter, "/v1/licences", food_permit())
    assert answer.headers["location"] == f"/v1/licences/{answer.json()['id']}"
    assert counter.http.get(answer.headers["location"], headers=counter.auth("department")).status_code == 200


def test_the_same_licence_again_is_found_again(counter):
    body = food_permit()
    first, second = post(counter, "/v1/licences", body), post(counter, "/v1/licences", body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["outcome"] == "existing"
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["token"] == first.json()["token"]


def test_the_same_number_with_other_content_is_a_conflict(counter):
    body = food_permit()
    post(counter, "/v1/licences", body)
    answer = post(counter, "/v1/licences", body | {"valid_until": "2030-06-30"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:ecert:problem:conflict"


def test_an_idempotency_key_makes_a_retry_come_to_one_result(counter):
    body = food_permit()
    key = {"Idempotency-Key": "order 17/a"}
    first, second = post(counter, "/v1/licences", body, **key), post(counter, "/v1/licences", body, **key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["id"] == first.json()["id"]


def test_an_idempotency_key_stands_for_one_request(counter):
    key = {"Idempotency-Key": "order 18"}
    assert post(counter, "/v1/licences", food_permit(), **key).status_code == 201
    answer = post(counter, "/v1/licences", food_permit(), **key)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:ecert:problem:request_mismatch"


@pytest.mark.parametrize("key", ["", "x" * 129, "schl\u00fcssel", "a\tb"])
def test_an_ill_formed_idempotency_key_is_refused(counter, key):
    answer = counter.http.post(
        "/v1/licences",
        json=food_permit(),
        headers=[*counter.auth("department").items(), ("Idempotency-Key", key.encode("latin-1"))],
    )
    assert answer.status_code == 422
    assert answer.json()["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": ...}, "type"),
        ({"type": "11100000MB9990001F999"}, "type"),
        ({"number": 5}, "number"),
        ({"number": "JY２９９"}, "number"),
        ({"holder": "x"}, "holder"),
        ({"holder": {"name": "甲", "code": "91529901MAEX00001J", "code_type": "001"}}, "holder.code"),
        ({"valid_from": "2026-02-30"}, "valid_from"),
        ({"valid_until": "2026-06-30"}, "valid_until"),
        ({"valid_until": "2099-06-30"}, "valid_until"),
        ({"fields": {"KZ_NONE": "x"}}, "KZ_NONE"),
        ({"fields": ["KZ_FZR"]}, "fields"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_field_is_named(counter, changes, field):
    answer = post(counter, "/v1/licences", food_permit(**changes))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"].rsplit(".", 1)[-1] == field.rsplit(".", 1)[-1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,",
        b'{"type": NaN}',
        b'{"a":1,"a":2}',
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
    ],
)
def test_bad_json_is_400(counter, body):
    answer = counter.http.post("/v1/licences", content=body, headers=counter.auth("department"))
    assert answer.status_code == 400
    assert answer.json()["status"] == 400


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null"])
def test_json_of_another_kind_is_422(counter, body):
    answer = counter.http.post("/v1/licences", content=body, headers=counter.auth("department"))
    assert answer.status_code == 422


def test_another_media_type_is_415(counter):
    answer = counter.http.post(
        "/v1/licences", content=b"a=1", headers=counter.auth("department") | {"content-type": "text/plain"}
    )
    assert answer.status_code == 415


def test_a_department_issues_in_its_own_name_only(counter):
    assert post(counter, "/v1/licences", food_permit(issuer=CIVIL)).status_code == 403
    assert post(counter, "/v1/licences", food_permit(), who="other_department").status_code == 403


@pytest.mark.parametrize("who", ["window", "operator"])
@pytest.mark.parametrize(
    "path", ["/v1/licences", "/v1/licences/batch", "/v1/licences/x/status", "/v1/licences/x/versions"]
)
def test_only_a_department_writes(counter, who, path):
    assert post(counter, path, food_permit(), who=who).status_code == 403


def test_a_licence_is_read_by_its_own_department(counter):
    issued = counter.issue()
    path = f"/v1/licences/{issued['id']}"
    shown = counter.http.get(path, headers=counter.auth("department")).json()
    assert shown["token"] == issued["token"]
    assert shown["state"] == "valid"
    assert [line["operation"] for line in shown["history"]] == ["issue"]
    assert counter.http.get(path, headers=counter.auth("other_department")).status_code == 404
    assert counter.http.get(path, headers=counter.auth("window")).status_code == 403


@pytest.mark.parametrize(
    "licence_id", ["x", "1.2.156.3005.2.11100000MB9990001F002.11529901MB9994001U.1.001.0", "%00", "..%2F"]
)
def test_an_unknown_identifier_is_404(counter, licence_id):
    for method, path in [("GET", ""), ("GET", "/qr.svg"), ("POST", "/status"), ("POST", "/versions")]:
        body = (
            {"json": {"operation": "revoke" if path == "/status" else "renew", "reason": "x"}}
            if method == "POST"
            else {}
        )
        answer = counter.http.request(
            method, f"/v1/licences/{licence_id}{path}", headers=counter.auth("department"), **body
        )
        assert answer.status_code in (404, 422), (path, answer.text)


@pytest.mark.parametrize("kind", ["svg", "png"])
@pytest.mark.parametrize("form", ["offline", "short"])
def test_a_drawn_code_is_read_back_from_its_picture(counter, kind, form, tmp_path):
    pytest.importorskip("zxingcpp")
    from ecert.cli.pictures import read_picture

    issued = counter.issue()
    answer = counter.http.get(
        f"/v1/licences/{issued['id']}/qr.{kind}?form={form}", headers=counter.auth("department")
    )
    assert answer.status_code == 200
    if kind == "svg":
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.text.startswith(("<?xml", "<svg"))
        return
    picture = tmp_path / "code.png"
    picture.write_bytes(answer.content)
    text = read_picture(picture)
    assert text.startswith("HTTPS://ECERT.EXAMPLE/")
    assert (qr.read(text) == issued["token"]) is (form == "offline")
    assert counter.verify(text)["verdict"] == "accepted"


@pytest.mark.parametrize("path", ["qr.gif", "qr.svg?form=long"])
def test_another_form_of_code_is_refused(counter, path):
    issued = counter.issue()
    answer = counter.http.get(f"/v1/licences/{issued['id']}/{path}", headers=counter.auth("department"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("operation", "verdict"),
    [("suspend", "suspended"), ("revoke", "revoked"), ("cancel", "revoked"), ("withdraw", "revoked")],
)
def test_a_change_of_status_is_seen_at_the_window(counter, operation, verdict):
    issued = counter.issue()
    answer = post(counter, f"/v1/licences/{issued['id']}/status", {"operation": operation, "reason": "测试"})
    assert answer.status_code == 200
    assert isinstance(answer.json()["propagated"], bool)
    assert [r["code"] for r in counter.verify(issued["token"])["reasons"]] == [verdict]


def test_a_reinstated_licence_holds_again_and_a_revoked_one_never(counter):
    issued = counter.issue()
    path = f"/v1/licences/{issued['id']}/status"
    for operation, status in [
        ("suspend", 200),
        ("reinstate", 200),
        ("reinstate", 409),
        ("revoke", 200),
        ("reinstate", 409),
    ]:
        assert post(counter, path, {"operation": operation, "reason": "测试"}).status_code == status
    assert counter.verify(issued["token"])["verdict"] == "refused"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "issue", "reason": "x"},
        {"operation": "revoke"},
        {"operation": "revoke", "reason": "x", "y": 1},
    ],
)
def test_an_ill_formed_change_is_refused(counter, body):
    issued = counter.issue()
    answer = post(counter, f"/v1/licences/{issued['id']}/status", body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_new_version_supersedes_the_old(counter):
    issued = counter.issue()
    path = f"/v1/licences/{issued['id']}/versions"
    answer = post(counter, path, {"operation": "change", "fields": {"KZ_FZR": "乙二示例"}})
    assert answer.status_code == 201
    assert answer.json()["id"] != issued["id"]
    assert [r["code"] for r in counter.verify(issued["token"])["reasons"]] == ["superseded"]
    assert counter.verify(answer.json()["token"])["licence"]["fields"]["KZ_FZR"] == "乙二示例"
    assert post(counter, path, {"operation": "change", "fields": {"KZ_FZR": "丙三示例"}}).status_code == 409
    assert post(counter, path, {"operation": "sell"}).json()["field"] == "operation"


def test_a_table_is_issued_row_by_row(counter):
    lines = table(4).splitlines()
    lines[2] = lines[2].replace("91529901MAEX00001H", "91529901MAEX00001J")
    headers = counter.auth("department") | {"content-type": "text/csv; charset=utf-8"}
    answer = counter.http.post("/v1/licences/batch", content="\n".join(lines).encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["counts"] == {"issued": 3, "existing": 0, "refused": 1}
    refused = [row for row in answer.json()["results"] if row["outcome"] == "refused"]
    assert [row["line"] for row in refused] == [3]
    assert refused[0]["field"]
    assert "91529901MAEX00001J" not in answer.text
    again = counter.http.post(
        "/v1/licences/batch", content="\n".join(lines).encode("gb18030"), headers=headers
    )
    assert again.json()["counts"] == {"issued": 0, "existing": 3, "refused": 1}


def test_a_table_as_lines_is_answered_as_lines_where_asked(counter):
    lines = "\n".join(json.dumps(food_permit()) for _ in range(3)) + "\n{bad\n"
    headers = counter.auth("department") | {
        "content-type": "application/x-ndjson",
        "accept": "application/x-ndjson",
    }
    answer = counter.http.post("/v1/licences/batch", content=lines.encode(), headers=headers)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [r["outcome"] for r in results] == ["issued", "issued", "issued", "refused"]


@pytest.mark.parametrize(
    ("accept", "status"), [("text/html", 406), ("*/*", 200), ("application/*;q=0.1", 200), ("", 200)]
)
def test_the_batch_answers_what_is_accepted_or_406(counter, accept, status):
    headers = counter.auth("department") | {"content-type": "text/csv", "accept": accept}
    assert (
        counter.http.post("/v1/licences/batch", content=table(1).encode(), headers=headers).status_code
        == status
    )


def test_a_table_of_another_media_type_is_415_and_one_without_head_is_refused(counter):
    assert post(counter, "/v1/licences/batch", {}).status_code == 415
    headers = counter.auth("department") | {"content-type": "text/csv"}
    for text in (b"", b"\xff\xff\xff", f"a,b\n{FOOD},1\n".encode()):
        assert counter.http.post("/v1/licences/batch", content=text, headers=headers).status_code in (
            400,
            422,
        )
