"""The frame: who and where, breadcrumbs, the body, hints, and one line for messages and typing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.widget import Widget

from console.actions import Action, find
from console.commanding.environments import environment_name
from console.everywhere import EVERYWHERE
from console.formats import at_home, plural
from console.live import Health
from console.location import title
from console.terminal.app import TerminalScreen
from console.text import Part, fit, measure
from console.widgets.bar import Bar
from console.widgets.past_bar import PastBar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from console.app import ConsoleApp
    from console.location import Location
    from console.serving import Beat
    from console.typing import LineInput, Typed
    from console.views import View
    from engine.api import Engine
    from engine.processes.model import RunningServer

MOST_HINTS = 8
MESSAGE_SECONDS = 6.0
"""How long a message stays; errors stay until something else is said, or the operator goes on."""

READ_SECONDS = 1.5
"""How long a message stands at least, whatever the operator does."""


class Typing(Widget):
    """The last line: a message, or what is being typed."""

    DEFAULT_CSS = "Typing { height: 1; layout: horizontal; }"


class Frame(TerminalScreen[object]):
    """The one screen under all dialogs.

    Args:
        engine: For what line 1 says.
    """

    DEFAULT_CSS = "Frame { layout: vertical; overflow: hidden; }"

    def __init__(self, engine: Engine) -> None:
        super().__init__(id="frame")
        self._engine = engine
        self._top = Bar(id="context")
        self._crumbs = Bar(id="crumbs")
        self._past = PastBar()
        self._hints = Bar(id="hints")
        self._message = Bar(id="message")
        self._serving = ""
        self._planes: Part = ("", "")
        self._busy = 0
        self._said_at = 0.0
        self._fresh = (Health.LIVE, 0)
        self._input: LineInput | None = None
        self._timer: Timer | None = None
        self._first: View | None = None

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        from console.app import Body

        self._show_context(Health.LIVE, 0)
        yield self._top
        yield self._crumbs
        yield self._past
        self._first = self.deck.first_view()
        yield Body(self._first)
        yield self._hints
        with Typing():
            yield self._message

    def on_mount(self) -> None:
        """The first view has the keyboard."""
        if self._first is not None:
            self._first.take_focus()

    def on_resize(self) -> None:
        """Other hints fit."""
        if self.deck.view is not None:
            self.call_next(self.describe, self.deck.view, self.deck.navigator.trail.places)

    @property
    def deck(self) -> ConsoleApp:
        """The application.

        Raises:
            TypeError: it is another one's; nobody makes such a frame.
        """
        from console.app import ConsoleApp  # the application imports this module

        if not isinstance(self.app, ConsoleApp):
            raise TypeError("the frame belongs to the console")
        return self.app

    @property
    def typing(self) -> bool:
        """Whether the operator is typing a command or a filter."""
        return self._input is not None

    def put_above_hints(self, bar: Bar) -> None:
        """Show one more line between the body and the hints."""
        self.deck.settle_after(self.mount(bar, before=self._hints))

    # --- what it says

    def health(self, health: Health, seconds: int) -> None:
        """Say how fresh the screen is."""
        self._fresh = (health, seconds)
        self._show_context(health, seconds)

    def serving(self, running: RunningServer | None) -> None:
        """Say whether the workspace has a server, and where."""
        port = "" if running is None else running.owner.url.rpartition(":")[2]
        words = "" if running is None else f"serving :{port}"
        if running is not None and running.owner.durability == "relaxed":
            words += " relaxed"
        if words != self._serving:
            self._serving = words
            self._show_context(*self._fresh)

    def planes(self, beat: Beat) -> None:
        """Say how the data planes do: nothing where there are no endpoints."""
        if beat.words != self._planes:
            self._planes = beat.words
            self._show_context(*self._fresh)

    def busy(self, tasks: int) -> None:
        """Say how many tasks run."""
        if tasks != self._busy:
            self._busy = tasks
            self._show_context(*self._fresh)

    def _show_context(self, health: Health, seconds: int) -> None:
        access = self._engine.access
        path = at_home(str(self._engine.workspace.path))
        name = self._engine.workspace.path.name
        if name == ".quarterdeck":
            name = self._engine.workspace.path.parent.name
        who = f"{access.actor.name}" + (f" for {access.actor.on_behalf_of}" if access.actor.on_behalf_of else "")
        looks = {
            Health.LIVE: ("● live", "live"),
            Health.STALE: (f"● stale {seconds} s", "warn"),
            Health.OFFLINE: ("✗ offline", "bad"),
            Health.UNWRITABLE: ("● cannot write", "warn"),
            Health.DAMAGED: ("✗ damaged", "bad"),
        }
        env = environment_name()
        left: list[Part] = [(" ", ""), (name, "strong"), (f" @{env}" if env else "", "loud"), (f" @ {path}", "dim")]
        right: list[Part] = [(who, ""), (f" · {access.role.label}  ", "dim")]
        if self._serving:
            right += [(self._serving, "warn" if self._serving.endswith("relaxed") else "good"), ("  ", "")]
        if self._busy:
            right += [(plural(self._busy, "job"), "running"), ("  ", "")]
        if self._planes[0]:
            right += [self._planes, ("  ", "")]
        if access.read_only:
            right += [(" READ-ONLY ", "loud"), ("  ", "")]
        right += [looks[health], (" ", "")]
        self._top.show(left, right)

    def describe(self, view: View, places: Sequence[Location]) -> None:
        """Say where the operator is and what can be done."""
        crumbs: list[Part] = [(" ", "")]
        at = f" @{view.location.at}"  # said in a line of its own
        for place in places[:-1]:
            crumbs += [(title(place).removesuffix(at), "dim"), (" › ", "dim")]  # noqa: RUF001 an arrowhead
        crumbs.append((view.title.removesuffix(at), "title-selected"))
        self._crumbs.show(crumbs, [*view.status(), (" ", "")])
        self._past.describe(self.deck, view.location)
        if not self.typing:
            self._hints.show(self._hint_parts(view))

    def _hint_parts(self, view: View) -> list[Part]:
        """The hints that fit: help before all, then what is common to all views, then the view's own."""
        offered = view.offered()
        if view.location.at:
            offered = [action for action in offered if not action.changes and not action.plans]
        offered = hints(offered, filterable=view.filterable)
        common = [action for action in offered if action in EVERYWHERE]
        room = self.app.size.width - 1
        kept: list[Action] = []
        for action in (*reversed(common), *offered[: len(offered) - len(common)]):
            room -= measure(_hint(action))
            if room < 0:
                break
            kept.append(action)
        ordered = [action for action in offered if action in kept]
        return [(" ", ""), *(part for action in ordered for part in _hint(action))]

    def message(self, text: str, look: str = "") -> None:
        """Say something in the last line for a while."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._said_at = time.monotonic()
        self._message.show([(" ", ""), (fit(text, max(self.app.size.width - 2, 10)).rstrip(), look)])
        if text and look not in ("bad", "warn"):
            self._timer = self.set_timer(MESSAGE_SECONDS, self.quiet)

    def move_on(self) -> None:
        """The operator goes on: what was said before that has been read."""
        if time.monotonic() - self._said_at > READ_SECONDS:
            self.quiet()

    def quiet(self) -> None:
        """Take the message away."""
        self._message.show([])

    # --- typing

    def ask(self, prompt: str, value: str, typed: Callable[[Typed], None]) -> None:
        """Let the operator type in the last line.

        Args:
            prompt: What stands before it: `:` or `/`.
            value: What stands in it at first.
            typed: Takes every change, the end, and giving up.
        """
        from console.typing import LineInput

        self.stop_typing()
        self._input = LineInput(prompt, value, typed)
        self._message.display = False
        app = self.deck
        app.settle_after(self.query_one(Typing).mount(self._input), self._input.take_focus)

    def stop_typing(self) -> None:
        """Give the last line back to messages."""
        if self._input is not None:
            self._input.remove()
            self._input = None
            self._message.display = True
            self.quiet()

    def put_typing(self, text: str, cursor: int | None = None) -> None:
        """Replace what is being typed, and put the cursor at its end or at a place in it."""
        if self._input is not None:
            self._input.put(text, cursor)

    def suggest(self, parts: Sequence[Part]) -> None:
        """Show where the hints are what could come next, or what is wrong with what is typed."""
        self._hints.show([(" ", ""), *parts])


def _hint(action: Action) -> list[Part]:
    return [(action.key, "key"), (f" {action.label}", "dim"), ("  ", "")]


def hints(offered: Sequence[Action], *, filterable: bool) -> list[Action]:
    """The actions the hint line offers: those of the view first, help always last.

    Args:
        offered: The view's actions.
        filterable: Whether `/` does anything there.

    Returns:
        At most 8.
    """
    shown = [action for action in offered if action.hint and action.key]
    common = [find(EVERYWHERE, key) for key in (("/", ":", "?") if filterable else (":", "?"))]
    tail = [action for action in common if action is not None]
    return [*shown[: MOST_HINTS - len(tail)], *tail]
