"""Going through the past: the workspace that a view reads, what is said of its moment, steps from change to change."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from console.formats import recorded
from engine.core.errors import InvalidInput, QuarterdeckError
from engine.core.moment import Moment, parse_moment, past_moment
from engine.core.timetext import format_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.actions import Answers
    from console.app import ConsoleApp
    from console.location import Location
    from engine.api import Engine
    from engine.audit.model import AuditEntry
    from engine.past.model import Subject

T = TypeVar("T")

KEPT = 4
"""Moments whose workspace stays open."""

_REGISTRY = ("model", "version")
_PROMPTS = ("prompt", "prompt version")
_RUNS = ("run", "experiment")

KINDS: dict[str, tuple[str, ...]] = {
    "pulse": (),
    "audit": (),
    "record": (),
    "models": _REGISTRY,
    "versions": _REGISTRY,
    "board": _REGISTRY,
    "version": _REGISTRY,
    "history": _REGISTRY,
    "state": (*_REGISTRY, "endpoint"),
    "lineage": (*_REGISTRY, "run", "endpoint", "alert"),
    "runs": _RUNS,
    "run": ("run",),
    "compare": ("run",),
    "experiments": ("experiment",),
    "endpoints": ("endpoint", "rollout"),
    "endpoint": ("endpoint",),
    "predictions": ("endpoint",),
    "external": ("external endpoint",),
    "external-endpoint": ("external endpoint",),
    "alerts": ("alert", "silence"),
    "alert": ("alert",),
    "silences": ("alert", "silence"),
    "monitors": ("monitor",),
    "monitor": ("monitor",),
    "results": ("monitor",),
    "result": ("monitor",),
    "drift": ("monitor", "alert"),
    "approvals": ("approval",),
    "traces": ("trace",),
    "trace": ("trace",),
    "prompts": _PROMPTS,
    "prompt-versions": _PROMPTS,
    "prompt": _PROMPTS,
    "prompt-diff": _PROMPTS,
}
"""Kinds of audited objects that a resource is about, for those whose past can be told; none means all."""

_UNNAMED = frozenset({"history", "state", "lineage", "compare", "prompt-diff", "record", "result"})
"""Resources whose name is not the audited object's, so that every change of their kinds concerns them."""

_LOGGED = "parameters and tags that programs logged carry no time: they are as they are now"
REMARKS = {
    "pulse": "what ran beside the workspace then is not kept",
    "runs": _LOGGED,
    "run": _LOGGED,
    "compare": _LOGGED,
    "endpoints": "which data planes lived then is not kept",
    "endpoint": "which data planes lived then is not kept",
    "predictions": "what was let go since is not here",
    "traces": "traces that were deleted since are not here",
    "alerts": "windows are counted as they are now",
    "alert": "windows are counted as they are now",
}
"""What a screen does not tell of its past."""


class _Reading(threading.local):
    """The workspace that the work of this thread was begun on."""

    engine: Engine | None = None


class Pasts:
    """The workspace as it is, and as it was at the moments that are looked at.

    Args:
        present: The open workspace.
    """

    def __init__(self, present: Engine) -> None:
        self.present = present
        self._engines: dict[str, Engine] = {}
        self._told: dict[str, str] = {}
        self._reading = _Reading()

    def engine(self, at: str) -> Engine:
        """The workspace at a moment; `at` as `parse_moment` reads it, empty for now.

        Raises:
            InvalidInput: it is no moment.
        """
        if self._reading.engine is not None:
            return self._reading.engine
        if not at:
            return self.present
        found = self._engines.pop(at, None) or self.present.at(parse_moment(at, self.present.clock.now_ms()))
        self._engines[at] = found
        for old in list(self._engines)[:-KEPT]:
            self._engines.pop(old).close()
        return found

    def under(self, engine: Engine, compute: Callable[[], T]) -> T:
        """Do something with the workspace that it was begun on, whatever is looked at meanwhile."""
        self._reading.engine = engine
        try:
            return compute()
        finally:
            self._reading.engine = None

    def now_ms(self, at: str) -> int:
        """The time that a view shows, in milliseconds since the epoch; the present where its moment cannot be told."""
        try:
            return self.engine(at).clock.now_ms()
        except QuarterdeckError:
            return self.present.clock.now_ms()

    def tell(self, at: str) -> str:
        """Find out what to say of a moment: the time, and the last change before it. Reads.

        Raises:
            QuarterdeckError: the log cannot be read, or there is no such change.
        """
        moment = parse_moment(at, None)
        entry = self.present.past.change_at(moment)
        time_ms = moment.time_ms if moment.time_ms is not None else entry.time_ms if entry is not None else 0
        told = f"@{format_time(time_ms).replace('T', ' ').removesuffix('Z')}"
        self._told[at] = told + (f"  {change_words(entry)}" if entry is not None else "  before every change")
        return self._told[at]

    def words(self, location: Location) -> str:
        """What is known of the moment of a view, and what its screen does not tell of the past."""
        remark = REMARKS.get(location.resource, "")
        told = self._told.get(location.at, f"@{location.at}")
        return f"{told}  ({remark})" if remark else told

    def knows(self, at: str) -> bool:
        """Whether a moment has been told."""
        return at in self._told

    def close(self) -> None:
        """Close the workspaces of the past."""
        while self._engines:
            self._engines.popitem()[1].close()


def change_words(entry: AuditEntry) -> str:
    """An audited change in a few words: `change 1182 by alice: promote churn/7 to Production`."""
    return f"change {entry.seq} by {entry.actor}: {entry.verb} {recorded(entry)}"


def settled(location: Location, now_ms: int) -> Location:
    """A place whose moment does not move with the present: `5m` becomes the time that was then.

    Args:
        location: Where to.
        now_ms: The present, in milliseconds since the epoch.

    Raises:
        InvalidInput: its moment is none.
    """
    return replace(location, at=str(past_moment(location.at, now_ms))) if location.at else location


def tellable(location: Location) -> bool:
    """Whether the past of what a place shows can be told."""
    return location.resource in KINDS


def why_off(location: Location) -> str:
    """Why nothing can be changed in a view; empty where it shows the present."""
    return "this shows the past; Esc goes back to now" if location.at else ""


def back_to_now(app: ConsoleApp) -> bool:
    """Leave the past, unless the place before is of the same moment; false when there is no past to leave."""
    places = app.navigator.trail.places
    here = places[-1]
    if not here.at or (len(places) > 1 and places[-2].at == here.at):
        return False
    app.replace(replace(here, at=""))
    app.say("This is now.", "dim")
    return True


# --- actions


def type_moment(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    """Let the operator type a moment; nothing typed is now."""
    from console.commanding.line import end_typing
    from console.typing import Stage, Typed

    here = app.navigator.here
    if not _may(app, here):
        return

    def typed(typed: Typed) -> None:
        if typed.stage is Stage.CHANGED:
            return
        end_typing(app)
        if typed.stage is Stage.DONE:
            _go(app, here, typed.text.strip())

    app.frame.ask("@", here.at, typed)
    app.frame.suggest([("2026-11-03T09:00   5m ago   yesterday 09:00   #1182 (a change)   now", "dim")])


def _go(app: ConsoleApp, here: Location, text: str) -> None:
    if text in ("", "now"):
        if here.at:
            app.replace(replace(here, at=""))
        return
    try:
        moment = past_moment(text, app.pasts.present.clock.now_ms())
    except InvalidInput as error:
        app.say(f"{error.message} Write 2026-11-03T09:00, 5m ago or #1182.", "bad")
        return
    if moment.time_ms is not None and moment.time_ms > app.pasts.present.clock.now_ms():
        app.say(f"{moment} has not come yet.", "warn")
        return
    _show(app, here, str(moment))


def _show(app: ConsoleApp, here: Location, at: str) -> None:
    """Show a place at a moment, once it is known that there is one."""

    def arrived(_told: str) -> None:
        if app.navigator.here == here:
            app.replace(replace(here, at=at))

    app.read("past.go", lambda: app.pasts.tell(at), arrived)


def earlier(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    """To the moment of the change before, of those that concern what is shown."""
    _step(app, back=True)


def later(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    """To the moment of the change after; past the newest, to now."""
    if app.navigator.here.at:
        _step(app, back=False)
    else:
        app.say("This is now; { goes to the change before.", "dim")


def subject_of(location: Location) -> Subject:
    """What must have changed for a change to concern a place."""
    from engine.past.model import Subject

    name = "" if location.resource in _UNNAMED else location.name
    return Subject(KINDS[location.resource], name)


def _step(app: ConsoleApp, *, back: bool) -> None:
    here, present = app.navigator.here, app.pasts.present
    if not _may(app, here):
        return

    def find() -> AuditEntry | None:
        subject = subject_of(here)
        if not here.at:
            return present.past.before(subject)
        moment = parse_moment(here.at, None)
        if back:
            return present.past.before(subject, _until(present, moment))
        last = present.past.change_at(moment)
        return present.past.after(subject, 0 if last is None else last.seq)

    def found(entry: AuditEntry | None) -> None:
        if app.navigator.here != here:
            return
        if entry is not None:
            _show(app, here, f"#{entry.seq}")
        elif back:
            app.say("Nothing before this concerns what is shown.", "dim")
        else:
            app.replace(replace(here, at=""))
            app.say("This is now.", "dim")

    app.read("past.step", find, found)


def _until(present: Engine, moment: Moment) -> int:
    """The number of the first change that is too late for a step back."""
    if moment.change is not None:
        return moment.change
    last = present.past.change_at(moment)
    return 1 if last is None else last.seq + 1


def _may(app: ConsoleApp, here: Location) -> bool:
    if tellable(here):
        return True
    app.say(f"Nothing is kept of how {here.resource} was.", "warn")
    return False
