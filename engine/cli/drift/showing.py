"""A report on a terminal: the answer first, then a table, then what changed."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from engine.cli.diagnostics import narrate
from engine.cli.output import Column, Format, show_json, show_lines, show_rows
from engine.drift.words import effect, interval, named, probability, share

if TYPE_CHECKING:
    from engine.drift.model import DriftReport, FeatureResult

_MOST_ROWS = 40
_MOST_CHANGES = 12
_NAME = 24


def _missing(feature: FeatureResult) -> str:
    before, now = share(feature.nulls_ref), share(feature.nulls_cur)
    return now if before == now else f"{before} > {now}"


_PEOPLE = (
    Column("name", lambda each: _cut(each.name) + _role(each), title="feature"),
    Column("decision", lambda each: each.decision.value),
    Column("effect", lambda each: effect(each.effect), right=True),
    Column("interval", interval, title="95 % interval", right=True),
    Column("q", lambda each: probability(each.q), right=True),
    Column("missing", _missing, right=True),
)
_FIELDS = (
    *("drift", "decision", "kind", "role", "method", "exact", "bound", "n_ref", "n_cur", "nulls_ref", "nulls_cur"),
    *("effect", "effect_low", "effect_high", "p", "q", "threshold", "power", "importance", "score"),
    *("reason", "changed"),
)
_PROGRAMS = (Column("name", attrgetter("name")), *(Column(field, attrgetter(field)) for field in _FIELDS))


def _role(feature: FeatureResult) -> str:
    return "" if feature.role.value == "feature" else f" ({feature.role.value})"


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def show(report: DriftReport, fmt: Format, *, whole: bool = False) -> None:
    """Print a report.

    Args:
        report: The report.
        fmt: How to answer.
        whole: Every feature, however many.
    """
    if fmt is Format.JSON:
        from engine.drift.document import document

        show_json(document(report))
    elif fmt is Format.CSV:
        show_rows(report.features, _PROGRAMS, fmt)
    else:
        _tell(report, whole=whole)


def _tell(report: DriftReport, *, whole: bool) -> None:
    show_lines([report.sentence, ""])
    shown = report.features if whole else report.features[:_MOST_ROWS]
    if shown:
        show_rows(shown, _PEOPLE, Format.HUMAN)
    hidden = len(report.features) - len(shown)
    if hidden:
        narrate(f"{hidden:,} more are not shown; --all shows them, --json has everything.")
    changes = [f"  {_cut(each.name)}: {each.changed}" for each in report.drifted if each.changed]
    if changes:
        show_lines(["", "What changed:", *changes[:_MOST_CHANGES]])
    _tell_left_out(report)
    for found in report.dataset:
        telling = f" Most telling: {named([each.name for each in found.telling])}." if found.telling else ""
        show_lines(["", f"{found.method}: {found.reason}{telling}"])
    if report.segments:
        show_lines(["", "Segments, the worst first:"])
        show_lines(f"  {each.column} = {each.value}: {each.reason}" for each in report.segments[:_MOST_CHANGES])
    for problem in report.problems:
        narrate(problem)
    narrate(report.decided_by)


def _tell_left_out(report: DriftReport) -> None:
    left_out = [each for each in report.features if each.decision.value == "left out"]
    if left_out:
        lines = [f"  {_cut(each.name)}: {each.reason}" for each in left_out[:_MOST_CHANGES]]
        show_lines(["", "Left out:", *lines])
