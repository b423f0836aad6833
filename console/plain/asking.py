"""A dialog as questions: what it says, a line for each of its fields, and a yes where the console would want one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.plain.app import FAILED
from console.plain.telling import dialog_lines
from console.screens.dialogs import Choices, Dialog
from console.typing import PlainInput
from console.widgets.document import Document

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from console.plain.app import PlainApp
    from console.plain.stream import Lines

CONFIRMING = "__name__"
"""The field where the object's name must be typed."""

CONFIRM, YES = "confirm", "yes"
"""What answers it, and the last question, beforehand."""


class Asking:
    """One dialog being turned into questions.

    Args:
        app: Where the dialog is shown.
        lines: Whom to ask.
        settle: Waits until what was answered has had its effect.
    """

    def __init__(self, app: PlainApp, lines: Lines, settle: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._lines = lines
        self._settle = settle
        self._said: list[str] = []

    async def converse(self, dialog: Dialog[Any], given: Mapping[str, str]) -> None:
        """Go through a dialog to its end.

        Args:
            dialog: The dialog, on top of the screen.
            given: What was typed with the action, by the names of fields.

        Raises:
            Interrupted: Ctrl-C gave it up.
        """
        self._tell(dialog)
        choices = next(iter(dialog.query(Choices)), None)
        if choices is None:
            await self._pick(dialog)
            return
        while self._app.screen is dialog:
            if not await self._fill(dialog, given) or not await self._agree(dialog, choices, given):
                self.give_up(dialog)
                return
            if self._app.screen is dialog:
                self._tell(dialog)  # what is wrong with the answers
                if given or not self._lines.interactive:
                    self.give_up(dialog)
                    return

    def give_up(self, dialog: Dialog[Any]) -> None:
        """Close it; nothing changes, and a script must know."""
        self._app.code = self._app.code or FAILED
        dialog.give_up()

    def _tell(self, dialog: Dialog[Any]) -> None:
        """Say what it says now, and was not said before."""
        said = dialog_lines(dialog)
        for line in said:
            if line not in self._said:
                self._lines.say(line)
        self._said = said

    async def _fill(self, dialog: Dialog[Any], given: Mapping[str, str]) -> bool:
        """Ask for each field; false at the end of input, or when something was given that it does not ask for."""
        fields = list(dialog.query(PlainInput))
        known = {field.name or "" for field in fields}
        if foreign := sorted(set(given) - known - {CONFIRM, YES}):
            options = ", ".join(f"--{name}" for name in sorted(known - {CONFIRMING})) or "nothing"
            self._app.say(f"There is no --{foreign[0]} here; it asks for {options}.", "bad")
            return False
        for field in fields:
            name = CONFIRM if field.name == CONFIRMING else field.name or ""
            if name in given:
                field.value = given[name]
            elif not given or name == CONFIRM:
                answer = await self._lines.ask(_question(field))
                if answer is None:
                    return False
                field.value = answer.strip() or field.value
        await self._settle()
        return True

    async def _agree(self, dialog: Dialog[Any], choices: Choices, given: Mapping[str, str]) -> bool:
        """Say yes to it; asks first where the console would have Cancel focused. False when it is given up."""
        self._tell(dialog)
        careful = bool(dialog.query(".danger")) or not dialog.query(PlainInput)
        if careful and YES not in given:
            answer = await self._lines.ask(f"Type y to {choices.label('y').lower()}; anything else gives it up: ")
            if answer is None or answer.strip().lower() not in ("y", "yes"):
                return False
        choices.post_message(Choices.Made("y"))
        await self._settle()
        return True

    async def _pick(self, dialog: Dialog[Any]) -> None:
        """A dialog that only says something, or lets one of its lines be chosen."""
        document = next((each for each in dialog.query(Document) if each.line is not None), None)
        if document is None or dialog.query(PlainInput):
            if document is not None:
                self._app.say("This is chosen from a list; name it in the line you type instead, as help says.", "warn")
            dialog.give_up()
            return
        keys = [line.key for line in document.lines if line.key]
        answer = await self._lines.ask(f"A number from 1 to {len(keys)}; anything else gives it up: ")
        number = int(answer) if answer and answer.strip().isascii() and answer.strip().isdigit() else 0
        if not 1 <= number <= len(keys):
            self.give_up(dialog)
            return
        document.choose(keys[number - 1])
        document.move("choose")
        await self._settle()


def _question(field: PlainInput) -> str:
    from console.text import plain
    from console.widgets.bar import Bar

    beside = field.parent.query(Bar) if field.parent is not None else ()
    label = next((plain(bar.parts) for bar in beside if bar.has_class("label")), field.name or "")
    return f"{label} [{field.value}]: " if field.value else f"{label}: "
