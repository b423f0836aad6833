"""Who may come in, and as whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from engine.api import Engine
    from engine.server.routes import Match
    from engine.server.settings import Settings


class Gate:
    """Decides whether a request may come in, and which engine it uses.

    Args:
        engine: The workspace, as the server's own user has it.
        settings: Hosts, origins, tokens and limits.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    def admit(self, request: Request, match: Match | None) -> Engine:
        """Let a request in.

        Args:
            request: The request; its body is not read.
            match: The route it found, or `None`.

        Returns:
            The workspace as the caller may use it.
        """
        del request, match
        return self._engine
