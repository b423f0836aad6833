"""What is left behind by a console that broke: a file to send to whoever mends it, without secrets."""

from __future__ import annotations

import os
import platform
import sys
import traceback
from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.core.timetext import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

FOLDER = "crashes"
MOST_REPORTS = 20
MOST_CHARACTERS = 100_000
TOLD = ("TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "TERM_PROGRAM", "TMUX", "SSH_CONNECTION", "STY")
"""Environment variables that a report names; of the last three only whether they are set."""

_ONLY_WHETHER = ("TMUX", "SSH_CONNECTION", "STY")


def report_text(error: BaseException, now_ms: int, facts: Mapping[str, str], said: Sequence[str]) -> str:
    """What is known of a crash. No value of a variable is in it, no environment but the terminal's, no command line.

    Args:
        error: What broke the console.
        now_ms: When, in milliseconds since the epoch.
        facts: What else is known, such as where the operator was.
        said: What the console said last, the newest first.
    """
    from textual import __version__ as textual

    from engine import __version__

    known = {
        "when": format_time(now_ms),
        "quarterdeck": __version__,
        "python": platform.python_version(),
        "textual": textual,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        **facts,
        **{name: _told(name) for name in TOLD if name in os.environ},
    }
    lines = [f"{name}: {value}" for name, value in known.items()]
    lines += ["", *"".join(traceback.format_exception(error)).splitlines()]
    lines += ["", "said last:", *(f"  {each}" for each in said)]
    return "\n".join(clean(line) for line in lines)[:MOST_CHARACTERS] + "\n"


def _told(name: str) -> str:
    return "set" if name in _ONLY_WHETHER else os.environ[name]


def write_report(folder: Path, text: str, redact: Callable[[str], str]) -> Path:
    """Write a report beside those before; the oldest go.

    Args:
        folder: The operator's own, of what is remembered.
        text: The report.
        redact: Replaces what looks like a secret in a line.

    Returns:
        The file.

    Raises:
        OSError: it cannot be written.
    """
    place = folder / FOLDER
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in sorted(place.glob("crash-*.txt"))[: -MOST_REPORTS + 1]:
        old.unlink(missing_ok=True)
    when = text.partition("when: ")[2].partition("\n")[0]
    name = "".join(letter for letter in when if letter.isalnum())
    path = place / f"crash-{name}-{os.getpid()}.txt"
    safe = "\n".join(redact(line) for line in text.split("\n"))
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "w", encoding=sys.getdefaultencoding(), errors="replace") as file:
        file.write(safe)
    return path
