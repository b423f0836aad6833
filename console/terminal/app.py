"""The app and screen classes that draw through our driver, and paint as soon as a key has had its effect."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import ItemsView, Mapping
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.events import InputEvent
from textual.screen import ModalScreen, Screen

from console.terminal.composing import LineCompositor
from console.terminal.driver import TerminalDriver
from console.terminal.pace import NEAR

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.driver import Driver
    from textual.events import Event, Idle
    from textual.strip import Strip

    from console.terminal.painter import Painter

Result = TypeVar("Result")

SETTLE = 12  # turns of the event loop from the first change to its paint: what a key sets off is handled meanwhile
ATTENTION = 0.1  # seconds after a key during which every change is painted at once
GC_AFTER = 1.0  # seconds after the first frame when what was built for it leaves the collector's sight
GC_THRESHOLD = (20_000, 20, 20)


class TerminalApp(App[Result], Generic[Result]):
    """A Textual app for terminals at the end of a thin line: frames are differences, a crash is one sentence.

    Its screens should be `TerminalScreen`s and `TerminalModal`s; it is run by `run_app`.
    """

    ENABLE_COMMAND_PALETTE = False

    last_input = 0.0
    """When a person last pressed a key or a button; seconds, monotonic clock."""

    palette: Mapping[int, tuple[int, int, int]] = {}
    """What the sixteen colours are, by number; empty for the terminal's own."""

    least: ClassVar[tuple[int, int]] = (0, 0)
    """Columns and rows below which nothing can be shown but that."""

    theme_asked = False
    """Whether a theme was asked for by name, so that nobody else chooses one."""

    coloured = True
    """Whether colours may be sent, where the terminal takes any."""

    _first_frame = True

    def get_driver_class(self) -> type[Driver]:
        """Our driver, whatever the terminal."""
        return TerminalDriver

    def get_default_screen(self) -> Screen[object]:
        """The screen an app starts with when it composes widgets itself."""
        return TerminalScreen(id="_default")

    def recolour(self, palette: Mapping[int, tuple[int, int, int]], *, coloured: bool) -> None:
        """Draw in other colours from now on, everything that is shown.

        Args:
            palette: What the sixteen colours are, by number; empty for the terminal's own.
            coloured: False sends no colour at all.
        """
        self.palette, self.coloured = palette, coloured
        if self._driver is None:
            return  # the driver asks when it is made
        if isinstance(self._driver, TerminalDriver):
            self._driver.painter.recolour(palette, coloured=coloured)
        for screen in self.screen_stack:
            for widget in screen.walk_children(with_self=True):
                widget.notify_style_update()
                widget.refresh()
            screen.refresh(layout=True)

    async def on_event(self, event: Event) -> None:
        """Note that a person acted: what follows is painted without delay."""
        if isinstance(event, InputEvent):
            self.last_input = time.monotonic()
        await super().on_event(event)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Take a composed update into the wanted picture and paint the difference."""
        driver = self._driver
        if not isinstance(driver, TerminalDriver) or not isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
            super()._display(screen, renderable)
            return
        if not self._batch_count and self._running and not self._closed:
            driver.synchronized = self._sync_available
            if self._is_small(driver):
                driver.painter.say(_too_small(driver.painter.size, self.least))
            else:
                _take(driver.painter, renderable)
            driver.paint((self.cursor_position.x, self.cursor_position.y))
            if self._first_frame:
                self._first_frame = False
                asyncio.get_running_loop().call_later(GC_AFTER, _settle_memory)
        self.post_display_hook()

    def _is_small(self, driver: TerminalDriver) -> bool:
        return driver.painter.size[0] < self.least[0] or driver.painter.size[1] < self.least[1]

    def copy_to_clipboard(self, text: str) -> None:
        """Put text on the terminal's clipboard, through tmux and screen too; see `clipboard.fits` for how much."""
        import os  # rare, and so is the encoding

        from console.terminal.clipboard import sequence

        self._clipboard = text
        if isinstance(self._driver, TerminalDriver):
            self._driver.write(sequence(text, os.environ))

    def _set_pointer_shape(self, shape: str) -> None:
        """Leave the mouse pointer alone: it is not worth an operating-system command at every click."""

    def _handle_exception(self, error: Exception) -> None:
        """End the app; `run_app` says why when the terminal is back."""
        if self._driver is None or self.is_headless:
            super()._handle_exception(error)
        else:
            self._end_for(error)

    def _end_for(self, error: Exception) -> None:
        """End at once, and keep why."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    @property
    def failure(self) -> Exception | None:
        """The error that ended the app, if one did."""
        return self._exception

    def report(self, failure: Exception) -> str:
        """Leave behind what helps to mend a failure; returns where, or nothing when nothing was left."""
        del failure
        return ""


class TerminalScreen(Screen[Result], Generic[Result]):
    """A screen that paints as soon as a key's messages are handled, rather than at the next tick of a clock."""

    _planned: asyncio.Handle | None = None
    _settling = False
    _unseen = False
    _last_paint = 0.0

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 Textual's word
        super().__init__(name, id, classes)
        self._compositor = LineCompositor()

    async def _on_idle(self, event: Idle) -> None:
        """Plan a paint when something changed; else do what Textual does."""
        if self.app._batch_count or not self.is_current or not self._is_dirty():  # noqa: SLF001 - Textual has no public word for it
            return
        event.prevent_default()
        if self._settling:
            return
        now = time.monotonic()
        attended = isinstance(self.app, TerminalApp) and now - self.app.last_input < ATTENTION
        wait = self._last_paint + self._pace() - now
        if attended or wait <= 0:
            self._settling = True
            self._settle(SETTLE)
        elif self._planned is None:
            self._planned = asyncio.get_running_loop().call_later(wait, self._paint)

    def _pace(self) -> float:
        """Seconds between two paints that nobody asked for."""
        driver = self.app._driver  # noqa: SLF001 - Textual keeps it private, and only it knows the line
        return driver.pace.seconds if isinstance(driver, TerminalDriver) else NEAR

    def _settle(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._settle, turns - 1)
        else:
            self._paint()

    def _is_dirty(self) -> bool:
        return bool(
            self._layout_required
            or self._scroll_required
            or self._repaint_required
            or self._recompose_required
            or self._dirty_widgets
            or self._unseen
        )

    def _compositor_refresh(self) -> None:
        """Draw what has changed; while a batch is open nobody would see it, so it is drawn once, when that is over."""
        self._unseen = bool(self.app._batch_count)  # noqa: SLF001 - Textual has no public word for it
        if not self._unseen:
            super()._compositor_refresh()

    def _paint(self) -> None:
        self._settling = False
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        self._last_paint = time.monotonic()
        if not self.is_attached:
            return
        if self.app._batch_count:  # noqa: SLF001 - a batch is open: once more when it is over
            self._planned = asyncio.get_running_loop().call_later(NEAR, self._paint)
            return
        if self._layout_required and self._repaint_required:  # once: Textual would draw it all again after the layout
            self._dirty_widgets.add(self)
            self._repaint_required = False
        try:
            self._on_timer_update()
            if self._unseen:
                self._compositor_refresh()
        except Exception as error:  # noqa: BLE001 - the edge: a widget that cannot draw ends the app with its name
            self.app._handle_exception(error)  # noqa: SLF001 - as Textual's own timers do


class TerminalModal(TerminalScreen[Result], ModalScreen[Result], Generic[Result]):
    """A modal screen that paints at once."""


def _too_small(size: tuple[int, int], least: tuple[int, int]) -> list[str]:
    """What a terminal that is too small is told, the most needed first."""
    columns, rows = size
    return [
        f"{least[0]}x{least[1]} needed",
        f"{columns}x{rows} is too small",
        "Make it larger: nothing is lost.",
        "ctrl-c leaves.",
    ]


def _take(painter: Painter, update: LayoutUpdate | ChopsUpdate) -> None:
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                painter.write(x, y, strip, update.region.right)
                x += strip.cell_length
        return
    for y, start, stop in update.spans:
        chops: ItemsView[int, Strip | None] = update.chops[y].items()
        for end, (x, chop) in zip(update.chop_ends[y], chops, strict=False):
            if chop is not None and x < stop and end > start:
                seen = chop.crop(start - x) if x < start else chop
                painter.write(max(x, start), y, seen, min(end, stop))


def _settle_memory() -> None:
    """Modules and the first screen live as long as the process: the collector need not look at them again."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    gc.enable()
