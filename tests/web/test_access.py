"""Who may call: keys, roles and limits; and that a wrong key never slows a right one."""

import pytest
from starlette.exceptions import HTTPException

from ecert.services import Actor, Role
from ecert.web.access import RATE_HEADERS, Access, Pace

KEY = "ecert_window_" + "a" * 43


class Keys:
    def authenticate(self, secret):
        if secret == KEY:
            return Actor(client_id="c1", role=Role.WINDOW)
        return Actor(client_id="c2", role=Role.WINDOW) if secret == KEY[::-1] else None


def access(scans=0, writes=0, public=0):
    return Access(
        Keys(), scans=Pace("scans", scans), writes=Pace("requests", writes), public=Pace("anonymous", public)
    )


def scope(*values: bytes, address="192.0.2.1"):
    return {"headers": [(b"authorization", value) for value in values], "client": (address, 1)}


def status_of(call, *arguments, **named):
    with pytest.raises(HTTPException) as fault:
        call(*arguments, **named)
    return fault.value


@pytest.mark.parametrize("value", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER  {KEY} "])
def test_a_key_is_known(value):
    assert access().authenticate(scope(value.encode())).client_id == "c1"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        KEY.encode(),
        f"Basic {KEY}".encode(),
        f"Bearer {KEY}x".encode(),
        b"Bearer " + b"a" * 10_000,
        b"Bearer \xff\xfe",
        f"Token Bearer {KEY}".encode(),
    ],
)
def test_anything_else_is_401(value):
    assert status_of(access().authenticate, scope(value)).status_code == 401


def test_no_key_is_401():
    assert status_of(access().authenticate, scope()).status_code == 401


def test_another_role_is_403():
    assert (
        status_of(
            access().admit, scope(f"Bearer {KEY}".encode()), (Role.OPERATOR,), Pace("scans", 0)
        ).status_code
        == 403
    )


def test_a_client_over_its_limit_is_429_with_the_headers_of_the_draft():
    limited = access(scans=3)
    request = scope(f"Bearer {KEY}".encode())
    for left in (2, 1, 0):
        limited.admit(request, (Role.WINDOW,), limited.scans)
        policy, rate = (value.decode() for _, value in request[RATE_HEADERS])
        assert policy == '"scans";q=3;w=60'
        assert rate.startswith(f'"scans";r={left};t=')
    fault = status_of(limited.admit, request, (Role.WINDOW,), limited.scans)
    assert fault.status_code == 429
    assert 1 <= int(fault.headers["Retry-After"]) <= 60


def test_limits_are_each_clients_own():
    limited = access(scans=1)
    limited.admit(scope(f"Bearer {KEY}".encode()), (Role.WINDOW,), limited.scans)
    limited.admit(scope(f"Bearer {KEY[::-1]}".encode()), (Role.WINDOW,), limited.scans)


def test_items_of_a_batch_are_counted():
    limited = access(scans=10)
    request = scope(f"Bearer {KEY}".encode())
    limited.spend(limited.scans, "c1", request, cost=8)
    assert status_of(limited.spend, limited.scans, "c1", request, cost=3).status_code == 429
    limited.spend(limited.scans, "c1", request, cost=2)


def test_wrong_keys_are_counted_by_address_and_never_slow_a_right_one():
    limited = access(public=2)
    for expected in (401, 401, 429, 429):
        assert status_of(limited.authenticate, scope(b"Bearer no")).status_code == expected
    assert limited.authenticate(scope(f"Bearer {KEY}".encode())).client_id == "c1"
    assert status_of(limited.authenticate, scope(b"Bearer no", address="192.0.2.2")).status_code == 401


def test_zero_is_no_limit_and_leaves_no_header():
    free = access()
    request = scope(f"Bearer {KEY}".encode())
    for _ in range(50):
        free.admit(request, (Role.WINDOW,), free.scans)
    assert RATE_HEADERS not in request


def test_a_401_says_how_to_authenticate(counter):
    answer = counter.http.post("/v1/verify", json={"qr": "1"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="ecert"'
    assert answer.json()["type"] == "urn:ecert:problem:no_client_key"


def test_a_withdrawn_key_stops_working(counter):
    client, key = counter.app.clients.create("窗口 9", Role.WINDOW)
    header = {"Authorization": f"Bearer {key}"}
    assert counter.http.post("/v1/verify", json={"qr": "1"}, headers=header).status_code == 200
    counter.app.clients.withdraw(client)
    assert counter.http.post("/v1/verify", json={"qr": "1"}, headers=header).status_code == 401


def test_a_limited_client_gets_429_and_others_do_not(another):
    counter = another(scans_per_minute=5, writes_per_minute=2)
    window = counter.auth("window")
    answers = [counter.http.post("/v1/verify", json={"qr": "1"}, headers=window) for _ in range(7)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
    assert answers[0].headers["ratelimit-policy"] == '"scans";q=5;w=60'
    assert answers[6].headers["ratelimit"].startswith('"scans";r=0;t=')
    assert answers[6].json()["type"] == "urn:ecert:problem:too_fast"
    assert int(answers[6].headers["retry-after"]) >= 1
    assert (
        counter.http.post("/v1/verify", json={"qr": "1"}, headers=counter.auth("operator")).status_code == 200
    )
    many = {"items": [{"qr": "1"}] * 6}
    assert (
        counter.http.post("/v1/verify/batch", json=many, headers=counter.auth("department")).status_code
        == 429
    )
    written = [
        counter.http.post("/v1/licences", json={}, headers=counter.auth("department")).status_code
        for _ in range(3)
    ]
    assert written == [422, 422, 429]


def test_what_anybody_may_fetch_is_limited_by_address(another):
    counter = another(public_per_minute=2)
    assert [counter.http.get("/").status_code for _ in range(3)] == [200, 200, 429]
    assert counter.http.get("/healthz").status_code == 200
