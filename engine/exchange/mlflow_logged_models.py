"""Logged models from what MLflow keeps of them, wherever it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.exchange.intake import kept_pairs, measured, text_or, whole
from engine.tracking.logged_model_importing import LoggedModelImport, check_import
from engine.tracking.logged_model_model import MAX_MODEL_PARAM, LoggedModelStatus, ModelMetric
from engine.tracking.rules import MAX_NAME, check_key

if TYPE_CHECKING:
    from engine.exchange.model import SkippedList

_STATUSES = {
    "1": LoggedModelStatus.PENDING,
    "2": LoggedModelStatus.READY,
    "3": LoggedModelStatus.FAILED,
    "LOGGED_MODEL_PENDING": LoggedModelStatus.PENDING,
    "LOGGED_MODEL_READY": LoggedModelStatus.READY,
    "LOGGED_MODEL_UPLOAD_FAILED": LoggedModelStatus.FAILED,
}

MetricRow = "tuple[Any, Any, Any, Any, Any, Any, Any]"
"""key, value, step, time in ms, run id, data name, data digest."""


@dataclass(frozen=True, slots=True)
class SourceLoggedModel:
    """A logged model as a source gives it, already without what cannot be kept.

    Args:
        model: The model, without its files.
        root: Where its files lie, as the source writes it.
    """

    model: LoggedModelImport
    root: str


def kept_logged_model(
    experiment: str, values: Mapping[str, Any], metrics: Sequence[tuple[Any, ...]], skipped: SkippedList
) -> SourceLoggedModel | None:
    """A logged model, or `None` when it cannot be kept at all.

    Args:
        experiment: Its experiment's name.
        values: `model_id`, `name`, `artifact_location`, `creation_timestamp_ms`, `last_updated_timestamp_ms`, `status`,
            `status_message`, `lifecycle_stage`, `model_type`, `source_run_id`; `params` and `tags` (pairs), `made_by`
            (run id and step) and `read_by` (run ids).
        metrics: Key, value, step, time in ms, run id, data name and data digest each.
        skipped: Takes what is left out.
    """
    model_id = text_or(values.get("model_id"))
    created_ms = whole(values.get("creation_timestamp_ms")) or 0
    updated_ms = whole(values.get("last_updated_timestamp_ms")) or created_ms
    run_id = text_or(values.get("source_run_id")) or None
    model = LoggedModelImport(
        model_id=model_id,
        experiment=experiment,
        name=text_or(values.get("name")),
        created_ms=created_ms,
        updated_ms=updated_ms,
        run_id=run_id,
        model_type=text_or(values.get("model_type"))[:MAX_NAME],
        status=_STATUSES.get(str(values.get("status")), LoggedModelStatus.READY),
        status_message=text_or(values.get("status_message")),
        deleted_ms=updated_ms if values.get("lifecycle_stage") == "deleted" else None,
        params=kept_pairs(model_id, "param", values.get("params", ()), skipped, MAX_MODEL_PARAM),
        tags=kept_pairs(model_id, "tag", values.get("tags", ()), skipped),
        metrics=_kept_metrics(model_id, metrics, skipped),
        made_by=tuple(sorted(set(values.get("made_by", ())))),
        read_by=tuple(sorted(set(values.get("read_by", ())))),
    )
    try:
        check_import(model)
    except InvalidInput as error:
        skipped.add("logged model", model_id[:250], error.message)
        return None
    return SourceLoggedModel(model, text_or(values.get("artifact_location")))


def _kept_metrics(model_id: str, rows: Sequence[tuple[Any, ...]], skipped: SkippedList) -> tuple[ModelMetric, ...]:
    found = []
    for key, given, step, time_ms, run_id, data_name, data_digest in rows:
        value, at_step, at_ms = measured(given), whole(step), whole(time_ms)
        try:
            check_key(key, "metric")
        except InvalidInput as error:
            skipped.add("metric", f"{model_id} {str(key)[:250]}", error.message)
            continue
        if not isinstance(value, (int, float)) or at_step is None or at_ms is None:
            skipped.add("metric", f"{model_id} {key}", "Its value, step or time is no number.")
            continue
        data = (text_or(data_name)[:MAX_NAME], text_or(data_digest)[:MAX_NAME])
        found.append(ModelMetric(model_id, key, float(value), at_step, at_ms, *data, text_or(run_id)))
    return tuple(found)
