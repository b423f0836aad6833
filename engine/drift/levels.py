"""Levels and texts of both sides over the same bins.

Where a column has many rare levels, some that the reference never saw turn up without anything having changed. How
many, the reference tells itself: a level it has seen once stands for the unseen ones (Good and Turing), so that "new
levels" are held against the share of the reference's single ones, and not against nothing.

Source: I. J. Good, "The population frequencies of species and the estimation of population parameters", Biometrika 40
(1953) 237-264.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.drift.counts import Counts
from engine.drift.model import MISSING_LEVEL, NEW_LEVELS, OTHER_LEVELS, OTHER_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.profiles.layout import FeatureLayout
    from engine.profiles.levels import LevelCounts
    from engine.profiles.profile import FeatureProfile
    from engine.profiles.words import TextCounts

_OWN_BIN = 8
"""Rows of the reference from which on a level is a bin of its own."""

_MOST_BINS = 256
_MOST_NEW = 20


def leveled(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile) -> Counts:
    """Both sides of a column of levels.

    Args:
        feature: Its layout.
        before: The reference.
        now: The current data.
    """
    bins, new = _binned(before.levels, now.levels)
    exact = all(each is None or each.complete for each in (before.levels, now.levels))
    return replace(
        _counts(feature, bins | _odd(before, now), (before, now)),
        new_levels=new,
        exact=exact,
        retyped=retyped(before, now),
    )


def presence(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile) -> Counts:
    """Both sides of a column of which the reference has no value: only whether there is one can be compared.

    Args:
        feature: Its layout.
        before: The reference.
        now: The current data.
    """
    there = tuple(each.rows - each.nulls for each in (before, now))
    return _counts(feature, _odd(before, now, unfit=False) | {"any value": (there[0], there[1])}, (before, now))


def retyped(before: FeatureProfile, now: FeatureProfile) -> tuple[str, str] | None:
    """How values are stored now, and how they were; `None` where these have something in common.

    Args:
        before: The reference.
        now: The current data.
    """
    one, other = ({name for name, count in each.types.items() if count} for each in (before, now))
    return (", ".join(sorted(other)), ", ".join(sorted(one))) if one and other and not one & other else None


def texts(feature: FeatureLayout, before: FeatureProfile, now: FeatureProfile) -> Counts:
    """Both sides of a column of sentences: their lengths, with their words and characters as further aspects.

    Args:
        feature: Its layout.
        before: The reference.
        now: The current data.
    """
    odd = _odd(before, now)
    if before.text is None or now.text is None:
        return presence(feature, before, now)
    sides = before.text, now.text
    lengths = sorted({*sides[0].lengths, *sides[1].lengths})
    bins = {_length(each): (sides[0].lengths.get(each, 0), sides[1].lengths.get(each, 0)) for each in lengths}
    words, new = _binned(sides[0].words, sides[1].words)
    vocabulary = _counts(feature, _per_text(words, sides), (before, now))
    characters = _counts(feature, _per_text(_characters(sides), sides), (before, now))
    aspects = replace(vocabulary, new_levels=new, aspect="words"), replace(characters, aspect="characters")
    length = _counts(feature, bins | odd, (before, now))
    return replace(length, in_order=len(bins), aspect="length", aspects=aspects)


def _binned(
    before: LevelCounts | None, now: LevelCounts | None
) -> tuple[dict[str, tuple[float, float]], tuple[str, ...]]:
    """Counts of both sides by level, the rare ones together; and the levels that are new."""
    if before is None or now is None:
        return {}, ()
    own = [level for level, count in before.heaviest(_MOST_BINS) if count >= _OWN_BIN]
    bins: dict[str, tuple[float, float]] = {level: (before.counts[level], now.counts.get(level, 0)) for level in own}
    rest = tuple(side.rows - sum(each[place] for each in bins.values()) for place, side in enumerate((before, now)))
    if not (before.complete and now.complete):
        return bins | _some({OTHER_LEVELS: (rest[0], rest[1])}), ()
    fresh = {level: count for level, count in now.counts.items() if level not in before.counts}
    single = sum(count == 1 for count in before.counts.values())
    unseen = sum(fresh.values())
    if unseen * before.rows > single * now.rows:
        bins |= _some({OTHER_LEVELS: (rest[0] - single, rest[1] - unseen), NEW_LEVELS: (single, unseen)})
    else:  # fewer than were to be expected, as among rows of the reference itself: rare ones are rare ones
        bins |= _some({OTHER_LEVELS: (rest[0], rest[1])})
    new = sorted(fresh, key=lambda level: (-fresh[level], level))[:_MOST_NEW]
    return bins, tuple(new)


def _some(bins: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    return {label: sides for label, sides in bins.items() if any(sides)}


def _odd(before: FeatureProfile, now: FeatureProfile, *, unfit: bool = True) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {MISSING_LEVEL: (before.nulls, now.nulls)}
    if unfit:
        found[OTHER_TYPE] = (before.unfit, now.unfit)
    return _some(found)


def _length(bits: int) -> str:
    if bits <= 1:
        return f"{bits} characters" if bits != 1 else "1 character"
    return f"{1 << (bits - 1)} to {(1 << bits) - 1} characters"


def _characters(sides: tuple[TextCounts, TextCounts]) -> dict[str, tuple[float, float]]:
    from engine.profiles.words import CLASSES

    pairs = zip(CLASSES, sides[0].characters, sides[1].characters, strict=True)
    return _some({f"{name}": (before, now) for name, before, now in pairs})


def _per_text(
    bins: Mapping[str, tuple[float, float]], sides: tuple[TextCounts, TextCounts]
) -> dict[str, tuple[float, float]]:
    """Counts as if each text held one: words and characters of one text are not independent of each other."""
    weights = []
    for place, side in enumerate(sides):
        total = sum(each[place] for each in bins.values())
        weights.append(min(1.0, sum(side.lengths.values()) / total) if total else 0.0)
    return {label: (before * weights[0], now * weights[1]) for label, (before, now) in bins.items()}


def _counts(
    feature: FeatureLayout, bins: Mapping[str, tuple[float, float]], sides: tuple[FeatureProfile, FeatureProfile]
) -> Counts:
    import numpy as np

    nothing = (float("nan"),) * len(bins)
    return Counts(
        name=feature.key,
        kind=feature.kind.value,
        labels=tuple(bins),
        reference=np.array([each[0] for each in bins.values()]),
        current=np.array([each[1] for each in bins.values()]),
        lows=nothing,
        highs=nothing,
        in_order=0,
        n_ref=sides[0].rows,
        n_cur=sides[1].rows,
        nulls_ref=sides[0].nulls,
        nulls_cur=sides[1].nulls,
    )
