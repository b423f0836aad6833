"""The palette: every action, resource, thing, saved view and earlier command by typing a few letters of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Vertical

from console.everywhere import EVERYWHERE
from console.location import Location
from console.registry import RESOURCES
from console.screens.dialogs import Dialog
from console.text import fit
from console.typing import PlainInput
from console.widgets.document import Document, Line
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.widgets import Input

    from console.app import ConsoleApp


MOST_LINES = 200
"""Lines typed before that are offered."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something the palette offers.

    Args:
        words: What is typed to find it.
        about: What it is or does.
        key: The key that does the same.
        run: Does it.
    """

    words: str
    about: str
    key: str
    run: Callable[[], object]


def rank(wanted: str, words: str) -> int | None:
    """How well words fit what was typed: 0 best, `None` not at all. Letters count in order, not in place."""
    wanted, words = wanted.lower(), words.lower()
    if wanted in words:
        return words.index(wanted)
    place, gaps = 0, 0
    for letter in wanted.replace(" ", ""):
        found = words.find(letter, place)
        if found < 0:
            return None
        gaps += found - place
        place = found + 1
    return 1_000 + gaps


class Palette(Dialog[Choice]):
    """Finds a choice; answers it, or `None` when given up.

    Args:
        choices: What there is.
    """

    DEFAULT_CSS = (
        "Palette { align: center top; } Palette Document { max-height: 14; } Palette > Vertical { margin-top: 2; }"
    )

    keys = (("Enter", "do it, or go there"), ("↑ ↓  PgUp PgDn", "move in what fits"))

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__("Palette")
        self._choices = list(choices)
        self._input = PlainInput(placeholder="an action, a resource, a name, a saved view, a command")
        self._document = Document()

    def compose(self) -> ComposeResult:
        """What is typed, and what fits it."""
        with Vertical():
            yield self._heading
            yield self._input
            yield self._document

    def on_mount(self) -> None:
        """Everything at first."""
        self._input.focus()
        self._narrow("")

    def add(self, choices: Sequence[Choice]) -> None:
        """Offer more, once it is known."""
        self._choices += choices
        self._narrow(self._input.value)

    def _narrow(self, text: str) -> None:
        found = [(score, each) for each in self._choices if (score := rank(text, each.words)) is not None]
        found.sort(key=lambda pair: pair[0])
        lines = [
            Line(
                [(fit(each.words, 24), "strong"), ("  ", ""), (fit(each.key, 8), "key"), (each.about, "dim")],
                each.words,
                each,
            )
            for _, each in found[:100]
        ]
        self._document.set_lines(lines or [Line([("nothing fits", "dim")])])
        if lines:
            self._document.choose(lines[0].key)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow."""
        message.stop()
        self._narrow(message.value)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Take what the cursor is on."""
        message.stop()
        self._document.move("choose")

    async def on_key(self, event: object) -> None:
        """Up and down move in the list while the keyboard stays in the line."""
        from textual import events

        if isinstance(event, events.Key):
            if event.key in ("down", "up", "pagedown", "pageup"):
                event.stop()
                event.prevent_default()
                self._document.move(Document.KEYS[event.key])
                return
            await super().on_key(event)

    def on_document_chosen(self, message: Document.Chosen) -> None:
        """Chosen."""
        message.stop()
        if isinstance(message.line.subject, Choice):
            self.dismiss(message.line.subject)


def open_palette(app: ConsoleApp) -> None:
    """Open the palette; names, saved views and what was typed before are added when they have been read."""
    palette = Palette(choices_of(app))

    def chosen(choice: Choice | None) -> None:
        if choice is not None:
            choice.run()

    def came(found: Sequence[Choice]) -> None:
        if palette.is_attached:
            palette.add(found)

    app.open_dialog(palette, chosen)
    app.read("palette.names", lambda: [*_views(app), *_names(app), *_typed_before(app)], came)


def choices_of(app: ConsoleApp) -> list[Choice]:
    """What can be offered at once: what can be done here and everywhere, and the resources.

    Args:
        app: The application.
    """
    own = app.custom.actions(app.navigator.here.resource)
    choices = [
        Choice(action.name, action.about or action.label, action.key, partial(app.invoke, action))
        for action in (*app.offered(), *own, *EVERYWHERE)
        if action.name != "palette"
    ]
    choices += [
        Choice(f":{alias}", f":{text}", "", partial(_run, app, alias))
        for alias, text in app.custom.settings.aliases.items()
    ]
    return choices + [
        Choice(f":{name}", entry.summary, "", partial(app.jump, Location(name)))
        for name, entry in RESOURCES.items()
        if not entry.named
    ]


def _run(app: ConsoleApp, line: str) -> None:
    from console.commands import run_command

    run_command(app, line)


def _views(app: ConsoleApp) -> list[Choice]:
    """The operator's saved views. Runs in a worker thread."""
    from console.arranging.saved import open_view, view_names

    try:
        names = view_names(app)
    except InvalidInput:  # the list says so when it is opened
        return []
    return [Choice(name, "a saved view", "", partial(open_view, app, name)) for name in names]


def _names(app: ConsoleApp) -> list[Choice]:
    """The things there are, and the view each leads to. Runs in a worker thread."""
    from console.commanding.catalog import KINDS
    from console.commanding.names import names_of

    leads = {resource: kind.singular or resource for resource, kind in KINDS.items()}
    leads |= {"models": "versions", "experiments": "runs", "prompts": "prompt-versions"}
    return [
        Choice(name, ABOUT.get(resource, leads[resource]), "", partial(app.jump, Location(leads[resource], name)))
        for resource in NAMED
        for name in names_of(app.engine, resource)
    ]


NAMED = ("models", "versions", "endpoints", "external", "experiments", "monitors", "prompts", "runs")
"""Resources whose names the palette offers, the most wanted first."""

ABOUT = {
    "models": "versions of the model",
    "experiments": "runs of the experiment",
    "prompts": "versions of the prompt",
}


def _typed_before(app: ConsoleApp) -> list[Choice]:
    """What was typed after `:`, the newest first."""
    lines = app.history.lines()[-MOST_LINES:]
    return [Choice(f":{line}", "typed before", "", partial(_run, app, line)) for line in reversed(lines)]
