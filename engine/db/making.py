"""Makes a workspace where there is none."""

from __future__ import annotations

import os
from pathlib import Path

from engine.core.errors import AlreadyExists
from engine.db.database import Database
from engine.db.workspace import Workspace, find_workspace, make_directories


def create(workspace: str | os.PathLike[str] | None = None, *, exist_ok: bool = False) -> Workspace:
    """Make a workspace.

    Args:
        workspace: The directory; `None` finds it as `open` does.
        exist_ok: Accept one that is there already and leave it as it is.

    Returns:
        Where it is.

    Raises:
        AlreadyExists: there is one already.
        WorkspaceReadOnly: the file system does not let us write.
        WorkspaceFull: no space is left.
        WorkspaceError: the disk failed.
    """
    found = find_workspace(workspace, environ=os.environ, cwd=Path.cwd())
    if found.exists and not exist_ok:
        raise AlreadyExists(f"There is a workspace at {found.path} already.", hint="Open it with `qd`.")
    make_directories(found)
    database = Database(found.control_db)
    try:
        database.migrate()
    finally:
        database.close()
    return found
