"""One window that a monitor looked at: features side by side, or the numbers of what it was about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.drift.evidence import report_of
from console.drift.features import report_lines, segment_lines
from console.drift.words import verdict
from console.formats import count, moment
from console.location import Location, is_number
from console.text import Part, wrap
from console.views import Page
from console.widgets.document import Line, blank, fields, heading
from engine.core.errors import NotFound
from engine.monitoring.model import MonitorResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp

MOST_LINES = 400


def _fold(app: ConsoleApp, _result: MonitorResult, _answers: Answers) -> None:
    if isinstance(app.view, ResultView):
        app.view.fold()


def _monitor(app: ConsoleApp, result: MonitorResult, _answers: Answers) -> None:
    app.enter(Location("monitor", result.monitor))


def _version(app: ConsoleApp, result: MonitorResult, _answers: Answers) -> None:
    app.enter(Location("version", result.subject.key))


def _endpoint(app: ConsoleApp, result: MonitorResult, _answers: Answers) -> None:
    app.enter(Location("endpoint", result.subject.endpoint))


def _json(app: ConsoleApp, result: MonitorResult, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, f"window {result.id} of {result.monitor}", result)


def _of_version(result: MonitorResult) -> str | None:
    return None if result.subject.version is not None else "This window is of no version."


def _of_endpoint(result: MonitorResult) -> str | None:
    return None if result.subject.endpoint else "This window is of no endpoint."


class ResultView(Page[MonitorResult]):
    """The window that the location names."""

    kinds = frozenset({"monitor"})
    actions = (
        Action("open", "Enter", "unfold", _fold, "Shapes and bins of the feature under the cursor."),
        Action("monitor", "M", "monitor", _monitor, "The monitor that looked."),
        Action("version", "v", "version", _version, "The version it is about.", enabled=_of_version),
        Action("endpoint", "E", "endpoint", _endpoint, "The endpoint it is about.", enabled=_of_endpoint, hint=False),
        Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._unfolded: set[str] = set()

    def fetch(self) -> MonitorResult:
        """Read it.

        Raises:
            NotFound: there is no such window.
            QuarterdeckError: the workspace cannot be read.
        """
        if not is_number(self.location.name):
            raise NotFound(f"There is no window {self.location.name[:60]}.", hint=":results lists them.")
        return self.deck.engine.monitors.result(int(self.location.name))

    def subject(self) -> object | None:
        """The window, wherever the cursor is."""
        return self.data

    def fold(self) -> None:
        """Show or hide the shapes of the feature under the cursor."""
        line, data = self.document.line, self.data
        kind, _, name = ("" if line is None else line.key).partition(".")
        if kind == "feature" and data is not None:
            self._unfolded ^= {name}
            self.document.show(lambda width: self.lines(data, width))

    def lines(self, data: MonitorResult, width: int) -> Sequence[Line]:
        """Head, then features, or plain numbers."""
        room = max(width - 4, 20)
        window = data.window
        rows: list[tuple[str, Part]] = [
            ("monitor", (data.monitor, "link")),
            ("of", (data.subject.key or window.file, "name")),
            ("window", (f"{moment(window.start_ms)[:19]} to {moment(window.end_ms)[:19]}", "")),
            ("rows", (count(data.rows), "")),
            ("looked", (f"{moment(data.made_ms)[:19]}{f', again ({data.revision})' if data.revision else ''}", "dim")),
        ]
        if data.paged:
            rows.append(("told", (", ".join(data.paged), "bad")))
        lines = [
            Line([("  ", ""), verdict(data), (f"  {data.kind.value}", "")]),
            *(Line([(f"  {part}", "strong")]) for part in wrap(data.sentence, room)),
            *(Line([(f"  {part}", "key")]) for part in wrap(f"Next: {data.next_step}", room) if data.next_step),
            blank(),
            *fields(rows),
            blank(),
        ]
        report = report_of(data) if data.kind.value == "drift" and data.report else None
        within = segment_lines(data.report.get("by_segment"), width)
        if report is not None:
            return [*lines, *report_lines(report, self._unfolded, width, unicode=self.deck.unicode), *within]
        numbers = json.dumps(dict(data.report), indent=2).splitlines()[:MOST_LINES] if data.report else []
        return [*lines, *within, heading("Numbers"), *(Line([(f"  {each}", "")]) for each in numbers)]
