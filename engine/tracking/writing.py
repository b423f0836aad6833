"""Changing operations on runs. What programs log is told by events only; what people change is audited too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.artifacts.model import safe_path
from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput
from engine.core.text import clean
from engine.tracking import batch_store, detail_store, run_store
from engine.tracking.active import ActiveRun, Batch
from engine.tracking.environment import capture as capture_environment
from engine.tracking.experiments import ensure
from engine.tracking.model import LOST_AFTER_MS, Artifact, RunStatus
from engine.tracking.reading import RunReading, resolve
from engine.tracking.rules import (
    MAX_NAME,
    MAX_NOTE,
    MAX_PARAM,
    MAX_SCHEMA,
    MAX_TAG,
    check_key,
    check_pairs,
    check_text,
    metric_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from engine.artifacts.store import ArtifactStore
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.core.ids import Ids
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.model import DatasetInput, MetricPoint, Run, RunDetail


class RunWriting(RunReading):
    """Starts, logs to, finishes and changes runs.

    Args:
        database: The control database.
        access: Who acts, with which role.
        artifacts: The artifact files.
        clock: Tells the time of points without one.
        ids: Makes run ids.
    """

    def __init__(self, database: Database, access: Access, artifacts: ArtifactStore, clock: Clock, ids: Ids) -> None:
        super().__init__(database, artifacts, clock)
        self._access = access
        self._ids = ids

    def start(  # noqa: PLR0913 every argument but the first two is by name and has a default
        self,
        experiment: str = "default",
        name: str | None = None,
        *,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        parent: str | None = None,
        seed: int | None = None,
        capture: bool = True,
        status: RunStatus = RunStatus.RUNNING,
    ) -> ActiveRun:
        """Start a run; it is stored, durably, when this returns.

        Args:
            experiment: Its experiment's name; made when missing.
            name: Its display name; `run-` and eight digits of its id when `None`.
            params: First parameters; values become text.
            tags: First tags; values become text.
            parent: The id of the run it belongs to.
            seed: The random seed the program uses, to be kept.
            capture: Keep the git state and the installed packages too (found out in the background).
            status: `running`, or `scheduled` for one that waits; only a running one gets a heartbeat.

        Returns:
            The run, to log to; as a context manager it finishes by itself.

        Raises:
            InvalidInput: a name, key or value cannot be kept, or the status is of a run that is over.
            NotFound: there is no such parent.
            Conflict: the experiment is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs start")
        if status.is_over:
            raise InvalidInput("A run starts as 'running' or 'scheduled'.")
        run_id = self._ids.new()
        name = f"run-{run_id[:8]}" if name is None else name
        check_text(name, "The run's name", MAX_NAME, may_be_empty=False)
        batch = Batch.of(params=params or {}, tags=tags or {})
        environment = capture_environment(seed, git=capture)
        running = status is RunStatus.RUNNING
        with self._database.transaction(actor) as tx:
            parent_row = None if parent is None else resolve(tx, parent).row_id
            beat_ms = tx.now_ms if running else None
            new = run_store.NewRun(
                run_id, ensure(tx, experiment), name, status.value, tx.now_ms, None, beat_ms, actor.name, parent_row, ""
            )
            row_id = run_store.insert(tx, new)
            detail_store.insert_environment(tx, row_id, environment)
            _store_batch(tx, row_id, run_id, batch)
            tx.emit(kind="run", change="created", key=run_id, row_id=row_id)
        return ActiveRun(self, run_id, row_id, beat=running, capture=capture)

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Iterable[MetricPoint] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log metric points, parameters and tags: all of them or none, durable when this returns.

        Args:
            run_id: The run.
            metrics: (key, value, step, time_ms) tuples; NaN and infinities are kept, an exact duplicate once.
            params: New parameters; one that is there already must have the same value.
            tags: Tags to set.

        Raises:
            InvalidInput: a key is over 250 characters, a parameter over 6,000, a tag over 8,000, or something is of
                the wrong type; the message names it.
            Conflict: a parameter has another value already, or the run is deleted.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            WorkspaceError: the disk failed; nothing was written.
        """
        columns = metric_columns(metrics)
        self.log_columns(run_id, Batch(columns, *_checked(params or {}, tags or {})))

    def log_columns(self, run_id: str, batch: Batch) -> None:
        """Log a batch that has been checked; the one write path of everything runs log.

        Args:
            run_id: The run.
            batch: What to log.

        Raises:
            Conflict: a parameter has another value already, or the run is deleted.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs log")
        with self._database.transaction(actor) as tx:
            run = _open_run(tx, run_id)
            _store_batch(tx, run.row_id, run.run_id, batch)
            tx.emit(kind="run", change="logged", key=run.run_id, row_id=run.row_id)

    def log_input(self, run_id: str, dataset: DatasetInput) -> None:
        """Note that a run read a dataset; noting the same again changes nothing.

        Args:
            run_id: The run.
            dataset: What it read.

        Raises:
            InvalidInput: the name or digest is empty, or a text is too long.
            Conflict: the run is deleted.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs log")
        check_text(dataset.name, "The dataset's name", MAX_NAME, may_be_empty=False)
        check_text(dataset.digest, "The dataset's digest", MAX_NAME, may_be_empty=False)
        check_text(dataset.schema, "The dataset's schema", MAX_SCHEMA)
        check_text(dataset.context, "The dataset's context", MAX_NAME)
        with self._database.transaction(actor) as tx:
            run = _open_run(tx, run_id)
            detail_store.add_input(tx, run.row_id, dataset)
            tx.emit(kind="run", change="changed", key=run.run_id, row_id=run.row_id)

    def log_bytes(self, run_id: str, data: bytes, path: str) -> Artifact:
        """Keep bytes as an artifact file.

        Args:
            run_id: The run.
            data: The bytes.
            path: Where, such as `plots/roc.png`; what was there is replaced.

        Returns:
            The artifact.

        Raises:
            InvalidInput: the path is not safe.
            Conflict: a file stands where the path needs a folder or the other way round, or the run is deleted.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        self._access.require(Role.OPERATOR, "runs log")
        target = safe_path(path)
        self._refuse_unknown(run_id)
        blob = self._artifacts.put_bytes(data)
        return self._attach(run_id, [Artifact(target, blob.digest, blob.size_bytes)])[0]

    def log_files(self, run_id: str, files: Sequence[tuple[Path, str]]) -> tuple[Artifact, ...]:
        """Keep copies of files as artifacts; all of them or none show up in the run.

        Args:
            run_id: The run.
            files: Local file and its path in the run, each.

        Returns:
            The artifacts.

        Raises:
            InvalidInput: a path is not safe, or a local file is no regular file.
            Conflict: a file stands where a path needs a folder or the other way round, or the run is deleted.
            NotFound: there is no such run or local file.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        self._access.require(Role.OPERATOR, "runs log")
        targets = [(local, safe_path(path)) for local, path in files]
        self._refuse_unknown(run_id)
        stored = [(path, self._artifacts.put_file(local)) for local, path in targets]
        return self._attach(run_id, [Artifact(path, blob.digest, blob.size_bytes) for path, blob in stored])

    def finish(self, run_id: str, status: RunStatus = RunStatus.FINISHED) -> None:
        """Set how a run stands; its end is the time of this call, or open again for `running` and `scheduled`.

        Args:
            run_id: The run.
            status: The status.

        Raises:
            NotFound: there is no such run.
            Conflict: the run is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs finish")
        with self._database.transaction(actor) as tx:
            run = _open_run(tx, run_id)
            run_store.finish(tx, run.row_id, status.value, tx.now_ms if status.is_over else None)
            tx.emit(kind="run", change="changed", key=run.run_id, row_id=run.row_id)

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
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs tag")
        check_key(key, "tag")
        checked = None if value is None else check_pairs({key: value}, "tag", MAX_TAG)
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
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "runs note")
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

    def beat(self, row_id: int) -> bool:
        """Write a sign of life of a running run; False when it is no longer running.

        Raises:
            QuarterdeckError: the workspace cannot be written.
        """
        with self._database.transaction(self._access.actor) as tx:
            return run_store.beat(tx, row_id)

    def complete_environment(self, row_id: int, packages: Mapping[str, str], git_dirty: bool | None) -> None:
        """Add to a run's environment what took long to find out.

        Args:
            row_id: The run's integer key.
            packages: Installed distributions, name to version.
            git_dirty: Whether tracked files differed from the commit; `None` when unknown.

        Raises:
            QuarterdeckError: the workspace cannot be written.
        """
        with self._database.transaction(self._access.actor) as tx:
            detail_store.complete_environment(tx, row_id, packages, git_dirty)

    def now_ms(self) -> int:
        """The time that points without one get, in milliseconds since the epoch."""
        return self._clock.now_ms()

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

    def _refuse_unknown(self, run_id: str) -> None:
        """Before megabytes are copied for a run that is not there."""
        with self._database.snapshot() as snapshot:
            _open_run(snapshot, run_id)

    def _attach(self, run_id: str, files: Sequence[Artifact]) -> tuple[Artifact, ...]:
        with self._database.transaction(self._access.actor) as tx:
            run = _open_run(tx, run_id)
            _refuse_overlap(tx, run.row_id, [file.path for file in files])
            rows = [(file.path, file.digest, file.size_bytes) for file in files]
            detail_store.add_artifacts(tx, run.row_id, rows)
            tx.emit(kind="run", change="changed", key=run.run_id, row_id=run.row_id)
        return tuple(files)


def _open_run(snapshot: Snapshot, run_id: str) -> run_store.RunHead:
    run = resolve(snapshot, run_id)
    if run.deleted_ms is not None:
        raise Conflict(f"The run {run.run_id[:8]} is deleted.", hint=f"Run `qd runs restore {run.run_id[:8]}` first.")
    return run


def _checked(params: Mapping[str, str], tags: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    return check_pairs(params, "param", MAX_PARAM), check_pairs(tags, "tag", MAX_TAG)


def _store_batch(tx: Transaction, row_id: int, run_id: str, batch: Batch) -> None:
    if batch.metrics.keys:
        batch_store.insert_metrics(tx, row_id, batch.metrics)
    if batch.params:
        _store_params(tx, row_id, run_id, batch.params)
    if batch.tags:
        batch_store.insert_pairs(tx, "tag", row_id, batch.tags)


def _store_params(tx: Transaction, row_id: int, run_id: str, params: Mapping[str, str]) -> None:
    there = batch_store.current_pairs(tx, "param", row_id, params)
    for key, value in there.items():
        if value != params[key]:
            raise Conflict(
                f"The parameter '{clean(key)}' of run {run_id[:8]} is '{clean(value, limit=80)}' already, "
                f"not '{clean(params[key], limit=80)}'.",
                hint="Parameters are written once; log a metric or a tag for what changes.",
                details={"param": clean(key)},
            )
    batch_store.insert_pairs(tx, "param", row_id, {key: params[key] for key in params if key not in there})


def _refuse_overlap(tx: Transaction, row_id: int, paths: Sequence[str]) -> None:
    folders = {
        "/".join(parts[:depth]) for parts in (path.split("/") for path in paths) for depth in range(1, len(parts))
    }
    taken = detail_store.occupied(tx, row_id, folders) or next((path for path in paths if path in folders), None)
    if taken is not None:
        raise Conflict(f"The artifact {clean(taken)} is a file; it cannot be a folder too.", hint="Use another path.")
    for path in paths:
        if detail_store.has_folder(tx, row_id, path):
            raise Conflict(
                f"The artifact {clean(path)} is a folder; it cannot be a file too.", hint="Use another path."
            )


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
