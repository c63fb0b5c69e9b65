"""Fetching published status lists and trust lists over HTTP(S), within limits that the other side can't move.

- Only hosts that were named beforehand; https only, save for hosts named as inner ones.
- The address that was checked is the address that is connected to: no loopback, private, link-local or other
  special address unless the host is an inner one, whatever its name resolves to, redirects included.
- At most `max_redirects` redirects, to the same host and port, never from https to http.
- One deadline for everything (only the system's own name look-up can't be cut short), however slowly bytes
  trickle; a cap on bytes; the content type asked for, uncompressed. No cookies, no proxies, no credentials.
- A time to live that was announced is only believed between `min_ttl` and `max_ttl`.

Doesn't check what was fetched: signature, subject and times are the reader's business.

Sources: Token Status List sections 8.1, 11.4 and 11.5; RFC 9110 section 13 (ETag).
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from ecert.errors import Malformed, TooLarge, Unavailable

__all__ = ["FetchRules", "Fetched", "fetch"]

_REDIRECTS = {301, 302, 303, 307, 308}
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age=([0-9]{1,10})\s*(?:,|$)", re.ASCII | re.IGNORECASE)
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,128}"', re.ASCII)
_PIECE = 1 << 16

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRules:
    """What may be fetched, and within which limits.

    Args:
        hosts: Hosts (lower case, no port) that may be asked.
        inner_hosts: Hosts that may be asked, also by plain http and at loopback or private addresses.
        content_types: What the answer may call itself.
        max_bytes: Of one body.
        deadline: For the whole fetch, redirects included.
        max_redirects: 0 to 3.
        min_ttl: A shorter time to live is taken for this one.
        max_ttl: A longer one for this; also the one that is assumed when none is announced: `min_ttl`.
    """

    hosts: frozenset[str] = frozenset()
    inner_hosts: frozenset[str] = frozenset()
    content_types: frozenset[str] = frozenset({"application/statuslist+jwt"})
    max_bytes: int = 1 << 20
    deadline: timedelta = timedelta(seconds=5)
    max_redirects: int = 3
    min_ttl: timedelta = timedelta(seconds=5)
    max_ttl: timedelta = timedelta(hours=1)

    def clamp(self, ttl: timedelta | None) -> timedelta:
        """Bring an announced time to live within bounds; none announced is the shortest."""
        return self.min_ttl if ttl is None else min(max(ttl, self.min_ttl), self.max_ttl)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came. `body` is None when the other side says that what has `etag` is still current."""

    body: bytes | None
    etag: str | None
    fresh_for: timedelta


def fetch(
    url: str,
    *,
    rules: FetchRules,
    etag: str | None = None,
    resolve: Resolve | None = None,
    steady: Callable[[], float] = time.monotonic,
) -> Fetched:
    """Fetch one published list.

    Args:
        url: Where. Untrusted: it may come from a token.
        rules: The limits.
        etag: Of what is at hand already.
        resolve: Name and port to addresses; the system's by default.
        steady: A clock in seconds that nobody sets.

    Raises:
        Malformed: The address is not allowed, or the answer is not what was asked for.
        TooLarge: The body is over `rules.max_bytes`.
        Unavailable: No answer in time, or an answer that is none.
    """
    until = steady() + rules.deadline.total_seconds()
    target = _allowed(url, rules)
    for _ in range(min(rules.max_redirects, 3) + 1):
        found = _ask(target, rules, etag, resolve or _addresses, lambda: until - steady())
        if isinstance(found, Fetched):
            return found
        following = _allowed(found, rules)
        if _place(following) != _place(target) and not _upgrades(target, following):
            raise Malformed("fetch: expected a redirect within the same host, got one to another place")
        target = following
    raise Unavailable(f"fetch: expected at most {rules.max_redirects} redirects, got more")


def _allowed(url: str, rules: FetchRules) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Malformed("fetch: expected a web address, got something else") from None
    host = parts.hostname or ""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or port == 0:
        raise Malformed("fetch: expected a web address in plain ASCII, got other characters")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Malformed("fetch: expected an address without user and fragment, got one with")
    if parts.scheme not in ("http", "https") or (parts.scheme == "http" and host not in rules.inner_hosts):
        raise Malformed("fetch: expected https, got another scheme")
    if host not in rules.hosts and host not in rules.inner_hosts:
        raise Malformed("fetch: expected a host that is allowed, got another")
    return parts


def _place(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _upgrades(target: SplitResult, following: SplitResult) -> bool:
    before, after = _place(target), _place(following)
    return (before[0], before[2], after[0], after[2]) == ("http", 80, "https", 443) and before[1] == after[1]


def _addresses(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _address(parts: SplitResult, rules: FetchRules, resolve: Resolve) -> tuple[str, int]:
    _, host, port = _place(parts)
    try:
        addresses = resolve(host, port)
    except OSError:
        addresses = []
    if not addresses:
        raise Unavailable("fetch: expected the host to have an address, got none")
    # All of them, not one: a name with one good and one inner address is a trap.
    if host not in rules.inner_hosts and not all(map(_is_public, addresses)):
        raise Malformed("fetch: expected a public address, got a special one")
    return addresses[0], port


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            address = inner
    # Reserved also covers IPv4 addresses wrapped in IPv6 ones for translators.
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _ask(
    parts: SplitResult, rules: FetchRules, etag: str | None, resolve: Resolve, left: Callable[[], float]
) -> Fetched | str:
    """Ask once; a text is where we are sent to."""
    _, host, port = _place(parts)
    connection = http.client.HTTPConnection(host, port)
    headers = {
        "Accept": ", ".join(sorted(rules.content_types)),
        "Accept-Encoding": "identity",
        "User-Agent": "ecert",
        "Connection": "close",
    }
    if etag is not None and _ETAG.fullmatch(etag):
        headers["If-None-Match"] = etag
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain: socket.socket | None = None
    try:
        plain = _connect(parts, _address(parts, rules, resolve), left)
        connection.sock = _LimitedSocket(plain, left)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        if answer.status in _REDIRECTS:
            return urljoin(parts.geturl(), answer.getheader("Location") or "")
        return _read(answer, rules, etag)
    except ssl.SSLError as error:
        raise Unavailable("fetch: expected a TLS connection, got a failed one") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"fetch: expected an answer in time, got {type(error).__name__}") from error
    finally:
        if plain is not None:
            plain.close()


def _connect(parts: SplitResult, address: tuple[str, int], left: Callable[[], float]) -> socket.socket:
    plain = socket.create_connection(address, timeout=_some(left()))
    if parts.scheme == "http":
        return plain
    try:
        plain.settimeout(_some(left()))
        return ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname)
    except BaseException:
        plain.close()
        raise


def _read(answer: http.client.HTTPResponse, rules: FetchRules, etag: str | None) -> Fetched:
    announced = _MAX_AGE.search(answer.getheader("Cache-Control") or "")
    fresh_for = rules.clamp(timedelta(seconds=int(announced[1])) if announced else None)
    found = answer.getheader("ETag") or ""
    new_etag = found if _ETAG.fullmatch(found) else None
    if answer.status == 304 and etag is not None:
        return Fetched(body=None, etag=new_etag or etag, fresh_for=fresh_for)
    if answer.status != 200:
        raise Unavailable(f"fetch: expected status 200, got {answer.status}")
    kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind not in rules.content_types:
        raise Malformed("fetch: expected the content type that was asked for, got another")
    if (answer.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise Malformed("fetch: expected an uncompressed answer, got a compressed one")
    if answer.length is not None and answer.length > rules.max_bytes:
        raise TooLarge(f"fetch: expected at most {rules.max_bytes} bytes, got more")
    body = bytearray()
    while piece := answer.read1(min(_PIECE, rules.max_bytes + 1 - len(body))):
        body += piece
        if len(body) > rules.max_bytes:
            raise TooLarge(f"fetch: expected at most {rules.max_bytes} bytes, got more")
    if answer.length:
        raise Unavailable("fetch: expected the whole body, got a part")
    return Fetched(body=bytes(body), etag=new_etag, fresh_for=fresh_for)


def _some(left: float) -> float:
    if left <= 0:
        raise TimeoutError("deadline")
    return left


class _LimitedSocket:
    """What `http.client` needs of a socket, with one deadline over all its reads and writes.

    Closing does nothing: `http.client` closes its socket before it has read the body. `_ask` ends the real
    one.
    """

    def __init__(self, plain: socket.socket, left: Callable[[], float]) -> None:
        self._plain = plain
        self._left = left

    def sendall(self, data: bytes) -> None:
        self._plain.settimeout(_some(self._left()))
        self._plain.sendall(data)

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        if mode != "rb":
            raise ValueError("expected to be read only")
        return io.BufferedReader(_LimitedReader(self._plain, self._left))

    def close(self) -> None:
        pass


class _LimitedReader(io.RawIOBase):
    def __init__(self, plain: socket.socket, left: Callable[[], float]) -> None:
        self._plain = plain
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plain.settimeout(_some(self._left()))
        return self._plain.recv_into(buffer)
