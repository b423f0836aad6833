"""Storing finished runs from elsewhere, many in one transaction."""

from __future__ import annotations

import re
import sqlite3
from itertools import islice
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, InvalidInput
from engine.tracking import batch_store, run_store
from engine.tracking.active import Batch
from engine.tracking.experiments import ensure
from engine.tracking.lookup import RunService
from engine.tracking.rules import MAX_NAME, MAX_NOTE, check_integer, check_text, metric_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.db.transaction import Transaction
    from engine.tracking.model import RunImport

RUNS_PER_TRANSACTION = 500
"""Other writers wait while one is open: about a tenth of a second for runs of twenty values."""

_RUN_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class RunImporting(RunService):
    """Stores runs from elsewhere."""

    def import_runs(self, runs: Iterable[RunImport]) -> int:
        """Store runs from elsewhere as they are: their ids, times, status and every metric point.

        Runs are stored in groups of `RUNS_PER_TRANSACTION`, each group whole or not at all with one audit record; when
        one group fails, those before it stay. Runs are read from the iterable as they are needed.

        Args:
            runs: The runs.

        Returns:
            How many were stored.

        Raises:
            AlreadyExists: a run id is taken; the group was not stored.
            InvalidInput: something in a run cannot be kept; the group was not stored.
            Conflict: an experiment is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs import")
        rest = iter(runs)
        stored = 0
        while group := [(run, _batch(run)) for run in islice(rest, RUNS_PER_TRANSACTION)]:
            with self._database.transaction(actor) as tx:
                self._store_group(tx, group)
            stored += len(group)
        return stored

    def _store_group(self, tx: Transaction, group: Sequence[tuple[RunImport, Batch]]) -> None:
        experiments: dict[str, int] = {}
        rows: list[tuple[int, Batch]] = []
        for run, batch in group:
            if run.experiment not in experiments:
                experiments[run.experiment] = ensure(tx, run.experiment)
            rows.append((self._store_run(tx, run, experiments[run.experiment]), batch))
        batch_store.insert_group(tx, rows)
        after = {"runs": len(group), "experiments": sorted(experiments)}
        record(tx, verb="import", kind="run", key=group[0][0].run_id or group[0][0].name, before=None, after=after)

    def _store_run(self, tx: Transaction, run: RunImport, experiment: int) -> int:
        run_id = run.run_id or self._ids.new()
        new = run_store.NewRun(
            run_id,
            experiment,
            run.name,
            run.status.value,
            run.start_ms,
            run.end_ms,
            None,
            run.user or tx.actor.name,
            None,
            run.note,
        )
        try:
            row_id = run_store.insert(tx, new)
        except sqlite3.IntegrityError as error:
            raise AlreadyExists(f"There is a run with the id {run_id} already.", hint="Leave it out.") from error
        tx.emit(kind="run", change="created", key=run_id, row_id=row_id)
        return row_id


def _batch(run: RunImport) -> Batch:
    if run.run_id is not None and not _RUN_ID.fullmatch(run.run_id):
        raise InvalidInput("A run id is 32 lower-case hex digits.")
    check_text(run.name, "The run's name", MAX_NAME, may_be_empty=False)
    check_text(run.user, "The run's user", MAX_NAME)
    check_text(run.note, "The note", MAX_NOTE)
    check_integer(run.start_ms, "The run's start")
    if run.end_ms is not None:
        check_integer(run.end_ms, "The run's end")
    return Batch.of(metric_columns(run.metrics), run.params, run.tags)
