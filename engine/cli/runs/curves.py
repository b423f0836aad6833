"""`qd runs curves`: curves of a run as a table, as data, and as a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from engine.cli.cells import short
from engine.cli.diagnostics import narrate
from engine.cli.live_names import METRIC, RUN
from engine.cli.options import gathered
from engine.cli.output import Column, Format, format_options, show_json, show_rows, write
from engine.cli.runs.artifacts import refuse_taken
from engine.core.plain import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.cli.session import Session
    from engine.core.plotting.picture import Curve
    from engine.tracking.model import History


def _least(history: History) -> float | None:
    return min((point.low for point in history.points if not math.isnan(point.low)), default=None)


def _greatest(history: History) -> float | None:
    return max((point.high for point in history.points if not math.isnan(point.high)), default=None)


COLUMNS = (
    Column("key", lambda history: history.key),
    Column("points", lambda history: history.total, right=True),
    Column("low", _least, short, right=True),
    Column("high", _greatest, short, right=True),
    Column("last", lambda history: history.points[-1].last if history.points else None, short, right=True),
)


class _Picture(NamedTuple):
    points: int
    x: Literal["step", "time"]
    svg: Path | None
    log_y: bool
    force: bool


@click.command()
@click.argument("run", type=RUN)
@click.argument("keys", type=METRIC, nargs=-1, required=True, metavar="KEY…")
@click.option("--points", type=click.IntRange(1, 10_000), default=2_000, show_default=True, help="Most points a curve.")
@click.option("--x", type=click.Choice(["step", "time"]), default="step", help="What the curves go along.")
@click.option("--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw them into FILE.")
@click.option("--log-y", is_flag=True, help="A logarithmic y axis in the picture.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@gathered("how", _Picture)
@format_options
@click.pass_obj
def curves(session: Session, run: str, keys: tuple[str, ...], how: _Picture, fmt: Format) -> None:
    """Show curves of a run: their extent, with --csv their points, with --svg FILE a picture.

    Longer curves are cut into stretches, of which the lowest and highest are kept. Time counts from the run's start.
    """
    if how.svg is not None:
        refuse_taken(how.svg, force=how.force)
    service = session.engine().runs
    found = service.get(run)
    along = "elapsed" if how.x == "time" else how.x
    (histories,) = service.curves((found.run_id,), tuple(dict.fromkeys(keys)), points=how.points, x=along)
    if how.svg is not None:
        _draw(found.name, histories, how, how.svg)
    if fmt is Format.JSON:
        show_json({"run": found.run_id, "x": how.x, "series": [plain(each) for each in histories]})
    elif fmt is Format.CSV:
        from engine.core.plotting.picture import csv_text

        write(csv_text(_curves(histories, how.x)))
    elif how.svg is None:
        show_rows(histories, COLUMNS, fmt)


def _draw(name: str, histories: Sequence[History], how: _Picture, target: Path) -> None:
    from engine.core.plotting.picture import Look, svg
    from engine.core.saving import save

    curves = _curves(histories, how.x)
    title = curves[0].name if len(curves) == 1 else ""
    look = Look(title=f"{name}  {title}".strip(), x=how.x, log_y=how.log_y)
    save(target, svg(curves, look).encode(), replace=how.force)
    narrate(f"{target} written.")


def _curves(histories: Sequence[History], x: str) -> list[Curve]:
    """As pictures take them; time in seconds since the run's start."""
    from engine.core.plotting.picture import Curve

    unit = 1_000 if x == "time" else 1  # milliseconds
    return [
        Curve(
            each.key,
            [
                (at, point.first) if point.count == 1 else (at, point.low, point.high)
                for point in each.points
                for at in [point.x / unit]
            ],
        )
        for each in histories
    ]
