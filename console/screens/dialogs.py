"""Dialogs: asking before something happens, and telling what went wrong. All of one make."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual.containers import Horizontal, Vertical
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from console.actions import Action, Answers, Danger, Field
from console.terminal.app import TerminalModal
from console.text import Part, measure, paint, wrap
from console.typing import PlainInput
from console.undoing.sorts import beforehand
from console.views import problem
from console.widgets.bar import Bar
from console.widgets.document import Document, Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.strip import Strip

    from console.app import ConsoleApp

Result = TypeVar("Result")

WIDTH = 72
"""Cells of a line in a dialog where there is room."""

WARNINGS = {
    Danger.VIEW: ("", ""),
    Danger.REVERSIBLE: ("", ""),
    Danger.PRODUCTION: (" PRODUCTION ", "loud"),
    Danger.IRREVERSIBLE: (" CANNOT BE UNDONE, OR LEAVES NOTHING SERVING ", "loud"),
}


class Choices(Widget, can_focus=True):
    """Buttons in a line. Left and right move, Enter chooses, a choice's own letter chooses it.

    Args:
        choices: Letter and label of each.
        first: Which has the focus at first.
    """

    DEFAULT_CSS = "Choices { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    class Made(Message):
        """A choice was made.

        Args:
            letter: Its letter.
        """

        def __init__(self, letter: str) -> None:
            super().__init__()
            self.letter = letter

    def __init__(self, choices: Sequence[tuple[str, str]], first: int = 0) -> None:
        super().__init__()
        self._choices = list(choices)
        self._at = first

    def letters(self) -> tuple[tuple[str, str], ...]:
        """Each choice's letter and label."""
        return tuple(self._choices)

    def label(self, letter: str) -> str:
        """The label of a choice, by its letter; empty when there is none."""
        return next((label for each, label in self._choices if each == letter), "")

    def on_key(self, event: events.Key) -> None:
        """Move or choose."""
        letters = [letter for letter, _ in self._choices]
        if event.key in ("left", "right", "h", "l"):
            step = -1 if event.key in ("left", "h") else 1
            self._at = (self._at + step) % len(self._choices)
            self.refresh()
        elif event.key == "enter":
            self.post_message(self.Made(letters[self._at]))
        elif event.character in letters:
            self.post_message(self.Made(event.character or ""))
        else:
            return
        event.stop()
        event.prevent_default()

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        event.stop()
        start = 0
        for letter, label in self._choices:
            end = start + len(_button(letter, label)) + 2
            if start <= event.x < end:
                self.post_message(self.Made(letter))
            start = end

    def on_focus(self) -> None:
        """Show which choice Enter takes."""
        self.refresh()

    def on_blur(self) -> None:
        """Enter goes elsewhere now."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The buttons."""
        del y
        parts: list[Part] = []
        for place, (letter, label) in enumerate(self._choices):
            look = "selected" if place == self._at and self.has_focus else ""
            if look:
                self.app.cursor_position = self.region.offset + Offset(measure(parts), 0)  # a screen reader follows it
            parts += [(_button(letter, label), look), ("  ", "")]
        return paint(parts, self.size.width)


def _button(letter: str, label: str) -> str:
    return f"[ {letter}  {label} ]"


class Dialog(TerminalModal[Result], Generic[Result]):
    """A box over the frame; Esc gives up.

    Args:
        title: What it is about; any text.
        look: Look of the title.
    """

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog:ansi { background: transparent; }
    Dialog > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 90%;
        border: round ansi_blue; padding: 0 1; background: ansi_default;
    }
    Dialog .danger { border: round ansi_red; }
    Dialog Document { height: auto; max-height: 14; }
    Dialog .label { width: 20; }
    Dialog Horizontal { height: 1; }
    """
    keys: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Its own keys and what each does, for F1; those of its parts are known."""

    def __init__(self, title: str, look: str = "title-selected") -> None:
        super().__init__()
        self._heading = Bar()
        self._heading.show([(title, look)])

    async def on_key(self, event: events.Key) -> None:
        """Esc gives up; Tab goes from field to field."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.give_up()
        elif event.character == "?" and not isinstance(self.focused, Input):
            event.stop()
            event.prevent_default()
            from console.screens.focused import show_focused

            show_focused(cast("ConsoleApp", self.app))
        elif event.key in ("down", "up") and isinstance(self.focused, Input):
            event.stop()
            (self.focus_next if event.key == "down" else self.focus_previous)()

    def give_up(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


class Ask(Dialog[Answers]):
    """Shows what would change, asks for what must be filled in, and then for `y`; answers `None` when given up.

    Args:
        action: What is to be done.
        subject: To what.
        danger: How much care it takes.
        fields: What to fill in.
    """

    def __init__(self, action: Action, subject: Any, danger: Danger, fields: Sequence[Field]) -> None:
        super().__init__(action.about or action.label)
        if danger is Danger.IRREVERSIBLE:
            name = action.object_name(subject)
            fields = [*fields, Field("__name__", f"type {name}", must=name)]
        self._fields = fields
        self._danger = danger
        word, look = WARNINGS[danger]
        self._warning = (f" {action.warning} " if word and action.warning else word, look)
        self._lines = list(action.consequences(subject))
        self._final = beforehand(action)
        self._inputs = {field.name: PlainInput(field.value, name=field.name) for field in fields}
        self._problem = Bar()
        self._twin = partial(action.twin, subject)
        self._shell = Bar()
        copying = [("c", "copy command")] if self._line() else []
        self._choices = Choices([("n", "Cancel"), ("y", action.label), *copying])

    def compose(self) -> ComposeResult:
        """Title, consequences, fields, the line for the shell, buttons."""
        with Vertical(classes="danger" if self._danger >= Danger.PRODUCTION else ""):
            yield self._heading
            if self._warning[0]:
                warning = Bar()
                warning.show([self._warning])
                yield warning
            if self.body(WIDTH):
                yield Document(self.body)
            for field in self._fields:
                with Horizontal():
                    label = Bar(classes="label")
                    label.show([(field.label, "dim")])
                    yield label
                    yield self._inputs[field.name]
            yield self._problem
            if self._line():
                yield self._shell
            yield self._choices

    def _line(self) -> str:
        """The line for the shell that does the same, with what is filled in so far."""
        return self._twin({field.name: self._inputs[field.name].value.strip() for field in self._fields})

    def on_input_changed(self, message: Input.Changed) -> None:
        """The line for the shell follows what is typed."""
        message.stop()
        self._show_line()

    def _show_line(self) -> None:
        self._shell.show([("$ ", "dim"), (self._line(), "dim")])

    def body(self, width: int) -> Sequence[Line]:
        """What would change, and what of it cannot be undone.

        Args:
            width: Cells in a line.
        """
        told = [(text, "") for text in self._lines] + [(text, "warn") for text in self._final]
        return [Line([(part, look)]) for text, look in told for part in wrap(text, width)]

    def on_mount(self) -> None:
        """Somebody can type or choose at once."""
        self.begins_at().focus()
        self._show_line()

    def begins_at(self) -> Widget:
        """What has the keyboard at first: the first field, or Cancel where there is none."""
        return next(iter(self._inputs.values()), self._choices)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter goes to the next field; after the last, what is harmless happens at once."""
        message.stop()
        inputs = list(self._inputs.values())
        if message.input is not inputs[-1]:
            self.focus_next()
        elif self._danger < Danger.PRODUCTION:
            self._finish()
        elif self._valid() is not None:
            self._choices.focus()

    def on_choices_made(self, message: Choices.Made) -> None:
        """Yes, no, or the command first."""
        message.stop()
        if message.letter == "y":
            self._finish()
        elif message.letter == "c":
            self.app.copy_to_clipboard(self._line())
            self._problem.show([("The command is copied; nothing was changed yet.", "good")])
        else:
            self.give_up()

    def _finish(self) -> None:
        answers = self._valid()
        if answers is not None:
            self.dismiss(answers)

    def _valid(self) -> Answers | None:
        """The answers, or `None` with the first problem said and its field focused."""
        answers: Answers = {}
        for field in self._fields:
            value = self._inputs[field.name].value.strip()
            if wrong := field.problem(value):
                self._problem.show([(wrong, "bad")])
                self._inputs[field.name].focus()
                return None
            answers[field.name] = value
        answers.pop("__name__", None)
        return answers


class Confirm(Dialog[bool]):
    """A question with Cancel focused.

    Args:
        title: What it is about.
        question: The question.
        label: What yes means.
    """

    def __init__(self, title: str, question: str, label: str) -> None:
        super().__init__(title)
        self._question = question
        self._choices = Choices([("n", "Cancel"), ("y", label)])

    def compose(self) -> ComposeResult:
        """Question and buttons."""
        with Vertical():
            yield self._heading
            yield Document(lambda width: [Line([(part, "")]) for part in wrap(self._question, width)])
            yield self._choices

    def on_mount(self) -> None:
        """Cancel has the keyboard."""
        self._choices.focus()

    def on_choices_made(self, message: Choices.Made) -> None:
        """Yes or no."""
        message.stop()
        self.dismiss(message.letter == "y")


class TextDialog(Dialog[None]):
    """Lines to read.

    Args:
        title: What it is about.
        lines: The lines.
    """

    keys = (("c", "copy all of it"), ("q  Enter", "close"))

    def __init__(self, title: str, lines: Sequence[Line], look: str = "title-selected") -> None:
        super().__init__(title, look)
        self._document = Document(lambda _width: lines)
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Title and lines."""
        with Vertical():
            yield self._heading
            yield self._document
            hint = Bar()
            hint.show([("Esc", "key"), (" close  ", "dim"), ("c", "key"), (" copy", "dim")])
            yield hint

    def on_mount(self) -> None:
        """The lines scroll."""
        self._document.focus()

    async def on_key(self, event: events.Key) -> None:
        """Close or copy."""
        if event.key in ("enter", "q"):
            event.stop()
            self.give_up()
        elif event.key == "c":
            event.stop()
            cast("ConsoleApp", self.app).copy(self._document.text())
        else:
            await super().on_key(event)


class ErrorDialog(TextDialog):
    """What went wrong and what to do next.

    Args:
        error: What happened.
    """

    def __init__(self, error: Exception) -> None:
        code = getattr(error, "code", "unexpected")
        super().__init__(f"✗ {str(code).replace('_', ' ')}", (), "bad")
        self._document = Document(lambda width: problem(error, width)[1:])
