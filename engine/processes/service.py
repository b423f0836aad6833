"""Who works on a workspace now: the operations."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import Busy, NotFound, PermissionDenied
from engine.processes import lock
from engine.processes.model import RunningServer

if TYPE_CHECKING:
    from engine.core.access import Access
    from engine.db.workspace import Workspace

STOP_WAIT_S = 20.0
"""How long a server may take to answer what it has begun."""

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
        try:
            os.kill(found.owner.pid, signal.SIGTERM)
        except PermissionError as error:
            raise PermissionDenied(
                f"The server belongs to {found.owner.user}.", hint="Ask them, or an administrator of this machine."
            ) from error
        except ProcessLookupError:
            return found  # it ended by itself meanwhile
        until = time.monotonic() + wait_s
        while lock.owner(self._workspace) is not None:
            if time.monotonic() > until:
                raise Busy(f"The server (process {found.owner.pid}) has not ended within {wait_s:g} s.")
            time.sleep(_LOOK_S)
        return found
