"""How the columns of a list are laid out, as a value: their order, which are hidden, pinned, how wide. Pure."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeVar

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from console.resources.resource import Shown
    from console.widgets.table import Column

T = TypeVar("T")

NARROWEST, WIDEST = 3, 200
"""Cells that a column can be given."""


@frozen
class Arrangement:
    """What the operator wants other than usual.

    Args:
        order: Names of columns from left to right; those not named stay behind the one they usually follow.
        hidden: Names of columns that are not shown.
        pinned: Names of columns that stay at the left.
        widths: Cells, by name of the column.
        footer: Whether a line says what the columns' numbers come to.
    """

    order: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    pinned: frozenset[str] = frozenset()
    widths: Mapping[str, int] = field(default_factory=dict)
    footer: bool = False

    # --- what it makes of columns

    def ordered(self, names: Sequence[str]) -> list[str]:
        """All columns there are in the wanted order, hidden ones too: the one that leads, pinned ones, the others."""
        present = set(names)
        found = [name for name in self.order if name in present]
        for place, name in enumerate(names):
            if name not in self.order:
                found.insert(found.index(names[place - 1]) + 1 if place else 0, name)
        lead = self._lead(found)
        return sorted(found, key=lambda name: (name != lead, name not in self.pinned))

    def _lead(self, names: Sequence[str]) -> str:
        """The first column shown: what identifies a row stays in view, whatever else is pinned."""
        return next((name for name in names if name not in self.hidden), "")

    def shown(self, names: Sequence[str]) -> list[str]:
        """The columns to show, left to right: all but the hidden ones, and never none."""
        found = self.ordered(names)
        return [name for name in found if name not in self.hidden] or found[:1]

    def laid_out(self, columns: Sequence[Shown[T]]) -> list[Shown[T]]:
        """The columns to show, as wide as wanted."""
        by_name = {shown.column.name: shown for shown in columns}
        names = self.shown(list(by_name))
        return [replace(by_name[name], column=self._column(by_name[name].column)) for name in names]

    def _column(self, column: Column) -> Column:
        pinned = column.name in self.pinned
        width = self.widths.get(column.name)
        if width is None:
            return replace(column, pinned=pinned) if pinned else column
        return replace(column, width=width, minimum=width, maximum=width, weight=0, whole=0, pinned=pinned)

    # --- what the operator does with it

    def hide(self, name: str) -> Arrangement:
        """Do not show a column."""
        return replace(self, hidden=self.hidden | {name})

    def show(self, names: Iterable[str]) -> Arrangement:
        """Show columns again that were hidden."""
        return replace(self, hidden=self.hidden - set(names))

    def pin(self, name: str) -> Arrangement:
        """Pin a column behind those pinned already, or let it go."""
        return replace(self, pinned=self.pinned ^ {name})

    def resize(self, name: str, width: int) -> Arrangement:
        """Give a column a width in cells, within what there can be."""
        return replace(self, widths={**self.widths, name: max(NARROWEST, min(width, WIDEST))})

    def move(self, name: str, by: int, names: Sequence[str]) -> Arrangement:
        """Move a column past its neighbour that is shown; those that stay at the left only among themselves.

        One that led, and is not pinned, goes behind those pinned when another takes its place.

        Args:
            name: The column.
            by: -1 to the left, 1 to the right.
            names: All columns there are, in their usual order.
        """
        staying = {*self.pinned, self._lead(self.ordered(names))}
        shown = [each for each in self.shown(names) if (each in staying) == (name in staying)]
        place = shown.index(name) + by if name in shown else -1
        if not 0 <= place < len(shown):
            return self
        every = [each for each in self.ordered(names) if each != name]
        every.insert(every.index(shown[place]) + (by > 0), name)
        return replace(self, order=tuple(every))
