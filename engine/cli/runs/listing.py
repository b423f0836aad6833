"""`qd runs list`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, duration
from engine.cli.live_names import EXPERIMENT
from engine.cli.options import Search, past_option, search_options
from engine.cli.output import Column, Format, format_options, show_lines, show_page, show_record
from engine.core.keys import is_system
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.tracking.model import Run

_ID = 10
_METRICS = 3
_KINDS = ("metrics", "params", "tags")

RUN_COLUMNS = (
    Column("run_id", lambda run: run.run_id, lambda run_id: run_id[:_ID], "run"),
    Column("name", lambda run: run.name),
    Column("experiment", lambda run: run.experiment),
    Column("state", lambda run: run.state),
    Column("start_ms", lambda run: run.start_ms, age, "started", right=True),
    Column("duration_ms", lambda run: run.duration_ms, duration, "took", right=True),
    Column("user", lambda run: run.user),
)


def encode(run: Run) -> dict[str, Any]:
    """A run's JSON: its fields and how long it took.

    Args:
        run: The run.
    """
    return {**plain(run), "duration_ms": run.duration_ms}


_find = click.option(
    "--find", default="", metavar="QUERY", help="As typed after / in the console: 'cfg.lr>=1e-3 -note:debug churn'."
)


@click.command("list")
@_find
@click.option("--experiment", type=EXPERIMENT, help="Only runs of this experiment.")
@click.option("--columns", metavar="KEY,…", help="Metrics, params and tags to show: metrics.auc,params.lr or just auc.")
@click.option("--deleted", "lifecycle", flag_value="deleted", help="Show deleted runs instead.")
@click.option("--all", "lifecycle", flag_value="all", default="active", help="Show deleted runs too.")
@search_options(example="metrics.auc > 0.9 and params.model = 'tree'", order="metrics.auc desc")
@past_option
@format_options
@click.pass_obj
def list_(session: Session, /, search: Search, fmt: Format, columns: str | None, **where: str | None) -> None:
    """List runs, newest first.

    JSON has every metric and parameter of each run; tables show those asked for with --columns.
    """
    from engine.tracking.model import RunQuery

    asked = RunQuery(
        filter=search.filter,
        order_by=search.order_by,
        experiment=where["experiment"],
        lifecycle=where["lifecycle"] or "active",
        limit=search.limit,
        page_token=search.page_token,
        find=where["find"] or "",
    )
    page = session.engine().run_reading.page(asked)
    chosen = _usual(page.items, fmt) if columns is None else [_column(key, page.items) for key in _keys(columns)]
    show_page(page, [*RUN_COLUMNS, *chosen], fmt, encode=encode)


@click.command()
@_find
@click.option("--experiment", type=EXPERIMENT, help="Only runs of this experiment.")
@click.option("--filter", "text", default="", metavar="TEXT", help='Such as "metrics.auc > 0.9".')
@past_option
@format_options
@click.pass_obj
def count(session: Session, experiment: str | None, text: str, find: str, fmt: Format) -> None:
    """Count the runs that a filter finds."""
    from engine.tracking.model import RunQuery

    found = session.engine().run_reading.count(RunQuery(filter=text, find=find, experiment=experiment))
    if fmt is Format.HUMAN:
        show_lines([str(found)])
    else:
        show_record({"count": found}, fmt)


def _keys(text: str) -> list[str]:
    return [key.strip() for key in text.split(",") if key.strip()]


def _usual(runs: Sequence[Run], fmt: Format) -> list[Column]:
    """People see the most frequent metrics; programs everything there is."""
    if fmt is Format.JSON:
        return []
    if fmt is Format.CSV:
        return [_logged(kind, key) for kind in _KINDS[:2] for key in sorted(_used(runs, kind))]
    frequent = Counter(key for run in runs for key in run.metrics if not is_system(key))
    return [_logged("metrics", key) for key, _ in frequent.most_common(_METRICS)]


def _used(runs: Iterable[Run], kind: str) -> set[str]:
    return {key for run in runs for key in getattr(run, kind)}


def _column(asked: str, runs: Sequence[Run]) -> Column:
    kind, dot, key = asked.partition(".")
    if dot and kind in _KINDS:
        return _logged(kind, key)
    return _logged(next((kind for kind in _KINDS if asked in _used(runs, kind)), _KINDS[0]), asked)


def _logged(kind: str, key: str) -> Column:
    return Column(f"{kind}.{key}", lambda run: getattr(run, kind).get(key), title=key, right=kind == "metrics")
