"""What programs log. It is told by events only: the audit log is for what people change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.tracking import detail_store, run_store
from engine.tracking.active import ActiveRun, Batch
from engine.tracking.changing import RunChanging
from engine.tracking.environment import capture as capture_environment
from engine.tracking.files import RunFiles
from engine.tracking.lookup import open_run
from engine.tracking.model import DEFAULT_EXPERIMENT, RunStatus
from engine.tracking.reporting import RunReporting, store_batch
from engine.tracking.rules import (
    MAX_NAME,
    MAX_PARAM,
    MAX_TAG,
    check_input,
    check_integer,
    check_pairs,
    check_text,
    metric_columns,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.tracking.model import DatasetInput, MetricPoint


class RunRecording(RunFiles, RunChanging, RunReporting):
    """Starts runs, logs to them, finishes them."""

    def start(  # noqa: PLR0913 every argument but the first two is by name and has a default
        self,
        experiment: str = DEFAULT_EXPERIMENT,
        name: str | None = None,
        *,
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        parent: str | None = None,
        seed: int | None = None,
        capture: bool = True,
        status: RunStatus = RunStatus.RUNNING,
        system_metrics_s: float | None = None,
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
            system_metrics_s: Seconds between two samples of the machine, logged as `system/…`; 0 for none; when `None`
                what the environment variable `QUARTERDECK_SYSTEM_METRICS` says (seconds, or `off`), else 10.

        Returns:
            The run, to log to; as a context manager it finishes by itself.

        Raises:
            InvalidInput: a name, key or value cannot be kept, the seed is no integer of 64 bits, the status is of a
                run that is over, or the seconds between samples are none.
            NotFound: there is no such parent.
            Conflict: the experiment is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        self._access.require(Role.WRITER, "runs start")
        from engine.tracking.model import RunStart  # a run that is logged to by its id does without

        check_text("-" if name is None else name, "The run's name", MAX_NAME, may_be_empty=False)
        seed = None if seed is None else check_integer(seed, "The seed")
        from engine.tracking.sampling import interval

        sample_s = interval(system_metrics_s)
        running = status is RunStatus.RUNNING
        batch = Batch.of(params=params, tags=tags)
        start = RunStart(
            experiment=experiment,
            name=name or "",
            params=batch.params,
            tags=batch.tags,
            parent_run_id=parent,
            status=status,
            watched=running,
            environment=capture_environment(seed, git=capture),
        )
        run = self.create(start).run
        return ActiveRun(self, run.run_id, run.row_id, beat=running, capture=capture, sample_s=sample_s)

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
            PermissionDenied: the actor is no writer.
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
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require_still(Role.WRITER, "runs log")
        with self._database.transaction(actor) as tx:
            run = open_run(tx, run_id)
            store_batch(tx, run.row_id, run.run_id, self._kept(batch))
            tx.emit(kind="run", change="logged", key=run.run_id, row_id=run.row_id)

    def log_input(self, run_id: str, dataset: DatasetInput) -> None:
        """Note that a run read a dataset; noting the same again changes nothing.

        Args:
            run_id: The run.
            dataset: What it read.

        Raises:
            InvalidInput: the name or digest is empty, a text is too long, or the number of rows is none.
            Conflict: the run is deleted.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require_still(Role.WRITER, "runs log")
        dataset = check_input(dataset)
        with self._database.transaction(actor) as tx:
            run = open_run(tx, run_id)
            detail_store.add_input(tx, run.row_id, dataset)
            tx.emit(kind="run", change="changed", key=run.run_id, row_id=run.row_id)

    def finish(self, run_id: str, status: RunStatus = RunStatus.FINISHED) -> None:
        """Set how a run stands; its end is the time of this call, or open again for `running` and `scheduled`.

        Args:
            run_id: The run.
            status: The status.

        Raises:
            NotFound: there is no such run.
            Conflict: the run is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require_still(Role.WRITER, "runs finish")
        with self._database.transaction(actor) as tx:
            run = open_run(tx, run_id)
            run_store.finish(tx, run.row_id, status.value, tx.now_ms if status.is_over else None)
            tx.emit(kind="run", change="changed", key=run.run_id, row_id=run.row_id)

    def beat(self, run_id: str) -> bool:
        """Write a sign of life of a running run; False when it is no longer running.

        Raises:
            QuarterdeckError: the workspace cannot be written.
        """
        with self._database.transaction(self._access.actor) as tx:
            return run_store.beat(tx, run_id)

    def complete_environment(self, run_id: str, packages: Mapping[str, str], git_dirty: bool | None) -> None:
        """Add to a run's environment what took long to find out.

        Args:
            run_id: The run's id.
            packages: Installed distributions, name to version.
            git_dirty: Whether tracked files differed from the commit; `None` when unknown.

        Raises:
            QuarterdeckError: the workspace cannot be written.
        """
        with self._database.transaction(self._access.actor) as tx:
            detail_store.complete_environment(tx, run_id, packages, git_dirty)


def _checked(params: Mapping[str, str], tags: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    return check_pairs(params, "param", MAX_PARAM), check_pairs(tags, "tag", MAX_TAG)
