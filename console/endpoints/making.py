"""Making a version ready to serve: a job, which goes on when its dialog or the console is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical

from console.jobs import Follower, failure_of
from console.screens.dialogs import Dialog
from console.widgets.bar import Bar
from console.widgets.document import Line

if TYPE_CHECKING:
    from typing import Protocol

    from textual import events
    from textual.app import ComposeResult

    from console.app import ConsoleApp
    from console.jobs import JobWatch
    from engine.jobs.model import Job
    from engine.registry.model import Version

    class Ready(Protocol):
        """Goes on with a version that is ready."""

        def __call__(self, *, awaited: bool) -> None:
            """Go on.

            Args:
                awaited: Whether the operator waits for it: its dialog was open, or nothing else is.
            """


LOOK_SECONDS = 0.5
"""Between two looks at how far it is."""

GIVE_UP = "give up"


class BuildDialog(Dialog[str]):
    """A build while it goes on; it goes on without the dialog too.

    Args:
        jobs: Tells how far it is.
        number: The number of its job.
        words: What is built.
    """

    def __init__(self, jobs: JobWatch, number: int, words: str) -> None:
        super().__init__(words)
        self.number = number
        self._jobs = jobs
        self._over = False
        self._told = Bar()

    def compose(self) -> ComposeResult:
        """Title, what happens, keys."""
        with Vertical():
            yield self._heading
            yield self._told
            hint = Bar()
            hint.show([("x", "key"), (" give it up  ", "dim"), ("Esc", "key"), (" it goes on without you", "dim")])
            yield hint

    def on_mount(self) -> None:
        """Say what happens."""
        self.tell()
        self.set_interval(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self.tell()
        self._jobs.look()

    def tell(self) -> None:
        """Say how far it is."""
        from console.widgets.charts.spark import bar

        job = self._jobs.running.get(self.number)
        progress = None if job is None else job.progress
        if progress is None:
            self._told.show([("beginning…", "")])
            return
        known = progress.total > 0
        done = f"{bar(progress.done / progress.total, 30)} {progress.done}/{progress.total}  " if known else ""
        self._told.show([(done, "running"), (progress.what, "")])

    def end(self, answer: str = "") -> None:
        """Close, once."""
        if not self._over:
            self._over = True
            self.dismiss(answer)

    def give_up(self) -> None:
        """Leave the build alone."""
        self.end()

    async def on_key(self, event: events.Key) -> None:
        """Give the build up, or leave it alone."""
        if event.key == "x":
            event.stop()
            self.end(GIVE_UP)
        else:
            await super().on_key(event)


def make_ready(app: ConsoleApp, version: Version, ready: Ready) -> None:
    """Make a version ready to serve, unless it is, then go on.

    Args:
        app: The application.
        version: The version.
        ready: Goes on, in the screen's thread; never called when it cannot be made, or was given up.
    """
    engine = app.engine

    def came(built: object) -> None:
        if built is None:
            _begin(app, version, ready)
        else:
            ready(awaited=True)

    app.read("deploy.build", lambda: engine.builds.get(version.digest), came)


def _begin(app: ConsoleApp, version: Version, ready: Ready) -> None:
    def over(job: Job) -> bool:
        if isinstance(app.screen, BuildDialog) and app.screen.number == job.id:
            app.screen.end()
            return True
        return idle()

    def idle() -> bool:
        return len(app.screen_stack) == 1 and not app.frame.typing

    def begun(job: Job) -> None:
        if idle():
            dialog = BuildDialog(app.jobs, job.id, f"Making {version.key} ready")
            app.open_dialog(dialog, lambda said: _answered(app, job, said))

    def failed(job: Job, last: str) -> None:
        awaited = over(job)
        words = failure_of(job, last)
        app.say(words, "warn" if job.state.value == "cancelled" else "bad")
        if awaited and job.state.value == "failed":
            _show_why(app, job)

    words = ("models", "build", version.model, str(version.version))
    follower = Follower(begun, lambda job: ready(awaited=over(job)), failed)
    app.jobs.start(f"build {version.key}", words, follower=follower)


def _answered(app: ConsoleApp, job: Job, answer: str | None) -> None:
    if answer == GIVE_UP:
        app.act(
            lambda: app.engine.jobs.cancel(job.id),
            lambda _job: app.say(f"{job.title} is to end; nothing is kept.", "dim"),
            f"qd jobs cancel {job.id}",
        )


def _show_why(app: ConsoleApp, job: Job) -> None:
    """What it said, whole: the line at the bottom has room for the beginning."""

    def show(log: str) -> None:
        from console.screens.dialogs import WIDTH, TextDialog
        from console.text import wrap

        said = [line for line in log.splitlines() if line.strip()]
        lines = [Line([(part, "")]) for each in said for part in wrap(each, WIDTH - 4)]
        if lines:
            app.open_dialog(TextDialog(f"Job {job.id}: {job.title}", lines, "bad"))

    app.read("deploy.why", lambda: app.engine.jobs.log(job.id), show)
