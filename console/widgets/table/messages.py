"""What a table tells its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from console.widgets.table.rows import Key
    from console.widgets.table.widget import VirtualTable


class Event(Message):
    """Something happened in a table."""

    def __init__(self, table: VirtualTable) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> VirtualTable:
        """The table, for `@on` selectors."""
        return self.table


class RowsNeeded(Event):
    """Rows are missing. Replaces earlier ones: a request under way for those may be dropped."""

    def __init__(self, table: VirtualTable, keys: tuple[Key, ...]) -> None:
        super().__init__(table)
        self.keys = keys
        """What to read, those in view first."""


class RowHighlighted(Event):
    """The cursor came to another row."""

    def __init__(self, table: VirtualTable, key: Key | None, index: int) -> None:
        super().__init__(table)
        self.key = key
        """The row's key; None in an empty table."""
        self.index = index
        """Its place from 0; -1 in an empty table."""


class ColumnHighlighted(Event):
    """The column cursor came to another column."""


class RowSelected(Event):
    """Enter or a double click on a row."""

    def __init__(self, table: VirtualTable, key: Key) -> None:
        super().__init__(table)
        self.key = key


class MarksChanged(Event):
    """Rows were marked or marks taken away."""

    def __init__(self, table: VirtualTable, marks: frozenset[Key]) -> None:
        super().__init__(table)
        self.marks = marks


class SortRequested(Event):
    """A click on a heading."""

    def __init__(self, table: VirtualTable, column: str, *, further: bool = False) -> None:
        super().__init__(table)
        self.column = column
        """The column's name."""
        self.further = further
        """Whether it is to be added to the orders in force (a click with ctrl, alt or shift, or a right one)."""
