"""Processes that `qd up` looks after: which run, which rest after they ended, and what they said last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.formats import NONE, age, pill, plural
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.document import Line, blank, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.serving import Beat
    from engine.processes.up_model import ChildStatus, UpStatus

_STATES: dict[str, Part] = {
    "running": ("● running", "good"),
    "resting": ("○ resting", "warn"),
    "failing": ("✗ failing", "bad"),
    "stopped": ("■ stopped", "dim"),
}


class ProcessesView(Page["UpStatus | None"]):
    """What `qd up` does on this workspace."""

    def fetch(self) -> UpStatus | None:
        """Ask who holds its lock, and what they said last."""
        return self.deck.engine.processes.up()

    def beat(self, beat: Beat) -> None:
        """Look again: a process that ends is to be seen at once."""
        del beat
        self.load()

    def lines(self, data: UpStatus | None, width: int) -> Sequence[Line]:
        """One process a line, its last words below where it does not run."""
        if data is None:
            return [
                heading("Nothing keeps processes of this workspace running."),
                blank(),
                Line(
                    [("  qd up", "key"), ("  runs what serves, stores, decides and probes, and starts it again", "dim")]
                ),
                Line([("  Nothing of it is needed to look.", "dim")]),
            ]
        now_ms = self.deck.now_ms()
        lines = [
            heading("Processes", f"kept by process {data.pid} of {data.user}, since {age(data.started_ms, now_ms)}")
        ]
        rows = table([_row(each, now_ms) for each in data.children])
        for row, each in zip(rows, data.children, strict=True):
            lines.append(Line(row, each.name, each))
            said = each.last_line if each.pid is None or each.failures else ""
            lines += [Line([(f"      {part}", "bad")]) for part in wrap(said, max(width - 8, 20)) if part]
        return lines


def _row(child: ChildStatus, now_ms: int) -> list[Part]:
    return [
        (f"  {child.name}", "name"),
        pill(_STATES, child.state.value),
        (NONE if child.pid is None else str(child.pid), "dim"),
        (age(child.started_ms, now_ms), "dim"),
        (plural(child.restarts, "restart"), "warn" if child.restarts else "dim"),
        (child.words, "" if child.pid is not None else "warn"),
    ]
