"""Bytes of artifacts over our own API: listed, given and kept, for runs, logged models and registered versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from engine.artifacts.model import Artifact
from engine.core.access import Role
from engine.core.errors import InvalidInput, NotFound, QuarterdeckError
from engine.core.plain import plain
from engine.server.answers import JsonAnswer
from engine.server.downloads import FileAnswer, received
from engine.server.routes import Body, Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from engine.artifacts.files import Files
    from engine.server.call import Call
    from engine.server.native.schemas import Schemas

_PREFIX = "/api/qd/v1/artifacts"
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_MOST_DIGITS = 18


class _Folder(msgspec.Struct):
    """What listing takes."""

    path: str = ""


class _Kind(NamedTuple):
    """Things that have files.

    Args:
        noun: What one is called.
        path: Where its files are.
        names: The parameters of that path and what they mean.
        find: The files of such things and the id of the one that a request names; run on a reader's thread.
        takes: Whether files can be put.
    """

    noun: str
    path: str
    names: dict[str, str]
    find: Callable[[Call], tuple[Files, str]]
    takes: bool


def _version(call: Call) -> tuple[Files, str]:
    digits = call.path["version"]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise InvalidInput("A version is a whole number.", hint="List them with `qd models show`.")
    models = call.engine.models
    return models.version_files, models.version(call.path["name"], int(digits)).files_id


_KINDS = (
    _Kind(
        "run",
        f"{_PREFIX}/runs/{{run_id}}",
        {"run_id": "The run's whole id."},
        lambda call: (call.engine.runs.files, call.path["run_id"]),
        takes=True,
    ),
    _Kind(
        "logged model",
        f"{_PREFIX}/logged_models/{{model_id}}",
        {"model_id": "The logged model's id."},
        lambda call: (call.engine.logged_models.files, call.path["model_id"]),
        takes=True,
    ),
    _Kind(
        "version",
        f"{_PREFIX}/versions/{{name}}/{{version}}",
        {"name": "The model's name.", "version": "The version's number."},
        _version,
        takes=False,
    ),
)


def _lister(kind: _Kind) -> Callable[[Call], Any]:
    async def listed(call: Call) -> Response:
        folder = call.query(_Folder).path

        def read() -> bytes:
            files, owner = kind.find(call)
            return msgspec.json.encode(plain(files.level(owner, folder)))

        return JsonAnswer(await call.read(read))

    return listed


def _giver(kind: _Kind) -> Callable[[Call], Any]:
    async def given(call: Call) -> Response:
        def read() -> Artifact:
            files, owner = kind.find(call)
            return files.file(owner, call.path["path"])

        file, request = await call.read(read), call.request
        return await FileAnswer(call.engine.artifacts, file, request.headers, request.method).opened()

    return given


def _taker(kind: _Kind) -> Callable[[Call], Any]:
    async def taken(call: Call) -> Response:
        files, owner = kind.find(call)
        path = await call.read(lambda: files.may_keep(owner, call.path["path"]))
        blob = await received(call.engine.artifacts, call.request)
        kept = await call.write(lambda: files.attach(owner, [Artifact(path, blob.digest, blob.size_bytes)]))
        return JsonAnswer(msgspec.json.encode(plain(kept[0])))

    return taken


def _routes(kind: _Kind) -> tuple[Route, ...]:
    file = f"{kind.path}/{{path:path}}"
    reading = (
        Route("GET", kind.path, _lister(kind), body=Body.NONE),
        Route("GET", file, _giver(kind), body=Body.NONE),
    )
    return (*reading, Route("PUT", file, _taker(kind), role=Role.WRITER, body=Body.STREAM)) if kind.takes else reading


ROUTES = tuple(route for kind in _KINDS for route in _routes(kind))
"""Listing, giving and keeping files."""


def paths(schemas: Schemas, refusals: Callable[[list[tuple[type[QuarterdeckError], str]]], dict[str, Any]]) -> Any:
    """These routes in the OpenAPI document.

    Args:
        schemas: Makes schemas.
        refusals: Makes the answers of errors.
    """
    told: dict[str, Any] = {}
    for kind in _KINDS:
        unknown = f"there is no such {kind.noun} or file."
        wrong = refusals([(NotFound, unknown), (InvalidInput, "the path is not safe.")])
        names = [_parameter(name, "path", text) for name, text in kind.names.items()]
        common = {"tags": ["artifacts"]}
        word = kind.path.split("/")[5]
        folder = _parameter("path", "query", "The folder; empty for the top.")
        levels = {"type": "array", "items": schemas.of(Artifact)}
        told[kind.path] = {
            "get": {
                **common,
                "operationId": f"artifacts.{word}.list",
                "summary": f"What lies in one folder of a {kind.noun}: its files, and its folders in sum.",
                "parameters": [*names, folder],
                "responses": {"200": _done({"application/json": {"schema": levels}}), **wrong},
            }
        }
        file = _parameter("path", "path", "The file's path, with its slashes.")
        methods: dict[str, Any] = {
            "get": {
                **common,
                "operationId": f"artifacts.{word}.get",
                "summary": f"The bytes of a file of a {kind.noun}; `Range` and `If-None-Match` are honoured.",
                "parameters": [*names, file],
                "responses": {"200": _done({"*/*": _BYTES["application/octet-stream"]}), **wrong},
            }
        }
        if kind.takes:
            methods["put"] = {
                **common,
                "operationId": f"artifacts.{word}.put",
                "summary": f"Keep the body as a file of a {kind.noun}; what was there is replaced.",
                "parameters": [*names, file],
                "requestBody": {"required": True, "content": _BYTES},
                "responses": {"200": _done({"application/json": {"schema": schemas.of(Artifact)}}), **wrong},
            }
        told[f"{kind.path}/{{path}}"] = methods
    return told


def _parameter(name: str, place: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": {"type": "string"},
        "description": text,
    }


def _done(content: dict[str, Any]) -> dict[str, Any]:
    return {"description": "Done.", "content": content}
