"""What every verb shares: the options before the noun, and the engine they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.core.moment import Moment
    from engine.core.wish import OpenConsole, OpenWeb, Wish
    from engine.db.connection import Durability


class Session:
    """One command line's options and its engine, opened when a verb first needs it.

    Args:
        open_console: Starts the console, when there is one.
        open_web: Serves it to a browser, when there is one.

    Attributes:
        workspace: The directory given with `--workspace`, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: Whether `--readonly` was given.
        plain: Whether `--plain` was given.
        theme: The name given with `--theme`; empty when none was.
        moment: The moment given with `--at`, or `None` for now.
        long_lived: Whether what runs is more than a short verb: the console, or training for the demo.
    """

    def __init__(self, open_console: OpenConsole | None = None, open_web: OpenWeb | None = None) -> None:
        self.open_console = open_console
        self.open_web = open_web
        self.workspace: str | None = None
        self.as_user: str | None = None
        self.read_only = False
        self.plain = False
        self.theme = ""
        self.long_lived = False
        self.moment: Moment | None = None
        self._engine: Engine | None = None
        self._then: Engine | None = None

    def wish(self, words: tuple[str, ...] = ()) -> Wish:
        """What the options before the noun ask of the console.

        Args:
            words: Where to begin.
        """
        from engine.core.wish import Wish

        return Wish(self.workspace, self.as_user, self.read_only, words, self.plain, self.theme)

    def engine(self) -> Engine:
        """The engine of the workspace asked for.

        Returns:
            The engine; the same one each time. With `--at` it is the workspace as it was.

        Raises:
            QuarterdeckError: as `engine.open` says.
        """
        if self._then is not None:
            return self._then
        if self._engine is None:
            from engine import api

            self._engine = api.open(self.workspace, read_only=self.read_only, as_user=self.as_user, via="cli")
        if self.moment is not None:
            self._then = self._engine.at(self.moment)
            return self._then
        return self._engine

    def engine_to_serve(self, durability: Durability) -> Engine:
        """The engine of the workspace asked for, for a server.

        Args:
            durability: What a commit waits for.

        Raises:
            QuarterdeckError: as `engine.open` says.
        """
        from engine import api

        self._engine = api.open(
            self.workspace, read_only=self.read_only, as_user=self.as_user, via="http", durability=durability
        )
        return self._engine

    def engine_to_restore(self) -> Engine:
        """The engine of the workspace asked for, also when its database is damaged or gone.

        Raises:
            QuarterdeckError: as `engine.open` says, but for a damaged or missing database.
        """
        from engine.core.errors import WorkspaceCorrupt, WorkspaceMissing

        try:
            return self.engine()
        except (WorkspaceCorrupt, WorkspaceMissing):
            if self.read_only:
                raise
            from engine import api

            self._engine = api.open_damaged(self.workspace, as_user=self.as_user, via="cli")
            return self._engine

    def close(self) -> None:
        """Close the engine, if one was opened."""
        if self._then is not None:
            self._then.close()
            self._then = None
        if self._engine is not None:
            self._engine.close()
            self._engine = None
