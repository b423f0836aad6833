"""Giving runs to elsewhere, in the shape in which importing takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.artifacts import file_store
from engine.artifacts.file_store import RUN_FILES
from engine.tracking import detail_store, import_store, run_store
from engine.tracking.active import Batch
from engine.tracking.lookup import RunService
from engine.tracking.rules import loaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot
    from engine.tracking.model import MetricPoint, RunImport


class RunExporting(RunService):
    """Gives runs to elsewhere."""

    def export_runs(self, run_ids: Sequence[str]) -> tuple[RunImport, ...]:
        """Everything that is known of runs, as `import_runs` takes it.

        Args:
            run_ids: The runs, by their whole ids; those that are not here are left out. All their points are held in
                memory: ask for few at a time.

        Returns:
            The runs, by id.
        """
        with self._database.snapshot() as snapshot:
            here = import_store.known(snapshot, run_ids)
            row_ids = [each.row_id for each in here.values()]
            points: dict[int, list[MetricPoint]] = {row_id: [] for row_id in row_ids}
            for row_id, key, value, step, time_ms in import_store.points(snapshot, row_ids):
                points[row_id].append((key, loaded(value), step, time_ms))
            params = run_store.pairs(snapshot, "param", row_ids, None)
            tags = run_store.pairs(snapshot, "tag", row_ids, None)
            rows = sorted(run_store.rows(snapshot, row_ids), key=lambda row: row[1])
            return tuple(
                _exported(snapshot, row, Batch(tags=tags[row[0]], params=params[row[0]]), points[row[0]])
                for row in rows
            )

    def latest_values(self, run_ids: Sequence[str]) -> dict[str, dict[str, float]]:
        """The latest value of every metric of runs, as tables show and searches ask it.

        Args:
            run_ids: The runs, by their whole ids; those that are not here are left out.

        Returns:
            Value by key, by run id.
        """
        with self._database.snapshot() as snapshot:
            here = import_store.known(snapshot, run_ids)
            found = run_store.latest_metrics(snapshot, [each.row_id for each in here.values()], None)
        return {run_id: found[each.row_id] for run_id, each in here.items()}


def _exported(snapshot: Snapshot, row: run_store.RunRow, pairs: Batch, points: Sequence[MetricPoint]) -> RunImport:
    from engine.tracking.model import Artifact, RunImport, RunStatus

    row_id, run_id, experiment, _, name, status, start_ms, end_ms, _, deleted_ms, user, parent, note = row
    return RunImport(
        experiment=experiment,
        name=name,
        start_ms=start_ms,
        run_id=run_id,
        status=RunStatus(status),
        end_ms=end_ms,
        user=user,
        params=pairs.params,
        metrics=points,
        tags=pairs.tags,
        note=note,
        parent_run_id=parent,
        deleted_ms=deleted_ms,
        inputs=detail_store.inputs(snapshot, row_id),
        files=tuple(Artifact(*file) for file in file_store.files(snapshot, RUN_FILES, row_id)),
    )
