"""Columns and cells of a table, and how columns share the width of a screen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from rich.cells import cell_len

from engine.core.frozen import frozen

GUTTER = 2  # the mark and a space, left of the first column
LEAST = 8  # cells that a column wider than the screen shrinks to at most
GAP = 2  # blanks between two columns
PINNED_SHARE = 0.7  # of a table's width, that pinned columns may take


class Cell(NamedTuple):
    """One value as the operator reads it. text: already formatted. role: what it means, the theme colours it."""

    text: str
    role: str = ""


Row = tuple[Cell, ...]


@frozen
class Column:
    """A column's heading and how wide it may be.

    Args:
        name: Identity, used in messages.
        title: Heading.
        width: Wanted width in cells.
        minimum: Width below which the column is left out instead.
        maximum: Width it never exceeds; 0 is no limit.
        weight: Share of the width nobody wants; 0 takes none.
        align: Side the text stands on; numbers go right.
        role: Style role of cells that have none.
        priority: On a narrow terminal columns of low priority leave first.
        sortable: Whether a click on the heading asks for this order.
        whole: Texts up to this many cells are shown whole, at the cost of other columns; for what identifies a row.
        pinned: Whether it stays in view when others are scrolled; pinned columns stand before all others.
    """

    name: str
    title: str
    width: int = 10
    minimum: int = 4
    maximum: int = 0
    weight: int = 0
    align: Literal["left", "right"] = "left"
    role: str = ""
    priority: int = 0
    sortable: bool = True
    whole: int = 0
    pinned: bool = False


class Placed(NamedTuple):
    """A column on the screen. column: its place among all columns. x: its first cell. width: in cells."""

    column: int
    x: int
    width: int


def arrange(columns: Sequence[Column], available: int, offset: int = 0) -> list[Placed]:
    """Choose the columns that fit and give each a width; the first column always stays.

    Args:
        columns: All columns in order.
        available: Width of the table in cells, gutter included.
        offset: 0 shows the columns of highest priority; n > 0 shows the pinned ones, then from the n-th on.

    Returns:
        The visible columns, left to right.
    """
    room = available - GUTTER
    if not columns or room <= 0:
        return []
    columns = _fitting(columns, room)
    chosen = _most_important(columns, room) if offset == 0 else _in_order(columns, room, offset)
    placed, x = [], GUTTER
    for index, width in zip(chosen, _widths([columns[index] for index in chosen], room), strict=True):
        placed.append(Placed(index, x, width))
        x += width + GAP
    return placed


def widened(columns: tuple[Column, ...], rows: Iterable[Row]) -> tuple[Column, ...]:
    """The columns, those to be shown whole as wide as the longest text of these rows; never narrower than before."""
    places = [place for place, column in enumerate(columns) if column.whole]
    if not places:
        return columns
    found, longest = list(rows), {}
    for place in places:
        sizes = (_cells(row[place].text) for row in found if place < len(row))
        longest[place] = min(max(sizes, default=0), columns[place].whole)
    if all(longest[place] <= columns[place].minimum for place in places):
        return columns
    return tuple(
        replace(column, minimum=max(column.minimum, longest.get(place, 0))) for place, column in enumerate(columns)
    )


def _cells(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _fitting(columns: Sequence[Column], room: int) -> Sequence[Column]:
    """The columns, none wanting more than the screen has beside the first one."""
    most = max(room - columns[0].minimum - GAP, LEAST)
    if all(column.minimum <= most for column in columns[1:] if column.whole):
        return columns
    return [
        columns[0],
        *(replace(each, minimum=min(each.minimum, most)) if each.whole else each for each in columns[1:]),
    ]


def pinned(columns: Sequence[Column], available: int) -> int:
    """How many columns stay at the left: the first, and those that are pinned as far as they leave room for others."""
    room, count = (available - GUTTER) * PINNED_SHARE, 1
    while count < len(columns) and columns[count].pinned and _least(columns, range(count + 1)) <= room:
        count += 1
    return count


def _most_important(columns: Sequence[Column], room: int) -> list[int]:
    excess, stay = _least(columns, range(len(columns))) - room, pinned(columns, room + GUTTER)
    left = set[int]()
    for index in sorted(range(1, len(columns)), key=lambda each: (each < stay, columns[each].priority, -each)):
        if excess <= 0:
            break
        left.add(index)
        excess -= columns[index].minimum + GAP
    return [index for index in range(len(columns)) if index not in left]


def _in_order(columns: Sequence[Column], room: int, offset: int) -> list[int]:
    stay = pinned(columns, room + GUTTER)
    chosen = list(range(stay))
    for index in range(max(offset, stay), len(columns)):
        if len(chosen) > stay and _least(columns, [*chosen, index]) > room:
            break
        chosen.append(index)
    return chosen


def _least(columns: Sequence[Column], chosen: Sequence[int]) -> int:
    return sum(columns[index].minimum for index in chosen) + GAP * (len(chosen) - 1)


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    widths = [max(column.width, column.minimum) for column in columns]
    spare = room - sum(widths) - GAP * (len(columns) - 1)
    while spare < 0:
        widest = max(range(len(columns)), key=lambda i: (widths[i] - columns[i].minimum, widths[i]))
        if widths[widest] <= 1:
            break
        widths[widest] -= 1
        spare += 1
    weights = sum(column.weight for column in columns)
    for i, column in enumerate(columns):
        if column.weight and spare > 0:
            share = round(spare * column.weight / weights)
            if column.maximum:
                share = max(0, min(share, column.maximum - widths[i]))
            widths[i] += share
            spare -= share
            weights -= column.weight
    return widths
