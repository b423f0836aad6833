"""What the terminal can do, read once from the environment. Imports nothing heavy: the start path asks it first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.core.frozen import frozen
from engine.core.locales import is_utf8, launch_environ

__all__ = ["NO_STOP", "TRUE_COLOUR", "Capabilities", "Colours", "detect", "launch_environ", "refusal"]

Colours = Literal[0, 16, 256, 16_777_216]
"""How many colours may be sent; 0 is `NO_COLOR`: no colour sequence at all."""

NO_STOP = "QUARTERDECK_NO_STOP"
"""Set to 1 where there is no shell to stop to, as in a browser: Ctrl-Z does nothing."""

TRUE_COLOUR: Colours = 16_777_216
TRUE_COLOUR_TERMINALS = ("xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty")
MONOCHROME_TERMINALS = ("vt100", "vt102", "vt220", "vt320", "vt420")
HEADLESS = "use `qd --plain`, which talks in lines, or the commands, for example `qd runs list`"


@frozen
class Capabilities:
    """What may be sent to the terminal.

    Args:
        unicode: False under a locale that is not UTF-8: ASCII borders and glyphs only.
        colours: Number of colours; 0 means no colour sequence at all.
        ask_sync: Whether the terminal may be asked for synchronized output (mode 2026).
        tmux: Inside tmux or screen.
        ssh: At the far end of an SSH connection.
    """

    unicode: bool = True
    colours: Colours = 256
    ask_sync: bool = True
    tmux: bool = False
    ssh: bool = False


def detect(environ: Mapping[str, str]) -> Capabilities:
    """Read the capabilities from environment variables (see `launch_environ`)."""
    return Capabilities(
        unicode=is_utf8(environ),
        colours=_colours(environ),
        ask_sync=environ.get("TERM_PROGRAM") != "Apple_Terminal"  # it prints the query's last letter
        and environ.get("TERM") not in ("linux", *MONOCHROME_TERMINALS),
        tmux="TMUX" in environ or environ.get("TERM", "").startswith(("tmux", "screen")),
        ssh="SSH_CONNECTION" in environ or "SSH_TTY" in environ,
    )


def refusal(environ: Mapping[str, str], *, stdin_tty: bool, stdout_tty: bool) -> str | None:
    """Why the console cannot start here, as one line, or None when it can."""
    if environ.get("TERM", "") in ("", "dumb"):
        return f"qd: TERM is dumb or unset, so the console cannot be shown; {HEADLESS}"
    if not stdin_tty or not stdout_tty:
        stream = "output" if stdin_tty else "input"
        return f"qd: the console needs a terminal, but its {stream} is a pipe or a file; {HEADLESS}"
    return None


def _colours(environ: Mapping[str, str]) -> Colours:
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR") or term in MONOCHROME_TERMINALS or term.endswith("-m"):
        return 0
    if (
        environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
        or term.endswith("-direct")
        or term.startswith(TRUE_COLOUR_TERMINALS)
    ):
        return TRUE_COLOUR
    return 256 if "256color" in term else 16
