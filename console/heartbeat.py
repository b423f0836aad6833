"""What is asked of the workspace once a second, in one errand: the way to another thread and back is what costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import QuarterdeckError, WorkspaceError

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.jobs import Look, Looking
    from console.serving import Beat, PlaneWatch


class Found(NamedTuple):
    """What an errand brought.

    Args:
        obstacle: What would keep the next change from being written; `None` for nothing.
        jobs: Those that run and those that ended; `None` where all is as before.
        planes: Data planes and what they serve; `None` where they could not be read.
        error: Why not; the feed says what is wrong, this says what to try again.
    """

    obstacle: WorkspaceError | None
    jobs: Look | None
    planes: Beat | None
    error: QuarterdeckError | None


class Heartbeat:
    """Asks, and hands what was found to those that show it.

    Args:
        app: The console.
        planes: Looks at data planes.
    """

    def __init__(self, app: ConsoleApp, planes: PlaneWatch) -> None:
        self._app = app
        self._planes = planes
        self._asking = False

    def beat(self) -> None:
        """Ask once, off the screen's thread; not while the last answer is still awaited: it would be given up."""
        if self._asking:
            return
        self._asking, looking = True, self._app.jobs.looking()
        self._app.desk.read(f"heartbeat.{id(self)}", lambda: self._ask(looking), self._show, self._failed)

    def _ask(self, looking: Looking) -> Found:
        obstacle = self._app.pasts.present.storage.obstacle()
        try:
            return Found(obstacle, looking(), self._planes.look(), None)
        except QuarterdeckError as error:
            return Found(obstacle, None, None, error)

    def _failed(self, error: Exception) -> None:
        self._asking = False
        self._app.keep(error)  # in the log, which keeps what goes on once: not a dialog a second

    def _show(self, found: Found) -> None:
        self._asking, app = False, self._app
        if found.error is not None:
            app.trouble.met(found.error, self._planes.look)
        app.trouble.look(found.obstacle)
        app.jobs.looked(found.jobs)
        if found.planes is not None:
            app.beat(found.planes)
