"""Moving averages of whole curves: a zoom shows its part of them, so that no value depends on the zoom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.core.smoothing import SAMPLES, between, smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.charting.settings import Settings, Window
    from engine.api import Engine
    from engine.tracking.model import History

Middle = tuple[float, float]
"""An x, and the mean of what was logged there."""

MOST_KEPT = 64
"""Curves beyond which those that are not asked for are forgotten."""

_Name = tuple[str, str, str]
"""What is kept: along which x, of which run, which metric."""


class Averages:
    """Whole curves as they are smoothed, kept until something new is logged."""

    def __init__(self) -> None:
        self._histories: dict[_Name, History] = {}
        self._fresh: set[_Name] = set()
        self._wanted: frozenset[_Name] = frozenset()
        self._smoothed: dict[tuple[_Name, float], list[Middle]] = {}

    def outdate(self) -> None:
        """Something new may have been logged: curves are shown until they are read again."""
        self._fresh.clear()

    def lacking(self, run_ids: Sequence[str], keys: Sequence[str], settings: Settings) -> tuple[str, ...]:
        """The metrics whose whole curves must be read; none where nothing is smoothed."""
        if not settings.smoothing:
            return ()
        self._wanted = frozenset((settings.x, run_id, key) for run_id in run_ids for key in keys)
        return tuple(key for key in keys if any((settings.x, run_id, key) not in self._fresh for run_id in run_ids))

    def take(self, run_ids: Sequence[str], keys: Sequence[str], x: str, found: Sequence[Sequence[History]]) -> None:
        """Keep what was read.

        Args:
            run_ids: Of which runs.
            keys: Which metrics.
            x: Along what.
            found: The whole curves, of every metric for every run.
        """
        new = {
            (x, run_id, key): history
            for run_id, of_run in zip(run_ids, found, strict=True)
            for key, history in zip(keys, of_run, strict=True)
        }
        if len(self._histories) + len(new) > MOST_KEPT:
            self._histories = {name: kept for name, kept in self._histories.items() if name in self._wanted}
            self._fresh &= self._wanted
        self._histories |= new
        self._fresh |= new.keys()
        for name, factor in list(self._smoothed):
            if name in new or name not in self._histories:
                del self._smoothed[name, factor]

    def of(self, key: str, run_ids: Sequence[str], settings: Settings) -> dict[str, list[Middle]]:
        """The averages of one metric, by run, as far as they were read."""
        return {run_id: nodes for run_id in run_ids if (nodes := self._nodes((settings.x, run_id, key), settings))}

    def _nodes(self, name: _Name, settings: Settings) -> list[Middle]:
        history = self._histories.get(name)
        if history is None or not settings.smoothing:
            return []
        nodes = self._smoothed.get((name, settings.smoothing))
        if nodes is None:
            nodes = self._smoothed[name, settings.smoothing] = averaged(history, settings.scale, settings.smoothing)
        return nodes


def whole_curves(
    engine: Engine, run_ids: Sequence[str], keys: Sequence[str], x: str
) -> tuple[tuple[History, ...], ...]:
    """Read what is smoothed. Runs in a worker thread.

    Args:
        engine: The engine.
        run_ids: Of which runs.
        keys: Which metrics.
        x: Along what.

    Returns:
        A whole curve for every metric for every run.

    Raises:
        NotFound: a run is gone.
    """
    return engine.runs.curves(run_ids, keys, points=SAMPLES, x=x)


def averaged(history: History, scale: float, factor: float) -> list[Middle]:
    """The moving average of a history, of the means of its stretches; see `engine.core.smoothing`.

    Args:
        history: What was read.
        scale: Units of its x in one of the axis.
        factor: 0 for the means themselves.
    """
    points = history.points
    xs = [point.x / scale for point in points]
    found = smoothed(xs, [point.mean for point in points], factor, [float(point.count) for point in points])
    return [(x, math.nan if average is None else average) for x, average in zip(xs, found, strict=True)]


def inside(nodes: Sequence[Middle], window: Window | None) -> list[Middle]:
    """The part of a curve in a window, cut off on its straight lines at both ends of it.

    Args:
        nodes: By x.
        window: First and last x; `None` for all of it.
    """
    if window is None or not nodes:
        return list(nodes)
    low, high = window
    found = [node for node in nodes if low <= node[0] <= high]
    first, last = nodes[0][0], nodes[-1][0]
    if first < low < last and (not found or found[0][0] > low):
        found.insert(0, (low, between(nodes, low)))
    if first < high < last and found[-1][0] < high:
        found.append((high, between(nodes, high)))
    return found
