"""Help for what has the keyboard: a line that is being typed, a field, buttons, a text, the list of a dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input

from console.screens.dialogs import Choices, Dialog, TextDialog
from console.screens.help import TYPING, HelpDialog
from console.text import Part, table
from console.widgets.document import Document, Line, blank, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.widget import Widget

    from console.app import ConsoleApp

Rows = tuple[tuple[str, str], ...]

EDITING: Rows = (
    ("← →  Home End", "move in it"),
    ("ctrl-u ctrl-k", "erase to the beginning, to the end"),
    ("ctrl-w", "erase the word before"),
)
FIELD: Rows = (
    *EDITING,
    ("Tab  ↑ ↓", "the next field, the one before"),
    ("Enter", "go on; from the last field, to the end"),
)
LINE: Rows = (
    *EDITING,
    ("Tab  shift-Tab", "complete, as after : and after ="),
    ("↑ ↓", "what was typed before"),
    ("ctrl-r", "search it for what stands here"),
    ("Enter", "do it"),
    ("Esc", "give up"),
)
TEXT: Rows = (
    ("↑ ↓ j k", "move"),
    ("PgUp PgDn  ctrl-b ctrl-f", "page"),
    ("g G  Home End", "first, last"),
    ("Enter", "choose, where lines can be chosen"),
)


class KeysDialog(TextDialog):
    """Keys of what has the keyboard below; the key that opened it closes it."""

    async def on_key(self, event: events.Key) -> None:
        """Close again."""
        if event.character == "?":
            event.stop()
            event.prevent_default()
            self.give_up()
        else:
            await super().on_key(event)


def show_focused(app: ConsoleApp) -> None:
    """Show the keys of what has the keyboard; the view's help where that is the view, and close it where it is open.

    Args:
        app: The application.
    """
    top, focus = app.screen, app.focused
    if isinstance(top, KeysDialog):
        top.give_up()
    elif isinstance(top, Dialog):
        app.push_screen(KeysDialog("Keys here", _lines("In this dialog", (*top.keys, *keys_of(focus)))))
    elif app.typing:
        examples = [Line([(f"  {example}", "key"), (f"  {meaning}", "dim")]) for example, meaning in TYPING]
        lines = [*_lines("In the line being typed", LINE), blank(), heading("What can be typed"), *examples]
        app.push_screen(KeysDialog("Keys here", lines))
    else:
        app.push_screen(HelpDialog(app.view))


def keys_of(widget: Widget | None) -> Rows:
    """The keys of a part of a dialog, and those that every dialog has.

    Args:
        widget: What has the keyboard.
    """
    found: Rows = ()
    if isinstance(widget, Input):
        found = FIELD
    elif isinstance(widget, Choices):
        found = (*widget.letters(), ("← →", "the other ones"), ("Enter", "what is lit"))
    elif isinstance(widget, Document):
        found = TEXT
    return (*found, ("Esc", "give up or close"), ("F1", "these keys"))


def _lines(title: str, rows: Sequence[tuple[str, str]]) -> list[Line]:
    seen = dict(reversed(rows))  # what the dialog itself says of a key goes before what all say
    parts: list[list[Part]] = [[(f"  {key}", "key"), (seen[key], "")] for key in dict.fromkeys(key for key, _ in rows)]
    return [heading(title), *(Line(row) for row in table(parts))]
