"""The plain service a user would write: FastAPI, PyJWT, redis.asyncio.

Keys are parsed once, the Redis pool is shared, models are pydantic's, uvicorn runs uvloop and httptools.
`BENCH_WORLD` names a JSON file: `{"redis": url, "clients": [secrets], "keys": {kid: jwk}}`.
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from redis.asyncio import Redis

WORLD = json.loads(Path(os.environ["BENCH_WORLD"]).read_text(encoding="utf-8"))
KEYS = {kid: jwt.PyJWK.from_dict(jwk) for kid, jwk in WORLD["keys"].items()}
CLIENTS = {hashlib.sha256(secret.encode()).digest() for secret in WORLD["clients"]}
CACHE = Redis.from_url(WORLD["redis"])
ALGORITHMS = ["ES256", "EdDSA"]


class Scan(BaseModel):
    """What a window sends."""

    qr: str = Field(max_length=16384)


class Verdict(BaseModel):
    """What it gets back."""

    verdict: str
    reason: str | None = None
    licence: dict[str, Any] | None = None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the pool at the end."""
    yield
    await CACHE.aclose()


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


async def client(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> None:
    """Let known clients in."""
    if hashlib.sha256(credentials.credentials.encode()).digest() not in CLIENTS:
        raise HTTPException(403)


@app.post("/v1/verify", dependencies=[Depends(client)])
async def verify(scan: Scan) -> Verdict:
    """Check the signature and the time, then ask Redis whether it was revoked."""
    token = scan.qr.partition("~")[0]
    try:
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=ALGORITHMS, options={"require": ["iss", "jti", "nbf"]})
    except (jwt.InvalidTokenError, KeyError):
        return Verdict(verdict="refused", reason="invalid")
    status = claims["status"]["status_list"]
    if await CACHE.getbit(f"revoked:{status['uri']}", status["idx"]):
        return Verdict(verdict="refused", reason="revoked")
    return Verdict(verdict="accepted", licence=claims)
