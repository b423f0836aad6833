"""Drift at a glance: models by features, each window of the recent past in a cell, the worst at the top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.drift.evidence import report_of
from console.drift.words import standing
from console.formats import moment, plural
from console.location import Location
from console.text import Part, fit
from console.views import Page
from console.widgets.document import Line, blank
from engine.drift.model import Decision
from engine.monitoring.model import Kind, Monitor, MonitorResult, ResultQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.api import Engine

WINDOWS, FEATURES, NAME = 60, 12, 22
"""Most windows, features of a version and cells of a name."""

SHADES = "▁▂▃▄▅▆▇█"
ASCII_SHADES = ".:-=+*#@"
EFFECTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Effects at which a cell becomes one shade darker; PSI's 0.1 and 0.2 are the field's own marks."""


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A feature over time.

    Args:
        name: The feature.
        cells: Decision and effect of each window, the oldest first; `None` where the window has nothing of it.
        badness: For the order: how often and how strongly it drifted, recent windows first.
    """

    name: str
    cells: tuple[tuple[Decision, float | None] | None, ...]
    badness: tuple[int, float]


@dataclass(frozen=True, slots=True)
class VersionRows:
    """What a monitor saw of one version.

    Args:
        monitor: The monitor.
        subject: The version, or the files.
        windows: The windows, the oldest first.
        features: The worst first.
        alerts: How many alerts of the model are not resolved.
    """

    monitor: Monitor
    subject: str
    windows: tuple[MonitorResult, ...]
    features: tuple[FeatureRow, ...]
    alerts: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows.

    Args:
        rows: What was seen, the worst first.
        monitors: All monitors.
    """

    rows: tuple[VersionRows, ...]
    monitors: tuple[Monitor, ...]


def read_overview(engine: Engine) -> Overview:
    """Read all of it.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    monitors = engine.monitors.page(limit=1_000).items
    alerts = engine.alerts.counts().by_model
    rows = [row for monitor in monitors for row in _seen(engine, monitor, alerts)]
    worst = sorted(rows, key=lambda row: max((each.badness for each in row.features), default=(0, 0.0)), reverse=True)
    return Overview(tuple(worst), tuple(monitors))


def _seen(engine: Engine, monitor: Monitor, alerts: Mapping[str, int]) -> list[VersionRows]:
    query = ResultQuery(monitor=monitor.name, kind=Kind.DRIFT.value, latest=True, limit=WINDOWS)
    found = sorted(engine.monitors.results(query).items, key=lambda each: (each.window.end_ms, each.id))
    by_subject: dict[str, list[MonitorResult]] = {}
    for each in found:
        by_subject.setdefault(each.subject.key or "files", []).append(each)
    return [
        VersionRows(monitor, subject, tuple(windows), _features(windows), alerts.get(windows[-1].subject.model, 0))
        for subject, windows in by_subject.items()
    ]


def _features(windows: Sequence[MonitorResult]) -> tuple[FeatureRow, ...]:
    reports = [report_of(each) if each.report else None for each in windows]
    found = [{} if report is None else {each.name: each for each in report.features} for report in reports]
    rows = []
    for name in dict.fromkeys(name for features in found for name in features):
        cells = [features.get(name) for features in found]
        drifted = [place for place, cell in enumerate(cells) if cell is not None and cell.drift]
        newest = cells[-1].effect if cells[-1] is not None and cells[-1].effect is not None else 0.0
        rows.append(
            FeatureRow(
                name,
                tuple(None if cell is None else (cell.decision, cell.effect) for cell in cells),
                (sum(place + 1 for place in drifted), newest),
            )
        )
    return tuple(sorted(rows, key=lambda row: row.badness, reverse=True))


def _open(app: ConsoleApp, target: Location, _answers: Answers) -> None:
    app.enter(target)


def _go(resource: str, key: str) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        app.enter(Location(resource))

    return Action(resource, key, resource, run, f"The list of {resource}.", needs=Needs.NOTHING)


class DriftView(Page[Overview]):
    """Models by features over time."""

    kinds = frozenset({"monitor", "alert"})
    actions = (
        Action("open", "Enter", "open", _open, "The newest window of the feature or the monitor under the cursor."),
        _go("alerts", "A"),
        _go("monitors", "M"),
    )

    def fetch(self) -> Overview:
        """Read all of it.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        return read_overview(self.deck.engine)

    def lines(self, data: Overview, width: int) -> Sequence[Line]:
        """A block a version: its features, the worst first, window after window."""
        if not data.monitors:
            return [
                blank(),
                Line([("  Nothing is watched.", "strong")]),
                Line([("  M n", "key"), ("  makes a monitor, or  ", "dim"), ("qd monitors create", "key")]),
            ]
        if not data.rows:
            watching = plural(len(data.monitors), "monitor")
            return [blank(), Line([(f"  {watching}; none has compared a window yet. `qd up` runs them.", "dim")])]
        unicode = self.deck.unicode
        return [line for row in data.rows for line in (*version_lines(row, width, unicode=unicode), blank())]


def version_lines(row: VersionRows, width: int, *, unicode: bool) -> list[Line]:
    """One version: a line a feature, a cell a window, the newest at the right.

    Args:
        row: What was seen.
        width: Cells there are.
        unicode: Whether blocks may be drawn.
    """
    alerts: list[Part] = [(f"  {plural(row.alerts, 'alert')}", "bad")] if row.alerts else []
    first, last = row.windows[0].window.start_ms, row.windows[-1].window.end_ms
    span = f"  {row.monitor.name}: {plural(len(row.windows), 'window')}, {moment(first)[:16]} to {moment(last)[:16]}"
    head: list[Part] = [(row.subject, "head"), ("  ", ""), standing(row.monitor), *alerts, (span, "dim")]
    lines = [Line(head, f"monitor.{row.monitor.name}.{row.subject}", Location("monitor", row.monitor.name))]
    room = max(width - NAME - 12, 8)
    newest = Location("result", str(row.windows[-1].id))
    for feature in row.features[:FEATURES]:
        cells = [shade(cell, unicode=unicode) for cell in feature.cells[-room:]]
        key = f"{row.monitor.name}.{row.subject}.{feature.name}"
        effect = feature.cells[-1][1] if feature.cells[-1] is not None else None
        says = f"  {effect:.3f}" if effect is not None else ""
        lines.append(Line([(f"  {fit(feature.name, NAME)}", "name"), *cells, (says, "dim")], key, newest))
    hidden = len(row.features) - FEATURES
    return [*lines, Line([(f"  {hidden} more features, none of them worse", "dim")])] if hidden > 0 else lines


def shade(cell: tuple[Decision, float | None] | None, *, unicode: bool) -> Part:
    """A window in one cell: how strong the effect is by its height, whether it is drift by its colour."""
    if cell is None or cell[0] in (Decision.NOT_ENOUGH, Decision.LEFT_OUT):
        return ("·" if unicode else " ", "dim")
    decision, effect = cell
    level = sum((effect or 0.0) >= step for step in EFFECTS)
    glyph = (SHADES if unicode else ASCII_SHADES)[level]
    return glyph, "bad" if decision is Decision.DRIFT else "good" if level < 2 else "warn"
