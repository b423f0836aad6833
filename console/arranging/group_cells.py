"""The row of a group as cells: its value, how many rows it has, and what the numbers of the columns come to. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from console.formats import NONE, duration, logged, number
from console.widgets.table import Cell
from engine.core.query.schema import Kind
from engine.core.text import clean, fit, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.resources.resource import Shown
    from engine.core.aggregates import Aggregate
    from engine.core.grouping import Group

OPENED, CLOSED = "▾", "▸"
"""What stands before the value of a group."""

INDENT = "  "
"""What stands before the rows in a group."""

_NOTHINGS = frozenset({"", "-", "–", "—"})  # noqa: RUF001 the dashes that stand for nothing elsewhere

LONGEST = 200
"""Characters of a value that are looked at."""


class Table(Protocol):
    """What a list knows of its columns."""

    def room(self, name: str) -> int:
        """Cells that a column has."""

    def kind(self, shown: Shown[Any]) -> Kind | None:
        """What kind of values it has."""


def value_text(value: str | float | None) -> str:
    """A value that rows are grouped by, in one line; what looks like none in quotes."""
    if value is None:
        return "—"
    if not isinstance(value, str):
        return number(value)
    said = clean(logged(value), limit=LONGEST)
    return said if said.strip() not in _NOTHINGS else f'"{said}"'


def group_cells(group: Group, columns: Sequence[Shown[Any]], table: Table, *, opened: bool) -> tuple[Cell, ...]:
    """A group as a row of the table.

    Args:
        group: The group.
        columns: The columns that are shown.
        table: Knows how wide they are.
        opened: Whether its rows are shown below it.
    """
    added = {each.column: each for each in group.columns}
    row: list[Cell] = []
    for place, shown in enumerate(columns):
        room = table.room(shown.column.name)
        if not place:
            wide = max(room, shown.column.whole)
            row.append(Cell(_title(group, wide, opened=opened), "strong"))
            continue
        found = added.get(shown.sort)
        row.append(Cell(_numbers(found, room, table.kind(shown)) if found is not None else "", ""))
    return tuple(row)


def _title(group: Group, wide: int, *, opened: bool) -> str:
    """Mark, value and count; of a long value as much as leaves the count in sight."""
    sign, count = OPENED if opened else CLOSED, f" ({group.count:,})"
    value = value_text(group.value)
    room = max(wide - len(sign) - 1 - len(count), 3)
    return f"{sign} {value if width(value) <= room else fit(value, room).rstrip()}{count}"


def _numbers(found: Aggregate, room: int, kind: Kind | None) -> str:
    """The mean, and between which numbers it is where that fits."""
    if not found.count:
        return ""
    write = _duration if kind is Kind.DURATION else number
    if found.count == 1 or found.least == found.greatest:
        return write(found.least)
    mean = write(found.mean)
    whole = f"{mean} ({write(found.least)}..{write(found.greatest)})"
    return whole if len(whole) <= room else mean


def _duration(value: float | None) -> str:
    return NONE if value is None or not math.isfinite(value) else duration(round(value))


def indented(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """A row that stands in a group."""
    first, *rest = row
    return (first._replace(text=INDENT + first.text), *rest)
