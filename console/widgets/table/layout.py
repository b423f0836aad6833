"""Rows, headings and their cells as lines of text with styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from console.widgets.table.column import GAP, GUTTER, Column, Row
from console.widgets.table.roles import PLAIN
from console.widgets.table.titles import told_apart

if TYPE_CHECKING:
    from rich.style import Style

    from console.widgets.table.across import Across
    from console.widgets.table.roles import Roles

    Orders = Sequence[tuple[str, bool]]

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


def order_marks(orders: Orders) -> dict[str, str]:
    """What stands behind the heading of each column ordered by: `▲`, or `▲1`, `▼2` of several."""
    several = len(orders) > 1
    return {
        name: (DESCENDING if descending else ASCENDING) + (str(place) if several else "")
        for place, (name, descending) in enumerate(orders, 1)
    }


class Lines:
    """Draws a table's lines for one arrangement of columns.

    Args:
        across: The columns and which of them are in view.
        width: Width of a line in cells.
        roles: Styles by role.
    """

    def __init__(self, across: Across, width: int, roles: Roles) -> None:
        self._columns = columns = across.columns
        self._placed = placed = list(across.placed)
        self._more_left, self._more_right = across.more_left, across.more_right
        self._width = width
        self._roles = roles
        self._titles: dict[tuple[tuple[str, str], ...], list[str]] = {}
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

    def heading(self, orders: Orders, news: str, here: str) -> Strip:
        """The heading line.

        Args:
            orders: Names of the columns the rows are ordered by and whether descending, most significant first.
            news: Shown at the right end over the headings.
            here: Name of the column under the column cursor.
        """
        runs = [(" " * GUTTER, self._style("header"))]
        marks = order_marks(orders)
        titles = self._fitting(marks)
        last_pinned = self._last_pinned()
        for place, (index, _, width) in enumerate(self._placed):
            column = self._columns[index]
            mark = marks.get(column.name, "")
            role = "column-cursor" if column.name == here else "sorted" if mark else "header"
            gap = f"{MORE_LEFT} " if self._more_left and place == last_pinned else BETWEEN
            runs += [
                (fit(titles[place] + mark, width, column.align), self._style(role)),
                (gap, self._style("header")),
            ]
        strip = self._strip(runs)
        tail = f" {news}" if news else f" {MORE_RIGHT}" if self._more_right else ""
        if not tail:
            return strip
        size = min(cell_len(tail), self._width)
        end = Strip([Segment(fit(tail, size), self._style("news" if news else "header"))], size)
        return Strip.join([strip.crop(0, self._width - size), end])

    def headings(self, orders: Orders) -> list[tuple[str, str]]:
        """Name and shown heading of each placed column."""
        titles = self._fitting(order_marks(orders))
        names = (self._columns[place.column].name for place in self._placed)
        return list(zip(names, titles, strict=True))

    def _last_pinned(self) -> int:
        """Place on the screen of the last column before those that are scrolled."""
        following = (place for place, (index, _, _) in enumerate(self._placed[1:], 1) if index != place)
        return next(following, 1) - 1

    def _fitting(self, marks: Mapping[str, str]) -> list[str]:
        """The headings as they fit; those ordered by leave cells for their marks."""
        key = tuple(marks.items())
        if key not in self._titles:
            columns = [self._columns[place.column] for place in self._placed]
            widths = [
                max(place.width - len(marks.get(column.name, "")), 1)
                for place, column in zip(self._placed, columns, strict=True)
            ]
            self._titles[key] = told_apart([column.title for column in columns], widths)
        return self._titles[key]

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
