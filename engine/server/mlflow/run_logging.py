"""What programs log to a run: metrics, params and tags, one by one or in batches. The hot path of the server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput
from engine.server.answers import Done, said
from engine.server.mlflow.decoding import Shape, needed, wrong
from engine.server.mlflow.names import check_key
from engine.server.mlflow.runs import OfRun, is_short
from engine.server.mlflow.shapes import NAME_TAG, NOTE_TAG, OWN_TAGS, PARENT_TAG, tags_of
from engine.server.routes import Route
from engine.tracking.logged_model_model import ModelMetric
from engine.tracking.model import RunReport
from engine.tracking.rules import MAX_PARAM, MAX_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call
    from engine.tracking.model import MetricPoint

_RUNS = "/api/2.0/mlflow/runs"
_LIMITS = {"metrics": 1000, "params": 100, "tags": 100}
_IN_ALL = 1000
_END = 2**63
_QUICK = 100
"""Most keys of a batch that is stored within a few milliseconds: each costs more than dozens of points of one key."""


class Metric(msgspec.Struct):
    """One metric point, maybe of a logged model and some data; `timestamp` in milliseconds since the epoch."""

    key: str
    value: float
    timestamp: int
    step: int | None = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class _LogMetric(Metric):
    run_id: str | None = None
    run_uuid: str | None = None


class _Param(msgspec.Struct):
    key: str
    value: str | None = ""


class _LogParam(_Param):
    run_id: str | None = None
    run_uuid: str | None = None


class _SetTag(_Param):
    run_id: str | None = None
    run_uuid: str | None = None


class _DeleteTag(OfRun):
    key: str | None = None


class _LogBatch(OfRun):
    metrics: list[Metric] | None = None
    params: list[_Param] | None = None
    tags: list[_Param] | None = None


_LOG_METRIC, _LOG_PARAM, _SET_TAG = Shape(_LogMetric), Shape(_LogParam), Shape(_SetTag)
_DELETE_TAG, _LOG_BATCH = Shape(_DeleteTag), Shape(_LogBatch)


async def log_metric(call: Call) -> Response:
    """Log one metric point."""
    given = await _LOG_METRIC.body(call)
    run = given.run_id or needed(given.run_uuid, "run_id")
    report = RunReport(metrics=(_point(given),), measured=_measured([given]) if given.model_id else ())
    await call.write(lambda: call.engine.runs.report(run, report), quick=True)
    return Done()


def _measured(metrics: Sequence[Metric]) -> list[ModelMetric]:
    """Those metrics that were measured of logged models."""
    return [
        ModelMetric(
            model_id=metric.model_id,
            key=metric.key,
            value=metric.value,
            step=metric.step or 0,
            time_ms=metric.timestamp,
            data_name=metric.dataset_name or "",
            data_digest=metric.dataset_digest or "",
        )
        for metric in metrics
        if metric.model_id
    ]


def _point(given: Metric) -> MetricPoint:
    check_key(given.key, "name")
    if not 0 <= given.timestamp < _END:
        raise wrong(
            given.timestamp,
            "timestamp",
            f": metric '{given.key[:60]}' (value={given.value}). "
            "Timestamp must be a nonnegative long (64-bit integer) ",
        )
    return given.key, given.value, given.step or 0, given.timestamp


def _points(given: Sequence[Metric]) -> list[MetricPoint]:
    """The same for many, most of them of few keys: each key is looked at once."""
    for key in dict.fromkeys(metric.key for metric in given):
        check_key(key, "name")
    times = [metric.timestamp for metric in given]
    if times and not 0 <= min(times) <= max(times) < _END:
        return [_point(metric) for metric in given]  # it names the first that is wrong
    return [(metric.key, metric.value, metric.step or 0, metric.timestamp) for metric in given]


async def log_param(call: Call) -> Response:
    """Log one param; a long value is cut."""
    given = await _LOG_PARAM.body(call)
    run = given.run_id or needed(given.run_uuid, "run_id")
    params = {check_key(given.key, "key"): (given.value or "")[:MAX_PARAM]}
    await call.write(lambda: call.engine.runs.report(run, RunReport(params=params)), quick=True)
    return Done()


async def set_tag(call: Call) -> Response:
    """Set one tag; a long value is cut."""
    given = await _SET_TAG.body(call)
    run = given.run_id or needed(given.run_uuid, "run_id")
    tags = {check_key(given.key, "key"): (given.value or "")[:MAX_TAG]}
    await call.write(lambda: call.engine.runs.report(run, _report(call.engine, run, tags)), quick=True)
    return Done()


async def delete_tag(call: Call) -> Response:
    """Remove one tag, which must be there."""
    given = await _DELETE_TAG.body(call)
    run, key = given.run, needed(given.key, "key")
    await call.write(lambda: _remove(call.engine, run, key), quick=key not in OWN_TAGS)
    return Done()


def _remove(engine: Engine, run: str, key: str) -> None:
    if key == NOTE_TAG and engine.runs.record(run).run.note:
        engine.runs.report(run, RunReport(note=""))
    elif key == PARENT_TAG and engine.runs.record(run).run.parent_run_id:
        engine.runs.report(run, RunReport(parent_run_id=""))
    else:
        engine.runs.report(run, RunReport(tags={key: None}))


async def log_batch(call: Call) -> Response:
    """Log many things at once, all of them or none."""
    given = await _LOG_BATCH.body(call)
    run = given.run
    metrics, params, tags = given.metrics or (), given.params or (), given.tags or ()
    _check_counts(len(metrics), len(params), len(tags))
    points = _points(metrics)
    measured = _measured(metrics)
    once = _params(params)
    set_tags = tags_of((check_key(tag.key, "key"), tag.value or "") for tag in tags)

    def write() -> None:
        try:
            call.engine.runs.report(run, replace(_report(call.engine, run, set_tags, points, once), measured=measured))
        except Conflict as error:
            raise _batch_conflict(run, error) from error

    quick = len({metric.key for metric in metrics}) <= _QUICK and is_short((*once.values(), *set_tags.values()))
    await call.write(write, quick=quick)
    return Done()


def _check_counts(metrics: int, params: int, tags: int) -> None:
    for (what, limit), count in zip(_LIMITS.items(), (metrics, params, tags), strict=True):
        if count > limit:
            raise _too_many(what, limit, count)
    if metrics + params + tags > _IN_ALL:
        raise _too_many("metrics, params, and tags", _IN_ALL, metrics + params + tags)


def _too_many(what: str, limit: int, count: int) -> InvalidInput:
    return InvalidInput(
        f"A batch logging request can contain at most {limit} {what}. Got {count} {what}. "
        f"Please split up {what} across multiple requests and try again."
    )


def _params(params: Sequence[_Param]) -> dict[str, str]:
    found = {check_key(param.key, "key"): (param.value or "")[:MAX_PARAM] for param in params}
    if len(found) < len(params):
        keys = [param.key for param in params]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise InvalidInput(
            f"Duplicate parameter keys have been submitted: {said(str(twice))}. "
            "Please ensure the request contains only one param value per param key."
        )
    return found


def _report(
    engine: Engine,
    run: str,
    tags: Mapping[str, str],
    metrics: Sequence[MetricPoint] = (),
    params: Mapping[str, str] | None = None,
) -> RunReport:
    """A report with what MLflow keeps in tags and we keep apart."""
    if OWN_TAGS.isdisjoint(tags):
        return RunReport(metrics=metrics, params=params or {}, tags=tags)
    parent = tags.get(PARENT_TAG)
    linked = parent is not None and parent != run and (not parent or engine.runs.knows(parent))
    apart = OWN_TAGS if linked else OWN_TAGS - {PARENT_TAG}
    return RunReport(
        metrics=metrics,
        params=params or {},
        tags={key: value for key, value in tags.items() if key not in apart},
        name=tags.get(NAME_TAG) or None,
        note=tags.get(NOTE_TAG),
        parent_run_id=parent if linked else None,
    )


def _batch_conflict(run: str, error: Conflict) -> Conflict:
    changed = error.details.get("params")
    if not isinstance(changed, list):
        return error
    told = [{"key": each["key"], "old_value": each["old"], "new_value": each["new"]} for each in changed]
    return Conflict(
        f"Changing param values is not allowed. Params were already logged='{said(str(told))}' for run ID='{run}'."
    )


ROUTES = (
    Route("POST", f"{_RUNS}/log-metric", log_metric, role=Role.WRITER),
    Route("POST", f"{_RUNS}/log-parameter", log_param, role=Role.WRITER),
    Route("POST", f"{_RUNS}/set-tag", set_tag, role=Role.WRITER),
    Route("POST", f"{_RUNS}/delete-tag", delete_tag, role=Role.WRITER),
    Route("POST", f"{_RUNS}/log-batch", log_batch, role=Role.WRITER),
)
