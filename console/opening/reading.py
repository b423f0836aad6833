"""Reading an artifact to be shown: the text of it, or a checked copy for a program outside. Off the screen's thread."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.opening.kinds import Kind, is_what_it_says, kind_of
from engine.core.errors import InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from engine.api import Engine

MOST_TEXT = 4 * 1024 * 1024
"""Bytes of a text that are shown; of a longer one the last, because that is where a log tells what happened."""

MOST_COPIED = 64 * 1024 * 1024
"""Bytes of a picture or page that are handed to another program."""

_LONGEST_LINE = 20_000
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be read.

    Args:
        lines: Cleaned.
        note: What of it is not shown; empty for all of it.
    """

    lines: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """What another program is asked to show.

    Args:
        data: All of it.
    """

    data: bytes


def read(engine: Engine, run_id: str, path: str) -> Text | Outside:
    """Read an artifact by what it is.

    Args:
        engine: Where it is kept.
        run_id: Of which run.
        path: Which file.

    Raises:
        NotFound: there is no such artifact.
        IntegrityError: its bytes are not what was logged.
        InvalidInput: it is neither text, picture nor page, or not what its name says, or too large to be copied.
    """
    with engine.runs.open_artifact(run_id, path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        save = f"qd runs artifacts get {run_id[:8]} {clean(path)} --output FILE"
        if kind_of(path) in (Kind.IMAGE, Kind.PAGE):
            if length > MOST_COPIED:
                raise InvalidInput(f"{clean(path)} has {length:,} bytes, too many to open.", hint=f"Save it: {save}")
            data = file.read()
            if not is_what_it_says(path, data[:512]):
                raise InvalidInput(f"{clean(path)} is not what its name says.", hint=f"Save it to look at it: {save}")
            return Outside(data)
        file.seek(max(length - MOST_TEXT, 0))
        data = file.read()
    if b"\0" in data:
        raise InvalidInput(f"{clean(path)} is binary.", hint=f"Save it: {save}")
    return text_of(data, length)


def text_of(data: bytes, length: int) -> Text:
    """Bytes as lines: without colours, of a line that was written over and over the last state.

    Args:
        data: The end of the file.
        length: Bytes of the whole file.
    """
    lines = data.decode("utf-8", "replace").split("\n")
    note = ""
    if len(data) < length:
        lines = lines[1:] or lines  # the first one is most likely cut
        note = f"the last {len(data):,} of {length:,} bytes"
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return Text(tuple(map(_shown, lines)), note)


def _shown(line: str) -> str:
    last = line.rstrip("\r").rpartition("\r")[2]
    if last.isascii() and last.isprintable() and len(last) <= _LONGEST_LINE:
        return last
    return clean(_COLOURS.sub("", last).expandtabs(8), limit=_LONGEST_LINE)
