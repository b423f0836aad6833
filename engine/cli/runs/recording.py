"""`qd runs start`, `log` and `finish`: a shell script logs a run.

A run started here is not watched for signs of life, for no process stays: it runs until `finish`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.live_names import EXPERIMENT, RUN
from engine.cli.options import as_mapping, gathered
from engine.cli.output import Format, format_options, show_lines, show_record
from engine.cli.runs.listing import encode
from engine.cli.words import MEASURE, MOMENT, PAIR
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.tracking.model import MetricPoint

_BATCH = 10_000


class _Start(NamedTuple):
    experiment: str
    name: str | None
    params: Sequence[tuple[str, str]]
    tags: Sequence[tuple[str, str]]
    parent: str | None
    seed: int | None
    scheduled: bool


@click.command()
@click.option("--experiment", type=EXPERIMENT, default="Default", show_default=True, help="Made when missing.")
@click.option("--name", help="Its name; made from its id without one.")
@click.option("--param", "params", type=PAIR, multiple=True, help="A parameter; may be repeated.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag; may be repeated.")
@click.option("--parent", type=RUN, help="The run it belongs to.")
@click.option("--seed", type=int, help="The random seed the program uses.")
@click.option("--scheduled", is_flag=True, help="It waits; `qd runs finish RUN --status running` begins it.")
@gathered("asked", _Start)
@format_options
@click.pass_obj
def start(session: Session, asked: _Start, fmt: Format) -> None:
    """Start a run and print its id: RUN=$(qd runs start --experiment nightly)."""
    from engine.tracking.model import RunStatus

    service = session.engine().runs
    started = service.start(
        asked.experiment,
        asked.name,
        params=as_mapping(asked.params),
        tags=as_mapping(asked.tags),
        parent=asked.parent,
        seed=asked.seed,
        status=RunStatus.SCHEDULED,  # nobody will beat for it, so it must not begin as one that is watched
    )
    if not asked.scheduled:
        service.finish(started.id, RunStatus.RUNNING)
    if fmt is Format.HUMAN:
        show_lines([started.id])
    else:
        show_record(encode(service.get(started.id)), fmt)


class _Log(NamedTuple):
    metrics: Sequence[tuple[str, float]]
    params: Sequence[tuple[str, str]]
    tags: Sequence[tuple[str, str]]
    step: int
    at: int | None
    points: Any
    datasets: Sequence[tuple[str, str]]
    context: str


@click.command()
@click.argument("run", type=RUN)
@click.option("--metric", "metrics", type=MEASURE, multiple=True, help="A metric's value; may be repeated.")
@click.option("--param", "params", type=PAIR, multiple=True, help="A parameter; may be repeated.")
@click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag; may be repeated.")
@click.option("--step", type=int, default=0, show_default=True, help="The step of the metrics.")
@click.option("--at", type=MOMENT, help="The time of the metrics; now without it.")
@click.option(
    "--points",
    type=click.File("r", encoding="utf-8"),
    help='A file of points, one JSON object a line: {"key", "value", "step", "time_ms"}; - is stdin.',
)
@click.option("--dataset", "datasets", type=PAIR, multiple=True, help="Data it read, as name=digest; may be repeated.")
@click.option("--context", default="training", show_default=True, help="What the data was read for.")
@gathered("asked", _Log)
@format_options
@click.pass_obj
def log(session: Session, run: str, asked: _Log, fmt: Format) -> None:
    """Log metrics, parameters and tags to a run; what one command names is stored whole or not at all.

    A file of points is stored in batches of 10,000 lines, as they are read.
    """
    from engine.tracking.model import DatasetInput

    service = session.engine().runs
    now_ms = service.now_ms() if asked.at is None else asked.at
    points = [(key, value, asked.step, now_ms) for key, value in asked.metrics]
    service.log_batch(run, metrics=points, params=as_mapping(asked.params), tags=as_mapping(asked.tags))
    logged = len(points)
    for batch in _batches(_points(asked.points or (), now_ms)):
        service.log_batch(run, metrics=batch)
        logged += len(batch)
    for name, digest in asked.datasets:
        service.log_input(run, DatasetInput(name, digest, context=asked.context))
    if fmt is not Format.HUMAN:
        show_record({"run": run, "points": logged, "params": len(asked.params), "tags": len(asked.tags)}, fmt)


def _batches(points: Iterator[MetricPoint]) -> Iterator[list[MetricPoint]]:
    from itertools import islice

    while batch := list(islice(points, _BATCH)):
        yield batch


def _points(lines: Iterable[str], now_ms: int) -> Iterator[MetricPoint]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _point(number, line, now_ms)


def _point(number: int, line: str, now_ms: int) -> MetricPoint:
    try:
        point = json.loads(line)
        return str(point["key"]), float(point["value"]), int(point.get("step", 0)), int(point.get("time_ms", now_ms))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidInput(
            f"Line {number} is no point; the batches before it are stored.",
            hint='Write {"key": "loss", "value": 0.1, "step": 3}.',
        ) from error


@click.command()
@click.argument("run", type=RUN)
@click.option(
    "--status",
    type=click.Choice(["finished", "failed", "killed", "running"]),
    default="finished",
    show_default=True,
    help="How it ended; `running` opens it again.",
)
@format_options
@click.pass_obj
def finish(session: Session, run: str, status: str, fmt: Format) -> None:
    """Say how a run ended."""
    from engine.tracking.model import RunStatus

    service = session.engine().runs
    service.finish(run, RunStatus(status))
    if fmt is not Format.HUMAN:
        show_record(encode(service.get(run)), fmt)
