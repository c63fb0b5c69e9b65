"""The limit of the HTTP server itself: the smallest ASGI application that reads the body.

`BENCH_ANSWER` names the file with the answer, one that our service gave to the same request.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

_ANSWER = os.environ.get("BENCH_ANSWER")
_BODY = Path(_ANSWER).read_bytes() if _ANSWER else b"{}"
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())],
}
_REST = {"type": "http.response.body", "body": _BODY}

Message = dict[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer every request alike, after having read it whole."""
    if scope["type"] == "lifespan":
        while True:
            phase = (await receive())["type"]
            await send({"type": f"{phase}.complete"})
            if phase == "lifespan.shutdown":
                return
    while (await receive()).get("more_body", False):
        pass
    await send(_START)
    await send(_REST)


if __name__ == "__main__":
    import uvicorn

    from ecert.web.connection import GuardedProtocol

    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http=GuardedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=10,
    )
