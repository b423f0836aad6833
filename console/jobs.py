"""Jobs that go on when the console is left: starting them from the screens, and hearing how they end."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from console.actions import Action, Answers, Danger, Field, Needs
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.jobs.model import Job, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.api import Engine

_LAST_WORDS = 120


class Look(NamedTuple):
    """What a look found: those that run, when the folder of jobs last moved, those that ended with their last line."""

    before: frozenset[int]
    running: Mapping[int, Job]
    moved_ns: int
    ended: tuple[tuple[Job, str], ...] = ()


Looking = Callable[[], "Look | None"]
"""Looks once."""


class Follower(NamedTuple):
    """Who waits for a job while this console is there.

    Args:
        begun: Told once it runs.
        done: Told when it has ended well, instead of saying so.
        failed: Told when it has ended otherwise, with the last it said, instead of saying so.
    """

    begun: Callable[[Job], None] | None = None
    done: Callable[[Job], None] | None = None
    failed: Callable[[Job, str], None] | None = None


class JobWatch:
    """Follows the jobs that run, so that each end is told, whoever began it.

    Args:
        app: The console.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._running: dict[int, Job] = {}
        self._moved_ns = 0
        self._followers: dict[int, Follower] = {}

    @property
    def running(self) -> Mapping[int, Job]:
        """Those that run, as the last look found them, by number."""
        return self._running

    def start(
        self,
        title: str,
        words: Sequence[str],
        done: Callable[[Job], None] | None = None,
        *,
        follower: Follower | None = None,
        typed: bool = False,
    ) -> None:
        """Begin a job.

        Args:
            title: What it does.
            words: The command line behind `qd`.
            done: Told when it has ended well while this console is there.
            follower: Told of more than that.
            typed: Whether somebody typed the line, so that it may be none.
        """
        app = self._app
        told = follower or Follower(done=done)

        def begun(job: Job) -> None:
            self._running[job.id] = job
            self._followers[job.id] = told
            app.show_busy()
            app.say(f"Job {job.id} began: {job.title}. :jobs shows it.")
            if told.begun is not None:
                told.begun(job)

        app.act(
            lambda: app.engine.jobs.start(words, title, typed=typed), begun, f"qd jobs start -- {shlex.join(words)}"
        )

    def look(self) -> None:
        """Look once, off the screen's thread, without waiting for the second to be over."""
        self._app.read("jobs.watch", self.looking(), self.looked, lambda _error: None)

    def looking(self) -> Looking:
        """What looks once, in another thread; where nothing runs and nothing began, at one date of a folder."""
        engine, before, seen_ns = self._app.pasts.present, frozenset(self._running), self._moved_ns
        return lambda: _look(engine, before, seen_ns)

    def looked(self, found: Look | None) -> None:
        """Take what a look found.

        Args:
            found: `None` where all is as before.
        """
        if found is None:
            return
        ended = [each for each in found.ended if each[0].id in self._running]  # else another look told of it already
        begun = {number: job for number, job in self._running.items() if number not in found.before}
        self._running, self._moved_ns = {**begun, **found.running}, found.moved_ns
        self._app.show_busy()
        for job, last in ended:
            self._tell(job, last)

    def _tell(self, job: Job, last: str) -> None:
        told = self._followers.pop(job.id, Follower())
        if job.state is JobState.DONE:
            if told.done is not None:
                told.done(job)
            else:
                self._app.say(f"Job {job.id} is done: {job.title}. {last}".rstrip())
        elif told.failed is not None:
            told.failed(job, last)
        else:
            self._app.say(failure_of(job, last), "bad")


def failure_of(job: Job, last: str) -> str:
    """How a job that did not end well is told.

    Args:
        job: The job.
        last: The last it said.
    """
    return f"Job {job.id} {job.state.value}: {job.title}. {last}".rstrip()


def _look(engine: Engine, before: frozenset[int], seen_ns: int) -> Look | None:
    """Those that run now, and those that ended since the last look with the last they said; `None` is as before."""
    moved_ns = engine.jobs.moved_ns
    if not before and moved_ns == seen_ns:
        return None
    jobs = {job.id: job for job in engine.jobs.page().items}
    running = {number: job for number, job in jobs.items() if not job.state.over}
    over = [jobs[number] for number in sorted(before - running.keys()) if number in jobs]
    return Look(before, running, moved_ns, tuple((job, _last_line(engine, job)) for job in over))


def _last_line(engine: Engine, job: Job) -> str:
    lines = [line for line in engine.jobs.log(job.id).splitlines() if line.strip()]
    return lines[-1].removeprefix("qd: ")[:_LAST_WORDS] if lines else ""


def _start_typed(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    try:
        words = shlex.split(answers["command"])
    except ValueError as error:
        app.fail(InvalidInput(f"This is no command line: {error}.", hint="Close the quotes."))
        return
    app.jobs.start("", words[1:] if words[:1] == ["qd"] else words, typed=True)


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
