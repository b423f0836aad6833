"""Charts made of rows: a name at the left, something drawn beside it, every line of exactly one width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len

from console.widgets.charts.heading import cut, heading
from console.widgets.charts.series import Line, Span, dressed

if TYPE_CHECKING:
    from console.widgets.charts.series import Series, View

_NAME_SHARE = 3
"""A name may take one cell of so many."""
_LONGEST_NAME = 24
LEAST_TITLED = 3
"""Rows from which the title line gets one of them."""


def fitted(spans: Iterable[Span], width: int, *, unicode: bool) -> Line:
    """Spans as one line.

    Args:
        spans: from the left.
        width: cells of the line; what is longer is cut off.
        unicode: how a cut is marked.

    Returns:
        Spans of exactly ``width`` cells.
    """
    line: list[Span] = []
    left = width
    for text, role in spans:
        size = cell_len(text)
        if size > left:
            text, size = cut(text, left, unicode=unicode), left  # noqa: PLW2901 what is left of it
        if size:
            line.append(Span(text, role))
        left -= size
    return tuple([*line, Span(" " * left)] if left > 0 or not line else line)


def runs_of(cells: Iterable[tuple[str, str]]) -> list[Span]:
    """Cells of (glyph, role), each one cell wide, with neighbours of one role joined."""
    return [Span("".join(glyph for glyph, _ in same), role) for role, same in groupby(cells, lambda cell: cell[1])]


def in_window(series: Sequence[Series], view: View) -> tuple[Series, ...]:
    """Series as they are dressed, without the faint ones and without what the view does not show of x."""
    low, high = view.x_range or (-math.inf, math.inf)
    bright = [one for one in dressed(series, unicode=view.unicode) if not one.faint]
    if view.x_range is None:
        return tuple(bright)
    return tuple(
        replace(one, points=[point for point in one.points if low <= point[0] <= high], latest=None) for one in bright
    )


def name_width(names: Sequence[str], width: int) -> int:
    """Cells that names get beside what is drawn: as many as the longest, up to a third of the line."""
    return min(max(map(cell_len, names), default=0), width // _NAME_SHARE, _LONGEST_NAME)


def sheet_of(title: Line | None, rows: Sequence[Line], foot: Sequence[Line], view: View) -> tuple[Line, ...]:
    """Title, rows and foot as exactly ``view.height`` lines; the foot stands at the bottom."""
    head = [title] if title is not None else []
    room = max(view.height - len(head), 0)
    below = list(foot)[: max(room - 1, 0)]
    shown = list(rows)[: room - len(below)]
    blank = fitted((), view.width, unicode=view.unicode)
    return tuple([*head, *shown, *[blank] * (room - len(below) - len(shown)), *below][: view.height])


def said(text: str, view: View) -> tuple[Line, ...]:
    """A chart of words: why there is nothing to draw."""
    title = heading((), view) if view.height >= LEAST_TITLED else None
    pad = " " * max((view.width - cell_len(text)) // 2, 0)
    rows = [fitted((Span(pad + text, "dim"),), view.width, unicode=view.unicode)]
    above = max((view.height - (title is not None) - 1) // 2, 0)
    return sheet_of(title, [fitted((), view.width, unicode=view.unicode)] * above + rows, (), view)
