"""Curves as a picture that any browser opens, and as rows that any spreadsheet reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from engine.core.plotting.labels import axis_labels, duration, time_of_day
from engine.core.plotting.scale import Axis, clock_axis, linear_axis, log_axis
from engine.core.text import clean, csv_safe

Point = tuple[float, float] | tuple[float, float, float]
"""(x, y), or (x, lowest, highest) of a stretch of a reduced curve."""

COLOURS = ("#0072b2", "#b36b00", "#00805a", "#b0487f", "#7d7400", "#c03a1d", "#4a50c8", "#606060")
"""One for each curve, over and over; told apart by the colour-blind on white."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 48, 56
_ROW, _ENTRY = 20, 220
_NAME, _TITLE = 48, 120
_MOST_NAMED = 40
"""Curves that the legend names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart.

    Args:
        name: Any text.
        points: In order of x; NaN is a gap.
        faint: Drawn pale and not named: the raw curve behind a smoothed one, or a range.
    """

    name: str
    points: Sequence[Point]
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture looks.

    Args:
        title: Any text.
        x: What x counts: steps (whole), seconds since the start, seconds since the epoch, or any other number.
        x_label: What stands under the x axis; by what it counts when empty.
        log_x: A logarithmic x axis.
        log_y: A logarithmic y axis.
        width: Of the picture, in pixels.
        height: Of the picture without its legend, in pixels.
    """

    title: str = ""
    x: Literal["step", "time", "clock", "value"] = "step"
    x_label: str = ""
    log_x: bool = False
    log_y: bool = False
    width: int = 960
    height: int = 480


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where values stand in the picture."""

    x: Axis
    y: Axis
    look: Look

    @property
    def right(self) -> float:
        return self.look.width - _RIGHT

    @property
    def bottom(self) -> float:
        return self.look.height - _BOTTOM

    def left_of(self, x: float) -> float:
        """Pixels from the left."""
        return _LEFT + self.x.scale.share(x) * (self.right - _LEFT)

    def top_of(self, y: float) -> float:
        """Pixels from the top."""
        return self.bottom - self.y.scale.share(y) * (self.bottom - _TOP)


def svg(curves: Sequence[Curve], look: Look | None = None) -> str:
    """Draw curves as SVG: lines, not dots, over a white ground, with axes, a legend and nothing to load or run.

    Args:
        curves: The earlier ones lie on top. Of a reduced curve its lowest and highest are a band, its middle the line.
        look: Title, axes and size.

    Returns:
        The whole file. What cannot stand on the axes (NaN, infinities, on logarithmic ones 0 and below) is left out and
        counted in words.
    """
    look = look or Look()
    pieces = [list(_pieces(curve, look)) for curve in curves]
    drawn = [bucket for each in pieces for piece in each for bucket in piece]
    legend = _legend(curves, look)
    below = _ROW * math.ceil(len(legend) / max(look.width // _ENTRY, 1)) if legend else 0
    parts = [_head(look, look.height + below)]
    if drawn:
        plane = _plane(drawn, look)
        parts += _axes(plane)
        parts += _drawings(curves, pieces, plane)
    else:
        parts.append(_text(look.width / 2, look.height / 2, "no points to draw", anchor="middle"))
    left_out = sum(len(curve.points) for curve in curves) - len(drawn)
    parts += [_under(look, left_out), *legend, "</svg>"]
    return "\n".join(part for part in parts if part) + "\n"


_Pieces = Sequence[Sequence[tuple[float, float, float]]]
"""Stretches of a curve without gaps."""


def _pieces(curve: Curve, look: Look) -> Iterator[list[tuple[float, float, float]]]:
    """Stretches of a curve without gaps, as (x, low, high)."""
    piece: list[tuple[float, float, float]] = []
    for point in curve.points:
        x, low, high = point[0], min(point[1], point[-1]), max(point[1], point[-1])
        if _placed(x, log=look.log_x) and _placed(low, log=look.log_y) and _placed(high, log=look.log_y):
            piece.append((x, low, high))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _placed(value: float, *, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _plane(drawn: Sequence[tuple[float, float, float]], look: Look) -> _Plane:
    low, high = min(bucket[1] for bucket in drawn), max(bucket[2] for bucket in drawn)
    y = log_axis(low, high, 6) if look.log_y else linear_axis(low, high, 6)
    left, right = min(bucket[0] for bucket in drawn), max(bucket[0] for bucket in drawn)
    if look.log_x:
        x = log_axis(left, right, 8)
    elif look.x in ("time", "clock"):
        x = clock_axis(left, right, 8)
    else:
        x = linear_axis(left, right, 8, slack=0.25, whole=look.x == "step")
    return _Plane(x, y, look)


def _head(look: Look, height: int) -> str:
    title = _words(look.title, _TITLE)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {look.width} {height}" width="{look.width}" '
        f'height="{height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#333333">\n'
        f"<title>{title}</title>\n"
        f'<rect width="{look.width}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="{_LEFT}" y="28" font-size="16" font-weight="600">{title}</text>'
    )


def _axes(plane: _Plane) -> list[str]:
    parts = ['<g stroke="#dddddd" stroke-width="1">']
    tops = [(plane.top_of(tick), label) for tick, label in _labelled(plane.y)]
    lefts = [(plane.left_of(tick), label) for tick, label in _labelled(plane.x, x=plane.look.x)]
    parts += [f'<line x1="{_LEFT}" y1="{top:.1f}" x2="{plane.right}" y2="{top:.1f}"/>' for top, _ in tops]
    parts += [
        "</g>",
        f'<path d="M{_LEFT} {_TOP}V{plane.bottom}H{plane.right}" fill="none" stroke="#777777"/>',
    ]
    parts += [_text(_LEFT - 8, top + 4, label, anchor="end") for top, label in tops]
    for left, label in lefts:
        parts.append(f'<path d="M{left:.1f} {plane.bottom}v5" stroke="#777777"/>')
        parts.append(_text(left, plane.bottom + 19, label, anchor="middle"))
    return parts


def _labelled(axis: Axis, x: str = "value") -> list[tuple[float, str]]:
    if x == "time" and not axis.scale.log:
        labels = tuple(map(duration, axis.ticks))
    elif x == "clock" and not axis.scale.log:
        labels = tuple(time_of_day(tick, axis.step) for tick in axis.ticks)
    else:
        labels = axis_labels(axis.ticks, axis.step)
    return list(zip(axis.ticks, labels, strict=True))


def _drawings(curves: Sequence[Curve], pieces: Sequence[_Pieces], plane: _Plane) -> list[str]:
    """The curves, the first one last, so that it lies on top; the pale ones below all others, each of its own colour.

    A pale curve has the colour of the next one that is not: it belongs to it.
    """
    pale: list[str] = []
    bright: list[str] = []
    for curve, each in zip(curves, pieces, strict=True):
        drawn = _curve(each, plane, COLOURS[len(bright) % len(COLOURS)], faint=curve.faint)
        (pale if curve.faint else bright).append(drawn)
    return [*reversed(pale), *reversed(bright)]


def _curve(pieces: _Pieces, plane: _Plane, colour: str, *, faint: bool) -> str:
    opacity = ' opacity="0.35"' if faint else ""
    parts = [f'<g fill="none" stroke="{colour}" stroke-width="1.6" stroke-linejoin="round"{opacity}>']
    for piece in pieces:
        if any(low < high for _, low, high in piece):
            upper = [(x, high) for x, _, high in piece]
            lower = [(x, low) for x, low, _ in reversed(piece)]
            band = _path([*upper, *lower], plane)
            parts.append(f'<polygon points="{band}" fill="{colour}" fill-opacity="0.2" stroke="none"/>')
        if len(piece) == 1:
            left, top = plane.left_of(piece[0][0]), plane.top_of(_middle(piece[0], plane))
            parts.append(f'<circle cx="{left:.2f}" cy="{top:.2f}" r="2.5" fill="{colour}"/>')
        else:
            line = _path([(bucket[0], _middle(bucket, plane)) for bucket in piece], plane)
            parts.append(f'<polyline points="{line}"/>')
    return "\n".join([*parts, "</g>"])


def _middle(bucket: tuple[float, float, float], plane: _Plane) -> float:
    """The middle as it is seen: between logarithms on a logarithmic axis."""
    _, low, high = bucket
    return math.sqrt(low) * math.sqrt(high) if plane.y.scale.log else low / 2 + high / 2


def _path(points: Sequence[tuple[float, float]], plane: _Plane) -> str:
    return " ".join(f"{plane.left_of(x):.2f},{plane.top_of(y):.2f}" for x, y in points)


def _under(look: Look, left_out: int) -> str:
    label = look.x_label or {"step": "step", "time": "time since the start", "clock": "time, UTC", "value": ""}[look.x]
    scales = [name for name, log in (("log x", look.log_x), ("log y", look.log_y)) if log]
    gone = [f"{left_out} points without a place (NaN, infinite, or not above 0)"] if left_out else []
    words = ", ".join([*filter(None, [label]), *scales, *gone])
    return _text((_LEFT + look.width - _RIGHT) / 2, look.height - 18, _words(words, 200), anchor="middle", raw=True)


def _legend(curves: Sequence[Curve], look: Look) -> list[str]:
    """Names beside their colours, in rows under the chart; a lone nameless curve needs none."""
    bright = [curve.name for curve in curves if not curve.faint]
    names = bright[:_MOST_NAMED]
    if len(bright) > _MOST_NAMED:
        names.append(f"+{len(bright) - _MOST_NAMED} more")
    if not any(names):
        return []
    across = max(look.width // _ENTRY, 1)
    parts = []
    for place, name in enumerate(names):
        left, top = _LEFT + place % across * _ENTRY, look.height + place // across * _ROW
        colour = COLOURS[place % len(COLOURS)] if place < _MOST_NAMED else "none"
        parts.append(
            f'<path d="M{left} {top}h18" stroke="{colour}" stroke-width="3"/>'
            f"{_text(left + 24, top + 4, _words(name, _NAME, shown=26), raw=True)}"
        )
    return parts


def _words(text: str, limit: int, *, shown: int = 0) -> str:
    """Logged text as it may stand in a picture."""
    whole = clean(text, limit=limit)
    return escape(clean(whole, limit=shown) if shown else whole)


def _text(left: float, top: float, words: str, *, anchor: str = "start", raw: bool = False) -> str:
    """A text element; `raw` words are escaped already."""
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">{words if raw else escape(words)}</text>'


def csv_text(curves: Sequence[Curve]) -> str:
    """Points of curves as CSV that no spreadsheet takes for formulas.

    Args:
        curves: What to write.

    Returns:
        A row a point under the headings `series,x,y`; where a curve is reduced also its `low` and `high`, and as `y`
        their middle.
    """
    import csv
    import io

    reduced = any(len(point) > 2 for curve in curves for point in curve.points)
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["series", "x", "y", *(["low", "high"] if reduced else [])])
    for curve in curves:
        name = csv_safe(clean(curve.name, limit=1_000))
        for point in curve.points:
            x, low, high = point[0], point[1], point[-1]
            middle = low if low == high else low / 2 + high / 2
            writer.writerow([name, _number(x), _number(middle), *([_number(low), _number(high)] if reduced else [])])
    return content.getvalue()


def _number(value: float) -> str:
    """A number in full, whole ones without a point."""
    return (
        str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 2**53 else repr(float(value))
    )
