"""`qd runs show`, `compare`, `metrics` and `lineage`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.cells import moment, number, short
from engine.cli.lineage import show_lineage
from engine.cli.live_names import METRIC, RUN
from engine.cli.options import gathered, past_option
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_page, show_record, show_rows
from engine.cli.runs.listing import encode
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.tracking.logged_model_model import RunModel
    from engine.tracking.model import Comparison, History, MetricPoint, MetricRow, ParamRow
    from engine.tracking.service import Runs

_ID = 10

POINTS = (
    Column("key", lambda point: point[0]),
    Column("step", lambda point: point[2], right=True),
    Column("time_ms", lambda point: point[3], moment, "time", right=True),
    Column("value", lambda point: point[1], right=True),
)
LATEST = (Column("key", lambda pair: pair[0]), Column("value", lambda pair: pair[1], right=True))


class _History(NamedTuple):
    points: int
    raw: bool
    x: str
    start: float | None
    end: float | None
    smoothing: float
    limit: int
    page_token: str | None


@click.command()
@click.argument("run", type=RUN)
@past_option
@format_options
@click.pass_obj
def show(session: Session, run: str, fmt: Format) -> None:
    """Show a run with everything it logged: params, metrics, tags, inputs, environment, artifacts, children, models."""
    engine = session.engine()
    found = engine.runs.get(run)
    models = [_encode_model(each) for each in engine.logged_models.of_run(found.run_id)]
    show_record({**encode(found), "logged_models": models}, fmt)


def _encode_model(beside: RunModel) -> dict[str, object]:
    model = beside.model
    return {
        "model_id": beside.model_id,
        "role": beside.role,
        "step": beside.step,
        "name": None if model is None else model.name,
        "model_type": None if model is None else model.model_type,
        "status": None if model is None else model.status.value,
        "created_ms": None if model is None else model.created_ms,
    }


@click.command()
@click.argument("run", type=RUN)
@click.argument("key", type=METRIC, required=False)
@click.option(
    "--points", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Stretches to cut into."
)
@click.option(
    "--x",
    metavar="step|time|elapsed|metrics.NAME",
    default="step",
    show_default=True,
    help="What the stretches are cut along; another metric is read at the same step, else the last before.",
)
@click.option("--start", type=float, metavar="X", help="First x to show: a step, or a time in ms.")
@click.option("--end", type=float, metavar="X", help="Last x to show.")
@click.option(
    "--smoothing",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    metavar="FACTOR",
    help="Add the exponential moving average of the whole curve, weighted by distance, such as 0.9.",
)
@click.option("--raw", is_flag=True, help="Every logged point, page by page, instead of stretches.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=1_000, show_default=True, help="Raw points per page.")
@click.option("--page-token", metavar="TOKEN", help="Continue raw points where an earlier page ended.")
@gathered("how", _History)
@format_options
@click.pass_obj
def metrics(session: Session, run: str, key: str | None, how: _History, fmt: Format) -> None:
    """Show a run's latest metrics, or the history of the metric KEY.

    A history is cut into stretches; each is given with its lowest, highest, first and last value, so that no peak is
    lost however many points there are.
    """
    service = session.engine().runs
    if key is None:
        latest = service.get(run).metrics
        show_json({"metrics": latest}) if fmt is Format.JSON else show_rows(list(latest.items()), LATEST, fmt)
    elif how.raw:
        page = service.metric_points(run, key, limit=how.limit, page_token=how.page_token)
        show_page(page, POINTS, fmt, encode=_encode_point)
    else:
        found = service.history(run, key, points=how.points, x=how.x, start=how.start, end=how.end)
        _show_history(found, _averages(service, found, run, how), how, fmt)


def _show_history(found: History, averages: list[float | None], how: _History, fmt: Format) -> None:
    if not averages:
        show_json(found) if fmt is Format.JSON else show_rows(found.points, _history_columns(how.x), fmt)
        return
    if fmt is Format.JSON:
        points = [{**plain(point), "smoothed": average} for point, average in zip(found.points, averages, strict=True)]
        show_json({**plain(found), "points": points})
        return
    by_place = dict(zip(map(id, found.points), averages, strict=True))
    last = Column("smoothed", lambda point: by_place[id(point)], right=True)
    show_rows(found.points, [*_history_columns(how.x), last], fmt)


def _averages(service: Runs, found: History, run: str, how: _History) -> list[float | None]:
    """What the smoothed whole curve says at the x of each stretch; none where nothing is to be smoothed."""
    from math import isfinite

    from engine.core.smoothing import SAMPLES, between, smoothed

    if not how.smoothing:
        return []
    whole = service.history(run, found.key, points=SAMPLES, x=how.x).points
    points = sorted((point for point in whole if isfinite(point.x)), key=attrgetter("x"))
    values = smoothed(
        [point.x for point in points],
        [point.mean for point in points],
        how.smoothing,
        [float(point.count) for point in points],
    )
    nodes = [(point.x, value) for point, value in zip(points, values, strict=True) if value is not None]
    if not nodes:
        return [None] * len(found.points)
    return [between(nodes, point.x) if isfinite(point.mean + point.x) else None for point in found.points]


def _encode_point(point: MetricPoint) -> dict[str, object]:
    return {column.name: column.value(point) for column in POINTS}


def _history_columns(x: str) -> Sequence[Column]:
    along = Column("x", lambda point: point.x, moment if x == "time" else short, x, right=True)
    names = ("low", "high", "first", "last", "count", "mean")
    return (along, *(Column(name, attrgetter(name), right=True) for name in names))


@click.command()
@click.argument("runs", type=RUN, nargs=-1, required=True, metavar="RUN RUN …")
@click.option("--baseline", type=RUN, help="The run that deltas are against; the first by default.")
@past_option
@format_options
@click.pass_obj
def compare(session: Session, runs: tuple[str, ...], baseline: str | None, fmt: Format) -> None:
    """Show runs side by side: parameters that differ first, metrics with their difference from the baseline.

    A star marks what differs.
    """
    found = session.engine().runs.compare(runs, baseline=baseline)
    if fmt is Format.JSON:
        show_json({**plain(found), "runs": [encode(run) for run in found.runs]})
        return
    if fmt is Format.HUMAN:
        show_lines([f"baseline  {found.runs[found.baseline].name}", ""])
    rows: list[ParamRow | MetricRow] = [*found.params, *found.metrics]
    show_rows(rows, _comparison_columns(found, fmt), fmt)


def _comparison_columns(found: Comparison, fmt: Format) -> list[Column]:
    columns = [
        Column("kind", lambda row: "metric" if hasattr(row, "deltas") else "param"),
        Column("key", lambda row: row.key),
        Column("differs", lambda row: row.differs, lambda differs: "*" if differs else "", " "),
    ]
    for place, run in enumerate(found.runs):
        if fmt is Format.CSV:
            columns.append(Column(run.run_id, partial(_value, place=place)))
            columns.append(Column(f"{run.run_id}.delta", partial(_delta, place=place)))
        else:
            cell = partial(_value_and_delta, place=place)
            columns.append(Column(f"{run.name} {run.run_id[:_ID]}", cell, _with_delta, right=True))
    return columns


def _value(row: ParamRow | MetricRow, place: int) -> str | float | None:
    return row.values[place]


def _delta(row: ParamRow | MetricRow, place: int) -> float | None:
    deltas: Sequence[float | None] = getattr(row, "deltas", ())
    return deltas[place] if deltas else None


def _value_and_delta(row: ParamRow | MetricRow, place: int) -> tuple[str | float | None, float | None]:
    return row.values[place], _delta(row, place)


def _with_delta(cell: tuple[str | float | None, float | None]) -> str:
    value, delta = cell
    return f"{short(value)} ({'+' if delta > 0 else ''}{number(delta)})" if delta else short(value)


@click.command()
@click.argument("run", type=RUN)
@format_options
@click.pass_obj
def lineage(session: Session, run: str, fmt: Format) -> None:
    """Show what a run read and what became of it: datasets, the run, model versions."""
    engine = session.engine()
    show_lineage(engine.models.lineage("run", engine.runs.get(run).run_id), fmt)
