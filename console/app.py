"""The application: the frame around every view, keys to actions, the live feed, and moving between views."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on
from textual.binding import Binding
from textual.widget import Widget

from console import registry
from console.actions import find
from console.commanding.custom import LOOK_SECONDS, Custom
from console.commanding.history import History
from console.everywhere import EVERYWHERE
from console.frame import Frame
from console.heartbeat import Heartbeat
from console.jobs import JobWatch
from console.journal import Entry, Journal
from console.keyboard import Keyboard
from console.live import Health, LiveFeed
from console.location import title
from console.navigation import Navigator
from console.past import Pasts, back_to_now, settled
from console.serving import PlaneWatch
from console.tasks import Tasks
from console.trouble import Trouble
from console.undoing.hints import Hints
from console.work import Workers
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.screen import Screen

    from console.actions import Action
    from console.alarms import Alarm
    from console.location import Location
    from console.own import Own
    from console.serving import Beat
    from console.tasks import Progress, Task
    from console.tutorial import Tutorial
    from console.views import View
    from engine.api import Engine

TICK_SECONDS = 20.0
"""Between two looks at ages and silent runs; what reads the same is not sent again."""

SERVER_FIRST_SECONDS, SERVER_SECONDS = 0.5, 5.0
"""Before the first look at who serves the workspace, and between two."""

BEAT_SECONDS = 1.0
"""Between two looks at data planes and what they report."""

HOLD_SECONDS = 0.2
"""How long the first frame waits for data."""

LONG_SECONDS = 0.7
"""How long a change may take before it is said that it waits."""

MOST_SAID = 10
"""Entries of the log in a crash report."""

KEPT_VIEWS = 8
"""Views that keep their cursor and data while the operator is elsewhere."""


class Body(Widget):
    """Holds the views; one is shown."""

    DEFAULT_CSS = "Body { height: 1fr; }"


class ConsoleApp(Keyboard):
    """The console on one workspace.

    Args:
        engine: The open workspace.
        start: The first view.
        workspace: The directory as the operator named it; empty when it was found.
        own: The operator's own folders; without them nothing is read from there and nothing kept.
    """

    ENABLE_COMMAND_PALETTE = False
    least = (60, 15)
    BINDINGS = [Binding("ctrl+q", "nothing", show=False, system=True)]  # noqa: RUF012 Textual's own form; quitting is ours

    def __init__(self, engine: Engine, start: Location, workspace: str = "", own: Own | None = None) -> None:
        super().__init__()
        self.workspace = workspace
        self.own = own
        self.journal = Journal(own.state if own else None)
        self.theme = "ansi-dark"
        self.pasts = Pasts(engine)
        self.navigator = Navigator(settled(start, engine.clock.now_ms()))
        self.desk = Workers(self.post_message)
        self.tasks = Tasks(self.post_message)
        self.feed = LiveFeed(engine.feed, self.post_message)
        self.frame: Frame = Frame(engine)
        self.trouble = Trouble(self)
        self.jobs = JobWatch(self)
        self._heartbeat = Heartbeat(self, PlaneWatch(engine))
        self.last_shell = ""
        self.hints = Hints(self)
        self.tutorial: Tutorial | None = None
        self.history = History(own.state / "history" if own else None)
        self.custom = Custom(self)
        self._waiting: Callable[[], bool] | None = None
        self._views: dict[tuple[str, str, str], View] = {}

    # --- start and end

    def get_default_screen(self) -> Screen[object]:
        """The frame."""
        return self.frame

    def on_mount(self) -> None:
        """Start to listen before anything is read, so that no change is missed between."""
        self.feed.start()
        self._hold()
        self.set_interval(TICK_SECONDS, self._tick)
        self.set_timer(SERVER_FIRST_SECONDS, self._look_for_server)  # not before the first view has its data
        self.set_interval(SERVER_SECONDS, self._look_for_server)
        self.set_interval(BEAT_SECONDS, self._each_second)
        self.set_timer(SERVER_FIRST_SECONDS, self.custom.look)
        self.set_interval(LOOK_SECONDS, self.custom.look)

    def _hold(self) -> None:
        """Paint nothing until the first view has its data, or a moment has passed: one whole frame, not five parts."""
        self.holding = True
        self._begin_batch()
        self.set_timer(HOLD_SECONDS, self._let_go)

    def _let_go(self) -> None:
        if self.holding:
            self.holding = False
            self._end_batch()
            self.call_next(self.take_early)

    def on_unmount(self) -> None:
        """Let the threads end."""
        self.feed.close()
        self.tasks.close()
        self.desk.close()
        self.pasts.close()

    # --- what views and actions use

    @property
    def stale(self) -> str:
        """Why nothing can be changed now; empty when it can."""
        return self.trouble.feed.why or self.trouble.why

    @property
    def view(self) -> View | None:
        """The view in the body; `None` before the first."""
        return self._views.get(registry.identity(self.navigator.here))

    @property
    def engine(self) -> Engine:
        """The workspace as the present view shows it: as it is, or as it was at the view's moment."""
        return self.pasts.engine(self.navigator.here.at)

    def now_ms(self) -> int:
        """The time that the present view shows, in milliseconds since the epoch."""
        return self.pasts.now_ms(self.navigator.here.at)

    @property
    def unicode(self) -> bool:
        """Whether the terminal takes more than ASCII."""
        from console.terminal.driver import TerminalDriver

        driver = self._driver
        return driver.capabilities.unicode if isinstance(driver, TerminalDriver) else True

    def read(
        self,
        group: str,
        compute: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Read something in the worker thread; see `Workers.read`. Errors are told unless `failed` takes them."""
        compute = partial(self.pasts.under, self.engine, compute)
        self.desk.read(group, compute, done, self.trouble.wrap(compute, failed or self.fail))

    def act(self, compute: Callable[[], Any], done: Callable[[Any], None], shell: str = "") -> None:
        """Change something in the worker thread; see `Workers.act`. Errors are told."""
        self.last_shell = shell or self.last_shell
        self.desk.act(partial(self.pasts.under, self.pasts.present, compute), self.hints.wrap(done), self.fail)
        self.set_timer(LONG_SECONDS, self._still_acting)

    def _still_acting(self) -> None:
        if self.desk.acting:
            self.frame.message("Waiting for the workspace: somebody else writes to it.", "warn")

    def work(
        self,
        title: str,
        compute: Callable[[Progress], Any],
        done: Callable[[Any], None],
        shell: str = "",
        failed: Callable[[Exception], None] | None = None,
    ) -> Task:
        """Do something that takes a while, whatever screen is shown; see `Tasks.start`. Errors are told."""
        self.last_shell = shell or self.last_shell
        task = self.tasks.start(title, compute, self.hints.wrap(done), failed or self.fail)
        self.show_busy()
        return task

    def show_busy(self) -> None:
        """Say how much goes on: what this session does, and the jobs of the workspace."""
        self.frame.busy(len(self.tasks.running) + len(self.jobs.running))

    def say(self, message: str, look: str = "good") -> None:
        """Say something in the message line, and keep it in the log; of what was done also how it is undone."""
        message = self.hints.told(message, look)
        self._note(message, look)
        self.frame.message(message, look)

    def _note(self, text: str, look: str, hint: str = "", code: str = "") -> None:
        self.journal.note(Entry(self.now_ms(), look, text, hint, code, title(self.navigator.here)))

    def keep(self, error: Exception) -> None:
        """Keep an error in the log."""
        if isinstance(error, QuarterdeckError):
            self._note(error.message, "bad", error.hint, error.code)
        else:
            self._note(f"{type(error).__name__}: {error}", "bad", code="unexpected")

    def fail(self, error: Exception) -> None:
        """Tell an error: in the message line when it fits, else in a dialog; either way it is in the log."""
        self.trouble.met(error)
        self.keep(error)
        if isinstance(error, QuarterdeckError):
            text = f"{error.message} {error.hint}".strip()
            if len(text) < self.size.width - 2 or self.stale:  # then the frame says why, and dialogs would pile up
                self.frame.message(text, "bad")
                return
        from console.screens.dialogs import ErrorDialog

        self.open_dialog(ErrorDialog(error))

    def enter(self, location: Location) -> None:
        """Go into something from here."""
        here_at = self.navigator.here.at
        self.navigator.enter(replace(location, at=location.at or here_at))
        self.show_here()

    def jump(self, location: Location) -> None:
        """Go somewhere else altogether."""
        self.navigator.jump(settled(location, self.pasts.present.clock.now_ms()))
        self.show_here()

    def replace(self, location: Location) -> None:
        """Another view in the place of the present one, such as the board for the table."""
        self.navigator.replace(location)
        self.show_here()

    def amend(self, location: Location) -> None:
        """The present view with another filter, order or columns."""
        self.navigator.amend(location)
        if self.view is not None:
            self.view.relocate(location)
        self.frame_changed()

    def report(self, failure: Exception) -> str:
        """Write a crash report into the operator's own folder."""
        if self.own is None:
            return ""
        from console.crash import report_text, write_report

        here, size = self.navigator.here, self.size
        facts = {"screen": f"{title(here)}, {size.width}x{size.height}", "feed": self.stale or "live"}
        said = [f"{entry.look} {entry.text}" for entry in self.journal.entries()[:MOST_SAID]]
        try:
            return str(
                write_report(self.own.state, report_text(failure, self.now_ms(), facts, said), self.engine.redact)
            )
        except OSError:
            return ""

    def copy(self, text: str, what: str = "") -> None:
        """Put text on the terminal's clipboard; see `exporting.clipboard.copy`."""
        from console.exporting.clipboard import copy

        copy(self, text, what)

    # --- views

    def first_view(self) -> View:
        """The view the console begins with; laid out with the frame, so that the first frame is whole.

        Raises:
            NotFound: there is no such view.
        """
        here = self.navigator.here
        view = self._views[registry.identity(here)] = registry.make_view(here)
        return view

    def show_here(self) -> None:
        """Bring the navigator's place into the body."""
        if self._exit:
            return
        self.last_shell = ""
        self.frame.move_on()
        here = self.navigator.here
        key = registry.identity(here)
        view = self._views.pop(key, None)
        if view is None:
            try:
                view = registry.make_view(here)
            except QuarterdeckError as error:
                self.fail(error)
                self.navigator.back()
                return
        before, self._views[key] = self._shown(), view
        if before is not None and before is not view:
            before.display = False
        if view.is_attached:
            view.display = True
            view.relocate(here)
            if view.behind:
                view.behind = False
                view.catch_up()
            else:
                view.tick()  # it did not hear the clock while it was hidden
            view.take_focus()
        else:
            self.settle_after(self.frame.query_one(Body).mount(view), view.take_focus)
        for old in list(self._views)[:-KEPT_VIEWS]:
            self._views.pop(old).remove()
        self.frame_changed()

    def _shown(self) -> View | None:
        return next((view for view in self._views.values() if view.is_attached and view.display), None)

    def frame_changed(self) -> None:
        """Bring breadcrumbs and hints up to date."""
        self._let_go()
        view = self.view
        if view is not None:
            self.frame.describe(view, self.navigator.trail.places)
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting():
            self._waiting = waiting
        self._teach()

    def _teach(self) -> None:
        if self.tutorial is not None and not self.tutorial.look():
            self.tutorial = None

    def wait_for(self, arrived: Callable[[], bool]) -> None:
        """Call something now and whenever the frame has changed, until it is true: a view takes time to have data."""
        self._waiting = None if arrived() else arrived

    def leave(self) -> None:
        """Esc: give up the filter, then the marks, then the view."""
        self.frame.move_on()
        view = self.view
        if view is not None and view.escape():
            self.frame_changed()
        elif back_to_now(self):
            return
        elif self.navigator.up():
            self.show_here()
        else:
            self.say("This is the first screen. q quits.", "dim")

    def step(self, move: Callable[[], bool], none: str) -> None:
        """Go through the history; `none` is said when there is no such step."""
        if move():
            self.show_here()
        else:
            self.say(none, "dim")

    # --- keys and actions

    def open_dialog(self, dialog: Screen[Any], answered: Callable[[Any], None] | None = None) -> None:
        """Show a dialog; keys typed ahead wait for it."""
        with self._context():  # whoever asks may be gone when it is answered, such as the line a command was typed in
            shown = self.push_screen(dialog, answered)
        self.settle_after(shown, self._teach)

    @property
    def typing(self) -> bool:
        """Whether the operator is typing a command or a filter."""
        return self.frame.typing

    def press(self, key: str) -> bool:
        """Do what a key means in the present view; false when it means nothing."""
        here = self.navigator.here.resource
        action = find([*self.offered(), *EVERYWHERE], key) or self.custom.find(key, here)
        if action is None:
            return False
        self.invoke(action)
        return True

    def offered(self) -> Sequence[Action]:
        """The actions of the present view."""
        return self.view.offered() if self.view is not None else ()

    def invoke(self, action: Action, subject: object = None) -> None:
        """Do an action, with the care its danger asks for.

        Args:
            action: The action.
            subject: What to do it to; by default what is selected.
        """
        from console.commanding.doing import invoke

        invoke(self, action, subject)

    def action_nothing(self) -> None:
        """A key of Textual's that must not act."""

    async def action_quit(self) -> None:
        """Leave; see `quit`."""
        self.quit()

    def quit(self) -> None:
        """Leave; asks only while something is being done."""
        if not (self.desk.acting or self.tasks.running):
            self.exit(0)
            return
        from console.screens.dialogs import Confirm

        question = "Something is still being done. Leave anyway? The engine finishes or undoes it as a whole."
        self.open_dialog(Confirm("Quit", question, "Quit"), lambda yes: self.exit(0) if yes else None)

    def action_help_quit(self) -> None:
        """Ctrl-c: leave safely."""
        self.quit()

    # --- news

    @property
    def _leaving(self) -> bool:
        """Whether nobody sees any more what comes of things: it is left, or its screens are gone already."""
        return self._exit or not self.screen_stack

    @on(Workers.Finished)
    def _finished(self, message: Workers.Finished) -> None:
        if not self._leaving:  # its view may be gone
            done = self.last_shell if not message.job.group else ""
            self.desk.settle(message)
            self.last_shell = self.last_shell or done  # what was done is still the last thing, wherever it has led

    @on(Tasks.Told)
    def _told(self, message: Tasks.Told) -> None:
        task = self.tasks.hear(message)
        if task is not None and not self._leaving:
            steps = f" {task.step}/{task.steps}" if task.steps else ""
            self.say(f"{task.title}: {task.words}{steps}", "dim")
            self._tasks_changed()

    @on(Tasks.Ended)
    def _task_ended(self, message: Tasks.Ended) -> None:
        if not self._leaving:
            self.tasks.settle(message)
            self._tasks_changed()

    def _tasks_changed(self) -> None:
        self.show_busy()
        if self.view is not None and self.view.location.resource == "jobs":
            self.view.load()

    @on(LiveFeed.Changed)
    def _changed(self, message: LiveFeed.Changed) -> None:
        if any(event.kind == "alert" for event in message.changes.events):
            from console.alarms import alarming, read_alarm  # most sessions see none

            if numbers := alarming(message.changes):
                self.read("alarm", lambda: read_alarm(self.pasts.present, numbers), self._alarm)
        for view in self._views.values():
            if not view.is_attached or view.location.at or not view.concerns(message.changes):
                continue
            if view.display:
                view.changed(message.changes)
            else:
                view.behind = True  # it catches up when it is shown again

    def _alarm(self, alarm: Alarm | None) -> None:
        if alarm is not None:
            self.say(alarm.sentence, alarm.look)
            if alarm.bell:
                self.bell()

    @on(LiveFeed.HealthChanged)
    def _health(self, message: LiveFeed.HealthChanged) -> None:
        self.trouble.feed = message
        self.trouble.show()
        if message.health is Health.LIVE:
            self.say("The workspace answers again.")
        elif message.seconds == 0:
            self.say(message.why, "bad")

    def _look_for_server(self) -> None:
        self.read("frame.server", self.pasts.present.processes.server, self.frame.serving)

    def _each_second(self) -> None:
        self._teach()  # dialogs close without telling
        self._heartbeat.beat()

    def beat(self, beat: Beat) -> None:
        """A second has passed: have the frame and the view show what data planes do."""
        self.frame.planes(beat)
        if beat.lost:
            self.say(beat.sentence, "bad")
        if self.view is not None and self.view.is_attached and not (self.stale or self.view.location.at):
            self.view.beat(beat)

    def _tick(self) -> None:
        if self.view is not None and not self.view.location.at:
            self.view.tick()
