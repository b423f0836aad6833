"""What an undo would change, field by field, whose change it was, and as much care as the inverse takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from console.actions import Action, Danger, Field, Needs
from console.formats import age, moment, recorded
from console.screens.dialogs import Ask, TextDialog
from console.text import wrap
from console.widgets.document import Line, blank, heading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.widget import Widget

    from engine.undoing.model import UndoPlan

SIGNS = 4
"""Cells before a value: two blanks, the sign, a blank."""


def plan_lines(plan: UndoPlan, width: int, now_ms: int) -> list[Line]:
    """A plan as people read it.

    Args:
        plan: The plan.
        width: Cells in a line.
        now_ms: The present, in milliseconds since the epoch.
    """
    entry = plan.record
    who = entry.actor + (f" for {entry.on_behalf_of}" if entry.on_behalf_of else "")
    lines = [
        Line([(f"{entry.verb} {recorded(entry)}", "strong")]),
        Line([(f"  by {who}, {moment(entry.time_ms)} ({age(entry.time_ms, now_ms)} ago), record {entry.seq}", "dim")]),
    ]
    lines += [Line([(f"  {part}", "dim")]) for part in (wrap(entry.reason, width - 2) if entry.reason else ())]
    lines += [blank(), heading("Changes back" if not plan.redo else "Changes again")]
    lines += _fields(plan, width)
    for look, text in _remarks(plan):
        lines += [Line([(part, look)]) for part in wrap(text, width)]
    return lines


def _fields(plan: UndoPlan, width: int) -> Iterator[Line]:
    room = max(width - SIGNS, 10)
    if not plan.changes:
        yield Line([("  nothing can be shown", "dim")])
    for change in plan.changes:
        yield from (Line([(f"  {part}", "strong")]) for part in wrap(change.field, room))
        for sign, value, look in (("-", change.now, "removed"), ("+", change.then, "added")):
            if value is not None:
                yield from (Line([(f"  {sign} {part}", look)]) for part in wrap(_text(value) or '""', room))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _remarks(plan: UndoPlan) -> Iterator[tuple[str, str]]:
    for passed in plan.passed:
        yield "dim", f"Passed over, since it cannot be undone: {passed}"
    if plan.loses:
        yield "warn", plan.loses
    if plan.final and plan.allowed:
        yield "warn", f"This cannot be undone in its turn: {plan.final}"
    for blocker in plan.blockers:
        yield "bad", f"Not now: {blocker}"


def _title(plan: UndoPlan) -> str:
    return f"{'Do again what was undone in' if plan.redo else 'Undo'} record {plan.record.seq}"


class UndoDialog(Ask):
    """Asks whether to undo.

    Args:
        plan: What would change; nothing stands in its way.
        reason: What stands in the line for the reason at first.
        now_ms: The present, in milliseconds since the epoch.
    """

    def __init__(self, plan: UndoPlan, reason: str, now_ms: int) -> None:
        self._plan = plan
        self._now_ms = now_ms
        label = "redo" if plan.redo else "undo"
        asking = Action(
            label,
            "",
            label,
            lambda _app, _subject, _answers: None,
            _title(plan),
            needs=Needs.NOTHING,
            object_name=lambda _plan: str(plan.record.seq),
            warning="CANNOT BE UNDONE" if plan.final else "",
        )
        super().__init__(asking, plan, Danger(plan.danger), [Field("reason", "reason", reason, required=False)])

    def begins_at(self) -> Widget:
        """Cancel, but where a name must be typed: a reason may be given, it need not."""
        return self._choices if self._danger < Danger.IRREVERSIBLE else super().begins_at()

    def body(self, width: int) -> Sequence[Line]:
        """Whose change it is, and each field as it is and as it would be."""
        return plan_lines(self._plan, width, self._now_ms)


def refused(plan: UndoPlan, width: int, now_ms: int) -> TextDialog:
    """What would change and why it cannot now.

    Args:
        plan: The plan.
        width: Cells in a line.
        now_ms: The present, in milliseconds since the epoch.
    """
    return TextDialog(_title(plan), plan_lines(plan, width, now_ms), "bad")
