"""Jobs: those that go on by themselves, and what this session does; how far each is, and how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger
from console.formats import NONE, age, duration, pill
from console.location import Location, is_number
from console.tasks import Task, TaskState
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.charts.spark import bar
from console.widgets.document import Line, blank, fields, heading
from engine.core.access import Role
from engine.core.errors import NotFound
from engine.jobs.model import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from console.serving import Beat

STATES: dict[str, Part] = {
    TaskState.RUNNING.value: ("● running", "running"),
    TaskState.DONE.value: ("✓ done", "good"),
    TaskState.FAILED.value: ("✗ failed", "bad"),
    TaskState.CANCELLED.value: ("■ given up", "warn"),
    "lost": ("? lost", "warn"),
}
"""How a job stands; told apart by mark and word as well as by colour."""

_BAR = 12
_MOST = 50
_SHOWN_LINES = 400
_NARROWEST = 20


def _cancel(app: ConsoleApp, job: Job | Task, _answers: Answers) -> None:
    if isinstance(job, Task):
        app.tasks.cancel(job)
        app.say(f"{job.title} is to end.", "dim")
        return
    number = job.id
    app.act(
        lambda: app.engine.jobs.cancel(number),
        lambda _: app.say(f"Job {number} is to end."),
        f"qd jobs cancel {number}",
    )


def _forget(app: ConsoleApp, job: Job | Task, _answers: Answers) -> None:
    if isinstance(job, Job):
        number = job.id
        app.act(lambda: app.engine.jobs.forget(number), lambda _: _forgotten(app, number), f"qd jobs forget {number}")


def _forgotten(app: ConsoleApp, number: int) -> None:
    app.say(f"Job {number} is forgotten.")
    if isinstance(app.view, JobsView):
        app.view.load()


def _over(job: Job | Task) -> str | None:
    running = job.running if isinstance(job, Task) else not job.state.over
    return None if running else f"{job.title} has ended already."


def _lasting(job: Job | Task) -> str | None:
    if isinstance(job, Task):
        return "What this session does is forgotten with it."
    return None if job.state.over else f"Job {job.id} still runs; x ends it."


def _open(app: ConsoleApp, job: Job | Task, _answers: Answers) -> None:
    if isinstance(job, Job):
        app.enter(Location("job", str(job.id)))
    else:
        app.say(job.words or job.title, "dim")


def _shell(line: str, job: Job | Task) -> str:
    return f"{line} {job.id}" if isinstance(job, Job) else ""


CANCEL = Action(
    "cancel",
    "x",
    "give up",
    _cancel,
    "End the job; it leaves nothing half-written.",
    danger=Danger.REVERSIBLE,
    role=Role.WRITER,
    enabled=_over,
    twin=lambda job, _answers: _shell("qd jobs cancel", job),
)
FORGET = Action(
    "forget",
    "X",
    "forget",
    _forget,
    "Remove what is kept of a job that has ended.",
    danger=Danger.REVERSIBLE,
    role=Role.WRITER,
    enabled=_lasting,
    twin=lambda job, _answers: _shell("qd jobs forget", job),
    hint=False,
)


class JobsView(Page["tuple[Job, ...]"]):
    """The jobs of the workspace and the tasks of this session, the newest first."""

    actions = (
        Action("open", "Enter", "log", _open, "What it has said."),
        CANCEL,
        FORGET,
    )

    def fetch(self) -> tuple[Job, ...]:
        """The jobs of the workspace; tasks are in this process."""
        return self.deck.engine.jobs.page(limit=_MOST).items

    def beat(self, beat: Beat) -> None:
        """Seconds go by while something runs, and others begin jobs."""
        del beat
        self.load()

    def lines(self, data: tuple[Job, ...], width: int) -> Sequence[Line]:
        """One job a line."""
        del width
        tasks = self.deck.tasks.all
        if not data and not tasks:
            return [
                heading("No jobs yet."),
                blank(),
                Line([("  :start", "key"), ("             runs any command by itself, when you leave, too", "dim")]),
                Line([("  qd jobs start -- …", "key"), ("  the same from a shell", "dim")]),
            ]
        now_ms, unicode = self.deck.now_ms(), self.deck.unicode
        lines: list[Line] = []
        if data:
            rows = table([_job_row(job, now_ms, unicode=unicode) for job in data])
            lines += [heading("Jobs", "they go on when you leave")]
            lines += [Line(row, f"job.{job.id}", job) for row, job in zip(rows, data, strict=True)]
            lines += [blank()] if tasks else []
        if tasks:
            rows = table([_task_row(task, unicode=unicode) for task in tasks])
            lines += [heading("This session", "ends with it")]
            lines += [Line(row, f"task.{task.number}", task) for row, task in zip(rows, tasks, strict=True)]
        return lines


class JobView(Page["tuple[Job, str]"]):
    """One job: how far it is, and what it has said; the end of it, as it grows."""

    actions = (CANCEL, FORGET)

    def fetch(self) -> tuple[Job, str]:
        """The job and its log.

        Raises:
            NotFound: there is no such job.
        """
        name = self.location.name
        if not is_number(name):
            raise NotFound(f"There is no job {name}.", hint=":jobs shows those there are.")
        engine = self.deck.engine
        return engine.jobs.get(int(name)), engine.jobs.log(int(name))

    def beat(self, beat: Beat) -> None:
        """It goes on."""
        del beat
        if self.data is not None and not self.data[0].state.over:
            self.load()

    def subject(self) -> Job | None:
        """The job."""
        return self.data[0] if self.data is not None else None

    def lines(self, data: tuple[Job, str], width: int) -> Sequence[Line]:
        """What is known, then the log."""
        job, log = data
        now_ms = self.deck.now_ms()
        took = (job.ended_ms or now_ms) - job.started_ms
        facts: list[tuple[str, Part]] = [
            ("state", pill(STATES, job.state.value)),
            ("command", ("qd " + " ".join(job.words), "")),
            ("by", (f"{job.actor}, {age(job.started_ms, now_ms)} ago", "")),
            ("took" if job.state.over else "so far", (duration(took) if job.state.value != "lost" else NONE, "")),
        ]
        if job.exit_code is not None:
            facts.append(("exit code", (str(job.exit_code), "")))
        if job.progress is not None and job.state is not JobState.DONE:  # its last word was before its end
            facts.append(("progress", ("".join(text for text, _ in _far(job, unicode=self.deck.unicode)), "running")))
        lines = [heading(f"Job {job.id}", job.title), *fields(facts), blank(), heading("Log")]
        text = log.splitlines()
        if len(text) > _SHOWN_LINES:
            lines.append(Line([(f"  … {len(text) - _SHOWN_LINES:,} lines before: qd jobs log {job.id}", "dim")]))
        room = max(width - 4, _NARROWEST)
        for each in text[-_SHOWN_LINES:]:
            lines += [Line([(f"  {part}", "")]) for part in wrap(each, room) or [""]]
        return lines if text else [*lines, Line([("  nothing said yet", "dim")])]


def _far(job: Job, *, unicode: bool) -> list[Part]:
    progress = job.progress
    if progress is None:
        return [("", "")]
    if not progress.total:
        return [(progress.what, "running")]
    share = min(progress.done / progress.total, 1.0)
    left = progress.left_ms if not job.state.over else None
    more = f"  {duration(left)} left" if left else ""
    return [(f"{bar(share, _BAR, unicode=unicode)} {share:4.0%} {progress.what}{more}", "running")]


def _job_row(job: Job, now_ms: int, *, unicode: bool) -> list[Part]:
    took = "" if job.state.value == "lost" else duration((job.ended_ms or now_ms) - job.started_ms)
    far = _far(job, unicode=unicode) if not job.state.over else [("", "")]
    code = f"exit {job.exit_code}" if job.exit_code else ""
    return [
        (f"  {job.id}", "dim"),
        pill(STATES, job.state.value),
        (job.title, "name"),
        (took, "dim"),
        (job.actor, "dim"),
        far[0] if far[0][0] else (code, "bad"),
    ]


def _task_row(task: Task, *, unicode: bool) -> list[Part]:
    seconds = time.monotonic() - task.began if task.running else task.seconds
    known = task.running and task.steps > 0
    return [
        (f"  {task.number}", "dim"),
        pill(STATES, task.state.value),
        (task.title, "name"),
        (duration(round(seconds) * 1000), "dim"),
        (f"{bar(task.step / task.steps, _BAR, unicode=unicode)} {task.step}/{task.steps}" if known else "", "running"),
        (task.words, "bad" if task.state is TaskState.FAILED else "dim"),
    ]
