"""Looks at hostile texts through every screen, dialog and message of the console, in a real terminal."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from console.everywhere import EVERYWHERE
from console.location import Location
from console.registry import make_view
from engine.core.command import unparse_command
from tests.bench.pty.session import PtySession, TimedOut
from tests.bench.tape import AS_INSTALLED
from tests.hostile.judge import Findings
from tests.hostile.places import SCREENS, Screen
from tests.hostile.texts import HOSTILE, pasteable
from tests.hostile.workspace import Workspace

PATIENCE = 5.0
"""Seconds after which a look has failed: the console hangs, or never pauses."""

LEAVES_THE_SCREEN = b"\x1b[?1049l"
ESCAPE = "\x1b[27u"
"""The Escape key as modern terminals send it: it can be told from the beginning of another key at once."""

OUT = ESCAPE * 3
"""Leaves a list in a dialog, the dialog, and the filter under it."""

SAME_EVERYWHERE = frozenset(("?", "ctrl-p", "H", "[", "]", "-", "ctrl-r"))
"""Keys that are pressed in one view for all."""

WORDS_OR_END = frozenset(("q", "ctrl-c", "Esc", ":", "/"))
"""Keys that end the console or wait for words; the sweep uses them in its own way."""

_BYTES = {"Enter": "\r", "tab": "\t", "left": "\x1b[D", "right": "\x1b[C", "up": "\x1b[A", "down": "\x1b[B"}
_BYTES |= {"pageup": "\x1b[5~", "pagedown": "\x1b[6~"}


class Expired(Exception):
    """The time for the whole sweep is over."""


def qd() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("qd"))


class ConsoleSweep:
    """One console after the other on a hostile workspace: a new one when one has ended or hangs.

    Args:
        workspace: The workspace.
        findings: Takes what is seen.
        deadline: When to stop, in seconds on the monotonic clock.
        size: Columns and rows.
    """

    def __init__(
        self, workspace: Workspace, findings: Findings, deadline: float, size: tuple[int, int] = (120, 40)
    ) -> None:
        self._workspace = workspace
        self._findings = findings
        self._deadline = deadline
        self._size = size
        self._session: PtySession | None = None
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Leave the console; a sweep that ran out of time says so among its findings."""
        self._close()
        if isinstance(error, Expired):
            self._findings.missed.append(f"{error} and all after it: the time was over")
        return kind is Expired

    def screens(self, chosen: Iterable[Screen] = SCREENS) -> None:
        """Open every view of everything, and press its keys."""
        for location, keys in visits(self._workspace, chosen):
            self.open(location)
            for key in keys:
                self.press(key, f"{location.resource} {location.name}, key {key!r}")

    def actions(self, chosen: Iterable[Screen] = SCREENS) -> None:
        """Press every key of every view, paste a text into whatever it opens, and confirm that."""
        texts = [f"\x1b[200~{pasteable(text, 300)}\x1b[201~" for text in HOSTILE.values()]
        for resource in dict.fromkeys(screen.resource for screen in chosen):
            views = [location for location, _ in visits(self._workspace, chosen) if location.resource == resource]
            for place, key in enumerate(keys_of(views[0])):
                self.open(views[place % len(views)], OUT)
                self.press("j" * (place % 5) + pressed(key), f"{resource}, key {key}")
                self.press(f"{texts[place % len(texts)]}\r", f"{resource}, key {key}, a text pasted, Enter")

    def words(self) -> None:
        """Paste every text as a filter, as a command, and into the palette."""
        for name, text in HOSTILE.items():
            pasted = f"\x1b[200~{pasteable(text)}\x1b[201~"
            self.open(Location("runs"), OUT)
            for key in ("/", ":", "\x10"):
                self.press(f"{OUT}{key}{pasted}", f"{name} pasted after {key!r}")
                self.press("\r", f"{name} entered after {key!r}")

    def open(self, location: Location, before: str = "") -> None:
        """Go to a view as somebody who types ahead; `before` gives up what is open."""
        words = unparse_command(location)
        command = f":\x1b[200~{words}\x1b[201~\r"
        for keys in (before + command, OUT + command, OUT * 2 + command):
            self.press(keys, words)
            if self._session is not None and _row(self._session, 1).strip().startswith(location.resource):
                return
        self._findings.missed.append(f"{words!r} did not open:\n{self._picture()}")
        self._close()

    def press(self, keys: str, place: str) -> None:
        """Press keys, wait until the console waits for more, and look.

        Raises:
            Expired: the time for the whole sweep is over.
        """
        if time.monotonic() > self._deadline:
            raise Expired(place)
        session = self._running()
        try:
            session.send(keys)
            session.until_settled(within=PATIENCE)
        except OSError:  # the other end of the terminal is gone
            self._ended(session, place)
        except TimedOut:
            self._findings.crashes.append(f"{place[:80]!r}: hangs for {PATIENCE:g} s\n{self._picture()}")
            self._close()
        else:
            self._look(session, place)

    def _running(self) -> PtySession:
        if self._session is None:
            columns, rows = self._size
            argv = [qd(), "--workspace", str(self._workspace.path), "console", "runs"]
            self._session = PtySession(argv, columns, rows, AS_INSTALLED, folder=self._workspace.path).__enter__()
            self._seen = 0
            self._session.until_text("live")
            self._session.until_settled()
            self._look(self._session, "start")
        return self._session

    def _look(self, session: PtySession, place: str) -> None:
        output = b"".join(chunk.data for chunk in session.chunks[self._seen :])
        self._seen = len(session.chunks)
        self._findings.judge(place, output, picture(session))
        pid, status = os.waitpid(session.pid, os.WNOHANG)
        if pid:
            session.status = status
            self._ended(session, place)
        elif session.stopped():  # ctrl-z: the shell brings it back
            session.signal(signal.SIGCONT)
            session.until_settled(within=PATIENCE)

    def _ended(self, session: PtySession, place: str) -> None:
        how = "" if session.status is None else f" with {os.waitstatus_to_exitcode(session.status)}"
        last_words = session.output.rpartition(LEAVES_THE_SCREEN)[2].decode(errors="replace")
        self._findings.crashes.append(f"{place[:80]!r}: the console ended{how}\n{last_words.strip()}")
        self._close()

    def _picture(self) -> str:
        return "" if self._session is None else picture(self._session)

    def _close(self) -> None:
        if self._session is not None:
            self._session.__exit__(None, None, None)
            self._session = None


def picture(session: PtySession) -> str:
    """The screen as text; made here because pyte's own stumbles over half of a wide character."""
    return "\n".join(_row(session, row) for row in range(session.rows))


def _row(session: PtySession, row: int) -> str:
    cells = session.screen.buffer[row]
    return "".join(cells[column].data for column in range(session.columns))


def visits(workspace: Workspace, chosen: Iterable[Screen]) -> Iterator[tuple[Location, tuple[str, ...]]]:
    """Every view of everything in the workspace, with the keys to press there."""
    for number, screen in enumerate(chosen):
        named = dict.fromkeys(_location(screen, names) for names in workspace.names())
        for location in [*named][number % min(screen.every, len(named)) :: screen.every]:
            yield location, screen.keys


def _location(screen: Screen, names: Mapping[str, str]) -> Location:
    columns = (screen.columns.format_map(names),) if screen.columns else ()
    return Location(screen.resource, screen.name.format_map(names), columns=columns)


def keys_of(location: Location) -> list[str]:
    """The keys of a view; those that mean the same everywhere only for the list of runs."""
    everywhere = [
        action.key for action in EVERYWHERE if location.resource == "runs" or action.key not in SAME_EVERYWHERE
    ]
    keys = [*(action.key for action in make_view(location).offered()), *everywhere]
    return [key for key in dict.fromkeys(keys) if key and key not in WORDS_OR_END]


def pressed(key: str) -> str:
    """The bytes of a key as actions name it."""
    if key.startswith("ctrl-"):
        return chr(ord(key[-1]) & 0x1F)
    return _BYTES.get(key, key)
