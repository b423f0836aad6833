"""The line for typing commands and filters. Imported when the first `:` or `/` is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widgets import Input

from console.widgets.bar import Bar
from engine.core.text import clean

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.strip import Strip


class Stage(Enum):
    """Where the typing stands."""

    CHANGED = "changed"
    DONE = "done"
    GIVEN_UP = "given up"
    COMPLETE = "complete"
    """Tab was pressed."""
    COMPLETE_BACK = "complete back"
    """Shift-Tab was pressed."""
    OLDER = "older"
    NEWER = "newer"
    SEARCH = "search"
    """Ctrl-r was pressed."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed.

    Args:
        stage: Where the typing stands.
        text: The line.
        cursor: Offset of the cursor in it.
    """

    stage: Stage
    text: str
    cursor: int


class PlainInput(Input):
    """An input of one line, without border or blinking, that takes printable characters only."""

    DEFAULT_CSS = """
    PlainInput { border: none; padding: 0; height: 1; background: ansi_default; color: ansi_default; }
    PlainInput:focus { border: none; background-tint: ansi_default 0%; background: ansi_default; }
    PlainInput:ansi > .input--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
    """

    def __init__(
        self,
        value: str = "",
        placeholder: str = "",
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 Textual's word
    ) -> None:
        super().__init__(
            _without_piles(printable(value)),
            printable(placeholder),
            compact=True,
            select_on_focus=False,
            name=name,
            id=id,
        )
        self.cursor_blink = False

    def render_line(self, y: int) -> Strip:
        """The line; the terminal's cursor goes where letters go, for those who follow it."""
        if self.has_focus:
            self.app.cursor_position = self.cursor_screen_offset
        return super().render_line(y)

    def insert(self, text: str, index: int) -> None:
        """Insert what was typed or pasted, without what a terminal would obey."""
        typed = printable(text)
        super().insert(typed if len(typed) < 2 else _without_piles(typed), index)


def printable(text: str) -> str:
    """A text without what does not print; a line feed becomes a space."""
    return "".join(character for character in text.replace("\n", " ") if character.isprintable())


def _without_piles(text: str) -> str:
    """What stands in an input at first, without the piles of marks that only a program has written."""
    return text if text.isascii() else clean(text, limit=len(text) + 1)


_KEYS = {
    "enter": Stage.DONE,
    "escape": Stage.GIVEN_UP,
    "tab": Stage.COMPLETE,
    "shift+tab": Stage.COMPLETE_BACK,
    "ctrl+r": Stage.SEARCH,
    "up": Stage.OLDER,
    "down": Stage.NEWER,
}


class LineInput(Horizontal):
    """A prompt and an input beside it.

    Args:
        prompt: What stands before it.
        value: What stands in it at first.
        typed: Takes every change and the end.
    """

    DEFAULT_CSS = """
    LineInput { height: 1; }
    LineInput > Bar { width: 2; }
    LineInput > PlainInput { width: 1fr; }
    """

    def __init__(self, prompt: str, value: str, typed: Callable[[Typed], None]) -> None:
        super().__init__()
        self._prompt = Bar()
        self._prompt.show([(f" {prompt}", "key")])
        self._input = PlainInput(value)
        self._typed = typed

    def compose(self) -> ComposeResult:
        """Prompt, then input."""
        yield self._prompt
        yield self._input

    def take_focus(self) -> None:
        """Put the keyboard into the input, behind what stands in it."""
        self.screen.set_focus(self._input)
        self._input.cursor_position = len(self._input.value)

    def put(self, text: str, cursor: int | None = None) -> None:
        """Replace the line.

        Args:
            text: The new one.
            cursor: Where the cursor goes; `None` is the end.
        """
        self._input.value = printable(text)
        self._input.cursor_position = len(self._input.value) if cursor is None else cursor

    def on_input_changed(self, message: Input.Changed) -> None:
        """Tell of every change."""
        message.stop()
        self._tell(Stage.CHANGED)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter."""
        message.stop()
        self._tell(Stage.DONE)

    def on_key(self, event: events.Key) -> None:
        """Keys that end the typing or change the whole line."""
        stage = _KEYS.get(event.key)
        if stage is None or stage is Stage.DONE:
            return
        event.stop()
        event.prevent_default()
        self._tell(stage)

    def _tell(self, stage: Stage) -> None:
        self._typed(Typed(stage, self._input.value, self._input.cursor_position))


def common_start(words: Sequence[str]) -> str:
    """The longest text all words begin with."""
    if not words:
        return ""
    low, high = min(words), max(words)
    for place, character in enumerate(low):
        if high[place : place + 1] != character:
            return low[:place]
    return low
