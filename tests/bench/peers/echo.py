"""The same HTTP server as the data plane's, around nothing: sends back what came. Arguments: PORT."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_HEADERS = [(b"content-type", b"application/json")]


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Send the body back."""
    if scope["type"] != "http":
        return
    body = (await receive())["body"]
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(sys.argv[1]), log_level="error", access_log=False, loop="uvloop", http="httptools", lifespan="off"
    )
