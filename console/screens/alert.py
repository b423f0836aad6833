"""One alert: what was found, what to do, the numbers behind it, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.drift.evidence import Evidence, read_evidence, window_lines
from console.drift.features import report_lines, segment_lines
from console.drift.performing import performance_lines
from console.drift.words import SEVERITIES, state_pill
from console.formats import NONE, age, moment, pill, plural
from console.location import Location, is_number
from console.resources.alerts import ACTING
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.document import Line, blank, fields, heading
from engine.alerts.model import Alert, AlertChange, Change
from engine.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp

CHANGES: dict[Change, str] = {
    Change.OPENED: "bad",
    Change.WORSENED: "bad",
    Change.ESCALATED: "loud",
    Change.ACKNOWLEDGED: "warn",
    Change.REOPENED: "bad",
    Change.RESOLVED: "good",
}
"""Looks of what can happen to an alert."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the page shows.

    Args:
        alert: The alert.
        changes: What happened to it, in order.
        evidence: The windows around it.
    """

    alert: Alert
    changes: tuple[AlertChange, ...]
    evidence: Evidence


def _fold(app: ConsoleApp, _alert: Alert, _answers: Answers) -> None:
    if isinstance(app.view, AlertView):
        app.view.fold()


class AlertView(Page[Found]):
    """The alert that the location names."""

    kinds = frozenset({"alert"})
    actions = (
        Action("open", "Enter", "unfold", _fold, "Shapes and bins of the feature under the cursor.", needs=Needs.ONE),
        *ACTING,
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._unfolded: set[str] = set()

    def fetch(self) -> Found:
        """Read it, what happened to it, and what its monitor found.

        Raises:
            NotFound: there is no such alert.
            QuarterdeckError: the workspace cannot be read.
        """
        engine, number = self.deck.engine, self.location.name
        if not is_number(number):
            raise NotFound(f"There is no alert {number[:60]}.", hint=":alerts lists them.")
        alert = engine.alerts.get(int(number))
        evidence = read_evidence(engine, alert.monitor, model=alert.model, end_ms=alert.window_end_ms)
        return Found(alert, engine.alerts.changes(alert.id), evidence)

    def arrived(self, data: Found) -> None:
        """The worst feature is shown unfolded at first."""
        report = data.evidence.report
        if report is not None and not self._unfolded and report.drifted:
            self._unfolded.add(report.drifted[0].name)
            self._redraw()

    def tick(self) -> None:
        """Ages."""
        self.load()

    def subject(self) -> object | None:
        """The alert, wherever the cursor is; marked ones there are none."""
        return None if self.data is None else self.data.alert

    def fold(self) -> None:
        """Show or hide the shapes of the feature under the cursor, or open the window that is under it."""
        line = self.document.line
        if line is None or not line.key:
            return
        kind, _, name = line.key.partition(".")
        if kind == "feature":
            self._unfolded ^= {name}
            self._redraw()
        elif kind == "result":
            self.deck.enter(Location("result", name))

    def _redraw(self) -> None:
        data = self.data
        if data is not None:
            self.document.show(lambda width: self.lines(data, width))

    def lines(self, data: Found, width: int) -> Sequence[Line]:
        """Head, evidence, windows, performance, history."""
        now_ms, unicode, evidence = self.deck.now_ms(), self.deck.unicode, data.evidence
        lines = [*_head(data.alert, width, now_ms), blank()]
        if evidence.report is not None:
            lines += [*report_lines(evidence.report, self._unfolded, width, unicode=unicode), blank()]
            lines += segment_lines(evidence.segments, width)
        elif data.alert.evidence:
            lines += [heading("Evidence"), *fields(_plainly(data.alert)), blank()]
        lines += segment_lines(evidence.scored, width)
        lines += [*window_lines(evidence.windows, width, unicode=unicode), blank()]
        measured = performance_lines(evidence.performance, width, unicode=unicode)
        lines += [*measured, blank()] if measured else []
        return [*lines, *_history(data.changes, now_ms)]


def _head(alert: Alert, width: int, now_ms: int) -> list[Line]:
    room = max(width - 4, 20)
    about: list[Part] = [("  ", ""), pill(SEVERITIES, alert.severity.value), ("  ", ""), state_pill(alert)]
    about += [(f"  {alert.subject}", "name"), (f"  {age(alert.opened_ms, now_ms)}", "dim")]
    lines = [Line(about), blank(), *(Line([(f"  {part}", "strong")]) for part in wrap(alert.sentence, room))]
    if alert.next_step:
        lines += [Line([(f"  {part}", "key")]) for part in wrap(f"Next: {alert.next_step}", room)]
    lapses = "" if alert.until_ms is None else f", until {moment(alert.until_ms)[:16]}"
    rows: list[tuple[str, Part]] = [
        ("found by", (f"{alert.monitor} ({alert.key}) in {plural(alert.windows, 'window')}", "")),
        ("window", (f"{moment(alert.window_start_ms)[:19]} to {moment(alert.window_end_ms)[:19]}", "")),
        ("owner", (f"{alert.owner}{lapses}" if alert.owner else NONE, "")),
    ]
    if alert.endpoint:
        rows.append(("endpoint", (alert.endpoint, "link")))
    if alert.resolved_ms is not None:
        by = f" by {alert.resolved_by}" if alert.resolved_by else ""
        rows.append(("resolved", (f"{moment(alert.resolved_ms)[:19]}{by}: {alert.resolution}", "good")))
    return [*lines, *fields(rows)]


def _plainly(alert: Alert) -> list[tuple[str, Part]]:
    """The numbers themselves, where they are of no comparison."""
    return [(key, (str(value), "")) for key, value in alert.evidence.items() if isinstance(value, (str, int, float))]


def _history(changes: Sequence[AlertChange], now_ms: int) -> list[Line]:
    rows: list[list[Part]] = [
        [
            (f"  {age(each.time_ms, now_ms):>4}", "dim"),
            (each.change.value, CHANGES[each.change]),
            (each.actor, ""),
            ("silenced" if each.silenced else "", "dim"),
            (each.sentence, "dim"),
        ]
        for each in reversed(changes)
    ]
    return [heading("What happened", "the newest first"), *(Line(row) for row in table(rows))]
