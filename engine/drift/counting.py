"""From a reference and a profile to counts over the same bins, column by column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.drift import numbering
from engine.drift.counts import Counts, Values
from engine.drift.levels import leveled, presence, texts
from engine.drift.model import SCHEMA, Decision, FeatureResult
from engine.drift.words import share
from engine.profiles.model import LEVELLED, NUMERIC, FeatureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.drift.model import Rules
    from engine.profiles.layout import FeatureLayout
    from engine.profiles.profile import FeatureProfile, Profile
    from engine.profiles.reference import Reference

_NOTHING: Mapping[str, Values] = {}


def compared(
    content: Reference,
    current: Profile,
    rules: Rules,
    values: Mapping[str, Values] | None = None,
    absent: frozenset[str] = frozenset(),
) -> Iterator[Counts | FeatureResult]:
    """Both sides of every column, or what is to be said where there is nothing to count.

    Args:
        content: The reference.
        current: A profile over its layout.
        rules: Name the columns to look at, where not all are.
        values: The values themselves by column, on the exact path.
        absent: Columns of the reference that the current data does not have at all.

    Raises:
        InvalidInput: the profile is over another layout, or a named column is on neither side.
    """
    layout = content.layout
    if current.layout_digest != layout.digest:
        raise InvalidInput("The profile was counted by another layout.", hint="Profile the data by this reference.")
    _refuse_unknown(rules, [*layout.by_key, *current.others])
    for feature in layout.features:
        if rules.columns and feature.key not in rules.columns:
            continue
        sides = content.profile.features[feature.key], current.features[feature.key]
        if feature.key in absent and feature.key in rules.labels:
            yield _left_out(feature, *sides, "What turned out to be true is not known yet")
        elif feature.key in absent:
            yield _gone(feature, *sides)
        else:
            yield _compared(feature, *sides, (values or _NOTHING).get(feature.key))
    for key in current.others:
        if not rules.columns or key in rules.columns:
            reason = "The reference does not have this column."
            yield FeatureResult(key, "new", Decision.LEFT_OUT, n_cur=current.rows, method=SCHEMA, reason=reason)


def _refuse_unknown(rules: Rules, known: list[str]) -> None:
    named = (*rules.columns, *rules.predictions, *rules.labels, *rules.methods)
    unknown = next((name for name in named if name not in known), None)
    if unknown is not None:
        from engine.core.suggest import did_you_mean
        from engine.core.text import clean

        raise InvalidInput(f"Neither side has a column {clean(unknown, limit=60)}.", hint=did_you_mean(unknown, known))


def _gone(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile) -> FeatureResult:
    return FeatureResult(
        feature.key,
        feature.kind.value,
        Decision.DRIFT,
        method=SCHEMA,
        n_ref=before.rows,
        n_cur=now.rows,
        nulls_ref=before.nulls / max(before.rows, 1),
        nulls_cur=1.0,
        reason="The current data does not have this column.",
        changed="The column is gone.",
    )


def _compared(
    feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile, values: Values | None
) -> Counts | FeatureResult:
    if feature.left_out and feature.kind is not FeatureKind.UNKNOWN:
        return _left_out(feature, before, now, feature.left_out)
    if feature.kind in NUMERIC:
        if feature.kind is FeatureKind.TIMESTAMP and numbering.follows(before, now):
            reason = "Its times follow those of the reference, as times of events do."
            return _left_out(feature, before, now, reason)
        counts = numbering.numbered(feature, before, now)
        return counts if values is None else replace(counts, values=values)
    if feature.kind in LEVELLED:
        return leveled(feature, before, now)
    if feature.kind is FeatureKind.TEXT:
        return texts(feature, before, now)
    return presence(feature, before, now)


def _left_out(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile, reason: str) -> FeatureResult:
    nulls = before.nulls / max(before.rows, 1), now.nulls / max(now.rows, 1)
    moved = (
        f" Missing values were {share(nulls[0])} and are {share(nulls[1])}." if abs(nulls[1] - nulls[0]) > 0.1 else ""
    )
    return FeatureResult(
        feature.key,
        feature.kind.value,
        Decision.LEFT_OUT,
        n_ref=before.rows,
        n_cur=now.rows,
        nulls_ref=nulls[0],
        nulls_cur=nulls[1],
        reason=f"{reason.rstrip('.')}.{moved}",
    )
