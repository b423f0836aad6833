"""What a baseline knows of columns, as the test of quality asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.monitoring.quality import Expected
from engine.profiles.model import NUMERIC, FeatureKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.monitoring.looking import Look
    from engine.monitoring.references import Against, References
    from engine.profiles.layout import FeatureLayout
    from engine.profiles.profile import FeatureProfile

MOST_LEVELS = 1_024
"""Levels beyond which a new one is nothing unusual."""

_NEW_EVERY = 100
"""A baseline with more than one distinct value in so many rows does not know them all."""


class Expectations:
    """Reads baselines.

    Args:
        references: Finds them.
    """

    def __init__(self, references: References) -> None:
        self._references = references
        self._read: dict[str, Mapping[str, Expected]] = {}

    def __call__(self, look: Look) -> Mapping[str, Expected]:
        """What the baseline of a window's version knows of its columns; nothing when there is none.

        Raises:
            QuarterdeckError: the baseline cannot be read.
        """
        if look.settings.against.startswith("files ") or not (look.settings.against or look.subject.key):
            return {}
        against = self._references.baseline(look)
        if against.content is None:
            return {}
        key = f"{against.side.name} {against.content.layout.digest}"
        if key not in self._read:
            self._read = {key: _expected(against)}
        return self._read[key]


def _expected(against: Against) -> Mapping[str, Expected]:
    content = against.content
    assert content is not None  # noqa: S101 asked before
    left_out = {*against.predictions, *against.labels}
    found = {}
    for feature in content.layout.features:
        if feature.name not in left_out and feature.kind is not FeatureKind.UNKNOWN:
            found[feature.name] = _of(feature, content.profile.features[feature.key])
    return found


def _of(feature: FeatureLayout, held: FeatureProfile) -> Expected:
    nulls = held.nulls / max(1, held.rows)
    if feature.kind in NUMERIC and held.numbers is not None:
        kind = "number" if feature.kind is FeatureKind.NUMBER else ""
        low, high = held.numbers.minimum, held.numbers.maximum
        if kind and low is not None and high is not None:
            return Expected(kind, nulls, float(low), float(high), rows=held.rows)
        return Expected(kind, nulls, rows=held.rows)
    if held.levels is None:
        return Expected("", nulls, rows=held.rows)
    complete = held.levels.complete and len(held.levels.counts) <= min(MOST_LEVELS, 1 + held.rows // _NEW_EVERY)
    levels = frozenset(held.levels.counts) if complete and feature.kind is FeatureKind.CATEGORY else None
    return Expected("", nulls, levels=levels, rows=held.rows)
