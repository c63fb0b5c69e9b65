"""Tokens no writer of ours would make, in any header, payload, signature, serialization; and the verdicts."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest

from ecert.crypto import PrivateKey
from ecert.verify import Refused, Verdict
from tests.world import World, codes, private_key

__all__ = [
    "HEADER_TEXT",
    "KEY",
    "ORDER",
    "PAYLOAD_TEXT",
    "b64",
    "cases",
    "compact",
    "flattened",
    "forge",
    "header_of",
    "hs256",
    "judged",
    "malleated",
    "raw",
    "refused",
]

KEY = private_key("housing licence")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(data: bytes | str) -> str:
    text = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def raw(value: Any) -> str:
    """JSON as Python writes it: NaN, escapes and all."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def compact(header: Any, payload: Any, signature: bytes | str) -> str:
    """Three segments and the ~ of a licence; header and payload may be JSON text or values."""
    return f"{b64(raw(header))}.{b64(raw(payload))}.{b64(signature)}~"


def forge(header: Any = None, payload: Any = None, *, key: PrivateKey = KEY, **members: Any) -> str:
    """A licence with a good signature of the real key over whatever is given; `members` join the header."""
    head = raw(header_of(**members) if header is None else header)
    body = raw(World().claims() if payload is None else payload)
    signed = f"{b64(head)}.{b64(body)}"
    return f"{signed}.{b64(key.sign(signed.encode()))}~"


def header_of(**members: Any) -> dict[str, Any]:
    """A good header with members replaced; None takes one out."""
    made = {"alg": "ES256", "kid": KEY.kid, "typ": "dc+sd-jwt"} | members
    return {name: value for name, value in made.items() if value is not None}


def hs256(secret: bytes, **members: Any) -> str:
    """A licence signed with HMAC."""
    signed = f"{b64(raw(header_of(alg='HS256', **members)))}.{b64(raw(World().claims()))}"
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}~"


def malleated(token: str) -> str:
    """The same ES256 token with (r, n - s) instead of (r, s): valid too, as the standard has it."""
    head, payload, rest = token.split(".", 2)
    signature, tail = rest.split("~", 1)
    rs = base64.urlsafe_b64decode(signature + "==")
    other = rs[:32] + (ORDER - int.from_bytes(rs[32:])).to_bytes(32)
    return f"{head}.{payload}.{b64(other)}~{tail}"


def flattened(token: str) -> Mapping[str, str]:
    """The same token in JSON serialization."""
    head, payload, rest = token.split(".", 2)
    return {"protected": head, "payload": payload, "signature": rest.split("~")[0]}


HEADER_TEXT = raw(header_of())
PAYLOAD_TEXT = raw(World().claims())


def judged(evidence: Any, world: World | None = None) -> Verdict:
    world = world or World()
    verdict = world.verify(evidence)
    for finding in getattr(verdict, "findings", ()):
        assert str(evidence)[:24] not in finding.detail
    return verdict


def refused(evidence: Any, world: World | None = None) -> list[str]:
    verdict = judged(evidence, world)
    assert isinstance(verdict, Refused)
    return codes(verdict)


def cases(**named: Any) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(value, id=name) for name, value in named.items()])
