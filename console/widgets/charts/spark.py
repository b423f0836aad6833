"""Charts of one line: a sparkline and a bar, as plain text of an exact width."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.core.plotting.scale import Scale, widened

_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = ".:-=+*#@"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def sparkline(values: Sequence[float], width: int, *, floor: float | None = None, unicode: bool = True) -> str:
    """A curve in one line of eight levels; the newest value stands at the right end of the ink.

    More values than cells are put into buckets of equal size, each shown by its value farthest from the mean of
    all, so a spike survives.

    Args:
        values: any floats, oldest first; NaN is a gap, an infinity stands on the edge.
        width: cells, 0 or more.
        floor: a value that is drawn as the lowest level even when all are alike; else the least value is.
        unicode: block characters; else ASCII.

    Returns:
        Exactly ``width`` cells, padded with blanks on the right.
    """
    finite = [value for value in values if math.isfinite(value)]
    levels = _LEVELS if unicode else _ASCII_LEVELS
    scale = _scale(finite, floor)
    mean = sum(value / len(finite) for value in finite)
    shown = [_bucket(values, start, mean, width) for start in range(min(width, len(values)))]
    return "".join(_level(value, scale, levels) for value in shown).ljust(width)


def bar(share: float, width: int, *, unicode: bool = True) -> str:
    """A horizontal bar, for traffic and progress.

    Only a full share fills the bar and only nothing leaves it empty: 99.9 % never looks like all of it.

    Args:
        share: 0.0 … 1.0, clipped; NaN leaves the bar empty.
        width: cells, 0 or more.
        unicode: eighths of a cell; else ``#`` and ``.``.

    Returns:
        Exactly ``width`` cells.
    """
    parts = 8 if unicode else 1
    total = width * parts
    share = 0.0 if math.isnan(share) else min(max(share, 0.0), 1.0)
    filled = round(share * total)
    if 0 < share < 1:
        filled = min(max(filled, 1), max(total - 1, 0))
    if not unicode:
        return ("#" * filled).ljust(width, ".")
    whole, rest = divmod(filled, parts)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


def _scale(finite: Sequence[float], floor: float | None) -> Scale:
    """From the floor, or the least value, to the greatest."""
    if not finite:
        return Scale(0.0, 1.0)
    if floor is None:
        return Scale(*widened(min(finite), max(finite)))
    return Scale(floor, max(*finite, floor + 1.0))


def _bucket(values: Sequence[float], index: int, mean: float, width: int) -> float:
    """The value which stands for one cell: the farthest from the mean; NaN when all are."""
    count = min(width, len(values))
    part = values[index * len(values) // count : (index + 1) * len(values) // count]
    known = [value for value in part if not math.isnan(value)]
    return max(known, key=lambda value: abs(value / 2 - mean / 2), default=math.nan)


def _level(value: float, scale: Scale, levels: str) -> str:
    """The character of one value."""
    if math.isnan(value):
        return " "
    return levels[min(int(scale.share(value) * len(levels)), len(levels) - 1)]
