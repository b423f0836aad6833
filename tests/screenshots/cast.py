"""One real session of some forty seconds, as an asciinema file and as an animated picture of the same."""

from __future__ import annotations

import codecs
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

from tests.bench.pty.session import Chunk, PtySession
from tests.screenshots.film import Film, Frame, rows_of
from tests.screenshots.place import command, home_of, neutral
from tests.screenshots.shots import DOWN, ENTER
from tests.screenshots.terminal import FaintScreen

COLUMNS, ROWS = 100, 30
TITLE = "qd: look, compare, promote, watch a canary, go back in time, undo"
LETTER_S = 0.045
LONGEST_IDLE_S = 1.7
FRAME_S = 0.09
"""What changes faster than this becomes one picture."""
LAST_S = 4.0
WITHIN_S = 20.0
MOST_BYTES = 1_500_000


@dataclass(frozen=True, slots=True)
class Step:
    """Something typed, and what comes of it.

    Args:
        keys: What is typed; more than one character as people type, one after the other.
        expect: Stands on the screen then.
        read: How long that is looked at, in seconds.
    """

    keys: str
    expect: str
    read: float = 1.0


STEPS = (
    Step("", "Waiting for approval", 2.4),
    Step("r", "NAME", 1.2),
    Step("/boost experiment=car-loan", "4 runs", 0.6),
    Step(ENTER, "4 runs", 0.4),
    Step(" ", "1 marked", 0.2),
    Step(DOWN, "boost", 0.2),
    Step(" ", "2 marked", 0.2),
    Step(DOWN, "boost", 0.2),
    Step(" ", "3 marked", 0.5),
    Step("x", "Parameters that differ", 2.0),
    Step("\t", "chart", 1.6),
    Step("s", "smoothed", 1.6),
    Step(":promote breast-cancer 3 --to production", "breast-cancer 3", 0.4),
    Step(ENTER, "Gates for Production", 2.2),
    Step("a", "Approve the request", 0.8),
    Step("the curves look fine", "look fine", 0.4),
    Step(ENTER, "approve", 0.5),
    Step("y", "1 of 1", 1.4),
    Step(":endpoint breast-cancer", "breast-cancer", 0.3),
    Step(ENTER, "Rollout", 2.2),
    Step("t", "percentages", 0.6),
    Step("\x7f\x7f25\t\t", "25 %", 0.3),
    Step("no complaints so far", "so far", 0.8),
    Step(ENTER, "shift", 0.4),
    Step("y", "served by 1 of 1 data plane.", 2.0),
    Step("{", "PAST", 1.6),
    Step("{", "PAST", 2.0),
    Step("}", "PAST", 0.8),
    Step("}", "This is now", 1.0),
    Step("Z", "undone by hand", 2.4),
    Step("y", "3 10 %", 2.4),
)


def make_cast(workspace: Path, folder: Path) -> tuple[Path, Path]:
    """Record the session and write both files.

    Args:
        workspace: The demo, with its endpoints alive; the session changes it.
        folder: Where `session.cast` and `session.svg` go.

    Returns:
        Their paths.

    Raises:
        TimedOut: something that should have come did not.
        Told: a path of this machine would be in it.
        ValueError: the picture would be too large.
    """
    chunks = capped(recorded(workspace))
    text = b"".join(chunk.data for chunk in chunks).decode(errors="replace")
    neutral(text, workspace)
    cast, picture = folder / "session.cast", folder / "session.svg"
    cast.write_text("".join(asciinema(chunks)), encoding="utf-8")
    drawn = Film(TITLE, COLUMNS, ROWS).drawn(list(frames(chunks)))
    if len(drawn.encode()) > MOST_BYTES:
        raise ValueError(f"session.svg would have {len(drawn.encode()):,} bytes")
    picture.write_text(drawn, encoding="utf-8")
    return cast, picture


def recorded(workspace: Path) -> list[Chunk]:
    """What a terminal is sent while somebody goes through the steps.

    Args:
        workspace: The demo.

    Raises:
        TimedOut: something that should have come did not.
    """
    argv = command(workspace, "--as", "maria", "console", "pulse")
    with PtySession(argv, columns=COLUMNS, rows=ROWS, environ=home_of(workspace, "session")) as session:
        for step in STEPS:
            for key in _typed(step.keys):
                session.send(key)
                session.listen(LETTER_S)
            session.until_text(step.expect, within=WITHIN_S)
            session.listen(step.read)
        return list(session.chunks)


def _typed(keys: str) -> Sequence[str]:
    return list(keys)


def capped(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The same from zero, without long pauses.

    Args:
        chunks: As they came.
    """
    found: list[Chunk] = []
    at, before = 0.0, chunks[0].at
    for chunk in chunks:
        at += min(chunk.at - before, LONGEST_IDLE_S)
        before = chunk.at
        found.append(Chunk(at, chunk.data))
    return found


def asciinema(chunks: Sequence[Chunk]) -> Iterator[str]:
    """The lines of an asciinema file, version 2.

    Args:
        chunks: What was sent, from zero.
    """
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": TITLE, "timestamp": int(time.time())}
    yield json.dumps({**header, "env": {"TERM": "xterm-256color"}}) + "\n"
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for chunk in chunks:
        yield json.dumps([round(chunk.at, 3), "o", decoder.decode(chunk.data)], ensure_ascii=False) + "\n"


def frames(chunks: Sequence[Chunk]) -> Iterator[Frame]:
    """What was to be seen, and for how long; what looks the same is one.

    Args:
        chunks: What was sent, from zero.
    """
    screen = FaintScreen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    shown, since = None, 0.0
    for number, chunk in enumerate(chunks):
        stream.feed(chunk.data)
        last = number + 1 == len(chunks)
        if not last and chunks[number + 1].at - chunk.at < FRAME_S:
            continue
        rows = rows_of(screen)
        if rows == shown or (shown is None and not any(line.strip() for line in screen.display)):
            continue  # nothing new, or nothing yet
        if shown is not None:
            yield Frame(shown, chunk.at - since)
        shown, since = rows, chunk.at
    if shown is not None:
        yield Frame(shown, LAST_S)
