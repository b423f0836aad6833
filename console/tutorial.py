"""A tutorial on the real screens: one sentence at a time, and the next as soon as it was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.location import Location
from console.text import fit
from console.widgets.bar import Bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.app import ConsoleApp
    from engine.api import Engine

LEAST_RUNS = 2
"""Fewer have nothing to compare."""


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence.

    Args:
        text: What to press.
        done: Whether the operator has done it.
    """

    text: str
    done: Callable[[ConsoleApp], bool]


def _at(*resources: str) -> Callable[[ConsoleApp], bool]:
    return lambda app: app.navigator.here.resource in resources


def _filtered(app: ConsoleApp) -> bool:
    return bool(app.navigator.here.terms) and not app.frame.typing


def _whole(app: ConsoleApp) -> bool:
    return not app.navigator.here.terms and not app.frame.typing


def _sorted(app: ConsoleApp) -> bool:
    return bool(app.navigator.here.sort)


def _marked(app: ConsoleApp) -> bool:
    return app.view is not None and len(app.view.subjects()) >= LEAST_RUNS


def _in_help(app: ConsoleApp) -> bool:
    return len(app.screen_stack) > 1 or app.navigator.here.resource == "help"


def _out_of_help(app: ConsoleApp) -> bool:
    return len(app.screen_stack) == 1 and app.navigator.here.resource != "help"


STEPS: tuple[Step, ...] = (
    Step("This is pulse: what runs, serves and waits. Press r for the runs.", _at("runs")),
    Step("j and k or the arrows move, PgDn pages. Press Enter on a run to open it.", _at("run")),
    Step("Its sections are 1 to 4, or Tab. Esc leads back out.", _at("runs")),
    Step("Press / and type a few letters of a name, or auc>0.8; then Enter.", _filtered),
    Step("Esc takes the filter away again.", _whole),
    Step("Press o to sort by a column; again turns it round.", _sorted),
    Step("Press space on a run, move, and press space on another: both are marked.", _marked),
    Step("x compares what is marked.", _at("compare")),
    Step("Press : and type versions, then Enter. Tab completes, and a few letters are enough.", _at("versions")),
    Step("? lists every key of the screen you are on. Press it.", _in_help),
    Step("Esc closes it.", _out_of_help),
    Step("Changes say first what they do, and z undoes. Press H for pulse; q leaves at any time.", _at("pulse")),
)
"""In order; each begins where the one before ended."""

END = "That is all you need. F2 shows what was said, :glossary explains the words, docs/ the rest."


class Tutorial:
    """A tutorial that is going on.

    Args:
        app: The console.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._place = 0
        self._line = Bar(id="tutorial")
        app.frame.put_above_hints(self._line)
        app.jump(Location("pulse"))
        self._show()

    def look(self) -> bool:
        """Go on where the step was done; false when it was the last one."""
        while self._place < len(STEPS) and STEPS[self._place].done(self._app):
            self._place += 1
        if self._place == len(STEPS):
            self.end()
            self._app.say(END)
            return False
        self._show()
        return True

    def end(self) -> None:
        """Take the sentence away."""
        self._line.remove()

    def _show(self) -> None:
        lead = f" {self._place + 1}/{len(STEPS)} "
        room = max(self._app.size.width - len(lead) - 1, 1)
        self._line.show([(lead, "loud"), (f" {fit(STEPS[self._place].text, room)}", "strong")])


def toggle(app: ConsoleApp) -> None:
    """Begin the tutorial, or end it."""
    if app.tutorial is not None:
        app.tutorial.end()
        app.tutorial = None
        app.say("The tutorial is over; :tutorial begins it again.")
        return
    app.read("tutorial", lambda: _enough(app.engine), lambda enough: _begin(app, enough=enough))


def _enough(engine: Engine) -> bool:
    return sum(engine.run_reading.by_status().values()) >= LEAST_RUNS


def _begin(app: ConsoleApp, *, enough: bool) -> None:
    if not enough:
        app.say("The tutorial walks over real runs, and there are none: leave with q and run `qd demo`.", "warn")
        return
    app.tutorial = Tutorial(app)
