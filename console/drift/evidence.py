"""What stands behind an alert, or on a monitor's page: the windows around it, and the comparison of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.drift.words import marks, verdict
from console.formats import count, moment, plural
from console.text import Part, table
from console.widgets.document import Line, heading
from engine.core.errors import QuarterdeckError
from engine.monitoring.model import Kind, MonitorResult, ResultQuery, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.api import Engine
    from engine.drift.model import DriftReport
    from engine.monitoring.model import PerformancePoint

WINDOWS, SHOWN = 120, 8


@dataclass(frozen=True, slots=True)
class Evidence:
    """What monitors found around some time.

    Args:
        windows: Results, the oldest first.
        report: The comparison that counts: of the window asked for, else the newest that found drift, else the newest.
        result: The window it is of.
        performance: Performance as it was known.
        scored: The same within each segment, of the window asked for, else of the newest; as the result keeps it.
    """

    windows: tuple[MonitorResult, ...] = ()
    report: DriftReport | None = None
    result: MonitorResult | None = None
    performance: tuple[PerformancePoint, ...] = ()
    scored: object = None

    @property
    def segments(self) -> object:
        """What was seen within each segment, as the result keeps it."""
        return None if self.result is None else self.result.report.get("by_segment")


def read_evidence(engine: Engine, monitor: str, *, model: str = "", end_ms: int | None = None) -> Evidence:
    """Read what a monitor found.

    Args:
        engine: The workspace.
        monitor: The monitor's name.
        model: Only of this model; empty for all.
        end_ms: The end of the window whose comparison is wanted, in milliseconds since the epoch.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    query = ResultQuery(monitor=monitor, model=model, latest=True, limit=WINDOWS)
    found = tuple(sorted(engine.monitors.results(query).items, key=lambda each: (each.window.end_ms, each.id)))
    compared = [each for each in found if each.kind is Kind.DRIFT and each.report]
    chosen = next((each for each in compared if each.window.end_ms == end_ms), None)
    if chosen is None and compared:
        drifted = [each for each in compared if each.verdict is Verdict.DRIFT]
        chosen = (drifted or compared)[-1]
    report = None if chosen is None else report_of(chosen)
    return Evidence(found, report, chosen, _performance(engine, monitor), _scored(found, end_ms))


def _scored(found: Sequence[MonitorResult], end_ms: int | None) -> object:
    """Performance within each segment in one window; `None` where nothing was scored so."""
    scored = [each for each in found if each.kind is Kind.PERFORMANCE and each.report.get("by_segment")]
    chosen = next((each for each in scored if each.window.end_ms == end_ms), scored[-1] if scored else None)
    return None if chosen is None else chosen.report["by_segment"]


def report_of(result: MonitorResult) -> DriftReport | None:
    """The comparison behind a window; `None` when it has none that can be read."""
    from engine.drift.document import report_from

    try:
        return report_from(result.report)
    except QuarterdeckError:
        return None


def _performance(engine: Engine, monitor: str) -> tuple[PerformancePoint, ...]:
    try:
        return engine.monitors.performance(monitor)
    except QuarterdeckError:  # a monitor that is gone; what it found is not
        return ()


def window_lines(windows: Sequence[MonitorResult], width: int, *, unicode: bool) -> list[Line]:
    """Windows in a cell each, a row a kind, and the newest in words.

    Args:
        windows: The oldest first.
        width: Cells there are.
        unicode: Whether blocks may be drawn.
    """
    if not windows:
        return [heading("Windows"), Line([("  none was looked at yet", "dim")])]
    lines = [heading("Windows", f"{plural(len(windows), 'look')}, the newest at the right")]
    for kind in Kind:
        row = [each for each in windows if each.kind is kind]
        if row:
            cells = marks(row, width - 16, unicode=unicode)
            lines.append(Line([(f"  {kind.value:<12}", "dim"), *cells]))
    rows: list[list[Part]] = [
        [
            (f"  {moment(each.window.end_ms)[:16]}", "dim"),
            (each.kind.value, ""),
            verdict(each),
            (count(each.rows), "dim"),
            (f"again, {each.revision}" if each.revision else "", "warn"),
            (each.sentence, ""),
        ]
        for each in reversed(windows[-SHOWN:])
    ]
    keys = [f"result.{each.id}" for each in reversed(windows[-SHOWN:])]
    chosen = list(reversed(windows[-SHOWN:]))
    return [
        *lines,
        *(Line(row, key, each) for row, key, each in zip(table(rows, right=frozenset({3})), keys, chosen, strict=True)),
    ]
