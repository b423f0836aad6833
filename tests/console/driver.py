"""Drives the console as a person would: press keys, wait until a line reads so. Waits for paints, never for time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

from textual.events import Key

from console.app import ConsoleApp
from console.registry import GRAMMAR
from engine.core.command import View, parse_command

if TYPE_CHECKING:
    from textual.pilot import Pilot
    from textual.strip import Strip

    from console.own import Own
    from engine.api import Engine

DEADLINE = 30.0
"""Seconds after which what was expected is not coming; far more than it takes, for a machine that has more to do."""

SETTLED_WITHIN_S = 0.5
"""Seconds after which a key counts as dealt with, though what it asked of the engine is still being read."""

SMALL, LARGE = (80, 24), (160, 45)


@dataclass
class Console:
    """A running console."""

    app: ConsoleApp
    pilot: Pilot[int]
    painted: asyncio.Event = field(default_factory=asyncio.Event)

    def strips(self) -> list[Strip]:
        """What the screen shows and how, row by row."""
        return self.app.screen._compositor.render_strips()  # noqa: SLF001 Textual has no public word for its picture

    def lines(self) -> list[str]:
        """What the screen shows, line by line, without trailing blanks."""
        return [strip.text.rstrip() for strip in self.strips()]

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.lines())

    def line(self, part: str) -> str:
        """The first line that holds a text; fails when there is none."""
        found = next((line for line in self.lines() if part in line), None)
        assert found is not None, f"no line holds {part!r}:\n{self.text()}"
        return found

    async def press(self, *keys: str) -> None:
        """Press keys by their names in Textual (`enter`, `ctrl+p`, `a`)."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Press the keys of a text."""
        await self.pilot.press(*(_key(character) for character in text))

    def send(self, *keys: str) -> None:
        """Let keys arrive all at once, as a slow line bunches them; a longer text is sent letter by letter."""
        for key in keys:
            named = len(key) > 1 and key.isalpha()
            for name, character in [(key, None)] if named else [(_key(each), each) for each in key]:
                self.app.post_message(Key(name, character))

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds; looked at after every paint."""
        limit = time.monotonic() + DEADLINE
        while not holds():
            self.painted.clear()
            left = limit - time.monotonic()
            if left <= 0 or self.app._exception is not None:  # noqa: SLF001 a crash is the reason, show it at once
                if self.app._exception is not None:  # noqa: SLF001
                    raise self.app._exception  # noqa: SLF001
                raise AssertionError(f"{what} did not come:\n{self.text()}")
            try:
                await asyncio.wait_for(self.painted.wait(), min(left, 0.2))
            except TimeoutError:
                continue

    async def expect(self, *parts: str) -> None:
        """Wait until every text stands somewhere on the screen."""
        for part in parts:
            await self.until(lambda part=part: part in self.text(), repr(part))  # type: ignore[misc]

    async def expect_gone(self, part: str) -> None:
        """Wait until a text stands nowhere on the screen."""
        await self.until(lambda: part not in self.text(), f"the end of {part!r}")

    async def settle(self, _least: float = 0.0, _most: float = 0.0) -> None:
        """Wait until what was asked so far is read and shown, or takes long.

        Stands in for Textual's own way, which is to wait until the process has used no time for 20 ms, up to a second;
        after each key, twice: that is most of what these tests would take, and nothing ever rests on a busy machine.
        """
        await self.pilot.pause(0)
        if self.app.is_running:
            read = asyncio.Event()
            self.app.desk.read("settle", lambda: None, lambda _: read.set(), lambda _: read.set())
            with suppress(TimeoutError):
                await asyncio.wait_for(read.wait(), SETTLED_WITHIN_S)
        if self.app.is_running:
            await self.pilot.pause(0)

    async def rest(self) -> None:
        """Wait until all that was asked of the engine is read and shown, and the screen stays as it is."""
        shown = None
        while shown != (shown := self.strips()):
            read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            # Behind everything that was asked before: one thread reads, in order.
            self.app.desk.read("rest", lambda: None, read.set_result, read.set_exception)
            await asyncio.wait_for(read, DEADLINE)
            await self.pilot.pause()

    async def expect_line(self, *parts: str) -> None:
        """Wait until one line holds all the texts."""
        await self.until(
            lambda: any(all(part in line for part in parts) for line in self.lines()), f"a line with {parts}"
        )


_KEYS = {
    " ": "space",
    "/": "slash",
    ":": "colon",
    ".": "full_stop",
    ">": "greater_than_sign",
    "<": "less_than_sign",
    "=": "equals_sign",
    "-": "minus",
    "_": "underscore",
    "!": "exclamation_mark",
    "@": "at",
    "'": "apostrophe",
    ",": "comma",
}


def _key(character: str) -> str:
    return _KEYS.get(character, character)


@asynccontextmanager
async def console(
    engine: Engine, words: str = "", size: tuple[int, int] = SMALL, own: Own | None = None
) -> AsyncIterator[Console]:
    """Run the console on an engine.

    Args:
        engine: The open workspace.
        words: Where to begin, as after `:`.
        size: Columns and rows.
        own: The operator's own folders; none by default.

    Yields:
        The running console.
    """
    start = parse_command(words or "pulse", GRAMMAR)
    assert isinstance(start, View)
    app = ConsoleApp(engine, start, own=own)
    async with app.run_test(size=size) as pilot:
        running = Console(app, pilot)
        app.post_display_hook = running.painted.set  # type: ignore[method-assign]
        with patch("textual.app.wait_for_idle", running.settle), patch("textual.pilot.wait_for_idle", running.settle):
            yield running
