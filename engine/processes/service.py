"""Who works on a workspace now: the operations."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import Busy, NotFound, PermissionDenied
from engine.processes import lock, up
from engine.processes.model import RunningServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.core.access import Access
    from engine.db.workspace import Workspace
    from engine.processes.up_model import UpStatus

STOP_WAIT_S = 20.0
"""How long a server may take to answer what it has begun."""

STOP_UP_WAIT_S = 75.0
"""How long `qd up` may take to end all of its processes, one after the other."""

_LOOK_S = 0.05


class Processes:
    """The long-running processes of a workspace.

    Args:
        workspace: Where it is.
        access: Who asks.
    """

    def __init__(self, workspace: Workspace, access: Access) -> None:
        self._workspace = workspace
        self._access = access

    def server(self) -> RunningServer | None:
        """The server of this workspace; `None` when there is none."""
        found = lock.owner(self._workspace)
        return None if found is None else RunningServer(found, lock.status(self._workspace))

    def stop_server(self, *, wait_s: float = STOP_WAIT_S) -> RunningServer:
        """Ask the server to answer what it has begun and to end; returns when it has.

        Args:
            wait_s: How long to wait for that, in seconds.

        Returns:
            The server as it was.

        Raises:
            NotFound: there is no server.
            Busy: it has not ended in time.
            PermissionDenied: the actor is not an operator, or it belongs to another user of the operating system.
            ReadOnlyMode: the session is read-only.
        """
        self._access.require(Role.OPERATOR, "server stop")
        found = self.server()
        if found is None:
            raise NotFound("No server runs on this workspace.", hint="Start one with `qd server`.")
        _end("The server", found.owner.pid, found.owner.user, lambda: lock.owner(self._workspace) is None, wait_s)
        return found

    def up(self) -> UpStatus | None:
        """What `qd up` does on this workspace: each process, its restarts and why; `None` when it does not run."""
        return up.up_status(self._workspace)

    def stop_up(self, *, wait_s: float = STOP_UP_WAIT_S) -> UpStatus:
        """Ask `qd up` to end its processes in order and then itself; returns when it has.

        Args:
            wait_s: How long to wait for that, in seconds.

        Returns:
            What it did.

        Raises:
            NotFound: it does not run.
            Busy: it has not ended in time.
            PermissionDenied: the actor is not an operator, or it belongs to another user of the operating system.
            ReadOnlyMode: the session is read-only.
        """
        self._access.require(Role.OPERATOR, "up stop")
        found = self.up()
        if found is None:
            raise NotFound("`qd up` does not run on this workspace.", hint="Start it with `qd up`.")
        _end("`qd up`", found.pid, found.user, lambda: up.up_status(self._workspace) is None, wait_s)
        return found


def _end(what: str, pid: int, user: str, ended: Callable[[], bool], wait_s: float) -> None:
    """Tell a process to end, and wait until it has."""
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError as error:
        raise PermissionDenied(
            f"{what} belongs to {user}.", hint="Ask them, or an administrator of this machine."
        ) from error
    except ProcessLookupError:
        return  # it ended by itself meanwhile
    until = time.monotonic() + wait_s
    while not ended():
        if time.monotonic() > until:
            raise Busy(f"{what} (process {pid}) has not ended within {wait_s:g} s.")
        time.sleep(_LOOK_S)
