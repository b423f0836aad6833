"""Everything the operator can do, declared once: keys, hints, help, palette and documentation all read these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.core.access import Access, Role
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from textual.events import Key

    from console.app import ConsoleApp
    from engine.api import Engine


class Danger(IntEnum):
    """How much care an action takes."""

    VIEW = 0
    """Looks only."""
    REVERSIBLE = 1
    """Can be undone and is not in Production: acts at once and says how to undo it."""
    PRODUCTION = 2
    """Can be undone but touches Production: shows what changes and asks for `y`, Cancel focused."""
    IRREVERSIBLE = 3
    """Cannot be undone, or moves live traffic: the object's name must be typed."""


class Needs(Enum):
    """What an action is done to."""

    NOTHING = "nothing"
    ONE = "one"
    """The thing under the cursor."""
    MANY = "many"
    """The marked things, or the one under the cursor: a tuple."""


def _allowed(_subject: Any) -> str | None:
    return None


def _nothing(_subject: Any) -> Sequence[str]:
    return ()


def _unnamed(_subject: Any) -> str:
    return ""


@frozen
class Field:
    """A line to fill in before an action runs.

    Args:
        name: Its name in the answer.
        label: What it asks for.
        value: What stands in it at first.
        required: Whether it may not stay empty.
        must: The only text accepted; empty when any is.
        among: The only texts accepted; empty when any is.
    """

    name: str
    label: str
    value: str = ""
    required: bool = True
    must: str = ""
    among: tuple[str, ...] = ()

    def problem(self, value: str) -> str:
        """What is wrong with a value, in a sentence; empty when nothing is."""
        if self.must and value != self.must:
            return f"Type exactly {self.must} to go on."
        if self.among and value not in self.among:
            return f"Type one of {', '.join(self.among)}."
        return "" if value or not self.required else f"{self.label} may not stay empty."


Answers = dict[str, str]
"""What was filled in, by field name."""


class Each(NamedTuple):
    """How an action is done to one of several things.

    Args:
        do: Does it, in a worker thread; may raise a `QuarterdeckError`, which stops none of the others.
        name: What the thing is called in lists.
    """

    do: Callable[[Engine, Any, Answers], object]
    name: Callable[[Any], str]


@frozen
class Action:
    """Something that can be done.

    Args:
        name: Identity, as in commands.
        key: The key as people write it, such as `p`, `ctrl-o`, `Enter`; empty for palette and command line only.
        label: One or two words for the hint line.
        run: Does it; takes the application, the subject and what was filled in.
        about: One sentence for help.
        danger: How much care it takes; may depend on the subject.
        warning: Loud words above the question; by default those of its danger.
        needs: What it is done to.
        enabled: Says why it cannot be done to the subject now; `None` when it can.
        role: The least role whose holders may do it; the engine decides in the end.
        consequences: Lines that say what would change; shown before asking.
        ask: Lines to fill in first, such as a reason; may depend on the subject.
        object_name: The subject's name, to be typed before what cannot be undone.
        twin: The same as a line for the shell, several commands joined by `&&`; empty when there is none.
        hint: Whether the hint line offers it.
        plans: Whether it shows what a change would do, which can be told of the present only.
        dialog: Whether it opens a dialog of its own that shows what changes and asks with the same care.
        takes: Names of the fields of that dialog which a typed command fills in; `run` gets them as answers.
        each: How it is done to each of several marked things, after one question that lists them.
    """

    name: str
    key: str
    label: str
    run: Callable[[ConsoleApp, Any, Answers], None]
    about: str = ""
    danger: Danger | Callable[[Any], Danger] = Danger.VIEW
    warning: str = ""
    needs: Needs = Needs.ONE
    enabled: Callable[[Any], str | None] = _allowed
    role: Role = Role.VIEWER
    consequences: Callable[[Any], Sequence[str]] = _nothing
    ask: Callable[[Any], Sequence[Field]] = field(default=lambda _subject: ())
    object_name: Callable[[Any], str] = _unnamed
    twin: Callable[[Any, Answers], str] = field(default=lambda _subject, _answers: "")
    hint: bool = True
    plans: bool = False
    dialog: bool = False
    takes: tuple[str, ...] = ()
    each: Each | None = None

    def danger_for(self, subject: Any) -> Danger:
        """How much care it takes for a subject."""
        return Danger(self.danger(subject)) if callable(self.danger) else self.danger

    @property
    def changes(self) -> bool:
        """Whether it ever changes anything; such actions are off while the data is stale or the session read-only."""
        return callable(self.danger) or self.danger is not Danger.VIEW


def why_not(action: Action, subject: Any, access: Access, *, stale: str = "", past: str = "") -> str | None:
    """Say why an action cannot be done.

    Args:
        action: The action.
        subject: What it would be done to; `None` when nothing is selected.
        access: The standing of this session.
        stale: Why the screen is not live; empty when it is.
        past: Why nothing can be changed in a past that is shown; empty for the present.

    Returns:
        A sentence, or `None` when it can.
    """
    label = action.label.capitalize()
    if past and (action.changes or action.plans):
        return f"{label} is off: {past}."
    if action.needs is not Needs.NOTHING and subject in (None, ()):
        return f"{label}: nothing is selected."
    if action.changes:
        if access.read_only:
            return f"{label} is off: this session is read-only. Start without --readonly to make changes."
        if stale:
            return f"{label} is off for now: {stale}"
        if access.role < action.role:
            return (
                f"{label} needs the role {action.role.label}; {access.actor.name} is {access.role.label}. "
                "Ask an admin to change [roles] in quarterdeck.toml."
            )
    return action.enabled(subject)


_NAMES = {
    "enter": "Enter",
    "escape": "Esc",
    "space": "space",
    **{f"f{number}": f"F{number}" for number in range(1, 13)},
}


def key_name(event: Key) -> str:
    """The key of an event as people (and `Action.key`) write it."""
    if event.key in _NAMES:
        return _NAMES[event.key]
    if event.character is not None and event.is_printable:
        return event.character
    return event.key.replace("+", "-")


def find(actions: Sequence[Action], key: str) -> Action | None:
    """The first action of a key; actions of a view come before those of every view."""
    return next((action for action in actions if action.key == key), None) if key else None
