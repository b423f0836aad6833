"""Storing runs from elsewhere, many in one transaction."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from engine.artifacts import file_store
from engine.artifacts.file_store import RUN_FILES
from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, InvalidInput
from engine.tracking import batch_store, detail_store, experiment_store, import_store, run_store
from engine.tracking.active import Batch
from engine.tracking.experiment_importing import ExperimentImporting
from engine.tracking.experiments import create, ensure
from engine.tracking.exporting import RunExporting
from engine.tracking.rules import MAX_NAME, MAX_NOTE, check_input, check_integer, check_text, metric_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.db.transaction import Transaction
    from engine.tracking.model import RunImport

RUNS_PER_TRANSACTION = 500
"""Other writers wait while one is open: about a tenth of a second for runs of twenty values."""

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,255}", re.ASCII)


class RunImporting(ExperimentImporting, RunExporting):
    """Stores runs and experiments from elsewhere, and gives runs to elsewhere."""

    def import_runs(self, runs: Iterable[RunImport]) -> int:
        """Store runs from elsewhere as they are: their ids, times, status and every metric point.

        Runs are stored in groups of `RUNS_PER_TRANSACTION`, each group whole or not at all with one audit record; when
        one group fails, those before it stay. Runs are read from the iterable as they are needed.

        Args:
            runs: The runs; none of them may be here already.

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
        while group := [(run, self._kept(_batch(run))) for run in islice(rest, RUNS_PER_TRANSACTION)]:
            with self._database.transaction(actor) as tx:
                experiments = {name: ensure(tx, name) for name in dict.fromkeys(run.experiment for run, _ in group)}
                _store_group(tx, [(self._insert(tx, run, experiments), run, batch) for run, batch in group])
                _record(tx, group[0][0], {"runs": len(group), "experiments": sorted(experiments)})
            stored += len(group)
        return stored

    def merge_runs(self, runs: Sequence[RunImport]) -> int:
        """Store runs from elsewhere, and bring those that are here already up to what is said of them.

        A known run gets the name, status, times, note and deletion that are given, the points, parameters, inputs and
        files it has not, and the values of the tags that are given; nothing that it has besides is taken away. A run
        may stand in the list more than once, to bring a long history in parts. All are stored in one transaction with
        one audit record: hand over few at a time, for other writers wait meanwhile.

        Args:
            runs: The runs; each with its id. Their experiments are made when missing, and may be deleted.

        Returns:
            How many of them were not here before.

        Raises:
            InvalidInput: something in a run cannot be kept, or one has no id; nothing was stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs import")
        group = [(run, self._kept(_batch(run, may_lack_id=False))) for run in runs]
        if not group:
            return 0
        with self._database.transaction(actor) as tx:
            here = import_store.known(tx, {run.run_id or "" for run, _ in group})
            experiments = {
                name: _any_experiment(tx, name) for name in dict.fromkeys(run.experiment for run, _ in group)
            }
            had = import_store.param_keys(tx, [each.row_id for each in here.values()])
            new: dict[str, int] = {}
            rows: list[tuple[int, RunImport, Batch]] = []
            for run, batch in group:
                run_id = run.run_id or ""
                row_id = new.get(run_id) or (here[run_id].row_id if run_id in here else 0)
                if run_id in here:
                    self._update(tx, run, here[run_id])
                    batch = _without(batch, had[row_id])  # noqa: PLW2901 the same batch, less what is here
                elif not row_id:
                    row_id = new[run_id] = self._insert(tx, run, experiments)
                    had[row_id] = set(batch.params)
                else:
                    batch = _without(batch, had[row_id])  # noqa: PLW2901 same
                rows.append((row_id, run, batch))
            _store_group(tx, rows)
            after = {"runs": len(new), "changed": len(here), "experiments": sorted(experiments)}
            _record(tx, group[0][0], after)
        return len(new)

    def redacted(self, run: RunImport) -> RunImport:
        """A run as it would be stored: secrets in its parameters and tags replaced, as the policy says.

        Args:
            run: The run.
        """
        kept = self._kept(Batch(params=run.params, tags=run.tags))
        return (
            run
            if (kept.params, kept.tags) == (run.params, run.tags)
            else replace(run, params=kept.params, tags=kept.tags)
        )

    def link_runs(self, parents: Sequence[tuple[str, str]]) -> int:
        """Put runs below the runs they belong to, once both are here.

        Args:
            parents: (child, parent) run ids; those of which one is not here are passed over.

        Returns:
            How many were put elsewhere than they stood.

        Raises:
            InvalidInput: a run would be its own parent.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs import")
        if any(child == parent for child, parent in parents):
            raise InvalidInput("A run cannot be its own parent.")
        if not parents:
            return 0
        with self._database.transaction(actor) as tx:
            linked = import_store.link(tx, parents)
            if linked:
                record(tx, verb="import", kind="run", key=parents[0][0], before=None, after={"parents": linked})
        return linked

    def _insert(self, tx: Transaction, run: RunImport, experiments: Mapping[str, int]) -> int:
        run_id = run.run_id or self._ids.new()
        new = run_store.NewRun(
            run_id=run_id,
            experiment=experiments[run.experiment],
            name=run.name,
            status=run.status.value,
            start_ms=run.start_ms,
            end_ms=run.end_ms,
            heartbeat_ms=None,
            user=run.user or tx.actor.name,
            parent=None,
            note=run.note,
        )
        try:
            row_id = run_store.insert(tx, new)
        except sqlite3.IntegrityError as error:
            raise AlreadyExists(f"There is a run with the id {run_id} already.", hint="Leave it out.") from error
        if run.deleted_ms is not None:
            run_store.mark_deleted(tx, row_id, run.deleted_ms)
        tx.emit(kind="run", change="created", key=run_id, row_id=row_id)
        return row_id

    def _update(self, tx: Transaction, run: RunImport, here: import_store.KnownRun) -> None:
        deleted_ms = here.deleted_ms if run.deleted_ms is not None and here.deleted_ms is not None else run.deleted_ms
        state = import_store.RunState(
            run.name, run.status.value, run.start_ms, run.end_ms, run.user or tx.actor.name, run.note, deleted_ms
        )
        import_store.update(tx, here.row_id, state)
        tx.emit(kind="run", change="changed", key=run.run_id or "", row_id=here.row_id)


def _store_group(tx: Transaction, rows: Sequence[tuple[int, RunImport, Batch]]) -> None:
    batch_store.insert_group(tx, [(row_id, batch) for row_id, _, batch in rows])
    for row_id, run, _ in rows:
        for dataset in run.inputs:
            detail_store.add_input(tx, row_id, dataset)
        if run.files:
            file_store.add(tx, RUN_FILES, row_id, run.files)
    parents = [(run.run_id, run.parent_run_id) for _, run, _ in rows if run.run_id and run.parent_run_id]
    import_store.link(tx, parents)


def _record(tx: Transaction, first: RunImport, after: Mapping[str, object]) -> None:
    record(tx, verb="import", kind="run", key=first.run_id or first.name, before=None, after=after)


def _batch(run: RunImport, *, may_lack_id: bool = True) -> Batch:
    if run.run_id is None and not may_lack_id:
        raise InvalidInput("A run without an id cannot be brought up.", hint="Give each its run_id.")
    if run.run_id is not None and not _RUN_ID.fullmatch(run.run_id):
        raise InvalidInput("A run id is 1 to 256 letters, digits, `-` or `_`, and begins with a letter or digit.")
    if run.parent_run_id is not None and run.parent_run_id == run.run_id:
        raise InvalidInput("A run cannot be its own parent.")
    check_text(run.name, "The run's name", MAX_NAME, may_be_empty=False)
    check_text(run.user, "The run's user", MAX_NAME)
    check_text(run.note, "The note", MAX_NOTE)
    check_integer(run.start_ms, "The run's start")
    for time_ms, what in ((run.end_ms, "end"), (run.deleted_ms, "deletion")):
        if time_ms is not None:
            check_integer(time_ms, f"The run's {what}")
    for dataset in run.inputs:
        check_input(dataset)
    return Batch.of(metric_columns(run.metrics), run.params, run.tags)


def _without(batch: Batch, had: set[str]) -> Batch:
    params = {key: value for key, value in batch.params.items() if key not in had}
    had.update(params)
    return batch._replace(params=params)


def _any_experiment(tx: Transaction, name: str) -> int:
    found = experiment_store.find(tx, name)
    return create(tx, name, {}) if found is None else found[0]
