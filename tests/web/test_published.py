"""Signed lists for everybody: cacheable, checkable with the root key alone, and true to the registry."""

import pytest

from ecert.crypto import PublicKey
from ecert.verify import check_status_token
from ecert.wire import json
from tests.web.counter import BASE_URL, DISTRICT

ROOT = "11100000MB9991000K"


def test_a_status_list_is_signed_and_says_what_the_registry_says(counter):
    issued, revoked = counter.issue(), counter.issue()
    change = {"operation": "revoke", "reason": "测试"}
    counter.http.post(f"/v1/licences/{revoked['id']}/status", json=change, headers=counter.auth("department"))
    path = f"/status-lists/{issued['status_list']}"
    answer = counter.http.get(path)
    assert answer.headers["content-type"] == "application/statuslist+jwt"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=300"
    app = counter.app
    token = check_status_token(answer.content, BASE_URL + path, app.trust.table, app.clock())
    assert token.issuer == f"uscc:{DISTRICT}"
    assert token.statuses.get(issued["status_index"]) == 0
    assert token.statuses.get(revoked["status_index"]) == 1
    unused = next(i for i in range(token.statuses.size) if token.statuses.get(i) == 3)
    assert unused not in (issued["status_index"], revoked["status_index"])


def test_an_unchanged_list_is_304_and_a_changed_one_is_not(counter):
    issued = counter.issue()
    path = f"/status-lists/{issued['status_list']}"
    first = counter.http.get(path)
    for known in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = counter.http.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert counter.http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    counter.issue()
    assert counter.http.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_a_trust_list_is_the_signed_one(counter):
    answer = counter.http.get(f"/trust-lists/{ROOT}")
    assert answer.headers["content-type"] == "application/trustlist+jwt"
    assert answer.text == counter.app.trust_lists.current(ROOT).token
    assert (
        counter.http.get(
            f"/trust-lists/{ROOT}", headers={"If-None-Match": answer.headers["etag"]}
        ).status_code
        == 304
    )


def test_the_root_key_file_is_public_only(counter):
    jwk = json.loads(counter.app.settings.root_file.read_bytes())
    assert "d" not in jwk
    PublicKey.from_jwk(jwk)


@pytest.mark.parametrize(
    "path",
    [
        "/status-lists/x",
        f"/status-lists/{DISTRICT}.9",
        "/trust-lists/x",
        "/status-lists/%00",
    ],
)
def test_an_unknown_list_is_404(counter, path):
    answer = counter.http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_only_the_published_lists_may_be_read_by_other_origins(counter):
    for path in ("/", "/healthz", "/openapi.json"):
        assert (
            "access-control-allow-origin"
            not in counter.http.get(path, headers={"Origin": "https://x.example"}).headers
        )
