"""One monitor: what it looks at and how, what its windows have shown, and performance as it was known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.drift.evidence import Evidence, read_evidence, window_lines
from console.drift.features import report_lines, segment_lines
from console.drift.performing import performance_lines
from console.drift.words import standing
from console.formats import age, duration
from console.location import Location
from console.resources.monitors import ACTING
from console.text import Part, wrap
from console.views import Page
from console.widgets.document import Line, blank, fields
from engine.core.errors import NotFound
from engine.monitoring.model import Monitor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp


@dataclass(frozen=True, slots=True)
class Found:
    """What the page shows.

    Args:
        monitor: The monitor.
        evidence: What it found.
    """

    monitor: Monitor
    evidence: Evidence


def _fold(app: ConsoleApp, _monitor: Monitor, _answers: Answers) -> None:
    if isinstance(app.view, MonitorView):
        app.view.fold()


class MonitorView(Page[Found]):
    """The monitor that the location names."""

    kinds = frozenset({"monitor", "policy"})
    actions = (Action("open", "Enter", "open", _fold, "The window, or the shapes of the feature."), *ACTING)

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._unfolded: set[str] = set()

    def fetch(self) -> Found:
        """Read it and what it found.

        Raises:
            NotFound: there is no such monitor.
            QuarterdeckError: the workspace cannot be read.
        """
        engine, name = self.deck.engine, self.location.name
        return Found(engine.monitors.get(name), read_evidence(engine, name))

    def tick(self) -> None:
        """Ages, and the time of the next look."""
        self.load()

    def failed(self, error: Exception) -> None:
        """What is gone was deleted here or elsewhere: what was found stays until the page is left."""
        if not (isinstance(error, NotFound) and self.data is not None):
            super().failed(error)

    def subject(self) -> object | None:
        """The monitor, wherever the cursor is."""
        return None if self.data is None else self.data.monitor

    def fold(self) -> None:
        """Open the window under the cursor, or show the shapes of the feature."""
        line = self.document.line
        kind, _, name = ("" if line is None else line.key).partition(".")
        if kind == "result":
            self.deck.enter(Location("result", name))
        elif kind == "feature" and self.data is not None:
            self._unfolded ^= {name}
            data = self.data
            self.document.show(lambda width: self.lines(data, width))

    def lines(self, data: Found, width: int) -> Sequence[Line]:
        """Head, settings, windows, the comparison that counts, performance."""
        unicode, evidence = self.deck.unicode, data.evidence
        lines = [*_head(data.monitor, width, self.deck.now_ms()), blank()]
        lines += [*window_lines(evidence.windows, width, unicode=unicode), blank()]
        if evidence.report is not None:
            lines += [*report_lines(evidence.report, self._unfolded, width, unicode=unicode), blank()]
            lines += segment_lines(evidence.segments, width)
        lines += segment_lines(evidence.scored, width)
        lines += performance_lines(evidence.performance, width, unicode=unicode)
        return lines


def _head(monitor: Monitor, width: int, now_ms: int) -> list[Line]:
    room = max(width - 4, 20)
    found = monitor.paused or monitor.problem or monitor.sentence
    lines = [
        Line([("  ", ""), standing(monitor), (f"  {monitor.settings.target}", "link")]),
        *(Line([(f"  {part}", "strong")]) for part in wrap(found, room) if part),
        blank(),
    ]
    rows: list[tuple[str, Part]] = [(key, (value, "")) for key, value in _settings(monitor)]
    looked = f"{age(monitor.last_ms, now_ms)} ago" if monitor.last_ms is not None else "never"
    following = ""
    if monitor.next_ms is not None:
        following = f", again in {duration(max(monitor.next_ms - now_ms, 0))}"
    by = f" by {monitor.runner}" if monitor.runner else "; `qd up` runs it" if monitor.last_ms is None else ""
    rows.append(("looked", (f"{looked}{following}{by}", "dim")))
    rows.append(("declared", (f"in {'quarterdeck.toml' if monitor.source.value == 'file' else 'a command'}", "dim")))
    return [*lines, *fields(rows)]


def _settings(monitor: Monitor) -> list[tuple[str, str]]:
    """What is other than usual, and what everybody asks for."""
    asked = monitor.unusual | {"window", "tests", "reference", "budget"}
    return [
        (key, ", ".join(value) if isinstance(value, list) else str(value))
        for key, value in monitor.written.items()
        if key != "target" and key in asked
    ]
