"""A Redis client from an address: one server, Sentinel or Cluster; short limits, no retries of its own.

Retrying is left to relay and mirror, which know what an unknown outcome means. No password reaches a message.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis import Redis, RedisCluster, Sentinel
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import RedisError
from redis.retry import Retry

from ecert.errors import SettingsFault, Unavailable

__all__ = ["RedisClient", "connect"]

_FORMS = "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
RedisClient = Redis | RedisCluster


def connect(url: str, *, timeout: timedelta = timedelta(seconds=1)) -> RedisClient:
    """Make a client for a Redis-compatible server; nothing is sent yet, except to find a cluster's nodes.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://`` as redis-py reads them;
            ``redis+sentinel://[user:password@]host:port[,host:port…]/service[/db]``;
            ``redis+cluster://[user:password@]host:port[,host:port…]``.
            ``?tls=1`` turns TLS on for the last two.
        timeout: Limit for connecting and for one answer.

    Raises:
        SettingsFault: The address is of none of these forms.
        Unavailable: No node of the cluster answers.
    """
    seconds = timeout.total_seconds()
    options: dict[str, Any] = {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "protocol": 2,
    }
    try:
        parts = urlsplit(url)
        match parts.scheme:
            case "redis" | "rediss" | "unix":
                return Redis.from_url(url, retry=_no_retry(), **options)
            case "redis+sentinel":
                return _through_sentinel(parts, options)
            case "redis+cluster":
                return RedisCluster(startup_nodes=_nodes(parts), **options, **_credentials(parts))
    except RedisError as error:
        raise Unavailable(f"redis cluster: expected a node to answer, got {type(error).__name__}") from error
    except ValueError:
        # The text of a ValueError may repeat the address, and with it a password.
        raise SettingsFault(f"redis url: expected {_FORMS} and valid parts, got an invalid part") from None
    raise SettingsFault(f"redis url: expected {_FORMS}, got scheme {parts.scheme[:20]!r}")


def _no_retry() -> Retry:
    return Retry(NoBackoff(), 0)


def _through_sentinel(parts: SplitResult, options: dict[str, Any]) -> Redis:
    service, _, db = parts.path.lstrip("/").partition("/")
    if not service:
        raise ValueError("no service name")
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [(node.host, node.port) for node in _nodes(parts)],
        sentinel_kwargs={**options, "retry": _no_retry()},
        **options,
        **_credentials(parts),
        retry=_no_retry(),
        db=int(db or 0),
    )
    client: Redis = sentinel.master_for(service)  # type: ignore[no-untyped-call]
    return client


def _nodes(parts: SplitResult) -> list[ClusterNode]:
    nodes = []
    for place in parts.netloc.rpartition("@")[2].split(","):
        host, _, port = place.rpartition(":")
        if not host:
            raise ValueError("expected host:port")
        nodes.append(ClusterNode(host.strip("[]"), int(port)))  # type: ignore[no-untyped-call]
    return nodes


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    found: dict[str, Any] = {}
    if user:
        found["username"] = unquote(user)
    if password:
        found["password"] = unquote(password)
    if parse_qs(parts.query).get("tls") == ["1"]:
        found["ssl"] = True
    return found
