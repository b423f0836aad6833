"""Jobs that go on when the console is left: starting them from the screens, and hearing how they end."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from console.actions import Action, Answers, Danger, Field, Needs
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.jobs.model import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.app import ConsoleApp
    from engine.api import Engine

_LAST_WORDS = 120


class _Look(NamedTuple):
    """What a look found: those that run, when the folder of jobs last moved, those that ended with their last line."""

    running: frozenset[int]
    moved_ns: int
    ended: tuple[tuple[Job, str], ...] = ()


class JobWatch:
    """Follows the jobs that run, so that each end is told, whoever began it.

    Args:
        app: The console.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._running: frozenset[int] = frozenset()
        self._moved_ns = 0
        self._ends: dict[int, Callable[[Job], None]] = {}

    def start(self, title: str, words: Sequence[str], ended: Callable[[Job], None] | None = None) -> None:
        """Begin a job.

        Args:
            title: What it does.
            words: The command line behind `qd`.
            ended: Told when it has ended well while this console is there.
        """
        app = self._app

        def begun(job: Job) -> None:
            self._running |= {job.id}
            if ended is not None:
                self._ends[job.id] = ended
            app.say(f"Job {job.id} began: {job.title}. It goes on when you leave; :jobs shows it.")

        app.act(lambda: app.engine.jobs.start(words, title), begun, f"qd jobs start -- {shlex.join(words)}")

    def look(self) -> None:
        """Look once, off the screen's thread; where nothing runs and nothing began, at one date of a folder."""
        engine, before, seen_ns = self._app.engine, self._running, self._moved_ns
        self._app.read("jobs.watch", lambda: _look(engine, before, seen_ns), self._looked, lambda _error: None)

    def _looked(self, found: _Look) -> None:
        self._running, self._moved_ns = found.running, found.moved_ns
        for job, last in found.ended:
            self._tell(job, last)

    def _tell(self, job: Job, last: str) -> None:
        ended = self._ends.pop(job.id, None)
        if job.state is JobState.DONE and ended is not None:
            ended(job)
        elif job.state is JobState.DONE:
            self._app.say(f"Job {job.id} is done: {job.title}.")
        else:
            self._app.say(f"Job {job.id} {job.state.value}: {job.title}. {last}".rstrip(), "bad")


def _look(engine: Engine, before: frozenset[int], seen_ns: int) -> _Look:
    """Those that run now, and those that ended since the last look with the last they said."""
    moved_ns = engine.jobs.moved_ns
    if not before and moved_ns == seen_ns:
        return _Look(before, moved_ns)
    jobs = {job.id: job for job in engine.jobs.page().items}
    running = frozenset(number for number, job in jobs.items() if not job.state.over)
    over = [jobs[number] for number in sorted(before - running) if number in jobs]
    return _Look(running, moved_ns, tuple((job, _last_line(engine, job)) for job in over))


def _last_line(engine: Engine, job: Job) -> str:
    lines = [line for line in engine.jobs.log(job.id).splitlines() if line.strip()]
    return lines[-1][:_LAST_WORDS] if lines else ""


def _start_typed(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    try:
        words = shlex.split(answers["command"])
    except ValueError as error:
        app.fail(InvalidInput(f"This is no command line: {error}.", hint="Close the quotes."))
        return
    app.jobs.start("", words[1:] if words[:1] == ["qd"] else words)


START = Action(
    "start",
    "",
    "run as a job",
    _start_typed,
    "Run a command by itself, such as predict or export: it goes on when you leave.",
    danger=Danger.REVERSIBLE,
    role=Role.WRITER,
    needs=Needs.NOTHING,
    ask=lambda _subject: (Field("command", "qd", "", required=True),),
    twin=lambda _subject, answers: f"qd jobs start -- {answers['command']}" if answers else "qd jobs start -- …",
)
"""Any command of the shell."""
