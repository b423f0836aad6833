"""Files over HTTP, in and out, with flat memory: hashed on the way, in large pieces, off the event loop."""

from __future__ import annotations

import asyncio
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import Response

from engine.artifacts.store import CHUNK_BYTES, Incoming

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from hashlib import _Hash as Hash
    from typing import BinaryIO

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from engine.artifacts.model import Artifact, Blob
    from engine.artifacts.store import ArtifactStore
    from engine.server.intake import Intake

SEND_BYTES = 1 << 18
"""Bytes read and sent at a time: two such pieces are held for a client that reads slowly."""

_WHOLE = 200
_PARTIAL = 206
_NOT_MODIFIED = 304
_UNSATISFIABLE = 416
_WITHOUT_BYTES = (_NOT_MODIFIED, _UNSATISFIABLE)

_ODD = re.compile(r"[^\w. -]", re.ASCII)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)

# Only what no browser runs when it is opened; everything else is bytes. It is sent as an attachment all the same.
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "log": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
    "png": "image/png",
    "py": "text/plain; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "webp": "image/webp",
    "yaml": "text/plain; charset=utf-8",
    "yml": "text/plain; charset=utf-8",
}


async def received(store: ArtifactStore, request: Request, keep: Callable[[Incoming], Blob] = Incoming.keep) -> Blob:
    """Store the body of a request; what ends early leaves nothing behind.

    Args:
        store: Where to.
        request: The request; nothing of its body has been read.
        keep: Keeps it once it is whole.

    Returns:
        The digest and size, durable.

    Raises:
        ClientDisconnect: the client went away.
        WorkspaceFull: no space is left.
        WorkspaceReadOnly: the file system does not let us write.
        WorkspaceError: the disk failed.
        QuarterdeckError: as `keep` says.
    """
    offered = request.scope.get("intake")
    intake: Intake | None = offered(request.scope) if offered else None
    if intake is None:
        return await _received_in_pieces(store, request.stream(), keep)
    try:
        incoming = await asyncio.to_thread(store.incoming)
        try:
            await asyncio.gather(_each_piece(intake, 0, incoming.append), _each_piece(intake, 1, incoming.count))
            return await asyncio.to_thread(keep, incoming)
        finally:
            await asyncio.to_thread(incoming.discard)
    finally:
        intake.drop()


async def _each_piece(intake: Intake, taker: int, use: Callable[[memoryview], None]) -> None:
    while await intake.more(taker):
        await asyncio.to_thread(_use_pieces, intake, taker, use)


def _use_pieces(intake: Intake, taker: int, use: Callable[[memoryview], None]) -> None:
    """Use what has come, and what comes meanwhile."""
    while (piece := intake.take(taker)) is not None:
        use(piece)
        intake.give_back(taker)


async def _received_in_pieces(
    store: ArtifactStore, pieces: AsyncIterator[bytes], keep: Callable[[Incoming], Blob]
) -> Blob:
    incoming: Incoming | None = None
    writing: asyncio.Task[None] | None = None
    try:
        waiting: list[bytes] = []
        size = 0
        async for piece in pieces:
            waiting.append(piece)
            size += len(piece)
            if size < CHUNK_BYTES:
                continue
            if incoming is None:
                incoming = await asyncio.to_thread(store.incoming)
            if writing is not None:
                await writing
            writing = asyncio.create_task(asyncio.to_thread(incoming.write, b"".join(waiting)))
            waiting, size = [], 0  # more comes in while that is hashed and written
        if incoming is None or writing is None:
            return await asyncio.to_thread(_kept_short, store, b"".join(waiting), keep)
        await writing
        return await asyncio.to_thread(_kept, incoming, b"".join(waiting), keep)
    finally:
        if writing is not None:
            writing.add_done_callback(_looked_at)
        if incoming is not None:
            await asyncio.to_thread(incoming.discard)


def _kept(incoming: Incoming, rest: bytes, keep: Callable[[Incoming], Blob]) -> Blob:
    incoming.write(rest)
    return keep(incoming)


def _kept_short(store: ArtifactStore, body: bytes, keep: Callable[[Incoming], Blob]) -> Blob:
    with store.incoming() as incoming:
        return _kept(incoming, body, keep)


def _looked_at(task: asyncio.Task[Any]) -> None:
    """The file has ended for another reason already; what came of this piece needs no line in the log."""
    _ = task.cancelled() or task.exception()


class FileAnswer(Response):
    """One file as the answer to a request: whole, a range of it, or only that it has not changed.

    A whole file is compared with its digest while it is sent, and its last piece is held back until it agrees; a
    range is compared once, before it is sent. A file that this process has compared and nobody has touched since is
    not compared again.

    Args:
        store: Where the bytes are.
        file: The file.
        headers: The request's headers: `Range`, `If-Range` and `If-None-Match` are honoured.
        method: The request's method; `HEAD` sends no bytes.
    """

    def __init__(self, store: ArtifactStore, file: Artifact, headers: Mapping[str, str], method: str) -> None:
        self._store = store
        self._file = file
        self._stream: BinaryIO | None = None
        etag = f'"{file.digest}"'
        self._span, status = _asked(headers, etag, file.size_bytes)
        super().__init__(None, status, self._described(etag, status))
        if status in _WITHOUT_BYTES or method == "HEAD":
            self._span = range(0)

    def _described(self, etag: str, status: int) -> dict[str, str]:
        size = self._file.size_bytes
        name = self._file.path.rpartition("/")[2]
        plain = _ODD.sub("_", name)
        headers = {
            "content-type": _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream"),
            "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
            "cache-control": "private, no-cache",
            "accept-ranges": "bytes",
            "etag": etag,
        }
        if status == _PARTIAL:
            headers["content-range"] = f"bytes {self._span.start}-{self._span.stop - 1}/{size}"
        elif status == _UNSATISFIABLE:
            headers["content-range"] = f"bytes */{size}"
        if status != _NOT_MODIFIED:
            headers["content-length"] = str(len(self._span))
        return headers

    async def opened(self) -> FileAnswer:
        """Find out, before the first byte is sent, that the file is there, and that a range or a short file is sound.

        Returns:
            This answer.

        Raises:
            IntegrityError: the bytes are missing or have changed.
        """
        if self._span:
            opening = self._store.open_unchecked if self._is_long else self._store.open_sound
            self._stream = await asyncio.to_thread(opening, self._file.digest)
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 the ASGI signature
        """Send it; a file that turns out to have changed ends early, which every client takes for an error."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if self._stream is None:
            await send({"type": "http.response.body", "body": b""})
            return
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await self._send_bytes(self._stream, send, gone)
        finally:
            gone.cancel()
            self._stream.close()

    @property
    def _is_long(self) -> bool:
        """Whether it is a whole file of many pieces: then it is compared while it is sent."""
        return len(self._span) == self._file.size_bytes > CHUNK_BYTES

    async def _send_bytes(self, stream: BinaryIO, send: Send, gone: asyncio.Task[None]) -> None:
        known = not self._is_long or self._store.is_known_sound(self._file.digest, stream)
        hashed = None if known else sha256()
        stream.seek(self._span.start)
        left = len(self._span)
        reading = asyncio.create_task(asyncio.to_thread(_read, stream, min(SEND_BYTES, left), hashed))
        try:
            while left and not gone.done():
                piece = await reading
                left -= len(piece)
                if left and piece:
                    reading = asyncio.create_task(asyncio.to_thread(_read, stream, min(SEND_BYTES, left), hashed))
                elif left or (hashed is not None and hashed.hexdigest() != self._file.digest):
                    return  # cut short, or changed, since it was stored
                elif hashed is not None:
                    self._store.remember_sound(self._file.digest, stream)
                await send({"type": "http.response.body", "body": piece, "more_body": bool(left)})
        finally:
            reading.add_done_callback(_looked_at)


def _read(stream: BinaryIO, size: int, hashed: Hash | None) -> bytes:
    piece = stream.read(size)
    if hashed is not None:
        hashed.update(piece)
    return piece


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _asked(headers: Mapping[str, str], etag: str, size: int) -> tuple[range, int]:
    """Which bytes are asked for, and the status that says so."""
    known = headers.get("if-none-match", "")
    if known.strip() == "*" or etag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return range(0), _NOT_MODIFIED
    found = _RANGE.fullmatch(headers.get("range", "").strip())
    if found is None or found.groups() == ("", "") or headers.get("if-range", etag).strip() != etag:
        return range(size), _WHOLE
    first, last = found.groups()
    if first == "":
        span = range(max(size - int(last), 0), size)
    elif last and int(last) < int(first):
        return range(size), _WHOLE
    else:
        span = range(int(first), min(int(last or size) + 1, size))
    return (span, _PARTIAL) if span else (range(0), _UNSATISFIABLE)
