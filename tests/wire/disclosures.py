"""Making SD-JWTs by hand, right and wrong ones, without the code that is tested."""

import base64
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ecert.crypto import PrivateKey
from tests.world import private_key

ISSUER = private_key("disclosures: issuer")
HOLDER = private_key("disclosures: holder")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(text: str) -> str:
    return b64(sha256(text.encode()).digest())


def disclosure(*parts: object) -> str:
    """``[salt, name, value]`` or ``[salt, value]``, with the white space that Python's writer likes."""
    return b64(json.dumps(list(parts), ensure_ascii=False).encode())


def compact(header: Mapping[str, Any], payload: object, key: PrivateKey = ISSUER) -> str:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    signed = f"{b64(json.dumps(dict(header)).encode())}.{b64(text.encode())}"
    return f"{signed}.{b64(key.sign(signed.encode()))}"


def sd_jwt_of(payload: object, *disclosures: str) -> str:
    return "".join(f"{part}~" for part in (compact({"alg": "ES256", "typ": "any"}, payload), *disclosures))


def bound(presented: str, key: PrivateKey = HOLDER, typ: str = "kb+jwt", **changes: object) -> str:
    """Append a key binding JWT; a claim set to None in `changes` is left out."""
    claims = {"iat": 1_750_000_000, "aud": "window", "nonce": "n-1", "sd_hash": digest(presented)} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return presented + compact({"alg": key.alg, "typ": typ}, claims, key)
