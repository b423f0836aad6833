"""From a source's values to what can be kept here: what cannot is left out and noted, the rest goes on."""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.tracking.model import RunStatus
from engine.tracking.rules import (
    MAX_KEY,
    MAX_NAME,
    MAX_NOTE,
    MAX_PARAM,
    MAX_TAG,
    check_input,
    check_integer,
    check_key,
    check_text,
    metric_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.exchange.model import SkippedList
    from engine.tracking.model import DatasetInput, ExperimentImport, MetricPoint, RunImport

GREATEST = 1.7976931348623157e308
"""What MLflow's stores keep in place of an infinity."""

UNKNOWN_USER = "unknown"
"""Who ran what nobody is named for."""

NOTE_TAG, NAME_TAG, PARENT_TAG = "mlflow.note.content", "mlflow.runName", "mlflow.parentRunId"
CONTEXT_TAG = "mlflow.data.context"

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}", re.ASCII)
_LIMITS = {"param": MAX_PARAM, "tag": MAX_TAG, "experiment tag": MAX_TAG}


def whole(number: object) -> int | None:
    """A number as an integer of 64 bits; `None` where it is none."""
    if isinstance(number, str) and re.fullmatch(r"-?[0-9]{1,19}", number, re.ASCII):
        number = int(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    try:
        return check_integer(number, "The number")
    except InvalidInput:
        return None


def text_or(value: object, instead: str = "") -> str:
    """A value as text; another one where there is nothing, or where it is no text."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None or value == "":
        return instead
    return value if isinstance(value, str) else str(value)


def run_id_problem(run_id: object) -> str:
    """Why an id cannot be kept as a run's, as a sentence; empty when it can."""
    if isinstance(run_id, str) and _RUN_ID.fullmatch(run_id):
        return ""
    return "Its id is not 1 to 256 letters, digits, `-` or `_`."


def measured(value: object) -> object:
    """A metric value as it was logged: the greatest float stands for an infinity."""
    if value == GREATEST:
        return inf
    return -inf if value == -GREATEST else value


def kept_pairs(
    owner: str, kind: str, pairs: Iterable[tuple[Any, Any]], skipped: SkippedList, limit: int | None = None
) -> dict[str, str]:
    """Those of the pairs that can be kept.

    Args:
        owner: Whose they are, for the list of what was left out.
        kind: `param`, `tag` or another word.
        pairs: Key and value each; a value that is no text becomes one.
        skipped: Takes what is left out.
        limit: Most characters of a value; that of the kind when `None`.

    Returns:
        Value by key.
    """
    found: dict[str, str] = {}
    most = _LIMITS[kind] if limit is None else limit
    for key, value in pairs:
        try:
            text = text_or(value)
            check_text(text, "The value", most)
            found[check_key(key, kind)] = text
        except InvalidInput as error:
            skipped.add(kind, f"{owner} {str(key)[:MAX_KEY]}", error.message)
    return found


def kept_points(owner: str, points: Sequence[MetricPoint], skipped: SkippedList) -> Sequence[MetricPoint]:
    """Those of the metric points that can be kept; all at once where all can.

    Args:
        owner: Whose they are.
        points: (key, value, step, time in ms) each, perhaps of wrong types.
        skipped: Takes what is left out.
    """
    try:
        metric_columns(points)
    except InvalidInput:
        return [point for point in points if _is_kept(owner, point, skipped)]
    return points


def _is_kept(owner: str, point: MetricPoint, skipped: SkippedList) -> bool:
    try:
        metric_columns([point])
    except InvalidInput as error:
        key, _, step, _ = point
        skipped.add("metric", f"{owner} {str(key)[:MAX_KEY]} step {str(step)[:40]}", error.message)
        return False
    return True


def kept_experiment(values: Mapping[str, Any], skipped: SkippedList) -> ExperimentImport | None:
    """An experiment, or `None` when its name cannot be kept.

    Args:
        values: `name`, `lifecycle_stage`, `creation_time`, `last_update_time` and `tags` (pairs).
        skipped: Takes what is left out.
    """
    from engine.tracking.model import ExperimentImport

    name = values.get("name")
    try:
        check_text(name, "The experiment's name", MAX_NAME, may_be_empty=False)  # type: ignore[arg-type]
    except InvalidInput as error:
        skipped.add("experiment", str(name)[:MAX_KEY], error.message)
        return None
    created_ms = whole(values.get("creation_time")) or 0
    updated_ms = whole(values.get("last_update_time")) or created_ms
    return ExperimentImport(
        name=str(name),
        created_ms=created_ms,
        updated_ms=updated_ms,
        tags=kept_pairs(str(name), "experiment tag", values.get("tags", ()), skipped),
        deleted_ms=updated_ms if values.get("lifecycle_stage") == "deleted" else None,
    )


def kept_run(
    experiment: str, values: Mapping[str, Any], points: Sequence[MetricPoint], skipped: SkippedList
) -> RunImport | None:
    """A run, or `None` when it cannot be kept at all.

    Args:
        experiment: Its experiment's name.
        values: `run_id`, `run_name`, `status`, `start_time`, `end_time`, `user_id`, `lifecycle_stage`, `deleted_time`;
            `params`, `tags` (pairs) and `inputs`.
        points: Its metric points.
        skipped: Takes what is left out.
    """
    from engine.tracking.model import RunImport

    run_id = values["run_id"]
    problem = run_id_problem(run_id)
    if problem:
        skipped.add("run", str(run_id)[:MAX_KEY], problem)
        return None
    tags = kept_pairs(run_id, "tag", values.get("tags", ()), skipped)
    name = text_or(values.get("run_name"), tags.get(NAME_TAG) or run_id[:8])
    start_ms, end_ms = whole(values.get("start_time")), whole(values.get("end_time"))
    deleted_ms = None
    if values.get("lifecycle_stage") == "deleted":
        deleted_ms = whole(values.get("deleted_time")) or end_ms or start_ms or 0
    parent = tags.get(PARENT_TAG)
    return RunImport(
        experiment=experiment,
        name=_shortened(run_id, "name", name, MAX_NAME, skipped) or run_id[:8],
        start_ms=start_ms if start_ms is not None else (end_ms or 0),
        run_id=run_id,
        status=_status(values.get("status")),
        end_ms=end_ms,
        user=_shortened(run_id, "user", text_or(values.get("user_id"), UNKNOWN_USER), MAX_NAME, skipped),
        params=kept_pairs(run_id, "param", values.get("params", ()), skipped),
        metrics=kept_points(run_id, points, skipped),
        tags=tags,
        note=_shortened(run_id, "note", tags.get(NOTE_TAG, ""), MAX_NOTE, skipped),
        parent_run_id=parent if parent and parent != run_id and not run_id_problem(parent) else None,
        deleted_ms=deleted_ms,
        inputs=values.get("inputs", ()),
    )


def kept_input(owner: str, values: Mapping[str, Any], skipped: SkippedList) -> DatasetInput | None:
    """A dataset that a run read, or `None` when it cannot be kept.

    Args:
        owner: The run.
        values: `name`, `digest`, `schema`, `profile`, `source_type`, `source` and `tags` (pairs).
        skipped: Takes what is left out.
    """
    from engine.tracking.model import DatasetInput

    tags = {str(key): text_or(value) for key, value in values.get("tags", ())}
    given = DatasetInput(
        name=text_or(values.get("name")),
        digest=text_or(values.get("digest")),
        schema=text_or(values.get("schema")),
        rows=_row_count(values.get("profile")),
        context=tags.pop(CONTEXT_TAG, ""),
        source_type=text_or(values.get("source_type")),
        source=text_or(values.get("source")),
        profile=text_or(values.get("profile")),
        tags=tags,
    )
    try:
        return check_input(given)
    except InvalidInput as error:
        skipped.add("input", f"{owner} {given.name[:MAX_KEY]}", error.message)
        return None


def _row_count(profile: object) -> int | None:
    import json

    try:
        known = json.loads(text_or(profile, "null"))
    except (ValueError, RecursionError):
        return None
    rows = known.get("num_rows") if isinstance(known, dict) else None
    return rows if type(rows) is int and 0 <= rows < 2**63 else None


def _status(value: object) -> RunStatus:
    try:
        return RunStatus(text_or(value).lower())
    except ValueError:
        return RunStatus.FINISHED


def _shortened(owner: str, what: str, text: str, limit: int, skipped: SkippedList) -> str:
    try:
        return check_text(text[:limit], f"The run's {what}", limit)
    except InvalidInput as error:
        skipped.add(what, owner, error.message)
        return UNKNOWN_USER if what == "user" else ""
