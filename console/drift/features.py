"""A comparison on the screen: features, the worst first, each with its two shapes and its bins when it is unfolded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.drift.words import DECISIONS
from console.formats import count, pill, plural
from console.text import Part, table, wrap
from console.widgets.charts.spark import bar, sparkline
from console.widgets.document import Line, heading
from engine.drift.words import effect, interval, probability, share

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from engine.drift.model import Bin, DriftReport, FeatureResult, Histogram

MOST_FEATURES, MOST_BINS, MOST_SEGMENTS = 60, 12, 8
NAME = 24
BARS = 12
"""Cells of a bar beside a bin."""


def report_lines(report: DriftReport, unfolded: Collection[str], width: int, *, unicode: bool) -> list[Line]:
    """A comparison: the answer, features, segments, and what was found of all columns at once.

    Args:
        report: The comparison.
        unfolded: Names of the features whose shapes are shown.
        width: Cells there are.
        unicode: Whether blocks may be drawn.
    """
    sides = f"{report.current.name} against {report.reference.name}"
    lines = [heading("Features", f"{count(report.rows)} rows; {sides}")]
    shown = report.features[:MOST_FEATURES]
    head: list[Part] = [(text, "dim") for text in ("  feature", "says", "effect", "95 %", "p", "missing", "")]
    body = table([head, *(_row(each, width) for each in shown)], right=frozenset({2, 3, 4}))
    lines.append(Line(body[0]))
    for each, row in zip(shown, body[1:], strict=True):
        lines.append(Line(row, f"feature.{each.name}", each))
        if each.name in unfolded:
            lines += feature_lines(each, width, unicode=unicode)
    if len(report.features) > len(shown):
        lines.append(Line([(f"  {count(len(report.features) - len(shown))} more; y shows all of it", "dim")]))
    for found in report.dataset:
        lines += [Line([(f"  {found.method}: ", "dim"), (found.reason, "")])]
    if report.segments:
        lines += [Line(), heading("Segments", "the worst first")]
        rows: list[list[Part]] = [
            [
                (f"  {each.column} = {each.value}", "name"),
                (plural(each.n_cur, "row"), "dim"),
                (each.reason, "bad" if each.drifted else ""),
            ]
            for each in report.segments[:MOST_SEGMENTS]
        ]
        lines += [Line(row) for row in table(rows)]
    return lines


def segment_lines(found: object, width: int) -> list[Line]:
    """What a monitor saw within each segment, the worst first; nothing where it looked at none.

    Args:
        found: `by_segment` of a result: mappings with `segment`, `drifted` and `sentence`, as JSON gave them back.
        width: Cells there are.
    """
    listed = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
    if not listed:
        return []
    rows: list[list[Part]] = [
        [
            (f"  {each.get('segment', '')}", "name"),
            (f"{each.get('rows', '')} rows", "dim"),
            _drifted(each.get("drifted")),
            (str(each.get("sentence", ""))[: max(width - 60, 0)], "dim"),
        ]
        for each in listed[:MOST_SEGMENTS]
    ]
    return [heading("Segments", "the worst first"), *(Line(row) for row in table(rows)), Line()]


def _drifted(names: object) -> Part:
    return (", ".join(map(str, names)), "bad") if isinstance(names, list) and names else ("no drift", "dim")


def _row(feature: FeatureResult, width: int) -> list[Part]:
    before, now = share(feature.nulls_ref), share(feature.nulls_cur)
    room = max(width - 78, 0)
    words = feature.changed or feature.reason
    return [
        (f"  {feature.name[:NAME]}", "name"),
        pill(DECISIONS, feature.decision.value),
        (effect(feature.effect), ""),
        (interval(feature), "dim"),
        (probability(feature.q if feature.q is not None else feature.p), ""),
        (now if before == now else f"{before} > {now}", "" if before == now else "warn"),
        (words[:room], "dim"),
    ]


def feature_lines(feature: FeatureResult, width: int, *, unicode: bool) -> list[Line]:
    """One feature: what changed, two shapes over one axis, and its bins.

    Args:
        feature: The feature.
        width: Cells there are.
        unicode: Whether blocks may be drawn.
    """
    room = max(width - 8, 20)
    lines = [Line([(f"      {part}", "")]) for part in wrap(feature.changed or feature.reason, room)]
    if feature.changed:
        lines += [Line([(f"      {part}", "dim")]) for part in wrap(feature.reason, room)]
    told = [f"{name} {effect(value)}" for name, value in sorted(feature.distances.items())]
    bound = "exact" if feature.exact else f"within {effect(feature.bound)}"
    lines += [Line([(f"      {part}", "dim")]) for part in wrap(", ".join([feature.method, bound, *told]), room)]
    if feature.new_levels:
        levels = f"new levels: {', '.join(feature.new_levels[:MOST_BINS])}"
        lines += [Line([(f"      {part}", "warn")]) for part in wrap(levels, room)]
    if feature.histogram is not None:
        lines += overlay_lines(feature.histogram, width, unicode=unicode)
    return [*lines, *bin_lines(feature.bins, unicode=unicode), Line()]


def overlay_lines(shape: Histogram, width: int, *, unicode: bool) -> list[Line]:
    """Two shapes over one axis, each scaled to the highest bar of both.

    Args:
        shape: The shapes.
        width: Cells there are.
        unicode: Whether blocks may be drawn.
    """
    cells = max(min(width - 20, len(shape.reference)), 1)
    most = max(*shape.reference, *shape.current, 1e-12)
    lines = []
    for name, shares, look in (("reference", shape.reference, "dim"), ("current", shape.current, "series-2")):
        drawn = sparkline([each / most for each in shares], cells, floor=0.0, unicode=unicode)
        lines.append(Line([(f"      {name:<10}", "dim"), (drawn, look)]))
    low, high = f"{shape.low:.4g}", f"{shape.high:.4g}"
    space = " " * max(cells - len(low) - len(high), 1)
    return [*lines, Line([(f"      {'':<10}{low}{space}{high}", "dim")])]


def bin_lines(bins: Sequence[Bin], *, unicode: bool) -> list[Line]:
    """The bins that were compared, as shares of either side.

    Args:
        bins: The bins.
        unicode: Whether blocks may be drawn.
    """
    if not bins:
        return []
    totals = [max(sum(each.reference for each in bins), 1), max(sum(each.current for each in bins), 1)]
    shares = [(each.reference / totals[0], each.current / totals[1]) for each in bins]
    most = max(max(pair) for pair in shares) or 1.0
    rows: list[list[Part]] = [
        [
            (f"      {each.label[:NAME]}", ""),
            (f"{before:.1%}", "dim"),
            (bar(before / most, BARS, unicode=unicode), "dim"),
            (bar(now / most, BARS, unicode=unicode), "series-2"),
            (f"{now:.1%}", "bad" if abs(now - before) > max(before, now) / 2 and max(before, now) > 0.02 else ""),
        ]
        for each, (before, now) in zip(bins[:MOST_BINS], shares, strict=False)
    ]
    lines = [Line(row) for row in table(rows, right=frozenset({1}))]
    hidden = len(bins) - MOST_BINS
    return [*lines, Line([(f"      {hidden} more bins", "dim")])] if hidden > 0 else lines
