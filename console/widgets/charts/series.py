"""What a chart is given and what it gives back: series, a view, and lines of styled text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal, NamedTuple

from engine.core.plotting.labels import compact
from engine.core.plotting.scale import Scale
from engine.core.smoothing import between

Point = tuple[float, float] | tuple[float, float, float]
"""(x, y), or a bucket (x, lowest, highest) of a reduced curve. NaN is a gap; an infinity is shown on the edge."""

Bucket = tuple[float, float, float]
"""(x, lowest, highest), lowest <= highest, x finite, nothing NaN."""

XKind = Literal["step", "time", "clock", "value"]
"""What x counts: training steps (whole), seconds since the start, seconds since the epoch, or any other number."""

Mode = Literal["lines", "heat-map", "histogram", "bars"]
"""How series are drawn."""

MARKERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FAINT = "faint"
"""The role of what is drawn behind."""
ROLES = tuple(f"series-{number}" for number in range(1, 9))


class Span(NamedTuple):
    """A piece of a line: text and its role ("" is plain)."""

    text: str
    role: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve.

    Names go to the screen as they are: clean them before (the widgets do).
    """

    name: str
    points: Sequence[Point]
    role: str = ""
    """Role of its ink; by its place among the others when empty."""
    marker: str = ""
    """One cell at the end of the curve and in the legend; a letter by its place when empty."""
    latest: float | None = None
    """The exact last value, where the last point is a bucket; shown in the title line."""
    faint: bool = False
    """Drawn dim behind all others, without a mark or a reading: the raw curve behind a smoothed one, or a range."""
    nodes: Sequence[tuple[float, float]] = ()
    """Where it is read, on the straight lines between, if it is drawn from other points: by finite x."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the operator chose of how charts are drawn; the same for all charts of a page."""

    x: XKind = "step"
    log_x: bool = False
    log_y: bool = False
    x_range: tuple[float, float] | None = None
    """First and last x shown; None for all there is."""
    mode: Mode = "lines"


@dataclass(frozen=True, slots=True)
class View:
    """How a chart is to be drawn. Sizes are in cells."""

    width: int
    height: int
    title: str = ""
    unicode: bool = True
    log_y: bool = False
    log_x: bool = False
    x: XKind = "step"
    x_range: tuple[float, float] | None = None
    """First and last x shown; None for all there is."""
    y_range: tuple[float, float] | None = None
    """Values beyond stand on the edge; None for the range of all of them."""
    cursor: float | None = None
    """Where the cursor stands, in units of x."""
    selected: bool = False
    grid: bool = True
    """Faint lines across at the ticks of y; never in ASCII."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the curves stand within a drawing: cells from the top left, and the two axes."""

    row: int
    column: int
    width: int
    height: int
    x: Scale
    y: Scale
    dots: tuple[int, int]
    """Dots from left to right and from top to bottom."""

    def dot_x(self, value: float) -> int:
        """Column of dots of an x; an x outside stands on the edge."""
        return round(self.x.share(value) * (self.dots[0] - 1))

    def dot_y(self, value: float) -> int:
        """Row of dots of a y, 0 at the top; a y outside stands on the edge."""
        return round((1 - self.y.share(value)) * (self.dots[1] - 1))

    def dots_of(self, known: Sequence[Bucket]) -> list[tuple[int, int, int]]:
        """Column, topmost and lowest row of dots of each bucket."""
        across, down = self.dots[0] - 1, self.dots[1] - 1
        columns = [round(share * across) for share in self.x.shares([bucket[0] for bucket in known])]
        tops = [round((1 - share) * down) for share in self.y.shares([bucket[2] for bucket in known])]
        bottoms = [round((1 - share) * down) for share in self.y.shares([bucket[1] for bucket in known])]
        return list(zip(columns, tops, bottoms, strict=True))

    def cell_x(self, value: float) -> int:
        """Column of cells of an x, from the left of the frame."""
        return self.dot_x(value) * self.width // self.dots[0]

    def cell_y(self, value: float) -> int:
        """Row of cells of a y, from the top of the frame."""
        return self.dot_y(value) * self.height // self.dots[1]

    def x_at(self, cell: float) -> float:
        """The x in the middle of a column of cells, counted from the left of the frame."""
        return self.x.at(min(max((cell + 0.5) / self.width, 0.0), 1.0))


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn chart: exactly ``view.height`` lines of exactly ``view.width`` cells."""

    lines: tuple[Line, ...]
    frame: Frame | None
    """None when there was nothing to draw or no room for it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of one series nearest to an x; ``low`` and ``high`` differ only for a bucket."""

    name: str
    marker: str
    role: str
    x: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The value for a person: one number, or the two ends of a bucket."""
        if self.low == self.high or math.isnan(self.low):
            return compact(self.high)
        return f"{compact(self.low, 3)}..{compact(self.high, 3)}"


def dressed(series: Sequence[Series], *, unicode: bool = True) -> tuple[Series, ...]:
    """Give each series the role and the marker it lacks.

    Args:
        series: in the order of the legend.
        unicode: whether the mark of a lone series may be other than ASCII.

    Returns:
        The same series, all with role and marker; a lone series gets a dot, several get letters.
    """
    bright = sum(not one.faint for one in series)
    lone = ("●" if unicode else "o") if bright == 1 else ""
    places = count()
    return tuple(_dressed(one, -1 if one.faint else next(places), lone) for one in series)


def _dressed(one: Series, place: int, lone: str) -> Series:
    if one.faint:
        return replace(one, role=one.role or FAINT, marker=one.marker[:1] or ".")
    return replace(
        one,
        role=one.role or ROLES[place % len(ROLES)],
        marker=one.marker[:1] or lone or MARKERS[place % len(MARKERS)],
    )


def buckets(points: Sequence[Point]) -> Iterator[Bucket | None]:
    """Walk over the points of a curve in one shape.

    Args:
        points: pairs and triples may be mixed.

    Yields:
        (x, low, high) with low <= high, or None for a gap: an x which is not finite, or NaN.
    """
    for point in points:
        x, low, high = point[0], point[1], point[-1]
        if low != low:  # noqa: PLR0124  # NaN; the call of isnan costs a third of the walk
            low = high
        if high != high:  # noqa: PLR0124  # same
            high = low
        if high != high or not math.isfinite(x):  # noqa: PLR0124  # same
            yield None
        else:
            yield (x, low, high) if low <= high else (x, high, low)


def readings(series: Sequence[Series], x: float | None = None) -> tuple[Reading, ...]:
    """What each series says at an x, or at its end.

    Args:
        series: dressed or not.
        x: finite; None for the last point.

    Returns:
        One reading for each series with a point whose x is finite, in their order; the nearest point counts, or the
        straight line between nodes. NaN values are values here: an operator must see them.
    """
    found = []
    for one in dressed(series):
        if one.faint:
            continue
        point = _point_at(one, x)
        if point is None:
            continue
        low, high = (point[1], point[-1]) if x is not None or one.latest is None else (one.latest, one.latest)
        found.append(Reading(one.name, one.marker, one.role, point[0], low, high))
    return tuple(found)


def _point_at(one: Series, x: float | None) -> Point | None:
    """What a series says at an x, or at its end."""
    if one.nodes:
        at = one.nodes[-1][0] if x is None else min(max(x, one.nodes[0][0]), one.nodes[-1][0])
        return at, between(one.nodes, at)
    if x is None:
        return next((point for point in reversed(one.points) if math.isfinite(point[0])), None)
    placed = (point for point in one.points if math.isfinite(point[0]))
    return min(placed, key=lambda at: abs(at[0] / 2 - x / 2), default=None)
