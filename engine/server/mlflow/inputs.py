"""What runs read and made: datasets and logged models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, needed
from engine.server.mlflow.experiments import Tag
from engine.server.mlflow.names import too_long
from engine.server.mlflow.runs import OfRun
from engine.server.mlflow.shapes import CONTEXT_TAG, tags_of
from engine.server.routes import Route
from engine.tracking.model import DatasetInput, ModelUse, RunLinks, RunReport
from engine.tracking.rules import MAX_TAG

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call

_RUNS = "/api/2.0/mlflow/runs"
_DONE = b"{}"
_MAX_DATASETS = 1_000
_LIMITS = {"name": 500, "digest": 36, "source_type": 500, "schema": 1_048_575, "source": 65_535, "profile": 16_777_215}
_HISTORY_TAG = "mlflow.log-model.history"
_MODEL_FIELDS = frozenset({"run_id", "artifact_path", "utc_time_created", "flavors"})


class _Dataset(msgspec.Struct):
    name: str
    digest: str
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None


class _DatasetInput(msgspec.Struct):
    dataset: _Dataset
    tags: list[Tag] = msgspec.field(default_factory=list)


class _Model(msgspec.Struct):
    model_id: str
    step: int | None = 0


class _LogInputs(OfRun):
    datasets: list[_DatasetInput] | None = None
    models: list[_Model] | None = None


class _LogOutputs(OfRun):
    models: list[_Model] | None = None


class _LogModel(OfRun):
    model_json: str | None = None


_LOG_INPUTS, _LOG_OUTPUTS, _LOG_MODEL = Shape(_LogInputs), Shape(_LogOutputs), Shape(_LogModel)


async def log_inputs(call: Call) -> Response:
    """Note data and logged models that a run read."""
    given = await _LOG_INPUTS.body(call)
    run, datasets = given.run, given.datasets or ()
    if len(datasets) > _MAX_DATASETS:
        raise InvalidInput(f"At most {_MAX_DATASETS} datasets are logged at once. Got {len(datasets)}.")
    links = RunLinks(
        inputs=[_dataset(each) for each in datasets],
        models_read=[ModelUse(needed(model.model_id, "model_id")) for model in given.models or ()],
    )
    await call.write(lambda: call.engine.runs.link(run, links))
    return JsonAnswer(_DONE)


def _dataset(given: _DatasetInput) -> DatasetInput:
    dataset = given.dataset
    needed(dataset.name, "name")
    needed(dataset.digest, "digest")
    for field, limit in _LIMITS.items():
        if len(getattr(dataset, field) or "") > limit:
            raise too_long(field, limit)
    tags = tags_of((tag.key, tag.value) for tag in given.tags)
    return DatasetInput(
        name=dataset.name,
        digest=dataset.digest,
        schema=dataset.schema or "",
        context=tags.pop(CONTEXT_TAG, ""),
        source_type=dataset.source_type or "",
        source=dataset.source or "",
        profile=dataset.profile or "",
        tags=tags,
    )


async def log_outputs(call: Call) -> Response:
    """Note logged models that a run made."""
    given = await _LOG_OUTPUTS.body(call)
    run = given.run
    made = [ModelUse(needed(model.model_id, "model_id"), model.step or 0) for model in given.models or ()]
    await call.write(lambda: call.engine.runs.link(run, RunLinks(models_made=made)))
    return JsonAnswer(_DONE)


async def log_model(call: Call) -> Response:
    """Note a model in the way of older clients: one more line of a tag that holds a list."""
    given = await _LOG_MODEL.body(call)
    run, text = given.run, needed(given.model_json, "model_json")
    try:
        model = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidInput("Malformed model info: it must be a JSON object.") from error
    if absent := _MODEL_FIELDS - model.keys():
        raise InvalidInput(f"Model json is missing mandatory fields: {', '.join(sorted(absent))}.")
    await call.write(lambda: _add_to_history(call.engine, run, model))
    return JsonAnswer(_DONE)


def _add_to_history(engine: Engine, run: str, model: dict[str, object]) -> None:
    told = engine.runs.record(run).run.tags.get(_HISTORY_TAG, "[]")
    try:
        history = msgspec.json.decode(told, type=list[dict[str, object]])
    except msgspec.MsgspecError:  # somebody has set the tag to something else
        history = []
    history.append(model)
    while len(text := msgspec.json.encode(history).decode()) > MAX_TAG and history:
        history.pop(0)  # the oldest makes room
    engine.runs.report(run, RunReport(tags={_HISTORY_TAG: text}))


ROUTES = (
    Route("POST", f"{_RUNS}/log-inputs", log_inputs, role=Role.WRITER),
    Route("POST", f"{_RUNS}/outputs", log_outputs, role=Role.WRITER),
    Route("POST", f"{_RUNS}/log-model", log_model, role=Role.WRITER),
)
