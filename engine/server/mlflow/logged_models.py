"""Logged models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.access import Role
from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.core.query import LOGGED_MODELS
from engine.server.answers import JsonAnswer
from engine.server.mlflow.artifacts import listing_json
from engine.server.mlflow.decoding import Shape, missing, needed
from engine.server.mlflow.names import speaking_name
from engine.server.mlflow.shapes import experiment_key, number
from engine.server.mlflow.wording import worded_filter
from engine.server.routes import Body, Route
from engine.tracking.logged_model_model import LoggedModelKey, LoggedModelQuery, LoggedModelStatus, NewLoggedModel

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call
    from engine.tracking.logged_model_model import LoggedModel, ModelMetric

_MODELS = "/api/2.0/mlflow/logged-models"
_MODEL = f"{_MODELS}/{{model_id}}"
_EMPTY = b"{}"

_DEFAULT_PAGE = 100

_STATUSES = {
    LoggedModelStatus.PENDING: "LOGGED_MODEL_PENDING",
    LoggedModelStatus.READY: "LOGGED_MODEL_READY",
    LoggedModelStatus.FAILED: "LOGGED_MODEL_UPLOAD_FAILED",
}
_BY_WORD = {word: status for status, word in _STATUSES.items()} | {
    str(position): status for position, status in enumerate(_STATUSES, start=1)
}


class Pair(msgspec.Struct):
    """A parameter or a tag."""

    key: str
    value: str = ""


class CreateModel(msgspec.Struct):
    """What creating takes."""

    experiment_id: str | None = None
    name: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[Pair] | None = None
    tags: list[Pair] | None = None


class FinishModel(msgspec.Struct):
    """What finalizing takes: a status by name or number."""

    status: str | int | None = None


class Pairs(msgspec.Struct):
    """What adding parameters and setting tags take."""

    params: list[Pair] | None = None
    tags: list[Pair] | None = None


class AllowDeleted(msgspec.Struct):
    """What reading takes."""

    allow_deleted: str = ""


class Dataset(msgspec.Struct):
    """Data that metrics were measured on."""

    dataset_name: str | None = None
    dataset_digest: str | None = None


class SortKey(msgspec.Struct):
    """One sort key."""

    field_name: str | None = None
    ascending: bool | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class SearchModels(msgspec.Struct):
    """What searching takes."""

    experiment_ids: list[str] | None = None
    filter: str | None = None
    datasets: list[Dataset] | None = None
    max_results: int | None = None
    order_by: list[SortKey] | None = None
    page_token: str | None = None


class Directory(msgspec.Struct):
    """What listing takes."""

    artifact_directory_path: str = ""


_CREATE = Shape(CreateModel)
_FINISH = Shape(FinishModel)
_PAIRS = Shape(Pairs)
_ALLOW_DELETED = Shape(AllowDeleted)
_SEARCH = Shape(SearchModels)
_DIRECTORY = Shape(Directory)


async def create(call: Call) -> Response:
    """Begin a logged model."""
    given = await _CREATE.body(call)
    new = NewLoggedModel(
        experiment_key(needed(given.experiment_id, "experiment_id")),
        name=given.name or speaking_name(),
        run_id=given.source_run_id or None,
        model_type=given.model_type or "",
        params=_mapping(given.params),
        tags=_mapping(given.tags),
    )
    return _answer(await call.write(lambda: call.engine.logged_models.create(new)))


async def get(call: Call) -> Response:
    """Give one logged model."""
    deleted_too = _ALLOW_DELETED.query(call).allow_deleted.lower() == "true"
    model_id = call.path["model_id"]
    return _answer(await call.read(lambda: call.engine.logged_models.get(model_id, include_deleted=deleted_too)))


async def finalize(call: Call) -> Response:
    """Say how far a logged model has come."""
    given = await _FINISH.body(call)
    if given.status is None:
        raise missing("status")
    status = _BY_WORD.get(str(given.status))
    if status is None:
        raise InvalidInput(f"Invalid model status: '{str(given.status)[:60]}'. Expected one of {', '.join(_BY_WORD)}.")
    return _answer(await call.write(lambda: call.engine.logged_models.set_status(call.path["model_id"], status)))


async def delete(call: Call) -> Response:
    """Delete a logged model."""
    await call.write(lambda: call.engine.logged_models.delete(call.path["model_id"]))
    return JsonAnswer(_EMPTY)


async def log_params(call: Call) -> Response:
    """Add parameters."""
    params = _mapping((await _PAIRS.body(call)).params)
    await call.write(lambda: call.engine.logged_models.log_params(call.path["model_id"], params))
    return JsonAnswer(_EMPTY)


async def set_tags(call: Call) -> Response:
    """Set tags."""
    tags = _mapping((await _PAIRS.body(call)).tags)
    return _answer(await call.write(lambda: call.engine.logged_models.set_tags(call.path["model_id"], tags)))


async def delete_tag(call: Call) -> Response:
    """Remove a tag."""
    await call.write(lambda: call.engine.logged_models.delete_tag(call.path["model_id"], call.path["key"]))
    return JsonAnswer(_EMPTY)


async def search(call: Call) -> Response:
    """Find logged models."""
    query = _query(await _SEARCH.body(call))
    try:
        page = await call.read(lambda: call.engine.logged_models.page(query))
    except FilterSyntaxError as error:
        raise worded_filter(query.filter, error, LOGGED_MODELS) from error
    answer: dict[str, Any] = {}
    if page.items:
        answer["models"] = [model_json(each) for each in page.items]
    if page.next_page_token:
        answer["next_page_token"] = page.next_page_token
    return JsonAnswer(answer)


async def list_directory(call: Call) -> Response:
    """List a folder of a logged model's files."""
    model_id = call.path["model_id"]
    folder = _DIRECTORY.query(call).artifact_directory_path
    logged = call.engine.logged_models
    model, found = await call.read(lambda: (logged.get(model_id), logged.files.level(model_id, folder)))
    return JsonAnswer(listing_json(found, folder) | {"root_uri": artifact_uri(model)})


def artifact_uri(model: LoggedModel) -> str:
    """Where the files of a logged model are, in MLflow's words."""
    return f"mlflow-artifacts:/{model.experiment_id}/models/{model.model_id}/artifacts"


def model_json(model: LoggedModel) -> dict[str, Any]:
    """A logged model as MLflow's JSON has it."""
    info: dict[str, Any] = {
        "model_id": model.model_id,
        "experiment_id": str(model.experiment_id),
        "name": model.name,
        "creation_timestamp_ms": model.created_ms,
        "last_updated_timestamp_ms": model.updated_ms,
        "artifact_uri": artifact_uri(model),
        "status": _STATUSES[model.status],
    }
    said = {"model_type": model.model_type, "source_run_id": model.run_id, "status_message": model.status_message}
    info |= {key: value for key, value in said.items() if value}
    if model.tags:
        info["tags"] = [{"key": key, "value": value} for key, value in model.tags.items()]
    data: dict[str, Any] = {}
    if model.params:
        data["params"] = [{"key": key, "value": value} for key, value in model.params.items()]
    if model.metrics:
        data["metrics"] = [_metric_json(each) for each in model.metrics]
    return {"info": info, "data": data}


def _metric_json(metric: ModelMetric) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": metric.key,
        "value": number(metric.value),
        "timestamp": metric.time_ms,
        "step": metric.step,
        "model_id": metric.model_id,
        "run_id": metric.run_id,
    }
    if metric.data_name:
        found["dataset_name"] = metric.data_name
    if metric.data_digest:
        found["dataset_digest"] = metric.data_digest
    return found


def _query(given: SearchModels) -> LoggedModelQuery:
    if given.experiment_ids is None:
        raise missing("experiment_ids")
    if any(not each.dataset_name for each in given.datasets or ()):
        raise InvalidInput("`dataset_name` in the `datasets` clause must be specified.")
    return LoggedModelQuery(
        filter=given.filter or "",
        order_by=tuple(_sort_key(each) for each in given.order_by or ()),
        experiment_ids=tuple(experiment_key(each) for each in given.experiment_ids),
        data=tuple((each.dataset_name or "", each.dataset_digest or "") for each in given.datasets or ()),
        limit=given.max_results or _DEFAULT_PAGE,
        page_token=given.page_token or None,
    )


def _sort_key(given: SortKey) -> LoggedModelKey:
    entity, dot, name = needed(given.field_name, "order_by.field_name").partition(".")
    if dot and not (name.startswith("`") and name.endswith("`")):
        name = f'"{name}"' if "`" in name else f"`{name}`"
    direction = "DESC" if given.ascending is False else "ASC"
    data = (given.dataset_name, given.dataset_digest or "") if given.dataset_name else None
    return LoggedModelKey(f"{entity}{dot}{name} {direction}", data)


def _mapping(pairs: list[Pair] | None) -> dict[str, str]:
    return {pair.key: pair.value for pair in pairs or ()}


def _answer(model: LoggedModel) -> Response:
    return JsonAnswer({"model": model_json(model)})


ROUTES = (
    Route("POST", _MODELS, create, role=Role.WRITER),
    Route("POST", f"{_MODELS}/search", search),
    Route("GET", _MODEL, get, body=Body.NONE),
    Route("PATCH", _MODEL, finalize, role=Role.WRITER),
    Route("DELETE", _MODEL, delete, role=Role.OPERATOR),
    Route("POST", f"{_MODEL}/params", log_params, role=Role.WRITER),
    Route("PATCH", f"{_MODEL}/tags", set_tags, role=Role.WRITER),
    Route("DELETE", f"{_MODEL}/tags/{{key:path}}", delete_tag, role=Role.WRITER),
    Route("GET", f"{_MODEL}/artifacts/directories", list_directory, body=Body.NONE),
)
