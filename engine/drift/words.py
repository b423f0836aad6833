"""How numbers and decisions of a comparison read: one wording for terminal, HTML and sentences."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.drift.model import FeatureResult

NAME = 60
"""Longest name of a column in a sentence, in characters."""

_SMALLEST_P = 0.001
_GROUPED, _LARGE = 1_000, 10**12
_LISTED = 3


def number(value: float | None) -> str:
    """A number in four significant digits, large ones whole; a dash for none."""
    if value is None:
        return "-"
    if not isfinite(value):
        return str(value).replace("inf", "infinity")
    return f"{value:,.0f}" if _GROUPED <= abs(value) < _LARGE else f"{value:.4g}"


def effect(value: float | None) -> str:
    """An effect in three decimals; a dash for none."""
    if value is None or not isfinite(value):
        return number(value)
    return f"{value:.3f}" if value < 100 else f"{value:.3g}"


def interval(feature: FeatureResult) -> str:
    """The interval of an effect, such as `0.25 to 0.38`; a dash where there is none."""
    if feature.effect_low is None or feature.effect_high is None:
        return "-"
    return f"{effect(feature.effect_low)} to {effect(feature.effect_high)}"


def probability(value: float | None) -> str:
    """A p- or q-value; a dash for none."""
    if value is None:
        return "-"
    return f"<{_SMALLEST_P:g}" if value < _SMALLEST_P else f"{value:.3f}"


def share(value: float) -> str:
    """A share in percent: `0 %` only when it is none, `100 %` only when it is all."""
    if value in (0, 1):
        return f"{100 * value:.0f} %"
    percent = 100 * value
    if percent < 0.1:
        return "<0.1 %"
    told = f"{min(percent, 99.9):.1f}" if percent < 10 or percent > 99 else f"{percent:.0f}"
    return f"{told.removesuffix('.0')} %"


def named(names: Sequence[str]) -> str:
    """Names in a sentence: all when they are few, else the first and how many more.

    Args:
        names: Logged names, at least one.
    """
    shown = [clean(name, limit=NAME) for name in names[:_LISTED]]
    more = len(names) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more:,} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def count(number: int, noun: str) -> str:
    """How many of something, such as `1 row` or `3 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
