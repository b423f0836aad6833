"""Storing experiments from elsewhere, with their times, tags and deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.tracking import experiment_store, import_store
from engine.tracking.lookup import RunService
from engine.tracking.rules import MAX_EXPERIMENT_TAG, MAX_NAME, check_integer, check_pairs, check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Transaction
    from engine.tracking.model import ExperimentImport


class ExperimentImporting(RunService):
    """Stores experiments from elsewhere."""

    def import_experiments(self, experiments: Sequence[ExperimentImport]) -> int:
        """Store experiments from elsewhere, and bring those of the same name up to what is said of them.

        Args:
            experiments: The experiments. A known one gets the tags that are given and is deleted or restored as they
                say; all are stored in one transaction with one audit record.

        Returns:
            How many are new or were changed.

        Raises:
            InvalidInput: a name or a tag cannot be kept; nothing was stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "experiments import")
        for each in experiments:
            _check_experiment(each)
        if not experiments:
            return 0
        with self._database.transaction(actor) as tx:
            changed = [each.name for each in experiments if _merge_experiment(tx, each)]
            if changed:
                after = {"experiments": len(changed)}
                record(tx, verb="import", kind="experiment", key=changed[0], before=None, after=after)
        return len(changed)


def _check_experiment(each: ExperimentImport) -> None:
    check_text(each.name, "The experiment's name", MAX_NAME, may_be_empty=False)
    check_pairs(each.tags, "tag", MAX_EXPERIMENT_TAG)
    for time_ms in (each.created_ms, each.updated_ms, each.deleted_ms or 0):
        check_integer(time_ms, "The experiment's time")


def _merge_experiment(tx: Transaction, each: ExperimentImport) -> bool:
    """Store one experiment; whether anything was new."""
    found = experiment_store.find(tx, each.name)
    if found is None:
        import_store.insert_experiment(tx, each)
        tx.emit(kind="experiment", change="created", key=each.name)
        return True
    had = experiment_store.tags(tx, found[0])
    tags = {key: value for key, value in each.tags.items() if had.get(key) != value}
    moved = (found[4] is None) is not (each.deleted_ms is None)
    if not tags and not moved:
        return False
    import_store.set_experiment_tags(tx, found[0], tags)
    if moved:
        import_store.mark_experiment(tx, found[0], each.deleted_ms)
    tx.emit(kind="experiment", change="deleted" if moved and each.deleted_ms else "changed", key=each.name)
    return True
