"""Comparisons that need the rows of both sides: exact quantities, segments, all columns at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.text import clean
from engine.drift.checking import absent_from, damage
from engine.drift.counting import compared
from engine.drift.counts import Values
from engine.drift.deciding import LEAST_ROWS, decide, report_of
from engine.drift.model import DatasetResult, Decision, DriftReport, FeatureResult, Path, SegmentResult, Side, Wanted
from engine.drift.rows import Held, matrix, numbers, read, segments, within
from engine.drift.words import count, named
from engine.profiles.model import NUMERIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.profiles.layout import Layout
    from engine.profiles.profile import Profile
    from engine.profiles.reference import Reference
    from engine.tables.model import Table


def compare(content: Reference, tables: tuple[Table, Table], names: tuple[Side, str], wanted: Wanted) -> DriftReport:
    """Compare two tables whose rows fit into memory.

    Args:
        content: The reference, made from the first table.
        tables: What was, and what is.
        names: What is said of the one, and how the other is called.
        wanted: What is asked.

    Returns:
        The report.

    Raises:
        InvalidInput: a table is damaged, or a named column is on neither side.
        Conflict: a file changed while it was read.
    """
    from engine.profiles.profiling import profile

    layout = content.layout
    reference, current = (read(table, layout) for table in tables)
    found = profile(current, layout)
    sides = (names[0], Side(names[1], current.rows))
    values = _values(layout, reference, current) if wanted.exact else None
    absent = absent_from(content, tables[1])
    features = decide(compared(content, found, wanted.rules, values, absent), wanted.rules)
    path = Path.EXACT if wanted.exact else Path.PROFILE
    report = report_of(features, sides, wanted.rules, path, problems=damage(content.profile, found))
    not_compared = absent | {each.name for each in features if each.decision is Decision.LEFT_OUT}
    return replace(
        report,
        dataset=tuple(_at_once(layout, (reference, current), wanted, not_compared)),
        segments=_segments(layout, (reference, current), wanted, absent),
    )


def _values(layout: Layout, reference: Held, current: Held) -> Mapping[str, Values]:
    return {
        each.key: Values(numbers(reference, each), numbers(current, each))
        for each in layout.features
        if each.kind in NUMERIC and not each.left_out
    }


def _at_once(
    layout: Layout, sides: tuple[Held, Held], wanted: Wanted, not_compared: frozenset[str]
) -> Iterator[DatasetResult]:
    if not (wanted.classifier or wanted.pca):
        return
    rules = wanted.rules
    passed_over = {*rules.predictions, *rules.labels, *not_compared}
    asked = [
        each
        for each in layout.features
        if (not rules.columns or each.key in rules.columns) and each.key not in passed_over
    ]
    rows = matrix(*sides, asked)
    if wanted.classifier:
        from engine.drift.domain import classify

        yield classify(rows, rules.level)
    if wanted.pca:
        from engine.drift.pca import reconstruct

        yield reconstruct(rows, rules.level)


def _segments(
    layout: Layout, sides: tuple[Held, Held], wanted: Wanted, absent: frozenset[str]
) -> tuple[SegmentResult, ...]:
    asked = [(key, value) for key in wanted.segments for value in _of(layout, sides[1], key)]
    # Looking into many segments finds something by chance: each gets its part of the level.
    columns = tuple(key for key in wanted.rules.columns or layout.by_key if key not in absent)
    rules = replace(wanted.rules, level=wanted.rules.level / max(len(asked), 1), columns=columns)
    found = []
    for key, value in asked:
        part = within(sides[0], key, value), within(sides[1], key, value)
        found.append(_segment(layout, part, (key, value), replace(wanted, rules=rules)))
    return tuple(sorted(found, key=lambda each: (-len(each.drifted), -each.score, each.column, each.value)))


def _of(layout: Layout, current: Held, key: str) -> list[str]:
    if key not in layout.by_key:
        from engine.core.suggest import did_you_mean

        hint = did_you_mean(key, list(layout.by_key))
        raise InvalidInput(f"The reference has no column {clean(key, limit=60)}.", hint=hint)
    return segments(current, key)


def _segment(layout: Layout, sides: tuple[Held, Held], segment: tuple[str, str], wanted: Wanted) -> SegmentResult:
    from engine.profiles.profiling import profile
    from engine.profiles.reference import Reference

    (key, value), (reference, current) = segment, sides
    rows = reference.rows, current.rows
    if min(rows) < LEAST_ROWS:
        side = "in the reference" if rows[0] < LEAST_ROWS else "now"
        return SegmentResult(key, value, *rows, reason=f"Not enough data: {count(min(rows), 'row')} {side}.")
    before: Profile = profile(reference, layout)
    features = decide(compared(Reference(layout, before, {}), profile(current, layout), wanted.rules), wanted.rules)
    within_it = [each for each in features if each.name != key]
    drifted = tuple(each.name for each in within_it if each.drift)
    return SegmentResult(
        key,
        value,
        *rows,
        drifted=drifted,
        score=max((each.score for each in within_it if each.drift), default=0.0),
        reason=_reason(within_it, drifted),
    )


def _reason(features: list[FeatureResult], drifted: tuple[str, ...]) -> str:
    looked = sum(each.decision is not Decision.LEFT_OUT for each in features)
    if drifted:
        return f"{len(drifted)} of {count(looked, 'feature')} drifted: {named(drifted)}."
    unsure = sum(each.decision is Decision.NOT_ENOUGH for each in features)
    return f"Not enough data for {unsure} of {count(looked, 'feature')}." if unsure else "No drift."
