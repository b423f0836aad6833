"""What a page of charts asks of the engine, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.charting.drawing import Shown
from console.charting.settings import Settings
from engine.tracking.model import History

if TYPE_CHECKING:
    from engine.api import Engine

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
    """

    runs: tuple[Shown, ...]
    keys: tuple[str, ...]
    points: int
    settings: Settings
    whole: tuple[float, float] | None


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
    found: dict[str, tuple[History, ...]] = {}
    for place, key in enumerate(request.keys):
        of_runs = []
        for number in range(len(ids)):
            each = [part[number][place] for part in parts]
            points = tuple(point for history in each for point in history.points)
            exact = all(history.exact for history in each)
            of_runs.append(History(key, sum(history.total for history in each), points, exact=exact))
        found[key] = tuple(of_runs)
    return found


def pieces(request: Request) -> list[tuple[float | None, float | None, int]]:
    """The windows to read, as first x, last x and points each: one, or several along a logarithmic axis.

    Args:
        request: What is needed.
    """
    settings = request.settings
    window = settings.window or (request.whole if settings.log_x else None)
    if window is None:
        return [(None, None, request.points)]
    low, high = window[0] * settings.scale, window[1] * settings.scale
    if not settings.log_x or high <= 0:
        return [(low, high, request.points)]
    begin = max(low, 1.0 if settings.scale > 1 or settings.kind == "step" else high * 1e-6)
    if begin >= high:
        return [(low, high, request.points)]
    ratio = (high / begin) ** (1 / LOG_PIECES)
    cuts = [begin, *(begin * ratio**place for place in range(1, LOG_PIECES)), high]
    bounds = [(cuts[place], cuts[place + 1]) for place in range(LOG_PIECES)]
    if settings.kind == "step":  # whole numbers: no step in two pieces
        bounds = [(one if not place else float(int(one)) + 1, after) for place, (one, after) in enumerate(bounds)]
    each = max(request.points // LOG_PIECES, 2)
    return [(one, after, each) for one, after in bounds if one <= after]
