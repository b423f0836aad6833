"""A workspace is a directory; this finds it and names what is in it."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from engine.core.errors import WorkspaceMissing, WorkspaceReadOnly
from engine.core.frozen import frozen
from engine.db.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER = ".quarterdeck"


@frozen
class Workspace:
    """Where a workspace keeps its things.

    Args:
        path: The workspace directory, absolute.
    """

    path: Path

    @property
    def control_db(self) -> Path:
        """The database of runs, registry, endpoints, alerts and audit."""
        return self.path / "control.db"

    @property
    def telemetry_db(self) -> Path:
        """The database of captured predictions, latencies and windows: much of it, none of it for ever."""
        return self.path / "telemetry.db"

    @property
    def spool(self) -> Path:
        """What data planes have captured and nobody has stored yet."""
        return self.path / "spool"

    @property
    def planes(self) -> Path:
        """Where data planes tell that they live, and how they do."""
        return self.path / "planes"

    @property
    def artifacts(self) -> Path:
        """The content-addressed artifact files."""
        return self.path / "artifacts"

    @property
    def policy_file(self) -> Path:
        """Policies and roles, edited by people."""
        return self.path / "quarterdeck.toml"

    @property
    def exists(self) -> bool:
        """Whether somebody has made a workspace here; an empty database is one that could not be made.

        Raises:
            WorkspaceReadOnly: the directory may not be searched.
        """
        try:
            found = os.stat(self.control_db)  # noqa: PTH116 Path.is_file would hide why it cannot tell
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise WorkspaceReadOnly(
                f"The workspace {self.path} cannot be opened: {error.strerror}.", hint="Check its permissions."
            ) from error
        return S_ISREG(found.st_mode) and found.st_size > 0


def find_workspace(explicit: str | os.PathLike[str] | None, *, environ: Mapping[str, str], cwd: Path) -> Workspace:
    """Find the workspace to use, existing or not.

    The order: `explicit` (`--workspace`), `$QUARTERDECK_HOME`, the nearest `.quarterdeck/` from `cwd` upward,
    the XDG data directory.

    Args:
        explicit: A directory named by the user, or `None`.
        environ: Environment variables (`QUARTERDECK_HOME`, `XDG_DATA_HOME`, `HOME`).
        cwd: Where to begin looking upward.

    Returns:
        The workspace; `exists` tells whether it has been made.
    """
    if explicit is not None:
        return Workspace(Path(os.path.abspath(Path(explicit).expanduser())))  # noqa: PTH100 resolve() would follow links
    home = environ.get("QUARTERDECK_HOME")
    if home:
        return Workspace(Path(os.path.abspath(Path(home).expanduser())))  # noqa: PTH100 same
    for folder in (cwd, *cwd.parents):
        candidate = folder / MARKER
        if candidate.is_dir():
            return Workspace(candidate)
    data_home = environ.get("XDG_DATA_HOME") or os.path.join(environ.get("HOME", "~"), ".local", "share")  # noqa: PTH118 plain text
    return Workspace(Path(data_home).expanduser() / "quarterdeck")


def require_workspace(workspace: Workspace) -> Workspace:
    """Refuse a workspace that nobody has made.

    Args:
        workspace: What `find_workspace` found.

    Returns:
        The same workspace.

    Raises:
        WorkspaceMissing: there is no database in it.
        WorkspaceReadOnly: its directory may not be searched.
    """
    if not workspace.exists:
        raise WorkspaceMissing(
            f"There is no workspace at {workspace.path}.",
            hint="Make one with `qd init`, or name another with --workspace DIR.",
        )
    return workspace


def make_directories(workspace: Workspace) -> None:
    """Create the workspace's directories, readable by their owner alone.

    Raises:
        WorkspaceReadOnly: the file system does not let us.
        WorkspaceFull: no space is left.
        WorkspaceError: a file is in the way, or the disk failed.
    """
    with disk_errors(workspace.path, "the workspace"):
        workspace.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        workspace.artifacts.mkdir(exist_ok=True, mode=0o700)
