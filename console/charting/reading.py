"""What a page of charts asks of the engine, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.charting.averages import whole_curves
from console.charting.drawing import Shown, whole_range
from console.charting.settings import Settings
from engine.tracking.model import History

if TYPE_CHECKING:
    from engine.api import Engine

FEW_POINTS = 100
"""Stretches that tell well enough where a curve ends."""

LEAST_SHARE = 1e-30
"""Of the last x, the first that a logarithmic axis of another metric is read from."""

LOG_PIECES = 3
"""Parts that a logarithmic x is read in, so that its beginning has its share of the points."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the engine for a page of charts.

    Args:
        runs: The runs shown.
        keys: The metrics of the page.
        points: Stretches a curve.
        settings: How they are shown.
        whole: The first and last x known, for a logarithmic axis.
        smooth: The metrics whose whole curves are wanted too.
        news: Whether points may have come since x was known.
    """

    runs: tuple[Shown, ...]
    keys: tuple[str, ...]
    points: int
    settings: Settings
    whole: tuple[float, float] | None
    smooth: tuple[str, ...] = ()
    news: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for a page of charts.

    Args:
        histories: The curves by metric, in the order of the runs.
        whole: The first and last x; `None` when that was not asked, or there are no points.
        smooth: Whole curves of the metrics asked for, of every metric for every run.
    """

    histories: dict[str, tuple[History, ...]]
    whole: tuple[float, float] | None
    smooth: tuple[tuple[History, ...], ...] = ()


def found(engine: Engine, request: Request) -> Found:
    """Read all that a page of charts needs. Runs in a worker thread.

    Args:
        engine: The engine.
        request: What is needed.

    Returns:
        What there is.

    Raises:
        NotFound: a run is gone.
    """
    read = histories(engine, request)
    ids = [run.run_id for run in request.runs]
    settings = request.settings
    smooth = whole_curves(engine, ids, request.smooth, settings.x) if request.smooth else ()
    if settings.window is None:
        whole = whole_range([each for some in read.values() for each in some], settings.scale)
    else:
        whole = reach(engine, request) if request.news or request.whole is None else None
    return Found(read, whole, smooth)


def histories(engine: Engine, request: Request) -> dict[str, tuple[History, ...]]:
    """Read what a page of charts needs. Runs in a worker thread.

    Args:
        engine: The engine.
        request: What is needed.

    Returns:
        The histories by metric, in the order of the runs.

    Raises:
        NotFound: a run is gone.
    """
    runs, settings = engine.runs, request.settings
    ids = [run.run_id for run in request.runs]
    parts = [
        runs.curves(ids, request.keys, points=points, x=settings.x, start=start, end=end)
        for start, end, points in pieces(request)
    ]
    by_key: dict[str, tuple[History, ...]] = {}
    for place, key in enumerate(request.keys):
        of_runs = []
        for number in range(len(ids)):
            each = [part[number][place] for part in parts]
            points = tuple(point for history in each for point in history.points)
            exact = all(history.exact for history in each)
            of_runs.append(History(key, sum(history.total for history in each), points, exact=exact))
        by_key[key] = tuple(of_runs)
    return by_key


def pieces(request: Request) -> list[tuple[float | None, float | None, int]]:
    """The windows to read, as first x, last x and points each: one, or several along a logarithmic axis.

    Args:
        request: What is needed.
    """
    settings = request.settings
    window = settings.window or (request.whole if settings.log_x else None)
    if window is None:
        return [(None, None, request.points)]
    begin, high = (each * settings.scale for each in settings.drawable(window))
    if settings.log_x:
        begin = max(begin, high * LEAST_SHARE if settings.kind == "value" else 1.0)
    if not settings.log_x or high <= 0 or begin >= high:
        return [(begin, high, request.points)]
    ratio = (high / begin) ** (1 / LOG_PIECES)
    cuts = [begin, *(begin * ratio**place for place in range(1, LOG_PIECES)), high]
    bounds = [(cuts[place], cuts[place + 1]) for place in range(LOG_PIECES)]
    if settings.kind == "step":  # whole numbers: no step in two pieces
        bounds = [(one if not place else float(int(one)) + 1, after) for place, (one, after) in enumerate(bounds)]
    each = max(request.points // LOG_PIECES, 2)
    return [(one, after, each) for one, after in bounds if one <= after]


def reach(engine: Engine, request: Request) -> tuple[float, float] | None:
    """The first and last x that there are now, however little of it is shown. Runs in a worker thread.

    Args:
        engine: The engine.
        request: Whose.

    Returns:
        In the units of the axis; `None` without points.

    Raises:
        NotFound: a run is gone.
    """
    ids = [run.run_id for run in request.runs]
    read = engine.runs.curves(ids, request.keys[:1], points=FEW_POINTS, x=request.settings.x)
    return whole_range([each for of_run in read for each in of_run], request.settings.scale)
