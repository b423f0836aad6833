"""Jobs of this session: what builds, deploys and waits, how far it is, and how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger
from console.formats import duration, pill
from console.tasks import Task, TaskState
from console.text import Part, table
from console.views import Page
from console.widgets.charts.spark import bar
from console.widgets.document import Line, blank, heading
from engine.core.access import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from console.serving import Beat

_STATES: dict[str, Part] = {
    TaskState.RUNNING.value: ("● running", "running"),
    TaskState.DONE.value: ("✓ done", "good"),
    TaskState.FAILED.value: ("✗ failed", "bad"),
    TaskState.CANCELLED.value: ("■ given up", "warn"),
}
_BAR = 12


def _cancel(app: ConsoleApp, task: Task, _answers: Answers) -> None:
    app.tasks.cancel(task)
    app.say(f"{task.title} is to end.", "dim")


def _over(task: Task) -> str | None:
    return None if task.running else f"{task.title} has ended already."


class JobsView(Page["tuple[Task, ...]"]):
    """The tasks of this session, the newest first."""

    actions = (
        Action(
            "cancel",
            "x",
            "give up",
            _cancel,
            "Give the job up; nothing it made so far is kept.",
            danger=Danger.REVERSIBLE,
            role=Role.OPERATOR,
            enabled=_over,
        ),
    )

    def load(self) -> None:
        """Show them as they are; they are in this process, so nothing has to be read."""
        self._show(self.deck.tasks.all)

    def beat(self, beat: Beat) -> None:
        """Seconds go by while something runs."""
        del beat
        if self.deck.tasks.running:
            self.load()

    def catch_up(self) -> None:
        """Shown again."""
        self.load()

    def tick(self) -> None:
        """Ages."""
        self.load()

    def lines(self, data: tuple[Task, ...], width: int) -> Sequence[Line]:
        """One task a line."""
        del width
        if not data:
            return [
                heading("No jobs yet in this session."),
                blank(),
                Line([("  D on an endpoint builds and deploys a version.", "dim")]),
            ]
        rows = [_row(task, unicode=self.deck.unicode) for task in data]
        return [
            heading("Jobs", "of this session"),
            *(Line(row, str(task.number), task) for row, task in zip(table(rows), data, strict=True)),
        ]


def _row(task: Task, *, unicode: bool) -> list[Part]:
    seconds = time.monotonic() - task.began if task.running else task.seconds
    known = task.running and task.steps > 0
    return [
        (f"  {task.number}", "dim"),
        pill(_STATES, task.state.value),
        (task.title, "name"),
        (duration(round(seconds) * 1000), "dim"),
        (f"{bar(task.step / task.steps, _BAR, unicode=unicode)} {task.step}/{task.steps}" if known else "", "running"),
        (task.words, "bad" if task.state is TaskState.FAILED else "dim"),
    ]
