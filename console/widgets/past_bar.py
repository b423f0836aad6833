"""The line that says that the past is shown: loud, by a word and by its look, with the moment and its change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.widgets.bar import Bar
from engine.core.text import clean

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.location import Location


class PastBar(Bar):
    """One line below the breadcrumbs; it takes no room while the present is shown."""

    def __init__(self) -> None:
        super().__init__(id="past")
        self.display = False

    def describe(self, app: ConsoleApp, location: Location) -> None:
        """Say which moment a place shows; what its change was is found out first.

        Args:
            app: The application.
            location: What is shown.
        """
        self.display = bool(location.at)
        if not location.at:
            return
        self._say(app, location)
        if not app.pasts.knows(location.at):
            app.read("past.told", lambda: app.pasts.tell(location.at), lambda _told: self._told(app))

    def _told(self, app: ConsoleApp) -> None:
        if app.navigator.here.at:
            self._say(app, app.navigator.here)

    def _say(self, app: ConsoleApp, location: Location) -> None:
        words = clean(app.pasts.words(location), limit=300)
        self.show([(" ", ""), (" PAST, READ-ONLY ", "loud"), (f" {words}", "warn")])
