"""The operations: plan an undo, carry it out, find the last change that can be undone or done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, QuarterdeckError
from engine.undoing.chronicle import Chronicle
from engine.undoing.inverse import Never
from engine.undoing.model import KIND, REDO, UNDO, Undone, UndoPlan
from engine.undoing.planning import Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.audit.model import AuditEntry
    from engine.undoing.inverse import Services

MAX_REASON = 900
"""Longest reason of an undo, in characters; it becomes a part of the reasons of what is done."""

_LOOKED_AT = 500
"""Newest records of somebody that are looked through."""


class Undoing:
    """Undo and redo of what the audit log holds, whoever did it.

    Args:
        services: The engine, whose operations do it.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._chronicle = Chronicle(services.audit)

    def plan(self, seq: int) -> UndoPlan:
        """Say what undoing a record would change and what stands in its way; changes nothing, and anybody may ask.

        A record that is a part of an act, such as a version's move in a promotion, stands for the whole. Undoing an
        undo does the change again.

        Args:
            seq: The record's number in the audit log.

        Returns:
            The plan; its `expect`, handed to `undo`, refuses when anything changed since.

        Raises:
            NotFound: there is no record of that number.
            IntegrityError: a record has been damaged.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        return prepare(self._services, self._chronicle, seq).plan

    def undo(self, seq: int, *, reason: str = "", expected: str | None = None) -> Undone:
        """Undo a record by the operations of what it changed: with their roles, gates, approvals and checks.

        It leaves a record of its own that names the one it undoes, beside the records of what it changes. Except for
        promotions, rollbacks and withdrawals all of it is one transaction.

        Args:
            seq: The record's number in the audit log.
            reason: Why; at most 900 characters.
            expected: The `expect` of the plan that was shown; not compared when `None`.

        Returns:
            What was done.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor may not do the inverse.
            NotFound: there is no record of that number.
            InvalidInput: the reason is too long or not valid Unicode.
            Conflict: it cannot be undone, or was already, or its object has changed since in the same fields or is
                gone, or the plan is not the one that was shown; the details name the later record.
            Refused: what the inverse asks for, such as a gate or an approval, is not there; that is recorded.
            QuarterdeckError: as the operation says that does the inverse.
        """
        if len(reason) > MAX_REASON:
            raise InvalidInput(f"A reason has at most {MAX_REASON} characters here.", hint="Shorten it.")
        found = self._checked(seq, expected)
        if found.slow:
            return self._alone(found, reason)
        refused: QuarterdeckError | None = None
        with self._services.database.group():
            try:
                return self._at_once(self._checked(seq, found.plan.expect), reason)
            except _Refused as stopped:
                refused = stopped.error
        raise refused

    def latest(self, actor: str | None = None) -> UndoPlan | None:
        """The plan for the newest change of somebody that can be undone and is not undone yet.

        Args:
            actor: Whose; that of this session when `None`.

        Returns:
            The plan, which may be refused by what happened since; `None` when there is no such change among their last
            500. Newer changes that can never be undone are passed over, and the plan says so.

        Raises:
            IntegrityError: a record has been damaged.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        passed: list[str] = []
        for entry, never in self._changes(self._who(actor)):
            if never is None:
                return prepare(self._services, self._chronicle, entry.seq, tuple(passed)).plan
            passed.append(f"{entry.verb} {entry.kind} {entry.key} (record {entry.seq}): {never.why}")
        return None

    def redoable(self, actor: str | None = None) -> UndoPlan | None:
        """The plan for doing again what somebody undid last.

        Args:
            actor: Whose undo; that of this session when `None`.

        Returns:
            The plan; `None` when there is no undo that holds among their last 500.

        Raises:
            IntegrityError: a record has been damaged.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        for entry in self._chronicle.undos_by(self._who(actor), _LOOKED_AT):
            if entry.verb == UNDO and self._chronicle.undone_by(entry.seq) is None:
                return self.plan(entry.seq)
        return None

    def _who(self, actor: str | None) -> str:
        return self._services.access.actor.name if actor is None else actor

    def _changes(self, actor: str) -> Iterator[tuple[AuditEntry, Never | None]]:
        """Changes of somebody that hold, the newest first; with why one can never be undone."""
        seen: set[int] = set()
        for each in self._chronicle.by(actor, _LOOKED_AT):
            entry, how = self._chronicle.leading(each)
            if entry.seq in seen or entry.kind == KIND or entry.verb == "refuse":
                continue
            seen.add(entry.seq)
            if isinstance(how, Never):
                yield entry, how
            elif self._chronicle.undone_by(entry.seq) is None:
                yield entry, None

    def _checked(self, seq: int, expected: str | None) -> Prepared:
        """What is to be done, unless something stands in the way that no operation would refuse by itself.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the role is too low.
            Conflict: it cannot be done, or is not what was shown.
        """
        found = prepare(self._services, self._chronicle, seq)
        self._services.access.require(max(found.plan.role, Role.WRITER), f"undo {seq}")
        if found.hard:
            hint = f"See record {found.plan.later}." if found.plan.later else ""
            raise Conflict(found.hard[0], hint=hint, details={"later": found.plan.later, "blockers": found.hard})
        if expected is not None and expected != found.plan.expect:
            raise Conflict("It is not as it was shown any more.", hint="Look at it again and decide anew.")
        return found

    def _at_once(self, found: Prepared, reason: str) -> Undone:
        """Everything in the group of this thread."""
        size = self._chronicle.size()
        why = _why(found, reason)
        for number, (inverse, case) in enumerate(found.steps):
            try:
                inverse.act(case, why)
            except QuarterdeckError as error:
                if number:
                    raise  # what was done before goes with it
                raise _Refused(error) from error
        return self._written(found, reason, tuple(range(size + 1, self._chronicle.size() + 1)))

    def _alone(self, found: Prepared, reason: str) -> Undone:
        """What takes long or opens transactions of its own; each operation compares what was seen by itself."""
        size = self._chronicle.size()
        why = _why(found, reason)
        for inverse, case in found.steps:
            inverse.act(case, why)
        me = self._services.access.actor.name
        left = tuple(each.seq for each in self._chronicle.since(size) if (each.actor, each.reason) == (me, why))
        return self._written(found, reason, left)

    def _written(self, found: Prepared, reason: str, records: tuple[int, ...]) -> Undone:
        if not records:
            raise Conflict("Nothing was changed by it.", hint="Look at it again.")
        target = found.target
        redo = found.plan.redo
        after = {"undoes": target.seq, "what": f"{target.verb} {target.kind} {target.key}", "records": list(records)}
        with self._services.database.transaction(self._services.access.actor) as tx:
            verb = REDO if redo else UNDO
            made = record(tx, verb=verb, kind=KIND, key=str(target.seq), before=None, after=after, reason=reason)
        return Undone(made.seq, target.seq, records, found.plan.changes, redo)


class _Refused(Exception):
    """The first operation refused, so that nothing was changed; what it recorded of that is kept.

    Args:
        error: What it said.
    """

    def __init__(self, error: QuarterdeckError) -> None:
        super().__init__(str(error))
        self.error = error


def _why(found: Prepared, reason: str) -> str:
    seq = found.plan.record.seq
    told = f"Does again what record {seq} undid" if found.plan.redo else f"Undoes record {seq}"
    return f"{told}: {reason}" if reason else f"{told}."
