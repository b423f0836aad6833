"""Experiments and runs as MLflow's JSON has them, and the places where MLflow keeps in tags what we keep apart.

Infinities are kept by the engine; MLflow's clients are given the largest numbers in their place, as their own server
gives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput
from engine.tracking.model import RunStatus
from engine.tracking.rules import MAX_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.tracking.model import DatasetInput, ExperimentRecord, Run, RunRecord

Json = dict[str, Any]

LARGEST = 1.7976931348623157e308
"""The largest number of 64 bits."""

NAME_TAG = "mlflow.runName"
NOTE_TAG = "mlflow.note.content"
PARENT_TAG = "mlflow.parentRunId"
USER_TAG = "mlflow.user"
CONTEXT_TAG = "mlflow.data.context"

OWN_TAGS = frozenset({NAME_TAG, NOTE_TAG, PARENT_TAG})
"""Tags that are fields of a run here: they are told of the run as it stands, whatever was logged or imported."""

NO_EXPERIMENT = -1
"""An integer key that no experiment has."""


VIEWS = {"ACTIVE_ONLY": "active", "DELETED_ONLY": "deleted", "ALL": "all", "1": "active", "2": "deleted", "3": "all"}
"""Lifecycle by view type, by name or number."""


def number(value: float) -> float | str:
    """A metric value as JSON: NaN as a text, infinities as the largest numbers."""
    if -LARGEST <= value <= LARGEST:
        return value
    if value != value:  # noqa: PLR0124 the cheapest test for NaN
        return "NaN"
    return LARGEST if value > 0 else -LARGEST


def experiment_key(experiment_id: str) -> int:
    """The integer key that an experiment id names; one that no experiment has for a number beyond 64 bits.

    Raises:
        InvalidInput: the id is no number.
    """
    if not (experiment_id.isascii() and experiment_id.isdigit()):
        raise InvalidInput(f"Invalid experiment ID '{experiment_id[:60]}'. Experiment ID must be a valid integer.")
    return int(experiment_id) if len(experiment_id) < 19 else NO_EXPERIMENT


def experiment_json(experiment: ExperimentRecord) -> Json:
    """An experiment."""
    found: Json = {
        "experiment_id": str(experiment.id),
        "name": experiment.name,
        "artifact_location": f"mlflow-artifacts:/{experiment.id}",
        "lifecycle_stage": experiment.lifecycle,
        "last_update_time": experiment.updated_ms,
        "creation_time": experiment.created_ms,
        "workspace": "default",
    }
    if experiment.tags:
        found["tags"] = _pairs(experiment.tags)
    return found


def run_info_json(run: Run) -> Json:
    """What MLflow calls the info of a run."""
    info: Json = {
        "run_id": run.run_id,
        "run_uuid": run.run_id,
        "experiment_id": str(run.experiment_id),
        "run_name": run.name,
        "user_id": run.user,
        "status": run.status.value.upper(),
        "start_time": run.start_ms,
        "artifact_uri": f"mlflow-artifacts:/{run.experiment_id}/{run.run_id}/artifacts",
        "lifecycle_stage": run.lifecycle,
    }
    if run.end_ms is not None:
        info["end_time"] = run.end_ms
    return info


def run_json(record: RunRecord) -> Json:
    """A run."""
    run = record.run
    data: Json = {"tags": _pairs(told_tags(run))}
    if record.latest:
        data["metrics"] = [_Metric(key, number(value), time_ms, step) for key, value, step, time_ms in record.latest]
    if run.params:
        data["params"] = _pairs(run.params)
    inputs: Json = {}
    if record.inputs:
        inputs["dataset_inputs"] = [_input_json(dataset) for dataset in record.inputs]
    if record.models_read:
        inputs["model_inputs"] = [{"model_id": model.model_id} for model in record.models_read]
    outputs: Json = {}
    if record.models_made:
        outputs["model_outputs"] = [{"model_id": model.model_id, "step": model.step} for model in record.models_made]
    return {"info": run_info_json(run), "data": data, "inputs": inputs, "outputs": outputs}


def told_tags(run: Run) -> dict[str, str]:
    """The tags of a run as MLflow has them: those that were logged, and what it keeps in tags and we keep apart."""
    told = {key: value for key, value in run.tags.items() if key not in OWN_TAGS}
    told[NAME_TAG] = run.name
    if run.note:
        told[NOTE_TAG] = run.note[:MAX_TAG]
    parent = run.parent_run_id or run.tags.get(PARENT_TAG)
    if parent:
        told[PARENT_TAG] = parent
    return told


class _Pair(msgspec.Struct, gc=False):
    """A parameter or tag; a page of runs has thousands, and a struct is made and written in half a dict's time."""

    key: str
    value: str


class _Metric(msgspec.Struct, gc=False):
    """The latest point of a metric."""

    key: str
    value: float | str
    timestamp: int
    step: int


def _pairs(pairs: Mapping[str, str]) -> list[_Pair]:
    return [_Pair(key, value) for key, value in pairs.items()]


def _input_json(dataset: DatasetInput) -> Json:
    told: Json = {
        "name": dataset.name,
        "digest": dataset.digest,
        "source_type": dataset.source_type,
        "source": dataset.source,
    }
    if dataset.schema:
        told["schema"] = dataset.schema
    if dataset.profile:
        told["profile"] = dataset.profile
    tags = dict(dataset.tags)
    if dataset.context:
        tags[CONTEXT_TAG] = dataset.context
    found: Json = {"dataset": told}
    if tags:
        found["tags"] = _pairs(tags)
    return found


def status_of(text: str) -> RunStatus:
    """A status by MLflow's name or number.

    Raises:
        InvalidInput: there is no such status.
    """
    found = _STATUSES.get(text)
    if found is None:
        raise InvalidInput(f"Invalid value '{text[:60]}' for parameter 'status': use one of {', '.join(_NAMES)}.")
    return found


_NAMES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
_STATUSES = {name: RunStatus(name.lower()) for name in _NAMES} | {
    str(position): RunStatus(name.lower()) for position, name in enumerate(_NAMES, start=1)
}


def lifecycle_of(view: str | None) -> str:
    """The lifecycle that a view type asks for; only what is active without one.

    Raises:
        InvalidInput: there is no such view type.
    """
    if not view:
        return "active"
    if view not in VIEWS:
        raise InvalidInput(f"Invalid value '{view[:60]}' for a view type: use ACTIVE_ONLY, DELETED_ONLY or ALL.")
    return VIEWS[view]


def tags_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Tags as a mapping, the last of a key taken; long values are cut."""
    return {key: value[:MAX_TAG] for key, value in pairs}
