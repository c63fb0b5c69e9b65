"""ATTACKS rows 35 and 56 on the wired service: what the real key signed and nobody recorded is refused."""

import pytest

from ecert.wire import json, jws, sd_jwt
from tests.web.counter import DISTRICT, counter_at, founded, settings_of


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    made = counter_at(founded(settings_of(tmp_path_factory.mktemp("home"))))
    with made.http:
        made.await_ready()
        yield made


def resigned(counter, token: str, **changes) -> str:
    """The licence of a token with other claims, by the department's key that an insider has."""
    key = counter.app.key_files.key_for(DISTRICT, "licence", at=counter.app.clock())
    payload = json.loads(jws.read_compact(sd_jwt.split(token).jwt).payload) | changes
    return f"{jws.sign_compact({'typ': 'dc+sd-jwt'}, json.dumps(payload), key)}~"


def test_row_56_a_living_licence_s_entry_and_name_serve_no_other_content(counter):
    token = counter.issue()["token"]
    assert counter.verify(token)["verdict"] == "accepted"
    forged = counter.verify(resigned(counter, token, CZZT="另一示例"))
    assert forged["verdict"] == "refused"
    assert [reason["code"] for reason in forged["reasons"]] == ["not_issued"]
    assert counter.app.check_once(resigned(counter, token, CZZT="另一示例")).outcome == "refused"


def test_row_35_a_revoked_licence_does_not_live_on_at_another_entry(counter):
    dead, living = counter.issue(), counter.issue()
    change = {"operation": "revoke", "reason": "test"}
    path = f"/v1/licences/{dead['id']}/status"
    assert counter.http.post(path, json=change, headers=counter.auth("department")).status_code == 200
    entry = json.loads(jws.read_compact(sd_jwt.split(living["token"]).jwt).payload)["status"]
    assert counter.verify(resigned(counter, dead["token"], status=entry))["verdict"] == "refused"
    assert counter.verify(living["token"])["verdict"] == "accepted"


def test_row_56_what_was_confirmed_once_needs_no_sql_again_and_nothing_else_is_confirmed_by_it(counter):
    token = counter.issue()["token"]
    assert not counter.app.checking.in_memory(token)
    assert counter.verify(token)["verdict"] == "accepted"
    assert counter.app.checking.in_memory(token)
    assert not counter.app.checking.in_memory(resigned(counter, token, CZZT="另一示例"))
