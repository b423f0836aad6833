"""What people change about runs; every change is audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput
from engine.tracking import batch_store, run_store
from engine.tracking.lookup import resolve
from engine.tracking.model import LOST_AFTER_MS, RunStatus
from engine.tracking.reading import RunReading
from engine.tracking.rules import MAX_NAME, MAX_NOTE, MAX_TAG, check_key, check_pairs, check_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db.transaction import Transaction
    from engine.tracking.model import Run, RunDetail


class RunChanging(RunReading):
    """Renames, tags, annotates, deletes, restores and closes runs."""

    def rename(self, run_id: str, name: str) -> RunDetail:
        """Give a run another display name.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            name: The name, 1 to 500 characters.

        Returns:
            The run.

        Raises:
            InvalidInput: the name cannot be kept, or several runs' ids begin so.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs rename")
        check_text(name, "The run's name", MAX_NAME, may_be_empty=False)
        with self._database.transaction(actor) as tx:
            run = resolve(tx, run_id)
            if name != run.name:
                run_store.rename(tx, run.row_id, name)
                _record(tx, "rename", run, {"name": run.name}, {"name": name})
        return self.get(run.run_id)

    def set_tag(self, run_id: str, key: str, value: str | None) -> RunDetail:
        """Set a tag.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            key: The tag's key, at most 250 characters.
            value: Its value, at most 8,000 characters; `None` removes it.

        Returns:
            The run.

        Raises:
            InvalidInput: the key or value cannot be kept, or several runs' ids begin so.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require(Role.WRITER, "runs tag")
        check_key(key, "tag")
        checked = None if value is None else self._redacting().pairs(check_pairs({key: value}, "tag", MAX_TAG))
        value = None if checked is None else checked[key]
        with self._database.transaction(actor) as tx:
            run = resolve(tx, run_id)
            before = batch_store.current_pairs(tx, "tag", run.row_id, [key]).get(key)
            if before != value:
                if checked is None:
                    batch_store.delete_tag(tx, run.row_id, key)
                else:
                    batch_store.insert_pairs(tx, "tag", run.row_id, checked)
                _record(tx, "tag", run, {key: before}, {key: value})
        return self.get(run.run_id)

    def set_note(self, run_id: str, note: str) -> RunDetail:
        """Replace a run's note.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            note: Free text, at most 100,000 characters; empty removes it.

        Returns:
            The run.

        Raises:
            InvalidInput: the note cannot be kept, or several runs' ids begin so.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require(Role.WRITER, "runs note")
        check_text(note, "The note", MAX_NOTE)
        with self._database.transaction(actor) as tx:
            run = resolve(tx, run_id)
            if note != run.note:
                run_store.set_note(tx, run.row_id, note)
                _record(tx, "note", run, {"note": run.note}, {"note": note})
        return self.get(run.run_id)

    def delete(self, run_id: str) -> RunDetail:
        """Delete a run; it leaves every list but stays in the workspace, and `restore` brings it back.

        Args:
            run_id: The run, or an unambiguous beginning of its id.

        Returns:
            The run as deleted.

        Raises:
            Conflict: it is deleted already.
            InvalidInput: several runs' ids begin so.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        return self._set_lifecycle(run_id, "delete")

    def restore(self, run_id: str) -> RunDetail:
        """Bring a deleted run back.

        Args:
            run_id: The run, or an unambiguous beginning of its id.

        Returns:
            The run.

        Raises:
            Conflict: it is not deleted.
            InvalidInput: several runs' ids begin so.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        return self._set_lifecycle(run_id, "restore")

    def reap(self, *, older_than_ms: int = LOST_AFTER_MS) -> tuple[Run, ...]:
        """Close runs whose process has died: their status becomes `killed`, their end the last sign of life.

        Args:
            older_than_ms: How long they must have been silent, in milliseconds.

        Returns:
            The runs that were closed, the longest silent first.

        Raises:
            InvalidInput: the age is negative.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs reap")
        if older_than_ms < 0:
            raise InvalidInput("The age must not be negative.")
        with self._database.transaction(actor) as tx:
            row_ids = run_store.silent_since(tx, tx.now_ms - older_than_ms)
            for row in run_store.rows(tx, row_ids):
                row_id, run_id, beat_ms = row[0], row[1], row[8]
                run_store.finish(tx, row_id, RunStatus.KILLED.value, beat_ms)
                after = {"status": RunStatus.KILLED.value, "end_ms": beat_ms}
                before = {"status": RunStatus.RUNNING.value}
                record(tx, verb="reap", kind="run", key=run_id, before=before, after=after)
                tx.emit(kind="run", change="changed", key=run_id, row_id=row_id)
        found = self.rows(row_ids)
        return tuple(found[row_id] for row_id in row_ids)

    def _set_lifecycle(self, run_id: str, verb: str) -> RunDetail:
        actor = self._access.require(Role.OPERATOR, f"runs {verb}")
        deleting = verb == "delete"
        with self._database.transaction(actor) as tx:
            run = resolve(tx, run_id)
            if (run.deleted_ms is not None) is deleting:
                state = "deleted already" if deleting else "not deleted"
                raise Conflict(f"The run {run.run_id[:8]} is {state}.")
            run_store.mark_deleted(tx, run.row_id, tx.now_ms if deleting else None)
            before, after = ("active", "deleted") if deleting else ("deleted", "active")
            _record(tx, verb, run, {"lifecycle": before}, {"lifecycle": after}, "deleted" if deleting else "changed")
        return self.get(run.run_id)


def _record(
    tx: Transaction,
    verb: str,
    run: run_store.RunHead,
    before: Mapping[str, object],
    after: Mapping[str, object],
    change: str = "changed",
) -> None:
    record(tx, verb=verb, kind="run", key=run.run_id, before=before, after=after)
    tx.emit(kind="run", change=change, key=run.run_id, row_id=run.row_id)
