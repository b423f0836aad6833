"""What programs say of their runs, by whole ids: starting them, reporting, and noting what they read and made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.text import clean
from engine.tracking import batch_store, detail_store, run_store
from engine.tracking.active import Batch
from engine.tracking.experiments import ensure, require_active
from engine.tracking.lookup import open_whole_run, resolve, whole_run
from engine.tracking.model import RunStatus
from engine.tracking.records import RunRecords
from engine.tracking.rules import (
    MAX_NAME,
    MAX_NOTE,
    check_input,
    check_integer,
    check_key,
    check_model_use,
    check_text,
    metric_columns,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db.transaction import Transaction
    from engine.tracking.logged_model_model import ModelMetric
    from engine.tracking.model import RunLinks, RunRecord, RunReport, RunStart


class RunReporting(RunRecords):
    """Takes what programs say of their runs."""

    def create(self, start: RunStart) -> RunRecord:
        """Start a run, durably, for a program that reports on it by its id.

        Args:
            start: What is known of it at its start.

        Returns:
            The run.

        Raises:
            InvalidInput: a name, key, value or time cannot be kept, or the status is of a run that is over.
            NotFound: there is no such experiment or parent.
            Conflict: the experiment is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require_still(Role.WRITER, "runs start")
        if start.status.is_over:
            raise InvalidInput("A run starts as 'running' or 'scheduled'.")
        run_id = self._ids.new()
        name = check_text(start.name or f"run-{run_id[:8]}", "The run's name", MAX_NAME)
        check_text(start.note, "The note", MAX_NOTE)
        check_text(start.user, "The run's user", MAX_NAME)
        batch = self._kept(Batch.of(params=start.params, tags=start.tags))
        start_ms = None if start.start_ms is None else check_integer(start.start_ms, "The run's start")
        with self._database.transaction(actor) as tx:
            new = run_store.NewRun(
                run_id=run_id,
                experiment=_experiment(tx, start.experiment),
                name=name,
                status=start.status.value,
                start_ms=tx.now_ms if start_ms is None else start_ms,
                end_ms=None,
                heartbeat_ms=tx.now_ms if start.watched else None,
                user=start.user or actor.name,
                parent=None if start.parent_run_id is None else resolve(tx, start.parent_run_id).row_id,
                note=start.note,
            )
            row_id = run_store.insert(tx, new)
            if start.environment is not None:
                detail_store.insert_environment(tx, row_id, self._redacting().environment(start.environment))
            store_batch(tx, row_id, run_id, batch)
            tx.emit(kind="run", change="created", key=run_id, row_id=row_id)
            return self._records(tx, [row_id])[0]

    def report(self, run_id: str, report: RunReport) -> None:
        """Take what a program says of its run: all of it or nothing, durable when this returns.

        Args:
            run_id: The run's whole id.
            report: What it says.

        Raises:
            InvalidInput: a key, value, name, note or number cannot be kept, or the run would be its own parent.
            Conflict: a parameter has another value already, or the run is deleted.
            NotFound: there is no such run, parent, logged model, or tag to be removed.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
            WorkspaceError: the disk failed; nothing was written.
        """
        actor = self._access.require_still(Role.WRITER, "runs log")
        kept, removed = _parted(report.tags) if report.tags else ({}, [])
        batch = self._kept(Batch.of(metric_columns(report.metrics), report.params, kept))
        with self._database.transaction(actor) as tx:
            run = open_whole_run(tx, run_id)
            store_batch(tx, run.row_id, run_id, batch)
            for key in removed:
                if not batch_store.delete_tag(tx, run.row_id, key):
                    raise NotFound(f"No tag with name: {clean(key)} in run with id {run_id}")
            if report.measured:
                _put_measured(tx, run.row_id, report.measured)
            changed = self._change(tx, run, report)
            tx.emit(kind="run", change="changed" if changed else "logged", key=run_id, row_id=run.row_id)

    def link(self, run_id: str, links: RunLinks) -> None:
        """Note what a run read and made; noting the same again changes nothing.

        Args:
            run_id: The run's whole id.
            links: Data and logged models.

        Raises:
            InvalidInput: a name, digest or id is empty, or a text is too long; nothing was noted.
            Conflict: the run is deleted.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require_still(Role.WRITER, "runs log")
        inputs = [check_input(dataset) for dataset in links.inputs]
        for model in (*links.models_read, *links.models_made):
            check_model_use(model)
        with self._database.transaction(actor) as tx:
            run = open_whole_run(tx, run_id)
            for dataset in inputs:
                detail_store.add_input(tx, run.row_id, dataset)
            detail_store.add_models(tx, run.row_id, "input", links.models_read)
            detail_store.add_models(tx, run.row_id, "output", links.models_made)
            tx.emit(kind="run", change="changed", key=run_id, row_id=run.row_id)

    def _change(self, tx: Transaction, run: run_store.RunHead, report: RunReport) -> bool:
        """Change what stands in the run's own row; whether anything was asked to. Names and notes are audited."""
        asked = (report.name, report.note, report.parent_run_id, report.status, report.end_ms)
        if asked == _NOTHING:
            return False
        name, note = report.name, report.note
        if name is not None and name != run.name:
            self._access.require(Role.OPERATOR, "runs rename")
            check_text(name, "The run's name", MAX_NAME, may_be_empty=False)
            run_store.rename(tx, run.row_id, name)
            record(tx, verb="rename", kind="run", key=run.run_id, before={"name": run.name}, after={"name": name})
        if note is not None and note != run.note:
            check_text(note, "The note", MAX_NOTE)
            run_store.set_note(tx, run.row_id, note)
            record(tx, verb="note", kind="run", key=run.run_id, before={"note": run.note}, after={"note": note})
        if report.parent_run_id is not None:
            _set_parent(tx, run, report.parent_run_id)
        if report.status is not None or report.end_ms is not None:
            _set_outcome(tx, run, report.status, report.end_ms)
        return True


def _put_measured(tx: Transaction, run: int, measured: Sequence[ModelMetric]) -> None:
    from engine.tracking.logged_models import put_measured  # few programs log models, and none pays for it before

    put_measured(tx, run, measured)


_NOTHING = (None,) * 5


def _experiment(tx: Transaction, experiment: str | int) -> int:
    return ensure(tx, experiment) if isinstance(experiment, str) else require_active(tx, experiment)


def _parted(tags: Mapping[str, str | None]) -> tuple[dict[str, str], list[str]]:
    """Tags to be set, and keys of those to be removed."""
    removed = [check_key(key, "tag") for key, value in tags.items() if value is None]
    return {key: value for key, value in tags.items() if value is not None}, removed


def _set_parent(tx: Transaction, run: run_store.RunHead, parent_run_id: str) -> None:
    parent = whole_run(tx, parent_run_id).row_id if parent_run_id else None
    if parent == run.row_id:
        raise InvalidInput("A run cannot be its own parent.")
    run_store.set_parent(tx, run.row_id, parent)


def _set_outcome(tx: Transaction, run: run_store.RunHead, status: RunStatus | None, end_ms: int | None) -> None:
    if end_ms is not None:
        check_integer(end_ms, "The run's end")
    status = RunStatus(run.status) if status is None else status
    if end_ms is None:
        end_ms = tx.now_ms if status.is_over else None
    run_store.finish(tx, run.row_id, status.value, end_ms)


def store_batch(tx: Transaction, row_id: int, run_id: str, batch: Batch) -> None:
    """Store what one call logs, in the caller's transaction: the one way of points, parameters and tags.

    Args:
        tx: The transaction.
        row_id: The run's integer key.
        run_id: Its public id, for messages.
        batch: What is logged, checked.

    Raises:
        Conflict: a parameter has another value already; `details["params"]` tells every such one.
    """
    if batch.metrics.keys:
        batch_store.insert_metrics(tx, row_id, batch.metrics)
    if batch.params:
        _store_params(tx, row_id, run_id, batch.params)
    if batch.tags:
        batch_store.insert_pairs(tx, "tag", row_id, batch.tags)


def _store_params(tx: Transaction, row_id: int, run_id: str, params: Mapping[str, str]) -> None:
    there = batch_store.current_pairs(tx, "param", row_id, params)
    changed = [key for key, value in there.items() if value != params[key]]
    if changed:
        key = changed[0]
        raise Conflict(
            f"Changing param values is not allowed. Param with key='{clean(key, limit=80)}' was already logged with "
            f"value='{clean(there[key], limit=80)}' for run ID='{run_id}'. Attempted logging new value "
            f"'{clean(params[key], limit=80)}'.",
            hint="Log a metric or a tag for what changes.",
            details={"params": [{"key": key, "old": there[key], "new": params[key]} for key in changed]},
        )
    batch_store.insert_pairs(tx, "param", row_id, {key: params[key] for key in params if key not in there})
