"""Latencies of two versions over one axis: how many requests were how slow, each scaled to its own number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from console.endpoints.words import milliseconds
from console.widgets.charts.spark import sparkline
from console.widgets.document import Line
from engine.telemetry.histogram import bounds_us

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.text import Part

Series = tuple[str, "Mapping[int, int]", str]
"""A name, requests by bucket, and a look."""

_TICK = 12
"""Cells between two labels of the axis at least."""


def histogram_lines(series: Sequence[Series], width: int, *, unicode: bool) -> list[Line]:
    """Rows of equal buckets, one below the other, and the axis in milliseconds under them.

    Args:
        series: Who, what was counted, and in which look.
        width: Cells there are.
        unicode: Whether blocks may be drawn.

    Returns:
        Lines; a sentence when nothing was counted.
    """
    used = [bucket for _, counts, _ in series for bucket in counts]
    if not used:
        return [Line([("  no requests in the last minute", "dim")])]
    label = max(len(name) for name, _, _ in series) + 3
    first, last = min(used), max(used)
    cells = max(min(width - label - 9, last - first + 1), 1)
    span = math.ceil((last - first + 1) / cells)
    cells = math.ceil((last - first + 1) / span)
    lines = []
    for name, counts, look in series:
        total = sum(counts.values())
        shares = [0.0] * cells
        for bucket, count in counts.items():
            shares[(bucket - first) // span] += count / total
        drawn = sparkline([share or math.nan for share in _raised(shares)], cells, floor=0.0, unicode=unicode)
        lines.append(Line([(f"  {name:<{label - 2}}", "dim"), (drawn, look), (f" {total:>7,}", "dim")]))
    return [*lines, Line([(" " * label, ""), *_axis(first, span, cells)])]


def _raised(shares: Sequence[float]) -> list[float]:
    """Shares of the highest one, so that each version's shape fills its row."""
    most = max(shares) or 1.0
    return [share / most for share in shares]


def _axis(first: int, span: int, cells: int) -> list[Part]:
    text = ""
    for cell in range(0, cells, _TICK):
        text = f"{text:<{cell}}" + f"╵{milliseconds(bounds_us(first + cell * span)[0] / 1000)}"
    return [(f"{text} ms", "dim")]
