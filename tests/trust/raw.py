"""Trust lists with anything in them, signed with real keys: what `sign_list` would refuse to make."""

from collections.abc import Mapping
from typing import Any

from ecert.crypto import PrivateKey
from ecert.trust import Authority, sign_list
from ecert.wire import json, jws
from tests.world import DAY, IDS, NOW, ROOT_ID, private_key

__all__ = ["entry", "raw_list"]


def entry(authority: Authority, **changes: Any) -> dict[str, Any]:
    """One authority as its JSON object in a list; `changes` replace members."""
    token = sign_list(
        [authority], signer_id=ROOT_ID, seq=1, issued_at=NOW, expires_at=NOW + DAY, key=private_key("scratch")
    )
    claims: Any = json.loads(jws.read_compact(token).payload)
    written: dict[str, Any] = claims["authorities"][0]
    return written | changes


def raw_list(
    signer: str,
    entries: list[Any],
    *,
    key: PrivateKey | None = None,
    header: Mapping[str, Any] | None = None,
    **claims: Any,
) -> bytes:
    """A list of `signer` ("root", a short name, a USCC) with these entries; a None claim is left out."""
    payload = {
        "iss": f"uscc:{ROOT_ID if signer == 'root' else IDS.get(signer, signer)}",
        "seq": 1,
        "iat": int((NOW - DAY).timestamp()),
        "exp": int((NOW + 30 * DAY).timestamp()),
        "authorities": entries,
    } | claims
    text = json.dumps({name: value for name, value in payload.items() if value is not None})
    return jws.sign_compact(
        {"typ": "trustlist+jwt"} | dict(header or {}), text, key or private_key(f"{signer} trust")
    ).encode("ascii")
