"""The window's doors: one verdict for each scan, whatever the bytes, with every reason and its freshness."""

import json

import pytest

from ecert.verify import sentences
from ecert.wire import qr
from tests.web.counter import BASE_URL


@pytest.fixture(scope="module")
def issued(counter):
    return counter.issue()


def raw(counter, body, path="/v1/verify", who="window", **headers):
    return counter.http.post(path, content=body, headers=counter.auth(who) | headers)


@pytest.mark.parametrize("who", ["window", "department", "operator"])
def test_every_role_may_check(counter, issued, who):
    answer = raw(counter, json.dumps({"qr": issued["token"]}).encode(), who=who)
    assert answer.json()["verdict"] == "accepted"


def test_an_accepted_verdict_carries_the_licence_and_its_freshness(counter, issued):
    answer = counter.verify(issued["token"], matter="M-1", at_window="W-7")
    assert answer["reasons"] == []
    assert answer["licence"]["type_name"] == "食品经营许可证"
    assert answer["licence"]["holder"]["name"] == "虚构市甲示例餐饮有限公司"
    assert answer["licence"]["issuer"] == {"id": "11529901MB9994001U", "name": "虚构市样例区行政审批局"}
    assert answer["licence"]["valid_until"] == "2031-06-30"
    assert answer["status"]["state"] == "valid"
    assert 0 <= answer["status"]["age_ms"] < 5000
    assert answer["verification_id"]


def test_each_check_has_an_id_of_its_own(counter, issued):
    assert (
        counter.verify(issued["token"])["verification_id"]
        != counter.verify(issued["token"])["verification_id"]
    )


def test_a_refused_verdict_carries_no_licence_and_says_why(counter, issued):
    head, payload, signature = issued["token"].rstrip("~").split(".")
    forged = f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}~"
    answer = counter.verify(forged)
    assert answer["verdict"] == "refused"
    assert "licence" not in answer
    (reason,) = answer["reasons"]
    said = sentences("bad_signature")
    assert (reason["code"], reason["step"]) == ("bad_signature", 4)
    assert reason["sentence"] == {"zh": said.zh, "en": said.en}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text[:-5] + text[-4:], "misread"),
        (lambda text: text[:-1], "misread"),
        (lambda text: text + "1", "misread"),
        (lambda text: "", "misread"),
        (lambda text: "你好", "misread"),
        (lambda text: "x" * 20_000, "too_large"),
        (lambda text: "a~b~c", "malformed"),
    ],
)
def test_a_damaged_scan_is_a_verdict_not_an_error(counter, issued, change, code):
    answer = counter.verify(change(qr.encode_token(issued["token"], BASE_URL)))
    assert answer["verdict"] == "refused"
    assert [reason["code"] for reason in answer["reasons"]] == [code]


def test_what_a_keyboard_scanner_may_do_to_a_code_does_no_harm(counter, issued):
    text = qr.encode_token(issued["token"], BASE_URL)
    wide = text.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
    for scanned in (text.swapcase(), "，。" + text, wide, text.rsplit("/", 1)[1]):
        assert counter.verify(scanned)["verdict"] == "accepted"


def test_a_short_code_of_nobody_is_unknown(counter):
    answer = counter.verify(qr.encode_short(qr.ShortKind.LICENCE, bytes(16), BASE_URL))
    assert [reason["code"] for reason in answer["reasons"]] == ["code_unknown"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 20_000, 400),
        (b'{"qr":' + b"[" * 20_000, 400),
        (b'{"qr": "a", "qr": "b"}', 400),
        (b'{"\\u0071r": "a", "qr": "b"}', 400),
        (b'{"qr": "\\ud800"}', 400),
        (b'{"qr": "a\xff"}', 400),
        (b"\xef\xbb\xbf{}", 400),
        (b'{"qr": 1e400}', 400),
        (b'{"qr": NaN}', 400),
        (b'{"qr": ' + b"1" * 5000 + b"}", 400),
        (b"{}", 422),
        (b"[]", 422),
        (b'{"qr": 5}', 422),
        (b'{"qr": null}', 422),
        (b'{"qr": "a", "matter": 5}', 422),
        (b'{"qr": "a", "matter": "' + b"m" * 65 + b'"}', 422),
        (b'{"qr": "a", "holder": "b"}', 422),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_no_scan_is_refused_with_a_problem(counter, body, status):
    answer = raw(counter, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_over_the_limit_is_413(counter):
    assert raw(counter, b" " * 65_537).status_code == 413
    assert raw(counter, iter([b" " * 40_000, b" " * 40_000])).status_code == 413
    assert raw(counter, b'{"qr": "' + b"1" * 65_000 + b'"}').status_code == 200


def test_another_media_type_is_415(counter):
    assert raw(counter, b"qr=1", **{"content-type": "application/x-www-form-urlencoded"}).status_code == 415
    assert (
        raw(counter, b'{"qr": "1"}', **{"content-type": "application/json; charset=utf-8"}).status_code == 200
    )


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/verify/batch"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_405(counter, path, method):
    answer = counter.http.request(method, path, headers=counter.auth("window"))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["type"] == "urn:ecert:problem:method_not_allowed"


def test_a_batch_gives_each_item_its_own_verdict(counter, issued):
    items = [
        {"qr": issued["token"]},
        {"qr": "12"},
        5,
        {"qr": None},
        {},
        [],
        {"qr": issued["token"], "extra": 1},
        {"qr": issued["token"]},
    ]
    answer = raw(counter, json.dumps({"items": items}).encode(), "/v1/verify/batch")
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [r["verdict"] for r in results] == ["accepted", *["refused"] * 6, "accepted"]
    assert [r["reasons"][0]["code"] for r in results[1:7]] == ["misread", *["malformed"] * 5]
    assert len({r["verification_id"] for r in results}) == len(items)


def test_a_name_given_twice_in_an_item_spoils_that_item_only(counter, issued):
    token = issued["token"].encode()
    body = b'{"items": [{"qr": "' + token + b'", "qr": "1"}, {"qr": "' + token + b'"}]}'
    results = raw(counter, body, "/v1/verify/batch").json()["results"]
    assert [r["verdict"] for r in results] == ["refused", "accepted"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"items": [', 400),
        (b'{"items": [], "items": []}', 400),
        (b'{"items": [' + b"[" * 5000 + b"]" * 5000 + b"]}", 400),
        (b"{}", 422),
        (b'{"items": {}}', 422),
        (b'{"items": [], "x": 1}', 422),
        (json.dumps({"items": [{"qr": "1"}] * 1001}).encode(), 413),
        (b'{"items": []}' + b" " * (4 << 20), 413),
        (b'{"items": []}', 200),
        (json.dumps({"items": [{"qr": "1"}] * 1000}).encode(), 200),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_batch_as_a_whole(counter, body, status):
    answer = raw(counter, body, "/v1/verify/batch")
    assert answer.status_code == status, answer.text[:300]


def test_without_fresh_status_a_verdict_is_undecided(another):
    counter = another()
    issued = counter.issue()
    assert counter.verify(issued["token"])["verdict"] == "accepted"
    counter.app._stop.set()  # from now on no relay fills the cache or vouches for it
    counter.app.relay.wake()
    for thread in counter.app._threads:
        thread.join(20)
    counter.app.memory.lose()
    answer = counter.verify_now(issued["token"])
    assert answer["verdict"] == "undecided"
    assert [r["code"] for r in answer["reasons"]] == ["status_missing"]
    assert "licence" not in answer
    assert counter.http.get("/readyz").status_code == 503


def test_a_body_of_far_too_many_items_is_refused_before_it_is_read(counter):
    body = b'{"items":[],"items":[' + b",".join([b"[]"] * 1_000_000) + b"]}"
    answer = raw(counter, body, path="/v1/verify/batch")
    assert answer.status_code == 413
    assert "items" in answer.json()["detail"]


def test_a_batch_that_can_not_be_read_is_counted_as_a_request(another):
    made = another(scans_per_minute=2)
    for expected in (400, 400, 429):
        assert raw(made, b"{", path="/v1/verify/batch").status_code == expected
