"""Experiments: made, read, searched, tagged, renamed, deleted and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, needed
from engine.server.mlflow.filters import experiment_query
from engine.server.mlflow.names import check_key, too_long
from engine.server.mlflow.shapes import experiment_json, experiment_key
from engine.server.routes import Body, Route
from engine.tracking.rules import MAX_EXPERIMENT_TAG, MAX_NAME

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call
    from engine.tracking.model import ExperimentRecord

_EXPERIMENTS = "/api/2.0/mlflow/experiments"
_EMPTY = b"{}"
_LOCATIONS = "mlflow-artifacts:"


class Tag(msgspec.Struct):
    """A key and a value."""

    key: str
    value: str = ""


class _Create(msgspec.Struct):
    name: str
    artifact_location: str | None = None
    tags: list[Tag] = msgspec.field(default_factory=list)


class _ById(msgspec.Struct):
    experiment_id: str


class _ByName(msgspec.Struct):
    experiment_name: str


class _Update(msgspec.Struct):
    experiment_id: str
    new_name: str


class _SetTag(msgspec.Struct):
    experiment_id: str
    key: str
    value: str | None = None


class _DeleteTag(msgspec.Struct):
    experiment_id: str
    key: str


class _Search(msgspec.Struct):
    max_results: int | None = None
    filter: str | None = None
    order_by: list[str] | None = None
    view_type: str | int | None = None
    page_token: str | None = None


_CREATE, _BY_ID, _BY_NAME, _UPDATE = Shape(_Create), Shape(_ById), Shape(_ByName), Shape(_Update)
_SET_TAG, _DELETE_TAG, _SEARCH = Shape(_SetTag), Shape(_DeleteTag), Shape(_Search)


async def create(call: Call) -> Response:
    """Make an experiment. Its files are kept by this server: another place for them is refused."""
    given = await _CREATE.body(call)
    name = needed(given.name, "name")
    if len(name) > MAX_NAME:
        raise too_long("name", MAX_NAME)
    if given.artifact_location and not given.artifact_location.startswith(_LOCATIONS):
        raise InvalidInput(
            "This server keeps the artifacts of every experiment itself.", hint="Leave artifact_location out."
        )
    tags = {check_key(tag.key, "key"): _tag_value(tag.value) for tag in given.tags}
    made = await call.write(lambda: call.engine.experiments.create(name, tags))
    return JsonAnswer({"experiment_id": str(made.id)})


async def get(call: Call) -> Response:
    """One experiment by its id."""
    key = experiment_key(needed(_BY_ID.query(call).experiment_id, "experiment_id"))
    found = await call.read(lambda: call.engine.experiments.get_by_id(key))
    return JsonAnswer({"experiment": experiment_json(found)})


async def get_by_name(call: Call) -> Response:
    """One experiment by its name."""
    name = needed(_BY_NAME.query(call).experiment_name, "experiment_name")
    found = await call.read(lambda: _named(call.engine, name))
    return JsonAnswer({"experiment": experiment_json(found)})


def _named(engine: Engine, name: str) -> ExperimentRecord:
    found = engine.experiments.find(name)
    if found is None:
        raise NotFound(f"Could not find experiment with name '{name[:100]}'")
    return found


async def search(call: Call) -> Response:
    """Experiments by a filter, in an order, page by page."""
    return await _searched(call, await _SEARCH.body(call))


async def search_by_query(call: Call) -> Response:
    """The same, asked in the query string."""
    return await _searched(call, _SEARCH.query(call))


async def _searched(call: Call, given: _Search) -> Response:
    query = experiment_query(
        given.filter or "",
        tuple(given.order_by or ()),
        view=None if given.view_type is None else str(given.view_type),
        limit=given.max_results or 0,
        page_token=given.page_token or None,
    )
    page = await call.read(lambda: call.engine.experiments.search(query))
    answer: dict[str, object] = {"experiments": [experiment_json(found) for found in page.items]}
    if page.next_page_token is not None:
        answer["next_page_token"] = page.next_page_token
    return JsonAnswer(answer)


async def update(call: Call) -> Response:
    """Rename an experiment."""
    given = await _UPDATE.body(call)
    key, new = experiment_key(given.experiment_id), needed(given.new_name, "new_name")
    if len(new) > MAX_NAME:
        raise too_long("name", MAX_NAME)

    def rename() -> None:
        found = call.engine.experiments.get_by_id(key)
        if found.lifecycle != "active":
            raise Conflict("Cannot rename a non-active experiment.")
        call.engine.experiments.rename(found.name, new)

    await call.write(rename)
    return JsonAnswer(_EMPTY)


async def delete(call: Call) -> Response:
    """Delete an experiment with its runs; one that is deleted is not there."""
    key = experiment_key(needed((await _BY_ID.body(call)).experiment_id, "experiment_id"))
    await call.write(lambda: call.engine.experiments.delete(_standing(call.engine, key, "active").name))
    return JsonAnswer(_EMPTY)


async def restore(call: Call) -> Response:
    """Restore a deleted experiment with the runs deleted along with it; one that is not deleted is not there."""
    key = experiment_key(needed((await _BY_ID.body(call)).experiment_id, "experiment_id"))
    await call.write(lambda: call.engine.experiments.restore(_standing(call.engine, key, "deleted").name))
    return JsonAnswer(_EMPTY)


def _standing(engine: Engine, key: int, lifecycle: str) -> ExperimentRecord:
    found = engine.experiments.get_by_id(key)
    if found.lifecycle != lifecycle:
        raise NotFound(f"No Experiment with id={key} exists")
    return found


async def set_tag(call: Call) -> Response:
    """Set a tag of an experiment."""
    given = await _SET_TAG.body(call)
    key, value = check_key(given.key, "key"), _tag_value(given.value or "")
    experiment = experiment_key(given.experiment_id)
    await call.write(lambda: call.engine.experiments.set_tag(_active(call.engine, experiment).name, key, value))
    return JsonAnswer(_EMPTY)


async def delete_tag(call: Call) -> Response:
    """Remove a tag of an experiment, which must be there."""
    given = await _DELETE_TAG.body(call)
    key, experiment = needed(given.key, "key"), experiment_key(given.experiment_id)

    def remove() -> None:
        found = _active(call.engine, experiment)
        if key not in found.tags:
            raise NotFound(f"No tag with name: {key[:100]} in experiment with id {experiment}")
        call.engine.experiments.set_tag(found.name, key, None)

    await call.write(remove)
    return JsonAnswer(_EMPTY)


def _active(engine: Engine, key: int) -> ExperimentRecord:
    found = engine.experiments.get_by_id(key)
    if found.lifecycle != "active":
        raise Conflict(f"The experiment {key} must be in the 'active' state. Current state is deleted.")
    return found


def _tag_value(value: str) -> str:
    if len(value) > MAX_EXPERIMENT_TAG:
        raise too_long("value", MAX_EXPERIMENT_TAG)
    return value


ROUTES = (
    Route("POST", f"{_EXPERIMENTS}/create", create, role=Role.WRITER),
    Route("GET", f"{_EXPERIMENTS}/get", get, body=Body.NONE),
    Route("GET", f"{_EXPERIMENTS}/get-by-name", get_by_name, body=Body.NONE),
    Route("POST", f"{_EXPERIMENTS}/search", search),
    Route("GET", f"{_EXPERIMENTS}/search", search_by_query, body=Body.NONE),
    Route("POST", f"{_EXPERIMENTS}/update", update, role=Role.OPERATOR),
    Route("POST", f"{_EXPERIMENTS}/delete", delete, role=Role.OPERATOR),
    Route("POST", f"{_EXPERIMENTS}/restore", restore, role=Role.OPERATOR),
    Route("POST", f"{_EXPERIMENTS}/set-experiment-tag", set_tag, role=Role.WRITER),
    Route("POST", f"{_EXPERIMENTS}/delete-experiment-tag", delete_tag, role=Role.WRITER),
)
