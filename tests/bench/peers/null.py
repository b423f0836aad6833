"""A server that answers at once, with `{}` or with what it was given: the speed of the client alone.

    python -m tests.bench.peers.null PORT [CANNED.json]

CANNED maps `METHOD path` (or `METHOD path page_token`) to a file that holds the answer's body.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

import uvloop

Canned = dict[str, bytes]


class Null(asyncio.Protocol):
    """One connection."""

    def __init__(self, canned: Canned) -> None:
        self._canned = canned
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            head = self._pending[:end]
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._pending) < end + 4 + length:
                return
            self._pending = self._pending[end + 4 + length :]
            self._answer(head.split(b"\r\n", 1)[0].decode())

    def _answer(self, request: str) -> None:
        assert self._transport is not None
        body = self._body(request) if self._canned else b"{}"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)

    def _body(self, request: str) -> bytes:
        method, target, _ = request.split(" ")
        parts = urlsplit(target)
        token = parse_qs(parts.query).get("page_token", [""])[0]
        key = f"{method} {parts.path}"
        return self._canned.get(f"{key} {token}") or self._canned.get(key) or b"{}"


async def serve(port: int, canned: Canned) -> None:
    """Answer until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Null(canned), "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the arguments and serve."""
    canned: Canned = {}
    if len(sys.argv) > 2:
        told = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
        canned = {key: Path(file).read_bytes() for key, file in told.items()}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), canned))


if __name__ == "__main__":
    main()
