"""How wide the columns of a table are on a terminal that is narrower than the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 10
"""Cells that a text column keeps, if it has them; narrower ones tell nothing apart."""


def arrange(natural: Sequence[int], rigid: Sequence[bool], *, room: int, gap: int) -> list[int]:
    """Choose the widths of columns: the widest texts are cut first; what still has no place is left out at the right.

    Args:
        natural: The width each column would like, in cells, at least 1.
        rigid: Whether a column may not be cut, as numbers may not.
        room: The width of the terminal, in cells.
        gap: Cells between two columns.

    Returns:
        The widths of the columns that fit, from the left; at least one.
    """
    least = [want if stiff else min(want, LEAST) for want, stiff in zip(natural, rigid, strict=True)]
    count = len(natural)
    while count > 1 and sum(least[:count]) + gap * (count - 1) > room:
        count -= 1
    widths = list(natural[:count])
    excess = sum(widths) + gap * (count - 1) - room
    while excess > 0:
        widest = max(range(count), key=lambda place: widths[place] - least[place])
        if widths[widest] <= least[widest]:
            return [max(room, 1)]  # one column, wider than the terminal
        widths[widest] -= 1
        excess -= 1
    return widths
