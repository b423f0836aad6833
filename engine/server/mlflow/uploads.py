"""Uploads in parts: large files that clients send in pieces, several at once, and again when one fails."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from engine.artifacts.model import Artifact, safe_path
from engine.artifacts.roots import resolve_root
from engine.artifacts.uploads import MAX_PARTS
from engine.core.access import Role
from engine.core.errors import InvalidInput, NotFound
from engine.server.answers import JsonAnswer
from engine.server.downloads import received
from engine.server.mlflow.artifacts import files_of
from engine.server.mlflow.decoding import Shape, needed
from engine.server.routes import Body, Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call

_UPLOADS = "/api/2.0/mlflow-artifacts/mpu"
_EMPTY = b"{}"
_MOST_DIGITS = 5


class Begin(msgspec.Struct):
    """What beginning takes; `path` is the client's own path of the file, of which the name counts."""

    path: str | None = None
    num_parts: int = 1


class Part(msgspec.Struct):
    """A part that has come."""

    part_number: int
    etag: str = ""


class End(msgspec.Struct):
    """What completing and aborting take."""

    path: str | None = None
    upload_id: str | None = None
    parts: list[Part] | None = None


_BEGIN, _END = Shape(Begin), Shape(End)


async def begin(call: Call) -> Response:
    """Begin an upload; the answer says where each part goes."""
    given = await _BEGIN.body(call)
    if not 1 <= given.num_parts <= MAX_PARTS:
        raise InvalidInput(f"Invalid value {given.num_parts} for parameter 'num_parts': it is from 1 to {MAX_PARTS}.")
    path = _target(call, given.path)
    root = resolve_root(path)
    files = files_of(call.engine, root)
    await call.read(lambda: files.may_keep(root.owner_id, root.path))
    upload = await call.act(lambda: call.engine.uploads.create(path))
    token = call.request.headers.get("authorization")
    headers = {"Authorization": token} if token else {}  # parts are sent with these headers and no others
    base = f"{call.request.url.scheme}://{call.request.url.netloc}{_UPLOADS}/part/{upload.upload_id}"
    credentials = [
        {"url": f"{base}/{number}", "part_number": number, "headers": headers}
        for number in range(1, given.num_parts + 1)
    ]
    return JsonAnswer({"upload_id": upload.upload_id, "credentials": credentials})


async def put_part(call: Call) -> Response:
    """Keep one part; its `ETag` names it when the upload is completed."""
    upload_id = call.path["upload_id"]
    digits = call.path["number"]
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else 0
    uploads = call.engine.uploads
    await call.read(lambda: uploads.check_part(upload_id, number))
    blob = await received(
        call.engine.artifacts, call.request, lambda incoming: uploads.keep_part(upload_id, number, incoming)
    )
    answer = JsonAnswer(_EMPTY)
    answer.headers["etag"] = f'"{blob.digest}"'
    return answer


async def complete(call: Call) -> Response:
    """Make one file of the parts."""
    given = await _END.body(call)
    upload_id = needed(given.upload_id, "upload_id")
    path = _target(call, given.path)
    root = resolve_root(path)
    files = files_of(call.engine, root)
    parts = [(part.part_number, part.etag) for part in given.parts or ()]
    blob = await call.act(lambda: call.engine.uploads.join(upload_id, path, parts))
    file = Artifact(root.path, blob.digest, blob.size_bytes)
    await call.write(lambda: files.attach(root.owner_id, [file]))
    await call.act(lambda: call.engine.uploads.close(upload_id))
    return JsonAnswer(_EMPTY)


async def abort(call: Call) -> Response:
    """Give an upload up; one that is not there is given up already."""
    upload_id = needed((await _END.body(call)).upload_id, "upload_id")
    with suppress(NotFound):
        await call.act(lambda: call.engine.uploads.close(upload_id))
    return JsonAnswer(_EMPTY)


def _target(call: Call, local: str | None) -> str:
    """Where the whole file shall be: the folder in the request's path, and the name of the client's file."""
    name = safe_path(needed(local, "path").replace("\\", "/").rpartition("/")[2])
    return f"{call.path['path'].rstrip('/')}/{name}"


ROUTES = (
    Route("POST", f"{_UPLOADS}/create/{{path:path}}", begin, role=Role.WRITER),
    Route("PUT", f"{_UPLOADS}/part/{{upload_id}}/{{number}}", put_part, role=Role.WRITER, body=Body.STREAM),
    Route("POST", f"{_UPLOADS}/complete/{{path:path}}", complete, role=Role.WRITER),
    Route("POST", f"{_UPLOADS}/abort/{{path:path}}", abort, role=Role.WRITER),
)
