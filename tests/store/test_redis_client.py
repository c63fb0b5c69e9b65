"""Addresses of Redis: which are taken, and that a wrong one is told without its password."""

import pytest
from redis import Redis

from ecert.errors import SettingsFault
from ecert.store.redis_client import connect


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://127.0.0.1:6400/2", {"host": "127.0.0.1", "port": 6400, "db": 2}),
        ("rediss://u:p%40@cache.example:6400", {"host": "cache.example", "username": "u", "password": "p@"}),
        ("unix:///run/a.sock", {"path": "/run/a.sock"}),
    ],
)
def test_one_server(url: str, told: dict[str, object]) -> None:
    client = connect(url)
    assert isinstance(client, Redis)
    options = client.connection_pool.connection_kwargs
    assert told.items() <= options.items()
    assert options["socket_timeout"] == 1


def test_sentinel_asks_every_sentinel_for_the_named_service() -> None:
    client = connect("redis+sentinel://u:s3cret@a.example:1,b.example:2/main/4?tls=1")
    assert isinstance(client, Redis)
    pool = client.connection_pool
    assert pool.service_name == "main"
    places = [s.connection_pool.connection_kwargs for s in pool.sentinel_manager.sentinels]
    assert [(p["host"], p["port"]) for p in places] == [("a.example", 1), ("b.example", 2)]
    assert (pool.connection_kwargs["password"], pool.connection_kwargs["db"]) == ("s3cret", 4)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6379",
        "http://u:s3cret@a.example",
        "redis://u:s3cret@a.example:port",
        "redis+sentinel://u:s3cret@a.example:1",
        "redis+sentinel://u:s3cret@a.example/main",
        "redis+sentinel://u:s3cret@a.example:1/main/zero",
        "redis+cluster://u:s3cret@a.example",
        "redis+sentinel://[u:s3cret/main",
    ],
)
def test_a_wrong_address_is_a_settings_fault_without_its_password(url: str) -> None:
    with pytest.raises(SettingsFault) as caught:
        connect(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
