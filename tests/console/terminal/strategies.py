"""Random screens: texts of every kind a terminal treats differently, in every kind of look."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style

from console.terminal.painter import Painter

COLUMNS, ROWS = 24, 8

PLAIN_TEXT = st.text(alphabet="ab  .─│é", max_size=30)
WIDE_TEXT = st.text(alphabet="a界日 語", max_size=15)
ODD_CLUSTERS = ["a", " ", "e\u0301", "界", "👩\u200d💻", "☀\ufe0f", "⌚", "\u05d0", "क\u094d"]
ODD_TEXT = st.lists(st.sampled_from(ODD_CLUSTERS), max_size=12).map("".join)
STYLES = st.sampled_from(
    [
        None,
        Style(),
        Style(bold=True),
        Style(color="red"),
        Style(color="red", bold=True),
        Style(bgcolor="blue"),
        Style(reverse=True),
        Style(color="#ff8700", bgcolor="#123456"),
        Style(color="green", reverse=True, italic=True),
        Style(underline=True),
        Style(strike=True, color="bright_cyan"),
    ]
)


@dataclass(frozen=True, slots=True)
class Write:
    """Text put somewhere on the screen."""

    x: int
    y: int
    text: str
    style: Style | None

    def on(self, painter: Painter) -> None:
        columns, _ = painter.size
        painter.write(self.x, self.y, [Segment(self.text, self.style)], columns)


def writes(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Write]:
    return st.builds(Write, x=st.integers(0, COLUMNS - 1), y=st.integers(0, ROWS - 1), text=texts, style=STYLES)


def frames(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[Write]]]:
    return st.lists(st.lists(writes(texts), max_size=8), min_size=1, max_size=6)
