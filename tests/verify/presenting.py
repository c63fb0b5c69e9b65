"""The holder's side: a licence with a holder's key, presented with a proof (key binding) of any shape."""

from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from ecert.crypto import PrivateKey
from ecert.verify import Binding, Policy
from ecert.wire import b64, json, jws
from tests.world import NOW, World, private_key

__all__ = ["ASKING", "AUDIENCE", "NONCE", "bound_licence", "prove"]

HOLDER: Final = private_key("holder")
AUDIENCE: Final = "https://window.example"
NONCE: Final = "n-0S6_WzA2Mj"
ASKING: Final = Policy.window(binding=Binding(audience=AUDIENCE, nonce=NONCE, max_age=timedelta(seconds=60)))


def bound_licence(world: World, **changes: Any) -> str:
    """A licence that names the holder's key, its holder's name and code disclosable."""
    return world.issue(
        cnf={"jwk": HOLDER.public.to_jwk()}, disclosable=frozenset({"CZZT", "CZZTDM"}), **changes
    )


def prove(
    presented: str, *, key: PrivateKey = HOLDER, typ: str = "kb+jwt", over: str | None = None, **claims: Any
) -> str:
    """Put a proof behind a presentation; `claims` replace its claims, `over` is what its sd_hash covers."""
    digest = b64.encode(sha256((over or presented).encode("ascii")).digest())
    payload = {"iat": int(NOW.timestamp()), "aud": AUDIENCE, "nonce": NONCE, "sd_hash": digest} | claims
    return presented + jws.sign_compact({"typ": typ}, json.dumps(payload), key)
