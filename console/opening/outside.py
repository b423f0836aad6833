"""Handing a picture or page to the desktop: a private copy, under a name of ours, to a program that only shows."""

from __future__ import annotations

import base64
import html
import os
import shlex
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.opening.kinds import Kind, kind_of, suffix_of
from console.widgets.charts.exporting import file_name
from engine.core.errors import InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VARIABLE = "QD_OPENER"
"""The environment variable that names another program."""

_FAILS_WITHIN_S = 0.5
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; media-src data: blob:; form-action 'none'"
)
"""What a page may do: run what it holds, and load nothing."""

_SHELL = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
    "<title>{title}</title><style>html,body,iframe,img{{margin:0;border:0;width:100%;height:100%;background:#fff}}"
    "img{{object-fit:contain}}</style>{body}"
)


@dataclass(frozen=True, slots=True)
class Desktop:
    """What this machine shows pictures with.

    Args:
        command: The program and its options, before the file; empty where there is none.
        reason: Why there is none.
    """

    command: tuple[str, ...] = ()
    reason: str = ""


def desktop(
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
) -> Desktop:
    """Find the program that shows pictures and pages.

    Args:
        environ: `QD_OPENER`, else where there is a display `open` or `xdg-open`.
        platform: As `sys.platform`.
        which: Finds a program.

    Raises:
        InvalidInput: `QD_OPENER` is no command, or there is no such program.
    """
    asked = environ.get(VARIABLE, "").strip()
    if asked:
        return Desktop(_asked(asked, which))
    program = "open" if platform == "darwin" else "xdg-open"
    if platform != "darwin" and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return Desktop(reason="there is no display here")
    found = which(program)
    return Desktop((found,)) if found else Desktop(reason=f"there is no {program} here")


def _asked(text: str, which: Callable[[str], str | None]) -> tuple[str, ...]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInput(
            f"{VARIABLE} is no command: {error}.", hint=f"Such as {VARIABLE}='feh --auto-zoom'."
        ) from None
    found = which(words[0]) if words else None
    if found is None:
        problem = f"{VARIABLE} names {clean(text, limit=80)}, and there is no such program."
        raise InvalidInput(problem, hint="Install it, or name another one.")
    return (found, *words[1:])


def private_copy(path: str, data: bytes) -> Path:
    """Write a copy that only this user can read, in a folder of its own, under a name that is only a name.

    Args:
        path: The artifact's path; its last part lends its letters and digits.
        data: Its bytes. Pages are put into one that lets them load nothing, from nowhere.

    Returns:
        The copy.

    Raises:
        InvalidInput: there is no room for it.
    """
    page = kind_of(path) is Kind.PAGE
    suffix = suffix_of(path)
    stem = path.rpartition("/")[2].rpartition(".")[0]
    try:
        folder = Path(tempfile.mkdtemp(prefix="qd-"))
        copy = folder / file_name(stem, "html" if page else suffix)
        with open(copy, "xb", opener=_private) as file:
            file.write(_caged(path, data) if page else data)
    except OSError as error:
        raise InvalidInput(
            f"No copy could be made: {error.strerror}.", hint="Make room in the temporary folder."
        ) from error
    return copy


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _caged(path: str, data: bytes) -> bytes:
    """A page within a page: its scripts have no origin, and nothing is fetched. A drawing is shown as an image."""
    if suffix_of(path) == "svg":
        body = f'<img src="data:image/svg+xml;base64,{base64.b64encode(data).decode()}" alt="">'
    else:
        body = f'<iframe sandbox="allow-scripts" srcdoc="{html.escape(data.decode("utf-8", "replace"))}"></iframe>'
    title = html.escape(clean(path))
    return _SHELL.format(policy=html.escape(_POLICY), title=title, body=body).encode()


def show(command: tuple[str, ...], copy: Path) -> str:
    """Ask a program to show a copy; what it does afterwards is its own business.

    Args:
        command: The program and its options.
        copy: The file.

    Returns:
        Why it did not; empty when it is showing it, as far as can be told.
    """
    import subprocess

    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(  # noqa: S603 the operator's own program, no shell, a name of ours
            [*command, str(copy)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, cwd=copy.parent
        )
    except OSError as error:
        return f"{Path(command[0]).name} does not start: {error.strerror}"
    try:
        code = process.wait(_FAILS_WITHIN_S)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, name="opener", daemon=True).start()  # or it stays as a zombie
        return ""
    return f"{Path(command[0]).name} ended with code {code}" if code else ""
