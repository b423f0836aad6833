"""Copying: to the terminal's clipboard, and what is too long for one into a file of the operator's own."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from console.formats import size
from console.terminal.clipboard import fits
from engine.core.errors import InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from pathlib import Path

    from console.app import ConsoleApp

FOLDER = "clipboard"

KEPT = 10
"""Files kept before the oldest goes."""

_SAID = 120
"""Characters of a copied text that the message repeats."""


def copy(app: ConsoleApp, text: str, what: str = "") -> None:
    """Put text on the terminal's clipboard; what terminals would drop goes into a file, whose path is said.

    Args:
        app: The console.
        text: Any text, however long or hostile; tabs and line feeds stay.
        what: What it is, for the message; the text itself when empty.
    """
    if fits(text):
        text = harmless(text)
        app.copy_to_clipboard(text)
        app.frame.message(f"Copied: {what or clean(text, limit=_SAID)}", "good")  # not into the log: maybe a secret
        return
    own, too_long = app.own, f"{size(len(text.encode()))} are too much for a terminal's clipboard"
    if own is None:
        app.fail(InvalidInput(f"{too_long}.", hint="Save it with ctrl-e instead."))
        return
    folder = own.state / FOLDER
    app.read(
        "copy.file", lambda: keep(folder, harmless(text)), lambda path: app.say(f"{too_long}: it is in {path}", "warn")
    )


def harmless(text: str) -> str:
    """A text without what a terminal or an editor would obey; its tabs and line feeds stay."""
    cells = (
        [clean(cell, limit=max(len(cell), 1)) for cell in line.split("\t")]
        for line in text.replace("\r\n", "\n").split("\n")
    )
    return "\n".join("\t".join(line) for line in cells)


def keep(folder: Path, text: str) -> Path:
    """Write a text into a file that nobody else may read; of many the oldest goes.

    Args:
        folder: Where; made when it is missing.
        text: What is in it.

    Returns:
        The file.

    Raises:
        InvalidInput: it cannot be written there.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = max((_number(path) for path in folder.glob("copied-*.txt")), default=0) + 1
        path = folder / f"copied-{number:06}.txt"
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
            stream.write(text)
        for old in sorted(folder.glob("copied-*.txt"), key=_number)[:-KEPT]:
            with suppress(OSError):
                old.unlink()
    except OSError as error:
        problem = f"{clean(str(folder))} cannot be written: {error.strerror or error}."
        raise InvalidInput(problem, hint="Save it with ctrl-e instead.") from error
    return path


def _number(path: Path) -> int:
    digits = path.stem.removeprefix("copied-")
    return int(digits) if digits.isascii() and digits.isdigit() else 0
