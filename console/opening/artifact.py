"""Opening an artifact from a view: read it off the screen's thread, then show it or say where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.opening.outside import desktop, private_copy, show
from console.opening.reading import Text, read
from engine.core.text import clean

if TYPE_CHECKING:
    from console.app import ConsoleApp


def open_artifact(app: ConsoleApp, run_id: str, path: str) -> None:
    """Show a run's artifact: text in the pager, pictures and pages on the desktop, or say what can be done instead.

    Args:
        app: The console.
        run_id: The run.
        path: The file.
    """
    engine, remote = app.engine, app.is_web

    def compute() -> Text | str:
        found = read(engine, run_id, path)
        if isinstance(found, Text):
            return found
        return _outside(path, found.data, remote=remote)

    def arrived(found: Text | str) -> None:
        if isinstance(found, str):
            app.say(found)
            return
        from console.opening.pager import Pager

        app.open_dialog(Pager(path, found))

    app.read("artifact", compute, arrived)


def _outside(path: str, data: bytes, *, remote: bool) -> str:
    """Hand it to the desktop; what to tell the operator.

    Raises:
        InvalidInput: `QD_OPENER` is wrong, or no copy can be made.
    """
    found = desktop()
    copy = private_copy(path, data)
    if remote or not found.command:
        reason = "this console is shown in a browser" if remote else found.reason
        return f"Saved to {copy}: {reason}."
    problem = show(found.command, copy)
    return f"Saved to {copy}: {clean(problem)}." if problem else f"Opened {clean(path)}."
