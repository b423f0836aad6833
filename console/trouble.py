"""A workspace that answers but cannot be written, or is damaged: said, changes off, tried again until it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.live import Health, LiveFeed
from engine.core.errors import (
    Busy,
    WorkspaceCorrupt,
    WorkspaceError,
    WorkspaceMissing,
    WorkspaceReplaced,
    WorkspaceTooNew,
)
from engine.core.events import Changes

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.app import ConsoleApp

_FEED_TELLS = (WorkspaceMissing, WorkspaceReplaced, WorkspaceTooNew)
"""Errors of a file that is not there or is another: the feed meets them too, and opens what comes."""


class Trouble:
    """What keeps the workspace from being changed although the feed is live.

    Args:
        app: The console.

    Attributes:
        feed: What the feed last said of itself.
        why: What else is in the way; empty for nothing.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self.feed = LiveFeed.HealthChanged(Health.LIVE)
        self.why = ""
        self._health = Health.LIVE
        self._app = app
        self._again: Callable[[], Any] | None = None
        self._trying = False

    def show(self) -> None:
        """Have the frame say how the workspace does: whether it answers comes before what is wrong with it."""
        feed = self.feed
        self._app.frame.health(self._health if feed.health is Health.LIVE else feed.health, feed.seconds)

    def look(self, obstacle: WorkspaceError | None) -> None:
        """Take what the file system told of the next change; where it told of nothing, try again what failed.

        Args:
            obstacle: What would keep it from being written; `None` for nothing.
        """
        if obstacle is not None:
            self._begin(obstacle)
        elif self._again is not None:
            self._try(self._again)
        elif self.why:
            self._end()

    def met(self, error: Exception, again: Callable[[], Any] | None = None) -> None:
        """Something failed: when the workspace is why, and it fails again, nothing can be changed until it does not.

        Args:
            error: Why it failed.
            again: What was read; `None` where something was to be written.
        """
        if isinstance(error, WorkspaceError) and not isinstance(error, _FEED_TELLS):
            self._try(again or self._app.pasts.present.storage.try_writing)

    def wrap(self, compute: Callable[[], Any], failed: Callable[[Exception], None]) -> Callable[[Exception], None]:
        """What takes the error of a reading: it is looked at here before it is handed on."""

        def missed(error: Exception) -> None:
            self.met(error, compute)
            failed(error)

        return missed

    def _try(self, again: Callable[[], Any]) -> None:
        if self._trying:
            return
        self._trying = True

        def well(_found: object) -> None:
            self._trying = False
            if again is self._again:
                self._again = None  # the next look ends it, unless the file system still tells otherwise

        def ill(error: Exception) -> None:
            self._trying = False
            if isinstance(error, WorkspaceError):
                self._again = again
                self._begin(error)
            elif not isinstance(error, Busy):  # what was looked for is gone, say: the workspace has answered
                well(error)

        self._app.desk.read("trouble", again, well, ill)

    def _begin(self, error: WorkspaceError) -> None:
        if self.why == error.message:
            return
        self.why = error.message
        self._health = Health.DAMAGED if isinstance(error, WorkspaceCorrupt) else Health.UNWRITABLE
        self.show()
        self._app.say(f"Changes are off: {error.message}", "bad")

    def _end(self) -> None:
        what = "read" if self._health is Health.DAMAGED else "written"
        self.why, self._health = "", Health.LIVE
        self.show()
        self._app.say(f"The workspace can be {what} again.")
        self._app.post_message(LiveFeed.Changed(Changes((), missed=True)))
