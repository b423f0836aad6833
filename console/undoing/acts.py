"""The keys: `z` undoes, `Z` does it again; on a record of the audit log they are about that one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from console.actions import Action, Answers, Danger, Needs
from console.commanding.shell_words import qd, why
from console.location import is_number
from engine.core.access import Role
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.app import ConsoleApp
    from engine.undoing.model import Undone, UndoPlan

NARROWEST, WIDEST = 30, 72
"""Cells of a line in the dialog."""


def _undo(app: ConsoleApp, subject: Any, answers: Answers) -> None:
    """Plan the undo of the record that was named, under the cursor or on the screen, else of the newest own change.

    Raises:
        InvalidInput: what was named is no record.
    """
    from engine.audit.model import AuditEntry  # not before the first undo

    named = answers.get("record", "")
    if named and not is_number(named):
        raise InvalidInput("A record is named by its number.", hint="Type `:undo 12`; `:audit` lists them.")
    here, subject = app.navigator.here, subject or (app.view.subject() if app.view is not None else None)
    shown = here.name if here.resource == "record" and is_number(here.name) else ""
    seq = subject.seq if isinstance(subject, AuditEntry) and not named else int(named or shown or 0)
    undoing = app.engine.undoing
    if not seq:
        _planned(app, undoing.latest, "You have changed nothing lately that can be undone.", answers)
    else:
        _planned(app, partial(undoing.plan, seq), "", answers)


def _redo(app: ConsoleApp, _subject: Any, answers: Answers) -> None:
    _planned(app, app.engine.undoing.redoable, "You have undone nothing lately.", answers)


def _planned(app: ConsoleApp, plan: Callable[[], UndoPlan | None], nothing: str, answers: Answers) -> None:
    app.read("undo", plan, lambda found: _show(app, found, nothing, answers))


def _show(app: ConsoleApp, plan: UndoPlan | None, nothing: str, answers: Answers) -> None:
    from console.undoing.dialog import UndoDialog, refused

    if plan is None:
        app.say(nothing, "warn")
    elif plan.allowed:
        dialog = UndoDialog(plan, answers.get("reason", ""), app.now_ms())
        app.open_dialog(dialog, partial(_answered, app, plan))
    else:
        app.open_dialog(refused(plan, min(max(app.size.width - 8, NARROWEST), WIDEST), app.now_ms()))


def _answered(app: ConsoleApp, plan: UndoPlan, answers: Answers | None) -> None:
    if answers is None:
        app.say("Nothing was undone.", "dim")
        return
    reason, seq, undo = answers["reason"], plan.record.seq, app.engine.undoing.undo
    app.act(
        partial(undo, plan.asked, reason=reason, expected=plan.expect),
        lambda done: app.say(_said(plan, done)),
        _shell(seq, reason),
    )


def _said(plan: UndoPlan, done: Undone) -> str:
    again = "" if plan.final else " z undoes." if done.redo else " Z does it again."
    return f"Record {done.undoes} is undone, by record {done.seq}.{again}"


def _shell(seq: int, reason: str) -> str:
    from engine.core.names import in_shell

    return f"qd undo {seq} --yes" + (f" --reason {in_shell(reason)}" if reason else "")


UNDO = Action(
    "undo",
    "z",
    "undo",
    _undo,
    "Undo your newest change, shown first; `:undo 12` undoes any record.",
    danger=Danger.REVERSIBLE,
    needs=Needs.NOTHING,
    role=Role.WRITER,
    dialog=True,
    takes=("record", "reason"),
    twin=lambda _it, said: qd("undo", (said["record"],) if said.get("record") else (), ["--yes"], why(said)),
)
"""On the audit log and on a record it is about that one."""

UNDO_RECORD = replace(UNDO, about="Undo this record, whoever did it; shown first.")
"""The same, as those views tell of it."""

REDO = Action(
    "redo",
    "Z",
    "redo",
    _redo,
    "Do again what you undid last, shown first.",
    danger=Danger.REVERSIBLE,
    needs=Needs.NOTHING,
    role=Role.WRITER,
    dialog=True,
    takes=("reason",),
    twin=lambda _it, said: qd("redo", ["--yes"], why(said)),
)
