"""What an undo would change, what stands in its way, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.audit.model import AuditEntry
    from engine.core.access import Role

KIND = "record"
"""What the audit log calls the object of an undo: an earlier record."""

UNDO, REDO = "undo", "redo"
"""What it calls the act."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that an undo changes.

    Args:
        field: Its name, such as `stage` or `tags.team`.
        now: What it is now (a JSON value); `None` when there is nothing.
        then: What it would be; `None` when there would be nothing.
    """

    field: str
    now: Any
    then: Any


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What the undo of a record would do, and what stands in its way.

    Args:
        record: The record that would be undone. An act of several records is undone as a whole, by its leading one.
        asked: The number that was asked for; another than the record's where that is a part of it.
        changes: The fields that would change.
        redo: Whether the record is an undo itself, so that this does again what it undid.
        role: The least role that may do it.
        danger: 1 reversible and not in Production, 2 reversible in Production, 3 cannot be undone in its turn, or
            callers are refused.
        blockers: What stands in the way and what to do next, a sentence or two each; empty when it may happen.
        later: The later record that changed the same; `None` when none did.
        loses: What does not come back although the record is undone; empty when everything does.
        final: Why the undo could not be undone in its turn; empty when it could.
        passed: Newer changes of the same person that cannot be undone and were passed over, a sentence each.
        expect: Stands for all that is shown; handed to `undo`, which refuses when it is otherwise then.
    """

    record: AuditEntry
    asked: int
    changes: tuple[FieldChange, ...]
    redo: bool
    role: Role
    danger: int
    blockers: tuple[str, ...]
    later: int | None
    loses: str
    final: str
    passed: tuple[str, ...]
    expect: str

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.blockers


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did.

    Args:
        seq: The number of its own record.
        undoes: The number of the record that was undone.
        records: The numbers of the records that its changes left.
        changes: The fields that changed.
        redo: Whether it did again what an undo had undone.
    """

    seq: int
    undoes: int
    records: tuple[int, ...]
    changes: tuple[FieldChange, ...]
    redo: bool
