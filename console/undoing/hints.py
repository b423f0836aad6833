"""After what can be undone, the message says how: `z undoes`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.actions import Action
    from console.app import ConsoleApp

UNDO = " Undo: "
"""What stands before a message's own way back."""


class Hints:
    """Knows which action is being done, so that what is said when it is done ends with the way back.

    Args:
        app: The application.
    """

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._doing: Action | None = None
        self._several = False
        self._telling = ""

    def during(self, action: Action, subject: object, run: Callable[[], None]) -> None:
        """Run an action; what it has the application do belongs to it.

        Args:
            action: The action.
            subject: What it is done to; several things leave a record each.
            run: Does it.
        """
        self._doing, self._several = action, isinstance(subject, tuple) and len(subject) > 1
        try:
            run()
        finally:
            self._doing = None

    def wrap(self, done: Callable[[Any], None]) -> Callable[[Any], None]:
        """What is called when the thing is done; what it says ends with the way back."""
        action = self._doing
        if action is None:
            return done
        from console.undoing.sorts import is_undoable  # a start does nothing that could be undone

        if not is_undoable(action):
            return done

        way = " z undoes them one by one." if self._several else " z undoes."

        def told(result: object) -> None:
            self._telling = way
            try:
                done(result)
            finally:
                self._telling = ""

        return told

    def told(self, message: str, look: str) -> str:
        """A message, with the way back if it tells of something that was done.

        Args:
            message: The message.
            look: How it looks; only good news have a way back.
        """
        if not self._telling or look != "good":
            return message
        said, undo, _ = message.partition(UNDO)
        if not self._means_undo():
            return message if undo else f"{message} :undo takes it back."
        return f"{said}{'' if said.endswith('.') else '.'}{self._telling}"

    def _means_undo(self) -> bool:
        """Whether this view leaves `z` to undo."""
        return all(action.key != "z" or action.name == "undo" for action in self._app.offered())
