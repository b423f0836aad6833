"""A small dialog: one of a list, found by typing a few letters of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.screens.palette import Palette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.screens.palette import Choice


class Pick(Palette):
    """Finds a choice; answers it, or `None` when given up.

    Args:
        title: What is chosen.
        choices: What there is.
    """

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__(choices)
        self._heading.show([(title, "title-selected")])
        self._input.placeholder = "a few letters"
