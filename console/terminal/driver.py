"""The Textual driver of the console: keys and frames on the event loop itself, no threads, and a terminal given back.

It differs from Textual's own in what it asks of a terminal: clicks and wheel only (no motion), no pixel or in-band size
reports; focus reports only to paint less while nobody looks. Output goes to standard output through `Painter`, so that
a frame is a difference.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
import termios
import tty
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.geometry import Size

from console.terminal.capabilities import Capabilities, detect, launch_environ
from console.terminal.outlet import Outlet
from console.terminal.pace import Pace
from console.terminal.painter import Painter

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from textual.app import App
    from textual.message import Message

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h"  # alternate screen, no cursor, no wrap, bracketed paste
LEAVE = "\x1b[m\x1b[?2004l\x1b[?7h\x1b[?1049l\x1b[?25h"
MOUSE_ON, MOUSE_OFF = "\x1b[?1000h\x1b[?1006h", "\x1b[?1006l\x1b[?1000l"
KEYS_ON, KEYS_OFF = "\x1b[>1u", "\x1b[<u"  # Kitty's protocol, first level: Esc is told from an escape sequence at once
FOCUS_ON, FOCUS_OFF = "\x1b[?1004h", "\x1b[?1004l"
PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"
ASK_SYNC = "\x1b[?2026$p"
SYNC_ON, SYNC_OFF = "\x1b[?2026h", "\x1b[?2026l"
SYNC_FROM = 512  # characters in a frame from which holding the display still is worth 16 bytes
READ_SIZE = 65_536
SIZE_SETTLES = 0.02  # seconds in which a window that is dragged may say several sizes
FALLBACK_SIZE = (80, 24)


class TerminalDriver(Driver):
    """Keyboard, mouse and screen of a Unix terminal."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.capabilities: Capabilities = detect(launch_environ(os.environ))
        self.synchronized = False
        self.pace = Pace(far=self.capabilities.ssh)
        self._input = sys.__stdin__.fileno() if sys.__stdin__ else 0
        self._output = sys.__stdout__.fileno() if sys.__stdout__ else 1
        self._parser = XTermParser(debug)
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._escape_timer: TimerHandle | None = None
        self._pasted: str | None = None
        self._typed_ahead = 0
        self._before: list[Any] | None = None
        self._outlet: Outlet | None = None
        self._painter = Painter(self.capabilities, *self.terminal_size())
        self._painter.recolour(getattr(app, "palette", {}), coloured=getattr(app, "coloured", True))
        self._size = self._painter.size
        self._cursor = (0, 0)
        self._taken = False
        self._size_timer: TimerHandle | None = None

    @property
    def can_suspend(self) -> bool:
        """Job control works here."""
        return True

    @property
    def restarts(self) -> bool:
        """Whether the terminal is ours to take back after a stop; not while another program was given it."""
        return self._auto_restart

    @property
    def painter(self) -> Painter:
        """The wanted picture; call `paint` after writing to it."""
        return self._painter

    def terminal_size(self) -> tuple[int, int]:
        """Columns and rows of the terminal now."""
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(self._output)
            if columns and rows:
                return columns, rows
        return FALLBACK_SIZE

    def paint(self, cursor: tuple[int, int] | None = None) -> None:
        """Bring the terminal to the wanted picture; on a slow line, once it has taken the frame before.

        Args:
            cursor: Column and row where the hardware cursor rests; None leaves it.
        """
        if cursor is not None:
            self._cursor = cursor
        outlet = self._outlet
        if outlet is None or outlet.busy:
            return  # a busy outlet calls `paint` when drained: the frames between are skipped
        frame = self._painter.frame(self._cursor)
        if frame:
            if self.synchronized and len(frame) >= SYNC_FROM:
                frame = f"{SYNC_ON}{frame}{SYNC_OFF}"
            outlet.send(frame)

    def write(self, data: str) -> None:
        """Send control text (a bell, the clipboard); it must not move the cursor."""
        if self._outlet is not None:
            self._outlet.send(data)

    def start_application_mode(self) -> None:
        """Take the terminal, or take it back: raw mode, alternate screen, key and mouse reports."""
        if self._outlet is not None:  # stopped without being told: we are in it still
            self.stop_application_mode()
        self._raw_mode()
        self._outlet = Outlet(
            self._output, self._loop, on_drained=self.paint, on_gone=self._gone, on_stuck=self.pace.stuck
        )
        ask = ASK_SYNC if self.capabilities.ask_sync else ""
        self.write(ENTER + (MOUSE_ON if self._mouse else "") + KEYS_ON + FOCUS_ON + ask)
        self._loop.add_reader(self._input, self._read)
        if self._taken:
            self.check_size()
        self._taken = True

    def size_changed(self) -> None:
        """The terminal says its size is another; of many such words in a moment the last one counts."""
        if self._size_timer is None:
            self._size_timer = self._loop.call_later(SIZE_SETTLES, self._size_settled)

    def _size_settled(self) -> None:
        self._size_timer = None
        if self._outlet is not None:
            self.check_size()

    def check_size(self) -> None:
        """Take over the terminal's size; the picture is drawn anew even when it is the same (a multiplexer asks so)."""
        columns, rows = self.terminal_size()
        self._painter.resize(columns, rows)
        self._size = (columns, rows)
        size = Size(columns, rows)
        self.send_message(events.Resize(size, size))
        self.paint()

    def disable_input(self) -> None:
        """Read no more keys; what was typed ahead is dropped."""
        self._loop.remove_reader(self._input)
        if self._escape_timer is not None:
            self._escape_timer.cancel()
            self._escape_timer = None
        with contextlib.suppress(termios.error):
            termios.tcflush(self._input, termios.TCIFLUSH)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was. May be called at any time and more than once."""
        self.disable_input()
        if self._outlet is not None:
            self._outlet.finish(FOCUS_OFF + (MOUSE_OFF if self._mouse else "") + KEYS_OFF + LEAVE)
            self._outlet.close()
            self._outlet = None
        if self._before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._input, termios.TCSANOW, self._before)  # draining could wait for ever
            self._before = None

    def process_message(self, message: Message) -> None:
        """Pass an event on; a click that is not on the screen is none, and which window has the keyboard is for us."""
        if isinstance(message, (events.AppFocus, events.AppBlur)):
            self.pace.seen = isinstance(message, events.AppFocus)
            return
        self.pace.seen = True  # who types looks, whatever the terminal forgot to say
        if isinstance(message, events.InputEvent) and self._small() and not _always(message):
            return
        if not isinstance(message, events.MouseEvent) or (
            message.x < self._painter.size[0] and message.y < self._painter.size[1]
        ):
            super().process_message(message)

    def send_message(self, message: Message) -> None:
        """Hand an event to the app; we are on its loop already."""
        self._app.post_message(message)

    def _small(self) -> bool:
        columns, rows = self._painter.size
        least_columns, least_rows = getattr(self._app, "least", (0, 0))
        return bool(columns < least_columns or rows < least_rows)

    def _raw_mode(self) -> None:
        with contextlib.suppress(termios.error):
            mode = termios.tcgetattr(self._input)
            self._before = [*mode[:6], list(mode[6])]
            mode[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
            mode[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
            mode[tty.OFLAG] &= ~termios.OPOST  # a line feed goes down, and does not return: a shorter move
            mode[tty.CC][termios.VMIN] = 1
            termios.tcsetattr(self._input, termios.TCSANOW, mode)
        with contextlib.suppress(OSError):
            self._typed_ahead = struct.unpack("i", fcntl.ioctl(self._input, termios.FIONREAD, b"\0" * 4))[0]

    def _read(self) -> None:
        try:
            data = os.read(self._input, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:  # EIO: the terminal hung up
            data = b""
        if not data:
            self._gone()
            return
        if self._typed_ahead:  # the terminal still made a line feed of Enter, as it does for line input
            ahead, self._typed_ahead = self._typed_ahead, max(self._typed_ahead - len(data), 0)
            data = data[:ahead].replace(b"\n", b"\r") + data[ahead:]
        if self._escape_timer is not None:
            self._escape_timer.cancel()
            self._escape_timer = None
        self._feed(self._decode(data))
        if self._parser._timeout_time is not None:  # noqa: SLF001 - a lone Esc, or the start of a sequence
            self._escape_timer = self._loop.call_later(constants.ESCAPE_DELAY, self._escape)

    def _feed(self, text: str) -> None:
        """Make events of what was typed. A paste is text whatever it holds: no byte of it may act as a key."""
        while text:
            if self._pasted is None:
                keys, start, text = text.partition(PASTE_START)
                for event in self._parser.feed(keys) if keys else ():
                    self.process_message(event)
                self._pasted = "" if start else None
            else:
                pasted, end, text = (self._pasted + text).partition(PASTE_END)
                self._pasted = None if end else pasted
                if end:
                    self.process_message(events.Paste(_printable(pasted)))

    def _escape(self) -> None:
        self._escape_timer = None
        for event in self._parser.tick():
            self.process_message(event)

    def _gone(self) -> None:
        """The terminal vanished without SIGHUP: leave as if it had come."""
        self._loop.remove_reader(self._input)
        self._app.exit(return_code=129)


def _always(message: Message) -> bool:
    """Whether a key means the same whatever is shown: leaving, and going to the shell."""
    return isinstance(message, events.Key) and message.key in ("ctrl+c", "ctrl+z")


def _printable(text: str) -> str:
    return "".join(
        char for char in text.replace("\r\n", "\n").replace("\r", "\n") if char.isprintable() or char in "\n\t"
    )
