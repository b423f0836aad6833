"""The console without a picture: the same screens and actions, whose news and messages become lines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual import on

from console.app import ConsoleApp
from console.live import LiveFeed
from engine.core.errors import QuarterdeckError
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from console.alarms import Alarm
    from console.location import Location
    from console.own import Own
    from console.serving import Beat
    from engine.api import Engine
    from engine.core.events import Event

SIZE = (100, 25)
"""Cells of the screen that nobody sees: as wide as a line that is read, as high as a page of rows."""

MOST_NEWS = 200
"""Changes that are remembered until somebody asks; older ones are counted."""

FAILED = 1

BY_WORD = {
    " Undo: Z.": " Type undo to undo.",
    " z undoes": " Type undo to undo",
    " Z does it again": " Type redo to do it again",
}
"""How a message says what can be done next: on screens by key, here by word."""


class PlainApp(ConsoleApp):
    """The console for a conversation in lines.

    Args:
        engine: The open workspace.
        start: The first view.
        workspace: The directory as the operator named it; empty when it was found.
        own: The operator's own folders.
    """

    def __init__(self, engine: Engine, start: Location, workspace: str = "", own: Own | None = None) -> None:
        super().__init__(engine, start, workspace, own)
        self.tell: Callable[[str], None] = lambda _line: None
        """Says a line."""
        self.complain: Callable[[str], None] = lambda _line: None
        """Says what went wrong."""
        self.heard: Callable[[], None] = lambda: None
        """Called when there is news."""
        self.code = 0
        """The exit code of what went wrong since somebody looked; 0 when nothing did."""
        self.attentive = False
        """Whether what is said now answers something; else it is news."""
        self.left = asyncio.Event()
        """Set when the console is being left, by whatever."""
        self._reading: set[str] = set()
        self._news: list[str] = []
        self._forgotten = 0

    # --- what the conversation asks

    @property
    def busy(self) -> bool:
        """Whether something is still being read or done."""
        return bool(self._reading or self.desk.acting or self._waiting)

    @property
    def leaving(self) -> bool:
        """Whether it is being left."""
        return self.left.is_set()

    def take_news(self) -> list[str]:
        """What changed since this was last asked, oldest first."""
        lines = [f"{self._forgotten} older changes are not kept."] if self._forgotten else []
        lines += self._news
        self._news, self._forgotten = [], 0
        return lines

    def take_code(self) -> int:
        """The exit code of what went wrong since this was last asked."""
        code, self.code = self.code, 0
        return code

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Leave, and let the conversation know."""
        super().exit(result, return_code, message)
        self.left.set()

    # --- what screens and actions say

    def read(
        self,
        group: str,
        compute: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Read something in the worker thread, and know that it is being read."""
        self._reading.add(group)

        def came(result: Any) -> None:
            self._reading.discard(group)
            done(result)

        def broke(error: Exception) -> None:
            self._reading.discard(group)
            if self.attentive and not group.startswith("frame."):
                self.code = self.code or getattr(error, "exit_code", FAILED)
            (failed or self.fail)(error)

        super().read(group, compute, came, broke)

    def say(self, message: str, look: str = "good") -> None:
        """Say something as a line; what went wrong counts as a failure, and what nobody asked for as news."""
        message = self.hints.told(message, look)
        for key, word in BY_WORD.items():
            message = message.replace(key, word)
        self._note(message, look)
        if not self.attentive:
            self._add(message)
        elif look in ("bad", "warn"):
            self.code = self.code or FAILED
            self.complain(f"error: {message}" if look == "bad" else message)
        elif message:
            self.tell(message)

    def fail(self, error: Exception) -> None:
        """Tell an error, and what to do next."""
        if isinstance(error, QuarterdeckError):
            self.keep(error)
            self.code = self.code or error.exit_code
            self.complain(f"error: {error.message} {error.hint}".strip())
        else:
            self.say(f"{type(error).__name__}: {error}", "bad")

    def copy(self, text: str, what: str = "") -> None:
        """Say the text instead: there is no clipboard to reach."""
        del what
        for line in clean(text, limit=100_000, newlines=True).split("\n"):
            self.tell(line)

    def _handle_exception(self, error: Exception) -> None:
        """End it; `run_plain` says why."""
        self._end_for(error)
        self.exit(return_code=FAILED)

    def bell(self) -> None:
        """Make no noise: news are told when they are asked for."""

    # --- news

    @on(LiveFeed.Changed)
    def _changes_heard(self, message: LiveFeed.Changed) -> None:
        for event in message.changes.events:
            self._add(_sentence(event))

    def _alarm(self, alarm: Alarm | None) -> None:
        if alarm is not None:
            self._add(alarm.sentence)

    def beat(self, beat: Beat) -> None:
        """A second has passed: what data planes do is no answer to what was typed."""
        attentive, self.attentive = self.attentive, False
        super().beat(beat)
        self.attentive = attentive

    def _add(self, line: str) -> None:
        self._news.append(line)
        if len(self._news) > MOST_NEWS:
            del self._news[0]
            self._forgotten += 1
        self.heard()


def _sentence(event: Event) -> str:
    return clean(f"{event.kind} {event.key} {event.change}")
