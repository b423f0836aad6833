"""What every verb shares: the options before the noun, and the engine they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Protocol

    from engine.api import Engine
    from engine.core.moment import Moment
    from engine.db.connection import Durability

    class OpenConsole(Protocol):
        """Starts the console on a workspace."""

        def __call__(
            self,
            *,
            workspace: str | None,
            as_user: str | None,
            read_only: bool,
            words: tuple[str, ...],
            plain: bool = False,
            theme: str = "",
        ) -> int:
            """Run the console until it is left.

            Args:
                workspace: The directory named by the user, or `None`.
                as_user: The name given with `--as`, or `None`.
                read_only: True refuses every change.
                words: Where to begin, in the console's command grammar, such as `("runs",)`.
                plain: True talks in lines instead of drawing screens.
                theme: The theme to wear; empty for the usual choice.

            Returns:
                The exit code.
            """

    class OpenWeb(Protocol):
        """Serves the console of a workspace to a browser."""

        def __call__(
            self, workspace: str | None, *, as_user: str | None, read_only: bool, theme: str, port: int
        ) -> int:
            """Serve until it is ended.

            Args:
                workspace: The directory named by the user, or `None`.
                as_user: The name given with `--as`, or `None`.
                read_only: True refuses every change.
                theme: The theme to wear; empty for the usual choice.
                port: Where to listen; 0 takes a free one.

            Returns:
                The exit code.
            """


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
