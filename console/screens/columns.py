"""The columns chooser: everything a list can show, narrowed by typing; shown, hidden, moved, pinned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Vertical

from console.arranging.choosing import Choosing
from console.screens.dialogs import Dialog
from console.typing import PlainInput
from console.widgets.bar import Bar
from console.widgets.document import Document, Line
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.widgets import Input

    from console.app import ConsoleApp
    from console.screens.list import ListView

HINTS = (("Enter", "show or hide"), ("( )", "move"), ("#", "pin"), ("R", "as usual"), ("Tab", "type"), ("Esc", "done"))


class ColumnChooser(Dialog[Choosing]):
    """Chooses columns; answers what was chosen, also when it is left with Esc.

    Args:
        choosing: What there is and what is shown.
        titles: Headings by name.
        usual: Names of the columns when nobody has chosen any.
    """

    DEFAULT_CSS = "ColumnChooser Document { max-height: 30; }"
    keys = HINTS
    KEYS: ClassVar[Mapping[str, str]] = {"(": "left", ")": "right", "#": "pin", "R": "reset", " ": "toggle"}

    def __init__(self, choosing: Choosing, titles: Mapping[str, str], usual: Sequence[str]) -> None:
        super().__init__("Columns")
        self._choosing = choosing
        self._titles = titles
        self._usual = usual
        self._input = PlainInput(placeholder="type to narrow; params.KEY$.a.b shows a value inside JSON")
        self._document = Document()

    def compose(self) -> ComposeResult:
        """What is typed, what there is, and the keys."""
        with Vertical():
            yield self._heading
            yield self._input
            yield self._document
            hint = Bar()
            hint.show([part for key, word in HINTS for part in ((key, "key"), (f" {word}  ", "dim"))])
            yield hint

    def on_mount(self) -> None:
        """Everything at first."""
        self._show()
        self._document.focus()

    async def on_key(self, event: events.Key) -> None:
        """Keys that change the column under the cursor, while nothing is typed."""
        change = self.KEYS.get(event.character or "")
        line = self._document.line
        if change is None or line is None or not self._document.has_focus:
            await super().on_key(event)
            return
        event.stop()
        event.prevent_default()
        if change in ("left", "right"):
            self._choosing = self._choosing.move(line.key, -1 if change == "left" else 1)
        elif change == "pin":
            self._choosing = self._choosing.pin(line.key)
        elif change == "reset":
            self._choosing = self._choosing.reset(self._usual)
        else:
            self._choosing = self._choosing.toggle(line.key)
        self._show()

    def _show(self) -> None:
        shown, pinned = self._choosing.shown, self._choosing.arrangement.pinned
        lines = []
        for name in self._choosing.matching(self._input.value):
            place = shown.index(name) + 1 if name in shown else 0
            mark = (f" {place:>2} ", "mark") if place else ("    ", "")
            title = clean(self._titles.get(name, ""), limit=40)
            parts = [mark, (clean(name, limit=100), "strong" if place else "")]
            parts += [(f"  {title}", "dim")] if title and title != name.rpartition(".")[2] else []
            parts += [("  pinned", "link")] if place and name in pinned else []
            lines.append(Line(parts, key=name))
        self._document.set_lines(lines or [Line([("  nothing is called so", "dim")])])

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow the list."""
        message.stop()
        self._show()

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
        self._choosing = self._choosing.toggle(name)
        self._show()

    def give_up(self) -> None:
        """Esc: what is chosen counts."""
        self.dismiss(self._choosing)


def choose_columns(app: ConsoleApp, view: ListView[Any]) -> None:
    """Let the operator choose a list's columns."""
    source, engine, location, columns = view.resource.source, app.engine, view.location, view.columns
    usual = replace(location, columns=())

    def opened(found: tuple[Sequence[str], Sequence[str]]) -> None:
        choices, names = found
        explicit = tuple(name for name in columns.names if name in choices or "$" in name) if location.columns else ()
        choosing = Choosing(tuple(columns.names), tuple(choices), explicit, columns.arrangement)
        titles = {shown.column.name: shown.column.title for shown in columns.every}
        app.open_dialog(ColumnChooser(choosing, titles, names), chosen)

    def chosen(choosing: Choosing | None) -> None:
        if choosing is not None:
            view.choose(choosing.explicit, choosing.arrangement)

    def read() -> tuple[Sequence[str], Sequence[str]]:
        return source.choices(engine), [shown.column.name for shown in source.columns(engine, usual)]

    app.read("columns", read, opened)
