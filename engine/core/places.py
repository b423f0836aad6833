"""Where a user's own files are: settings and what the console remembers, by the XDG base directory specification."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = "quarterdeck"


def user_config(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of a user's settings: `views.toml`, `console.toml`, `themes/`.

    Args:
        environ: Environment variables (`XDG_CONFIG_HOME`, `HOME`); those of this process by default.

    Returns:
        The folder, which need not exist.
    """
    return _under("XDG_CONFIG_HOME", ".config", environ)


def user_state(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of what is remembered between sessions: `history`, `console.log`, `crashes/`.

    Args:
        environ: Environment variables (`XDG_STATE_HOME`, `HOME`); those of this process by default.

    Returns:
        The folder, which need not exist.
    """
    return _under("XDG_STATE_HOME", ".local/state", environ)


def _under(variable: str, usual: str, environ: Mapping[str, str] | None) -> Path:
    known = os.environ if environ is None else environ
    given = known.get(variable, "")
    base = Path(given) if given.startswith("/") else Path(known.get("HOME") or "~").expanduser() / usual
    return base / FOLDER
