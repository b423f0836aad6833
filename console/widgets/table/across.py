"""Which columns a table shows and which of them its cursor is on. Pure: no widget, no screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.widgets.table.column import Column, Placed, Row, arrange, pinned, widened


class Across:
    """A table's columns, those of them in view, and the one under the column cursor.

    The cursor belongs to a column: when others come, go or change places it stays on it. What is in view follows it.

    Args:
        columns: All columns in order, pinned ones first.
    """

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns: tuple[Column, ...] = tuple(columns)
        self.at = 0
        """Place of the column under the cursor."""
        self._offset = 0
        self._width = 0
        self._placed: list[Placed] | None = None

    @property
    def column(self) -> Column | None:
        """The column under the cursor; None without columns."""
        return self.columns[self.at] if self.columns else None

    @property
    def placed(self) -> list[Placed]:
        """The columns in view, left to right."""
        if self._placed is None:
            self._placed = arrange(self.columns, self._width, self._offset)
        return self._placed

    @property
    def more_left(self) -> bool:
        """Whether columns are out of view between the pinned ones and the others."""
        return self._offset > self._stay

    @property
    def more_right(self) -> bool:
        """Whether going right brings columns that are not in view."""
        if not self._offset:
            return len(self.placed) < len(self.columns)
        return bool(self.placed) and self.placed[-1].column < len(self.columns) - 1

    @property
    def _stay(self) -> int:
        return pinned(self.columns, self._width)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Take other columns; the cursor stays on its own, or on its place when that is gone."""
        here = self.column
        self.columns = tuple(columns)
        names = [column.name for column in self.columns]
        found = names.index(here.name) if here is not None and here.name in names else self.at
        self.at = max(0, min(found, len(names) - 1))
        self._reveal()

    def resize(self, width: int) -> None:
        """The table is `width` cells wide now."""
        self._width = width
        self._reveal()

    def widen(self, rows: Iterable[Row]) -> bool:
        """Widen columns that are to be shown whole for these rows; whether any was."""
        columns = widened(self.columns, rows)
        if columns is self.columns:
            return False
        self.columns = columns
        self._placed = None
        return True

    def go_to(self, name: str) -> bool:
        """Put the cursor on a column by its name; whether it moved."""
        found = next((place for place, column in enumerate(self.columns) if column.name == name), self.at)
        moved, self.at = found != self.at, found
        self._reveal()
        return moved

    def step(self, by: int) -> bool:
        """Go one column to the left or right: first through what is in view, then beyond it; whether it moved.

        Args:
            by: -1 or 1.
        """
        before = self.at
        if by > 0:
            self._right()
        else:
            self._left()
        return self.at != before

    def _right(self) -> None:
        after = [place.column for place in self.placed if place.column > self.at]
        if after:
            self.at = after[0]
        elif not self._offset and (out := self._out_of_view()):
            self.at = out[0]
            self._scroll_from(self._stay)  # from here on in order: nothing is left out any more
        elif self.at < len(self.columns) - 1:
            self.at += 1
            self._scroll_from(max(self._offset, self._stay))

    def _left(self) -> None:
        first = self._stay
        if self._offset and self.at == self._offset:
            self.at -= 1
            self._show(self.at if self.at >= first else 0)
            return
        before = [place.column for place in self.placed if place.column < self.at]
        if before:
            self.at = before[-1]

    def _out_of_view(self) -> list[int]:
        shown = {place.column for place in self.placed}
        return [place for place in range(len(self.columns)) if place not in shown]

    def _show(self, offset: int) -> None:
        self._offset, self._placed = offset, None

    def _reveal(self) -> None:
        """Bring the cursor's column into view, moving as little as needed."""
        first = self._stay
        if self._offset and not first <= self._offset < len(self.columns):
            self._offset = 0
        for offset in (self._offset, 0):
            self._show(offset)
            if self._in_view:
                return
        self._scroll_from(max(self._offset, first))

    def _scroll_from(self, offset: int) -> None:
        """Leave out as few columns as needed, in order, for the cursor's to be in view."""
        for place in range(offset, self.at + 1):
            self._show(place)
            if self._in_view:
                return

    @property
    def _in_view(self) -> bool:
        return self._width <= 0 or any(place.column == self.at for place in self.placed)
