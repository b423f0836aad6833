"""Opens a workspace: finds it, brings it to the newest schema, and says who acts. `engine.api` gives these out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.access import Access
from engine.core.clock import SystemClock
from engine.core.ids import RandomIds
from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.workspace import Workspace, find_workspace, require_workspace
from engine.policy.file import PolicyFile
from engine.policy.identity import current_actor

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.core.clock import Clock
    from engine.core.ids import Ids


def open(  # noqa: A001, PLR0913 the field's word; every argument has a default
    workspace: str | os.PathLike[str] | None = None,
    *,
    read_only: bool = False,
    as_user: str | None = None,
    via: str = "api",
    clock: Clock | None = None,
    ids: Ids | None = None,
    durability: Durability = Durability.FULL,
) -> Engine:
    """Open a workspace.

    Args:
        workspace: Its directory; `None` looks at `$QUARTERDECK_HOME`, the nearest `.quarterdeck/` upward, then the XDG
            data directory.
        read_only: Refuse every change, and touch no file.
        as_user: Act under another name; the policy must allow it.
        via: The front used (`api`, `cli`, `console`, `http`); goes into the audit log.
        clock: Tells the time; the system's by default.
        ids: Makes run ids; random by default.
        durability: What a commit waits for.

    Returns:
        The engine, ready to use.

    Raises:
        WorkspaceMissing: nobody has made a workspace there.
        WorkspaceTooNew: a newer Quarterdeck has written it.
        WorkspaceReadOnly: the file system does not let us open it.
        WorkspaceCorrupt: the database is damaged.
        WorkspaceFull: no space is left to bring it up to date.
        WorkspaceError: the disk failed.
        ReadOnlyMode: it must be brought up to date first, but `read_only` was asked.
        Busy: another process held it too long.
        PolicyInvalid: `quarterdeck.toml` is wrong (via `cli`: raised by the first operation that asks for a role).
        PermissionDenied: the policy does not allow `as_user`.
    """
    found = require_workspace(find_workspace(workspace, environ=os.environ, cwd=Path.cwd()))
    clock = clock or SystemClock()
    database = Database(found.control_db, clock=clock, read_only=read_only, durability=durability)
    database.migrate()
    return _engine(found, database, as_user=as_user, via=via, clock=clock, ids=ids or RandomIds())


def open_damaged(
    workspace: str | os.PathLike[str] | None = None, *, as_user: str | None = None, via: str = "api"
) -> Engine:
    """Open a workspace whose database may be damaged or gone, to bring a backup back with `maintenance.restore`.

    Args:
        workspace: Its directory, found as `open` does.
        as_user: Act under another name; the policy must allow it.
        via: The front used; goes into the audit log.

    Returns:
        The engine; what needs the database fails as long as it is damaged.

    Raises:
        WorkspaceMissing: there is no such directory.
        PolicyInvalid: `quarterdeck.toml` is wrong.
        PermissionDenied: the policy does not allow `as_user`.
    """
    found = find_workspace(workspace, environ=os.environ, cwd=Path.cwd())
    if not found.path.is_dir():
        require_workspace(found)
    clock = SystemClock()
    database = Database(found.control_db, clock=clock)
    return _engine(found, database, as_user=as_user, via=via, clock=clock, ids=RandomIds())


def _engine(found: Workspace, database: Database, *, as_user: str | None, via: str, clock: Clock, ids: Ids) -> Engine:
    policy_file = PolicyFile(found.policy_file)
    # A list on the command line asks for no role, and must not wait for the policy; every change asks.
    policy = None if via == "cli" and as_user is None else policy_file.read()
    actor = current_actor(os.environ, via=via, as_user=as_user, policy=policy)
    access = Access(actor, lambda: policy_file.read().role_of(actor.name), read_only=database.read_only)
    if policy is not None:
        _ = access.role  # known from here on, so that it can be shown while the file is wrong
    from engine.api import Engine  # which gives these functions out

    return Engine(found, database, policy_file=policy_file, access=access, clock=clock, ids=ids)
