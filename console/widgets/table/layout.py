"""Rows, headings and their cells as lines of text with styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from console.widgets.table.column import GAP, GUTTER, Column, Placed, Row
from console.widgets.table.roles import PLAIN
from console.widgets.table.titles import told_apart

if TYPE_CHECKING:
    from rich.style import Style

    from console.widgets.table.roles import Roles

MARK = "●"
ELLIPSIS = "…"
ASCENDING, DESCENDING = "▲", "▼"
MORE_LEFT, MORE_RIGHT = "‹", "›"  # noqa: RUF001 - arrowheads, not signs of comparison
BETWEEN = " " * GAP
KEPT_TEXTS = 8_192  # texts kept as they fit: most cells of a live row read as they did
LONGEST = 16  # characters looked at for each cell of width: the rest of a hostile text costs nothing


@lru_cache(maxsize=KEPT_TEXTS)
def fit(text: str, width: int, align: Literal["left", "right"] = "left") -> str:
    """A text as exactly `width` cells, shortened with an ellipsis; characters that do not print are left out."""
    if len(text) > width * LONGEST:
        text = text[: width * LONGEST]
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable() or char == "\u200d")
    size = len(text) if text.isascii() else cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + ELLIPSIS if width > 1 else ELLIPSIS[:width]
    return text + " " * (width - size) if align == "left" else " " * (width - size) + text


class Lines:
    """Draws a table's lines for one arrangement of columns.

    Args:
        columns: All columns.
        placed: The visible ones.
        width: Width of a line in cells.
        roles: Styles by role.
    """

    def __init__(self, columns: Sequence[Column], placed: Sequence[Placed], width: int, roles: Roles) -> None:
        self._columns = columns
        self._placed = placed
        self._width = width
        self._roles = roles
        self._titles: dict[str, list[str]] = {}
        self._defaults = [(columns[place.column].align, self._style(columns[place.column].role)) for place in placed]
        self.blank = Strip.blank(width)
        """A line without a row."""

    def row(self, row: Row | None, *, marked: bool, cursor: str = "") -> Strip:
        """A row; None is one that has not been read yet.

        Args:
            row: Its cells.
            marked: Whether the operator marked it.
            cursor: The role of the line when the cursor is on it, else "".
        """
        runs = [(MARK.ljust(GUTTER), self._style("mark")) if marked else (" " * GUTTER, PLAIN)]
        styles, count = self._roles.get, 0 if row is None else len(row)
        for (index, _, width), (align, own) in zip(self._placed, self._defaults, strict=True):
            text, role = row[index] if row is not None and index < count else ("", "")
            runs.append((fit(text, width, align) + BETWEEN, styles(role, PLAIN) if role else own))
        if cursor:
            runs = [("".join(text for text, _ in runs), self._style(cursor))]
        return self._strip(runs)

    def heading(self, sort: tuple[str, bool] | None, news: str, *, more_left: bool, more_right: bool) -> Strip:
        """The heading line.

        Args:
            sort: Name of the column the rows are ordered by and whether descending, or None.
            news: Shown at the right end over the headings.
            more_left: Columns are hidden to the left.
            more_right: Columns are hidden to the right.
        """
        runs = [(" " * GUTTER, self._style("header"))]
        titles = self._fitting(sort[0] if sort is not None else "")
        for place, (index, _, width) in enumerate(self._placed):
            column = self._columns[index]
            title, style = titles[place], self._style("header")
            if sort is not None and sort[0] == column.name:
                title, style = f"{title}{DESCENDING if sort[1] else ASCENDING}", self._style("sorted")
            gap = f"{MORE_LEFT} " if more_left and place == 0 else " " * GAP
            runs.append((fit(title, width, column.align) + gap, style))
        strip = self._strip(runs)
        tail = f" {news}" if news else f" {MORE_RIGHT}" if more_right else ""
        if not tail:
            return strip
        size = min(cell_len(tail), self._width)
        end = Strip([Segment(fit(tail, size), self._style("news" if news else "header"))], size)
        return Strip.join([strip.crop(0, self._width - size), end])

    def headings(self, sort: tuple[str, bool] | None) -> list[tuple[str, str]]:
        """Name and shown heading of each placed column."""
        titles = self._fitting(sort[0] if sort is not None else "")
        names = (self._columns[place.column].name for place in self._placed)
        return list(zip(names, titles, strict=True))

    def _fitting(self, ordered: str) -> list[str]:
        """The headings as they fit; the one ordered by leaves a cell for the mark."""
        if ordered not in self._titles:
            columns = [self._columns[place.column] for place in self._placed]
            widths = [
                max(place.width - (column.name == ordered), 1)
                for place, column in zip(self._placed, columns, strict=True)
            ]
            self._titles[ordered] = told_apart([column.title for column in columns], widths)
        return self._titles[ordered]

    def column_at(self, x: int) -> Column | None:
        """The column whose heading covers cell `x`."""
        for index, start, width in self._placed:
            if start <= x < start + width + GAP:
                return self._columns[index]
        return None

    def _style(self, role: str) -> Style:
        return self._roles.get(role, PLAIN)

    def _strip(self, runs: list[tuple[str, Style]]) -> Strip:
        """One line: neighbours of one style joined, blanks up to the width, and nothing beyond it."""
        end = GUTTER + sum(width + GAP for _, _, width in self._placed)
        text, style = runs[-1]
        excess = end - self._width
        runs[-1] = (text + " " * -excess if excess <= 0 else text[:-excess] if excess <= GAP else text, style)
        segments: list[Segment] = []
        held, held_style = runs[0]
        for text, style in runs[1:]:
            if style is held_style:
                held += text
            else:
                segments.append(Segment(held, held_style))
                held, held_style = text, style
        segments.append(Segment(held, held_style))
        strip = Strip(segments, max(self._width, end - GAP))
        return strip.crop(0, self._width) if end - GAP > self._width else strip
