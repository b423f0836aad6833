"""The columns chooser: every metric, parameter and tag, narrowed by typing, taken and left with Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.containers import Vertical

from console.screens.dialogs import Dialog
from console.typing import PlainInput
from console.widgets.bar import Bar
from console.widgets.document import Document, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.widgets import Input

    from console.app import ConsoleApp
    from console.screens.list import ListView


class ColumnChooser(Dialog[tuple[str, ...]]):
    """Chooses columns; answers the chosen keys in order, or `None` when given up.

    Args:
        choices: Every key.
        chosen: Those shown now, in order.
    """

    DEFAULT_CSS = "ColumnChooser Document { max-height: 30; }"

    def __init__(self, choices: Sequence[str], chosen: Sequence[str]) -> None:
        super().__init__("Columns")
        self._choices = list(dict.fromkeys([*chosen, *choices]))
        self._chosen = list(chosen)
        self._input = PlainInput(placeholder="type to narrow")
        self._document = Document()

    def compose(self) -> ComposeResult:
        """What is typed, what there is, and the keys."""
        with Vertical():
            yield self._heading
            yield self._input
            yield self._document
            hint = Bar()
            hint.show([("Enter", "key"), (" take or leave  ", "dim"), ("Tab", "key"), (" list  ", "dim")])
            hint.show(right=[("Esc", "key"), (" done ", "dim")])
            yield hint

    def on_mount(self) -> None:
        """Everything at first."""
        self._narrow("")
        self._document.focus()

    def _narrow(self, text: str) -> None:
        words = text.lower().split()
        lines = []
        for name in self._choices:
            if all(word in name.lower() for word in words):
                place = self._chosen.index(name) + 1 if name in self._chosen else 0
                mark = (f" {place:>2} ", "mark") if place else ("    ", "")
                lines.append(Line([mark, (name, "strong" if place else "")], key=name))
        self._document.set_lines(lines or [Line([("  nothing is called so", "dim")])])

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow the list."""
        message.stop()
        self._narrow(message.value)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Take the first of what is left."""
        message.stop()
        if self._document.line is not None:
            self._toggle(self._document.line.key)

    def on_document_chosen(self, message: Document.Chosen) -> None:
        """Take it, or leave it."""
        message.stop()
        self._toggle(message.line.key)

    def _toggle(self, name: str) -> None:
        if name in self._chosen:
            self._chosen.remove(name)
        else:
            self._chosen.append(name)
        self._narrow(self._input.value)

    def give_up(self) -> None:
        """Esc: what is chosen counts."""
        self.dismiss(tuple(self._chosen))


def choose_columns(app: ConsoleApp, view: ListView[Any]) -> None:
    """Let the operator choose a list's columns."""
    source, engine = view.resource.source, app.engine

    def opened(choices: Sequence[str]) -> None:
        if not choices:
            app.say("This list has no columns to choose from.", "dim")
            return
        app.open_dialog(ColumnChooser(choices, view.chosen_columns()), chosen)

    def chosen(columns: tuple[str, ...] | None) -> None:
        if columns is not None:
            view.set_columns(columns)

    app.read("columns", lambda: source.choices(engine), opened)
