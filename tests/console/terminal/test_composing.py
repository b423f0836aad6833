"""What is drawn when a part of a screen has changed: its lines, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.terminal.app import TerminalApp

if TYPE_CHECKING:
    from textual.app import ComposeResult

HIGH, WIDE = 4, 20


class Counted(Widget):
    """Lines that know which of them were drawn."""

    DEFAULT_CSS = f"Counted {{ height: {HIGH}; width: {WIDE}; }}"

    def on_mount(self) -> None:
        self.word, self.drawn = "old", list[int]()

    def render_lines(self, crop: Region) -> list[Strip]:
        self.drawn += crop.line_range
        return [Strip.blank(WIDE).crop(crop.x, crop.right) if y else self._first(crop) for y in crop.line_range]

    def _first(self, crop: Region) -> Strip:
        return Strip([Segment(self.word.ljust(WIDE))], WIDE).crop(crop.x, crop.right)


class Three(TerminalApp[None]):
    """One below the other."""

    def compose(self) -> ComposeResult:
        for number in range(3):
            yield Counted(id=f"n{number}")


ALL = [*range(HIGH)]


@pytest.mark.parametrize(
    ("changed", "drawn"),
    [((0,), [[0], [], []]), ((1,), [[], [0], []]), ((0, 2), [ALL, ALL, [0]])],
    ids=["first", "second", "first and last: all between"],
)
async def test_lines_that_did_not_change_are_not_drawn_and_the_others_are_seen(
    changed: tuple[int, ...], drawn: list[list[int]]
) -> None:
    app = Three()
    async with app.run_test(size=(WIDE, 3 * HIGH)) as pilot:
        await pilot.pause()
        each = [app.query_one(f"#n{number}", Counted) for number in range(3)]
        for widget in each:
            widget.drawn.clear()
        for number in changed:
            each[number].word = "new"
            each[number].refresh(Region(0, 0, WIDE, 1))
        await pilot.pause()
        assert [widget.drawn for widget in each] == drawn
        compositor = app.screen._compositor  # noqa: SLF001 - what is asked is the picture it holds
        shown = ["".join(segment.text for segment in strip).strip() for strip in compositor.render_strips(app.size)]
        assert shown[::HIGH] == ["new" if number in changed else "old" for number in range(3)]
