"""Numbers as short text: axis labels, read-outs, durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_SPELLED_FROM = 1e4
"""From here on a unit letter is used: 9999 is shorter than 9.999k, 12k is shorter than 12000."""
_SMALL, _LARGE = 1e-3, 1e15
"""Outside of these a number is written with an exponent."""

_SPANS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def compact(value: float, digits: int = 4) -> str:
    """A number in few cells.

    Args:
        value: any float.
        digits: significant digits, at least 1.

    Returns:
        ``0.2314``, ``1234``, ``12.35k``, ``1.2e-5``, ``nan``, ``inf``, ``-inf``; trailing zeros are dropped.
    """
    if not math.isfinite(value):
        return str(float(value))
    rounded = float(f"{value:.{digits - 1}e}")
    value = rounded if math.isfinite(rounded) else value
    size = abs(value)
    if not size:
        return "0"
    if size < _SMALL or size >= _LARGE:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}"
    unit, letter = _unit(size)
    if unit == 1.0:
        places = digits - 1 - math.floor(math.log10(size))
        return _trimmed(f"{value:.{max(places, 0)}f}")
    return f"{value / unit:.{digits}g}{letter}"


def axis_labels(ticks: Sequence[float], step: float) -> tuple[str, ...]:
    """Labels of one axis, in one unit and with the same number of decimals, so that they can be compared at a glance.

    Args:
        ticks: finite values, in order.
        step: distance of the ticks; 0.0 when they have none (then each is written by itself).

    Returns:
        One label a tick.
    """
    largest = max(map(abs, ticks), default=0.0)
    if not step or (largest and (largest < _SMALL or largest >= _LARGE)):
        digits = 1 + _exponent(largest) - _exponent(step) if step and largest else 3
        return tuple(compact(tick, min(max(digits, 1), 9)) for tick in ticks)
    unit, letter = _unit(largest)
    places = _places(step / unit)
    if places > 3:
        unit, letter, places = 1.0, "", _places(step)
    return tuple(_plain(tick, unit, letter, places) for tick in ticks)


def duration(seconds: float) -> str:
    """A span of time in at most two units.

    Args:
        seconds: any float.

    Returns:
        ``0s``, ``0.5s``, ``45s``, ``1m30s``, ``2h``, ``3d12h``; a number not finite or beyond 10,000 days is compact.
    """
    if not math.isfinite(seconds) or abs(seconds) >= 1e4 * 86400:
        return f"{compact(seconds, 3)}s"
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    if left < 10 and left != int(left):
        return f"{sign}{compact(left, 3)}s"
    whole = round(left)
    for index, (size, letter) in enumerate(_SPANS[:-1]):
        if whole >= size:
            smaller, small_letter = _SPANS[index + 1]
            rest = whole % size // smaller
            return f"{sign}{whole // size}{letter}" + (f"{rest}{small_letter}" if rest else "")
    return f"{sign}{whole}s"


def time_of_day(seconds: float, step: float = 0.0) -> str:
    """A moment in UTC, as short as the distance of the ticks allows.

    Args:
        seconds: since the epoch; what no calendar knows is written as a duration.
        step: distance of the ticks in seconds; 0.0 for a moment by itself.

    Returns:
        ``11-03``, ``11-03 09h``, ``09:05``, ``09:05:12``; by itself ``11-03 09:05:12``.
    """
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return duration(seconds)
    if not step:
        return f"{moment:%m-%d %H:%M:%S}"
    if step >= 86400:
        return f"{moment:%m-%d}"
    if step >= 6 * 3600:
        return f"{moment:%m-%d %Hh}"
    return f"{moment:%H:%M}" if step >= 60 else f"{moment:%H:%M:%S}"


def _unit(size: float) -> tuple[float, str]:
    """The unit a size is written in."""
    if size < _SPELLED_FROM:
        return _UNITS[-1]
    return next(pair for pair in _UNITS if size >= pair[0])


def _places(step: float) -> int:
    """Decimals which a step of 1, 2 or 5 times a power of ten needs."""
    return max(0, -_exponent(step))


def _exponent(value: float) -> int:
    """The power of ten of the first digit; a hair below a power counts as it."""
    return math.floor(math.log10(value) + 1e-9)


def _plain(tick: float, unit: float, letter: str, places: int) -> str:
    """One label; zero carries neither sign nor unit."""
    text = f"{tick / unit:.{places}f}"
    return f"{text.lstrip('-')}" if float(text) == 0 else f"{text}{letter}"


def _trimmed(text: str) -> str:
    """Without the zeros behind the point."""
    return text.rstrip("0").rstrip(".") if "." in text else text
