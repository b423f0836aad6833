"""Performance as it was known: estimated without labels and realised with them, on one chart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from console.formats import NONE, count, moment, number
from console.text import Part, table
from console.widgets.charts.plot import draw
from console.widgets.charts.series import Series, View
from console.widgets.document import Line, heading
from engine.monitoring.model import Basis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.monitoring.model import PerformancePoint

HEIGHT = 10
SHOWN = 6
LOOKS = {Basis.ESTIMATED: "series-2", Basis.REALISED: "series-1"}


def newest(points: Sequence[PerformancePoint]) -> list[PerformancePoint]:
    """Of each window and basis what was known last, by time."""
    found = {(each.window_end_ms, each.basis, each.metric): each for each in sorted(points, key=lambda it: it.made_ms)}
    return sorted(found.values(), key=lambda it: (it.metric, it.window_end_ms))


def performance_lines(points: Sequence[PerformancePoint], width: int, *, unicode: bool) -> list[Line]:
    """A chart a metric, and the newest windows in numbers; nothing where there are none.

    Args:
        points: As they were known; later ones of a window count.
        width: Cells there are.
        unicode: Whether braille may be drawn.
    """
    known = newest(points)
    lines: list[Line] = []
    for metric in sorted({each.metric for each in known}):
        of = [each for each in known if each.metric == metric]
        lines += [heading("Performance", metric), *_chart(of, width, unicode=unicode), *_numbers(of)]
    return lines


def _chart(points: Sequence[PerformancePoint], width: int, *, unicode: bool) -> list[Line]:
    first = min(each.window_end_ms for each in points)
    series = [
        Series(
            basis.value,
            [
                ((each.window_end_ms - first) / 1_000, math.nan if each.value is None else each.value)
                for each in points
                if each.basis is basis
            ],
            role=look,
        )
        for basis, look in LOOKS.items()
    ]
    drawn = draw([each for each in series if each.points], View(max(width - 4, 20), HEIGHT, unicode=unicode, x="time"))
    return [Line([("  ", ""), *((span.text, span.role) for span in line)]) for line in drawn.lines]


def _numbers(points: Sequence[PerformancePoint]) -> list[Line]:
    ends = sorted({each.window_end_ms for each in points})[-SHOWN:]
    rows: list[list[Part]] = [[(text, "dim") for text in ("  window to", "estimated", "realised", "labels")]]
    for end_ms in reversed(ends):
        here = {each.basis: each for each in points if each.window_end_ms == end_ms}
        estimated, realised = here.get(Basis.ESTIMATED), here.get(Basis.REALISED)
        rows.append(
            [
                (f"  {moment(end_ms)[:16]}", "dim"),
                (_value(estimated), LOOKS[Basis.ESTIMATED]),
                (_value(realised), LOOKS[Basis.REALISED]),
                (NONE if realised is None else count(realised.rows), "dim"),
            ]
        )
    return [Line(row) for row in table(rows, right=frozenset({1, 2, 3}))]


def _value(point: PerformancePoint | None) -> str:
    if point is None or point.value is None:
        return NONE
    return number(point.value) if point.error is None else f"{number(point.value)} ± {point.error:.1g}"
