"""Looks at hostile texts through every screen, dialog, message and table there is, in a real terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from console.everywhere import EVERYWHERE
from console.location import Location
from console.registry import RESOURCES, make_view
from engine.core.command import unparse_command
from tests.bench.hostile.texts import TEXTS, leaks
from tests.bench.hostile.workspace import Hostile
from tests.bench.pty.session import PtySession, TimedOut

QUIET = 0.12
PATIENCE = 0.5
LEAVES_THE_SCREEN = b"\x1b[?1049l"
LAYERS = 5
"""Most things that can lie over a view: a dialog, its list, a line being typed, a filter, marks."""

ESCAPE = "\x1b"
LEAVING = frozenset(("q", "ctrl-c", "Esc", ":", "/"))
"""Keys that end the console or wait for words; the sweep uses them in its own way."""

_UNFORESEEN = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Interrupt): |Traceback|internal error")
_BYTES = {"Enter": "\r", "tab": "\t", "left": "\x1b[D", "right": "\x1b[C", "up": "\x1b[A", "down": "\x1b[B"}
_BYTES |= {"pageup": "\x1b[5~", "pagedown": "\x1b[6~"}


@dataclass(slots=True)
class Findings:
    """What a sweep saw.

    Args:
        looks: Screens, dialogs, messages and tables looked at.
        leaks: What came through raw, and where.
        crashes: What ended or failed in a way nobody foresaw, and where.
    """

    looks: int = 0
    leaks: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    def judge(self, place: str, output: bytes, screen: str) -> None:
        """Look once."""
        self.looks += 1
        self.leaks += [f"{place[:80]}: {leak}" for leak in leaks(output)[:3]]
        if _UNFORESEEN.search(screen):
            self.crashes.append(f"{place[:80]}:\n{screen}")


def qd() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("qd"))


class ConsoleSweep:
    """One console after the other on a hostile workspace: a new one when one has ended.

    Args:
        hostile: The workspace.
        findings: Takes what is seen.
        size: Columns and rows.
    """

    def __init__(self, hostile: Hostile, findings: Findings, size: tuple[int, int] = (120, 40)) -> None:
        self._hostile = hostile
        self._findings = findings
        self._size = size
        self._session: PtySession | None = None
        self._seen = 0

    def close(self) -> None:
        """Leave the console."""
        if self._session is not None:
            self._session.__exit__(None, None, None)
            self._session = None

    def screens(self, only: Callable[[Location], bool] = lambda _: True) -> None:
        """Open every view of everything."""
        for location in filter(only, locations(self._hostile)):
            self.open(location)

    def actions(self) -> None:
        """Press every key of every view, and give up whatever it opens."""
        for location in first_of_each(locations(self._hostile)):
            keys = [action.key for action in (*make_view(location).offered(), *EVERYWHERE)]
            for place, key in enumerate(dict.fromkeys(key for key in keys if key and key not in LEAVING)):
                self.open(location)
                self.press("j" * (place % 5) + pressed(key), f"{location.resource}, key {key}")
                self.press("\r", f"{location.resource}, key {key} and Enter")

    def words(self) -> None:
        """Paste every text as a filter, as a command, and into the palette."""
        for name, text in TEXTS.items():
            pasted = f"\x1b[200~{_typable(text)[:2_000]}\x1b[201~"
            self.open(Location("runs"))
            for key in ("/", ":", "\x10"):
                self.press(key, f"{name} after {key!r}")
                self.press(pasted, f"{name} pasted after {key!r}")
                self.press("\r", f"{name} entered after {key!r}")
                self.press(ESCAPE, f"{name} given up")

    def open(self, location: Location) -> None:
        """Go to a view by typing it, after giving up what is open."""
        words = unparse_command(location)
        if self._line_opens(words):
            self.press(f"{words}\r", words)

    def _line_opens(self, words: str) -> bool:
        for _ in range(LAYERS):
            self.press(":", f"{words}, command line")
            with suppress(TimedOut):
                self._running().until(self._line_is_open, within=PATIENCE)
                return True
            self.press(ESCAPE, f"{words}, giving up before it")
        self._findings.crashes.append(f"{words}: no command line opens\n{picture(self._running())}")
        self.close()
        return False

    def _line_is_open(self) -> bool:
        return picture(self._running()).splitlines()[-1].strip().startswith(":")

    def press(self, keys: str, place: str) -> None:
        """Press keys, wait until the screen is quiet, and look."""
        session = self._running()
        try:
            session.send(keys)
        except OSError:  # the other end of the terminal is gone
            self._ended(session, place)
            return
        session.until_quiet(QUIET)
        self._look(session, place)

    def _running(self) -> PtySession:
        if self._session is None:
            columns, rows = self._size
            argv = [qd(), "--workspace", str(self._hostile.path), "console", "runs"]
            self._session = PtySession(argv, columns, rows).__enter__()
            self._seen = 0
            self._session.until_text("live")
            self._session.until_quiet(0.3)
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

    def _ended(self, session: PtySession, place: str) -> None:
        how = "" if session.status is None else f" with {os.waitstatus_to_exitcode(session.status)}"
        last_words = session.output.rpartition(LEAVES_THE_SCREEN)[2].decode(errors="replace")
        self._findings.crashes.append(f"{place[:80]}: the console ended{how}\n{last_words.strip()}")
        self.close()


def picture(session: PtySession) -> str:
    """The screen as text; made here because pyte's own stumbles over half of a wide character."""
    rows, columns = range(session.rows), range(session.columns)
    return "\n".join("".join(session.screen.buffer[y][x].data for x in columns) for y in rows)


def pressed(key: str) -> str:
    """The bytes of a key as actions name it."""
    if key.startswith("ctrl-"):
        return chr(ord(key[-1]) & 0x1F)
    return _BYTES.get(key, key)


def _typable(text: str) -> str:
    """What a terminal lets through when it is pasted: no escape, nothing that ends the paste."""
    return text.replace("\x1b", "").replace("\x07", "")


def locations(hostile: Hostile) -> Iterator[Location]:
    """Every view of everything in the workspace."""
    for resource, entry in RESOURCES.items():
        names = _names(resource, hostile) if entry.named else [""]
        yield from (Location(resource, name) for name in names)
    yield from (Location("runs", columns=(f"params.`{text[:250]}`",)) for text in ("[/nope]", "depth"))
    yield from (Location("versions", name) for name in hostile.models)


def _names(resource: str, hostile: Hostile) -> Sequence[str]:
    versions = [f"{model}/{number}" for model in hostile.models for number in (1, 2)]
    return {
        "run": hostile.runs,
        "compare": [",".join(hostile.runs[:4]), ",".join(hostile.runs[4:9])],
        "version": versions,
        "promotion": [f"{version}/{stage}" for version in versions for stage in ("Production", "Archived")],
        "history": hostile.models,
        "lineage": [*versions, *hostile.runs],
        "record": [str(number) for number in range(1, 60)],
    }.get(resource, hostile.models)


def first_of_each(found: Iterator[Location]) -> list[Location]:
    """The first view of each resource."""
    firsts: dict[str, Location] = {}
    for location in found:
        firsts.setdefault(location.resource, location)
    return list(firsts.values())


def commands(hostile: Hostile) -> Iterator[list[str]]:
    """Command lines that print hostile texts, and such that hold them."""
    for noun in ("runs", "experiments", "models", "versions", "approvals", "audit"):
        yield from ([noun, "list"], [noun, "list", "--csv"], [noun, "list", "--json"])
    yield from (["policy", "show"], ["policy", "check"], ["policy", "whoami"], ["audit", "verify"], ["db", "check"])
    yield ["runs", "compare", *hostile.runs[:3]]
    for run in hostile.runs:
        yield from (["runs", verb, run] for verb in ("show", "metrics", "lineage"))
        yield ["runs", "artifacts", "list", run]
    for model in hostile.models:
        yield from (["models", verb, model] for verb in ("show", "history", "lineage"))
        yield from (["versions", verb, model, "1"] for verb in ("show", "files", "lineage"))
        yield ["models", "check", model, "2"]
    for number in (1, 2):
        yield from (["approvals", "show", str(number)], ["audit", "show", str(number * 10)])
    for text in TEXTS.values():
        yield from (["runs", "show", text], ["runs", "list", "--filter", text], ["experiments", "show", text[:500]])
        yield ["experiments", "tag", text[:500], f"{text[:200]}=x"]


def sweep_commands(hostile: Hostile, findings: Findings, found: Iterator[list[str]] | None = None) -> None:
    """Run command lines, each in a terminal of its own."""
    for words in commands(hostile) if found is None else found:
        place = f"qd {' '.join(words)}"[:80]
        with PtySession([qd(), "--workspace", str(hostile.path), *words]) as session:
            code = session.wait(within=60)
            findings.judge(place, session.output, session.output.decode(errors="replace"))
        if not 0 <= code <= 4:
            findings.crashes.append(f"{place}: exit code {code}")
