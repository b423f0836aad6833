"""Axes: where a value stands between two bounds, and which round values carry a tick.

Every function takes any finite float, the largest and the denormal ones too: a diverging loss must not break a screen.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

LARGEST = sys.float_info.max
_NORMAL = 1e-290
"""Below this a step of an axis loses its digits (the smallest normal float is 2.2e-308)."""

_ROOMY = LARGEST / 1e4
"""Above this the bounds of an axis cannot be moved outwards without overflow."""

_CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Steps people read on a clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One axis: two bounds, low < high, linear or logarithmic (then both are above zero)."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value stands on the axis.

        Args:
            value: any float; an infinite one, and on a log axis one not above zero, stands on the edge.

        Returns:
            0.0 at the low bound … 1.0 at the high bound, clipped; NaN for NaN.
        """
        if math.isnan(value):
            return math.nan
        if value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        if self.log:
            low = math.log10(self.low)
            return (math.log10(value) - low) / (math.log10(self.high) - low)
        span = self.high - self.low
        if math.isinf(span):
            return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return (value - self.low) / span

    def shares(self, values: Iterable[float]) -> list[float]:
        """The same of many values at a time, several times as fast on a linear axis."""
        low, high = self.low, self.high
        span = high - low
        if self.log or math.isinf(span):
            return [self.share(value) for value in values]
        return [0.0 if value <= low else 1.0 if value >= high else (value - low) / span for value in values]

    def at(self, share: float) -> float:
        """The value which stands at a share of the axis; the inverse of ``share``.

        Args:
            share: 0.0 (low bound) … 1.0 (high bound).

        Returns:
            A finite value between the bounds.
        """
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            power = min(low + (high - low) * share, sys.float_info.max_10_exp)
            return min(max(math.pow(10.0, power), self.low), self.high)
        return self.low * (1 - share) + self.high * share


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale with its ticks."""

    scale: Scale
    ticks: tuple[float, ...]
    step: float
    """Distance of the ticks on a linear axis; 0.0 where it has no meaning (log axes, ranges without a round step)."""


def linear_axis(low: float, high: float, ticks: int, *, slack: float = 0.5, whole: bool = False) -> Axis:
    """Fit a linear axis around data, with ticks at 1, 2 or 5 times a power of ten.

    The bounds move outwards to the next multiple of ``slack`` steps, so that a live curve seldom moves its axis: an
    axis which stands still costs no bytes on the wire.

    Args:
        low: smallest finite value of the data.
        high: largest finite value, not below ``low``; equal values get room around them.
        ticks: wanted number of ticks, at least 1.
        slack: grid of the bounds, in steps; 0 keeps the bounds at the data.
        whole: steps are whole numbers (an axis of training steps).

    Returns:
        The axis; all of the data is inside.
    """
    low, high = widened(low, high)
    step = nice_step(high - low, ticks)
    if whole:
        step = max(step, 1.0)
    return _fitted(low, high, step, slack)


def clock_axis(low: float, high: float, ticks: int, *, slack: float = 0.25) -> Axis:
    """Fit an axis of seconds with ticks at round minutes, hours or days.

    Args:
        low: smallest value, seconds.
        high: largest value, seconds, not below ``low``.
        ticks: wanted number of ticks, at least 1.
        slack: as in ``linear_axis``.

    Returns:
        The axis; all of the data is inside.
    """
    low, high = widened(low, high)
    raw = (high - low) / max(ticks, 1)
    if raw <= 0.5:
        step = nice_step(high - low, ticks)
    elif raw <= _CLOCK[-1]:
        step = float(next(clock for clock in _CLOCK if raw <= clock))
    else:
        step = nice_step((high - low) / _CLOCK[-1], ticks) * _CLOCK[-1]
    return _fitted(low, high, step, slack)


def log_axis(low: float, high: float, ticks: int) -> Axis:
    """Fit a logarithmic axis, with ticks at powers of ten, or at 1, 2, 5 when there are few powers.

    Args:
        low: smallest value of the data, above zero.
        high: largest finite value, not below ``low``.
        ticks: wanted number of ticks; there are two at least.

    Returns:
        The axis; all of the data is inside.
    """
    ticks = max(ticks, 2)
    bounds = _rungs(low, high, range(1, 10))
    low = max((bound for bound in bounds if bound <= low), default=low)
    high = min((bound for bound in bounds if bound >= high), default=high)
    if low >= high:
        low, high = max(low / 2, 5e-324), min(high * 2, LARGEST)
    inside = [rung for rung in _rungs(low, high, (1, 2, 5)) if low <= rung <= high]
    powers = [rung for rung in inside if _is_power(rung)]
    chosen = inside if len(inside) <= ticks + 1 or len(powers) < 2 else powers
    chosen = chosen if len(chosen) > 1 else [low, high]
    stride = 1 if len(chosen) <= ticks + 1 else math.ceil(len(chosen) / ticks)
    return Axis(Scale(low, high, log=True), tuple(chosen[::stride]), 0.0)


def nice_step(span: float, ticks: int) -> float:
    """The smallest 1, 2 or 5 times a power of ten which cuts a span into at most ``ticks`` parts.

    Args:
        span: length of the axis, above zero; may be infinite.
        ticks: wanted number of parts, at least 1.

    Returns:
        The step; 0.0 when the span is too small or too large to have one in floating point.
    """
    raw = span / max(ticks, 1)
    if math.isinf(raw) or raw < _NORMAL or raw > LARGEST / 100:
        return 0.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next((times * power for times in (1, 2, 5) if raw <= times * power * (1 + 1e-9)), 10 * power)


def widened(low: float, high: float) -> tuple[float, float]:
    """Give a constant its room: bounds which differ.

    Args:
        low: finite.
        high: finite, not below ``low``.

    Returns:
        The same bounds if they differ, else bounds a tenth of the value (or 1 around zero) away on both sides.
    """
    if low < high:
        return low, high
    room = max(abs(low) * 0.1, 5e-324) if low else 1.0
    return max(low - room, -LARGEST), min(high + room, LARGEST)


def _fitted(low: float, high: float, step: float, slack: float) -> Axis:
    """Move the bounds outwards to the grid and list the ticks between them."""
    reach = max(abs(low), abs(high))
    if not step or reach > _ROOMY or reach / step > 1e12:
        return Axis(Scale(low, high), (low, high), 0.0)
    if slack:
        grid = step * slack
        low = min(low, math.floor(low / grid + 1e-9) * grid)
        high = max(high, math.ceil(high / grid - 1e-9) * grid)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Axis(Scale(low, high), tuple(index * step for index in range(first, last + 1)), step)


def _rungs(low: float, high: float, times: Iterable[int]) -> list[float]:
    """Multiples of every power of ten from the decade below ``low`` to the one above ``high``, without overflow."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    texts = (f"{time}e{power}" for power in range(first, last + 1) for time in times)
    return [rung for rung in map(float, texts) if 0 < rung <= LARGEST]


def _is_power(rung: float) -> bool:
    """Whether a rung is a power of ten; its shortest text begins with 1 and has no other digit but zeros."""
    return f"{rung:.0e}".startswith("1e")
