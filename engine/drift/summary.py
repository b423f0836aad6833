"""What a reference holds, column by column, for people."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from engine.profiles.model import FeatureKind

if TYPE_CHECKING:
    from engine.profiles.layout import FeatureLayout
    from engine.profiles.profile import FeatureProfile
    from engine.profiles.reference import Reference

_TOP = 3


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """One column.

    Args:
        name: The column; logged text.
        kind: What its values are.
        missing: Share of missing values.
        distinct: How many levels or numbers there are, estimated where they are very many; `None` where nobody knows.
        minimum: Least number.
        median: The middle number; within half a cell of its grid.
        maximum: Greatest number.
        mean: Mean of the numbers.
        top: The most frequent levels; logged text.
        left_out: Why it is not compared; empty when it is.
    """

    name: str
    kind: str
    missing: float
    distinct: int | None
    minimum: float | None
    median: float | None
    maximum: float | None
    mean: float | None
    top: tuple[str, ...]
    left_out: str


def summaries(content: Reference) -> tuple[FeatureSummary, ...]:
    """Every column of a reference, in order.

    Args:
        content: The reference.
    """
    return tuple(_summary(each, content.profile.features[each.key]) for each in content.layout.features)


def _summary(feature: FeatureLayout, found: FeatureProfile) -> FeatureSummary:
    numbers = found.numbers if feature.kind is FeatureKind.NUMBER else None
    return FeatureSummary(
        name=feature.key,
        kind=feature.kind.value,
        missing=found.nulls / max(found.rows, 1),
        distinct=_distinct(feature, found),
        minimum=None if numbers is None or numbers.minimum is None else float(numbers.minimum),
        median=None if numbers is None else _median(feature, found),
        maximum=None if numbers is None or numbers.maximum is None else float(numbers.maximum),
        mean=None if numbers is None else _mean(feature, found),
        top=() if found.levels is None else tuple(level for level, _ in found.levels.heaviest(_TOP)),
        left_out=feature.left_out,
    )


def _distinct(feature: FeatureLayout, found: FeatureProfile) -> int | None:
    """How many different values there are: the middle of what bounds them, unless only bounds are known."""
    from engine.profiles.quantities import distinct

    if found.levels is not None:
        return found.levels.distinct[0]
    if found.numbers is None or found.numbers.registers is None:
        return None
    return sum(distinct(feature, found)) // 2


def _median(feature: FeatureLayout, found: FeatureProfile) -> float | None:
    from engine.profiles.quantities import quantile

    return _known(quantile(feature, found, 0.5).value)


def _mean(feature: FeatureLayout, found: FeatureProfile) -> float | None:
    from engine.profiles.quantities import mean

    return _known(mean(feature, found).value)


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
