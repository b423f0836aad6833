"""Artifacts: the proxy that clients put files through and get them from, and the links that browsers follow."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from engine.artifacts.model import Artifact
from engine.artifacts.roots import RootKind, location, resolve_root
from engine.core.access import Role
from engine.core.errors import Conflict, NotFound
from engine.server.answers import JsonAnswer
from engine.server.downloads import FileAnswer, received
from engine.server.mlflow import trace_artifacts
from engine.server.mlflow.decoding import Shape, needed
from engine.server.routes import Body, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from engine.api import Engine
    from engine.artifacts.files import Files
    from engine.artifacts.roots import ArtifactRoot
    from engine.server.call import Call

_PROXY = "/api/2.0/mlflow-artifacts/artifacts"
_PRESIGNED = "/api/2.0/mlflow-artifacts/presigned"
_EMPTY = b"{}"


class Listing(msgspec.Struct):
    """What listing through the proxy takes."""

    path: str | None = None


class RunListing(msgspec.Struct):
    """What listing a run's artifacts takes."""

    run_id: str = ""
    run_uuid: str = ""
    path: str = ""


class VersionFile(msgspec.Struct):
    """What a link to a file of a registered version says."""

    path: str | None = None
    name: str | None = None
    version: int = 0


_LISTING = Shape(Listing)
_RUN_LISTING = Shape(RunListing)
_VERSION_FILE = Shape(VersionFile)


async def put(call: Call) -> Response:
    """Keep the body as a file."""
    root = _root(call)
    if root.kind is RootKind.TRACE:
        return await trace_artifacts.put(call, root.owner_id, root.path)
    files = files_of(call.engine, root)
    await call.read(lambda: files.may_keep(root.owner_id, root.path))
    blob = await received(call.engine.artifacts, call.request)
    file = Artifact(root.path, blob.digest, blob.size_bytes)
    await call.write(lambda: files.attach(root.owner_id, [file]))
    return JsonAnswer(_EMPTY)


async def get(call: Call) -> Response:
    """Give a file."""
    root = _root(call)
    if root.kind is RootKind.TRACE:
        return await trace_artifacts.get(call, root.owner_id, root.path)
    files = files_of(call.engine, root)
    return await _sent(call, await call.read(lambda: files.file(root.owner_id, root.path)))


async def delete(call: Call) -> Response:
    """Remove a file, or a folder of files; one that is not there is removed already."""
    root = _root(call)
    files = files_of(call.engine, root)
    with suppress(NotFound):
        await call.write(lambda: files.remove(root.owner_id, root.path))
    return JsonAnswer(_EMPTY)


async def presign(_call: Call) -> Response:
    """Say that files have no other address: clients then ask the proxy, as they do when MLflow says 501."""
    words = {"error_code": "NOT_IMPLEMENTED", "message": "Multipart download is not supported; download the file."}
    return JsonAnswer(words, 404)


async def list_folder(call: Call) -> Response:
    """List a folder; a missing one holds nothing. Paths are relative to it."""
    root = resolve_root(needed(_LISTING.query(call).path, "path"))
    if root.kind is RootKind.TRACE:
        return await trace_artifacts.listed(call, root.owner_id, root.path)
    files = files_of(call.engine, root)
    found = await call.read(lambda: files.level(root.owner_id, root.path))
    return JsonAnswer(listing_json(found, root.path, relative=True))


async def list_run(call: Call) -> Response:
    """List a folder of a run's artifacts. Paths are relative to the run's."""
    given = _RUN_LISTING.query(call)
    run_id = needed(given.run_id or given.run_uuid, "run_id")
    runs = call.engine.runs
    run, found = await call.read(lambda: (runs.record(run_id).run, runs.files.level(run_id, given.path)))
    place = location(RootKind.RUN, run.experiment_id, run.run_id)
    return JsonAnswer(listing_json(found, given.path) | {"root_uri": f"mlflow-artifacts:/{place}"})


async def get_of_run(call: Call) -> Response:
    """Give a browser a file of a run."""
    given = _RUN_LISTING.query(call)
    run_id = needed(given.run_id or given.run_uuid, "run_id")
    path = needed(given.path, "path")
    return await _sent(call, await call.read(lambda: call.engine.runs.files.file(run_id, path)))


async def get_of_version(call: Call) -> Response:
    """Give a browser a file of a registered version."""
    given = _VERSION_FILE.query(call)
    name, path = needed(given.name, "name"), needed(given.path, "path")
    entries = await call.read(lambda: call.engine.models.files(name, given.version))
    found = next((each for each in entries if each.path == path), None)
    if found is None:
        raise NotFound("The version has no such file.", hint="List its files with `qd models show`.")
    return await _sent(call, Artifact(found.path, found.digest, found.size_bytes))


async def get_of_model(call: Call) -> Response:
    """Give a browser a file of a logged model."""
    path = needed(call.request.query_params.get("artifact_file_path"), "artifact_file_path")
    files = call.engine.logged_models.files
    return await _sent(call, await call.read(lambda: files.file(call.path["model_id"], path)))


def listing_json(found: Sequence[Artifact], folder: str, *, relative: bool = False) -> dict[str, Any]:
    """A listing as MLflow's JSON has it; a file that was asked for as a folder holds nothing.

    Args:
        found: What the folder holds.
        folder: The folder that was asked for.
        relative: Whether paths are told from the folder on.
    """
    wanted = folder.strip("/")
    told = [_file_json(each, relative=relative) for each in found if each.path != wanted]
    return {"files": told} if told else {}


def _file_json(artifact: Artifact, *, relative: bool) -> dict[str, Any]:
    path = artifact.path.rpartition("/")[2] if relative else artifact.path
    if artifact.is_dir:
        return {"path": path, "is_dir": True}
    return {"path": path, "is_dir": False, "file_size": artifact.size_bytes}


async def _sent(call: Call, file: Artifact) -> Response:
    request = call.request
    return await FileAnswer(call.engine.artifacts, file, request.headers, request.method).opened()


def _root(call: Call) -> ArtifactRoot:
    """Where a path of the proxy leads; clients send names with a question mark as they are."""
    query = call.request.scope["query_string"]
    return resolve_root(call.path["path"] + (f"?{unquote(query.decode('latin-1'))}" if query else ""))


def files_of(engine: Engine, root: ArtifactRoot) -> Files:
    """The files of the kind of thing that a path belongs to.

    Raises:
        Conflict: that kind has none that could be kept in parts or removed.
    """
    if root.kind is RootKind.TRACE:
        raise Conflict("The files of traces are their spans.", hint="Put them whole; delete the trace to remove them.")
    if root.kind is RootKind.VERSION:
        return engine.models.version_files
    return engine.runs.files if root.kind is RootKind.RUN else engine.logged_models.files


ROUTES = (
    Route("GET", _PROXY, list_folder, body=Body.NONE),
    Route("GET", f"{_PROXY}/{{path:path}}", get, body=Body.NONE),
    Route("PUT", f"{_PROXY}/{{path:path}}", put, role=Role.WRITER, body=Body.STREAM),
    Route("DELETE", f"{_PROXY}/{{path:path}}", delete, role=Role.OPERATOR, body=Body.NONE),
    Route("GET", f"{_PRESIGNED}/{{path:path}}", presign, body=Body.NONE),
    Route("GET", "/api/2.0/mlflow/artifacts/list", list_run, body=Body.NONE),
    Route("GET", "/get-artifact", get_of_run, body=Body.NONE),
    Route("GET", "/model-versions/get-artifact", get_of_version, body=Body.NONE),
    Route("GET", "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files", get_of_model, body=Body.NONE),
)
