"""Histories as the charts take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.widgets.charts.series import Point
    from engine.tracking.model import History


def points_of(history: History) -> list[Point]:
    """A history's points: single values as they are, stretches as their lowest and highest."""
    points: list[Point] = []
    for point in history.points:
        if point.count == 1:
            points.append((float(point.x), point.first))
        else:
            points.append((float(point.x), point.low, point.high))
    return points
