"""The table beside a large chart: what every curve says under the cursor, and over the window."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from console.text import Part, table
from console.widgets.charts.series import readings
from console.widgets.document import Line, heading
from engine.core.plotting.labels import compact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.charting.settings import Settings
    from console.widgets.charts.series import Series

HEADS = ("at cursor", "last", "least", "greatest", "mean")


def readings_lines(
    title: str, series: Sequence[Series], settings: Settings, cursor: float | None, *, marked: bool
) -> list[Line]:
    """The table.

    Args:
        title: The metric.
        series: What the chart draws, dressed.
        settings: How.
        cursor: Where the cursor stands.
        marked: Whether curves have letters.

    Returns:
        The lines: a heading and one a curve.
    """
    rows: list[list[Part]] = [[("", ""), *((head, "dim") for head in HEADS)]]
    for one in series:
        if one.faint:
            continue
        name: Part = (f"  {one.marker} {one.name}" if marked else "  value", one.role or "")
        rows.append([name, *((text, "") for text in _numbers(one, cursor))])
    where = "all of it" if settings.window is None else "the window"
    at = f"cursor at {settings.said(cursor)}" if cursor is not None else ", . move a cursor"
    lines = [heading(title, f"{at}; least, greatest and mean of {where}")]
    return lines + [Line(row) for row in table(rows, right=frozenset(range(1, len(HEADS) + 1)))]


def _numbers(one: Series, cursor: float | None) -> list[str]:
    points = [point for point in one.points if math.isfinite(point[0])]
    if not points:
        return ["-"] * len(HEADS)
    values = [value for point in points for value in point[1:] if math.isfinite(value)]
    middles = [(point[1] + point[-1]) / 2 for point in points if math.isfinite(point[1]) and math.isfinite(point[-1])]
    last = points[-1][-1] if one.latest is None else one.latest
    at = "-"
    if cursor is not None:
        at = readings([one], cursor)[0].text
    mean = compact(math.fsum(value / len(middles) for value in middles)) if middles else "-"
    extremes = [compact(min(values)), compact(max(values))] if values else ["-", "-"]
    return [at, compact(last), *extremes, mean]
