"""What changed in a column, in one sentence: whatever contributes most to the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.drift.model import ABOVE_ALL, BELOW_ALL, MISSING_LEVEL, NEW_LEVELS, OTHER_TYPE
from engine.drift.words import named, number, share

if TYPE_CHECKING:
    from engine.drift.counts import Counts

_LABEL = 40
_TELLING_SHIFT = 0.1
"""From so many standard deviations on, a moved mean is what is told."""

_ODD = {
    MISSING_LEVEL: "missing values",
    BELOW_ALL: "values of -infinity",
    ABOVE_ALL: "values of +infinity",
    OTHER_TYPE: "values of another type",
}


def what_changed(counts: Counts) -> str:
    """Say what changed.

    Args:
        counts: Both sides; each has rows.

    Returns:
        One sentence, cleaned; empty when both sides are the same.
    """
    if counts.retyped is not None:
        return f"Values are stored as {counts.retyped[0]}, and were as {counts.retyped[1]}."
    place = _most_telling(counts)
    if place is None:
        return ""
    before, now = _share(counts.reference, place), _share(counts.current, place)
    label = counts.labels[place]
    moved = f"{'rise' if now > before else 'fall'} from {share(before)} to {share(now)}"
    if label in _ODD:
        return f"{_ODD[label].capitalize()} {moved}."
    if counts.new_levels and label in (NEW_LEVELS, *counts.new_levels):
        return f"{share(_new_share(counts))} are new: {named([f'`{level}`' for level in counts.new_levels])}."
    shifted = _shift(counts)
    if shifted:
        return shifted
    shown = clean(label, limit=_LABEL)
    subject = f"Values {shown}" if counts.ordered else f"`{shown}`"
    return f"{subject} {moved if counts.ordered else moved.replace('rise', 'rises').replace('fall', 'falls')}."


def _most_telling(counts: Counts) -> int | None:
    """The bin whose share differs most; `None` when none does."""
    reference, current = (side / max(side.sum(), 1) for side in (counts.reference, counts.current))
    parts = abs(current - reference)
    return int(parts.argmax()) if len(parts) and parts.max() > 0 else None


def _share(side: object, place: int) -> float:
    import numpy as np

    counts = np.asarray(side)
    return float(counts[place] / max(counts.sum(), 1))


def _new_share(counts: Counts) -> float:
    levels = {NEW_LEVELS, *counts.new_levels}
    total = max(int(counts.current.sum()), 1)
    return sum(int(n) for label, n in zip(counts.labels, counts.current, strict=True) if label in levels) / total


def _shift(counts: Counts) -> str:
    """How the mean moved, where that is telling."""
    fine = counts.fine
    if fine is None or counts.kind == "boolean":
        return ""
    change = fine.mean_cur - fine.mean_ref
    if fine.scale <= 0:
        now = number(fine.mean_cur + fine.offset)
        return f"It was always {number(fine.mean_ref + fine.offset)}; now the mean is {now}." if change else ""
    deviations = change / fine.scale
    if not abs(deviations) >= _TELLING_SHIFT:
        return ""
    way = "rises" if change > 0 else "falls"
    told = (
        f"from {number(fine.mean_ref)} to {number(fine.mean_cur)}" if not fine.offset else f"by {number(abs(change))}"
    )
    return f"The mean {way} {told} ({abs(deviations):.2f} standard deviations)."
