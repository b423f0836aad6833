"""A user unit of systemd that runs `qd up` for one workspace."""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.db.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db.workspace import Workspace

_UNIT = """[Unit]
Description=Quarterdeck {number}: {path}
After=network.target

[Service]
Type=exec
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
# Each process is ended in order, answering what it has begun; what is left after that is killed.
KillMode=mixed
TimeoutStopSec=90
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"""


def unit_name(workspace: Workspace) -> str:
    """What the unit of a workspace is called; another workspace's is called otherwise.

    Args:
        workspace: The workspace.
    """
    return f"quarterdeck-{_number(workspace)}.service"


def _number(workspace: Workspace) -> str:
    return sha256(os.fsencode(workspace.path)).hexdigest()[:12]


def unit(workspace: Workspace, words: Sequence[str]) -> str:
    """The unit that runs `qd up` for a workspace.

    Args:
        workspace: The workspace.
        words: What stands after `up`, such as `--no-server`.

    Returns:
        The file's text.

    Raises:
        InvalidInput: a path or word holds a character that no unit can.
    """
    path = str(workspace.path)
    command = (sys.executable, "-m", "engine.cli", "--workspace", path, "up", *words)
    # A description is one line in which only % has a meaning; a command line has quotes and variables too.
    return _UNIT.format(
        number=_number(workspace), path=_printable(path).replace("%", "%%"), command=" ".join(map(_quoted, command))
    )


def folder(environ: Mapping[str, str]) -> Path:
    """Where user units are.

    Args:
        environ: Environment variables (`XDG_CONFIG_HOME`, `HOME`).
    """
    given = environ.get("XDG_CONFIG_HOME", "")
    config = Path(given) if given.startswith("/") else Path(environ.get("HOME", "~")).expanduser() / ".config"
    return config / "systemd" / "user"


def install(workspace: Workspace, words: Sequence[str], environ: Mapping[str, str]) -> Path:
    """Write the unit of a workspace, in place of an earlier one; starts nothing.

    Args:
        workspace: The workspace.
        words: What stands after `up`.
        environ: Environment variables.

    Returns:
        The file.

    Raises:
        InvalidInput: a path or word holds a character that no unit can.
        WorkspaceReadOnly: the folder may not be written.
        WorkspaceFull: no space is left.
        WorkspaceError: the disk failed.
    """
    text = unit(workspace, words)
    path = folder(environ) / unit_name(workspace)
    part = path.with_suffix(".part")
    with disk_errors(path, "the unit"):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    return path


def _quoted(word: str) -> str:
    escaped = _printable(word).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _printable(text: str) -> str:
    if not text.isprintable():
        raise InvalidInput("A unit cannot hold this path: it has a control character.", hint="Rename the directory.")
    return text
