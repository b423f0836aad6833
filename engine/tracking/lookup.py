"""How a run is named, and what every group of operations on runs stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.text import clean
from engine.tracking import run_store
from engine.tracking.model import LOST, LOST_AFTER_MS, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.artifacts.store import ArtifactStore
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.core.ids import Ids
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.tracking.active import Batch
    from engine.tracking.redaction import Redaction

MAX_PAGE = 50_000
"""Most runs or points of a page."""

_SHORTEST_PREFIX = 4
_HEX = frozenset("0123456789abcdef")


class RunService:
    """What operations on runs work with.

    Args:
        database: The control database.
        access: Who acts, with which role.
        artifacts: The artifact files.
        clock: Tells the time of points without one, and which runs are lost.
        ids: Makes run ids.
        redaction: Replaces secrets in what is logged.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        artifacts: ArtifactStore,
        clock: Clock,
        ids: Ids,
        *,
        redaction: Redaction | None = None,
    ) -> None:
        self._database = database
        self._access = access
        self._artifacts = artifacts
        self._clock = clock
        self._ids = ids
        self._redaction = redaction

    def _kept(self, batch: Batch) -> Batch:
        """A batch as it may be stored: secrets in parameters and tags replaced."""
        if not batch.params and not batch.tags:
            return batch
        redaction = self._redacting()
        return batch._replace(params=redaction.pairs(batch.params), tags=redaction.pairs(batch.tags))

    def _redacting(self) -> Redaction:
        if self._redaction is None:
            from engine.tracking.redaction import Redaction  # reading does without

            self._redaction = Redaction()
        return self._redaction

    def now_ms(self) -> int:
        """The time that points without one get, in milliseconds since the epoch."""
        return self._clock.now_ms()

    def _load(
        self,
        snapshot: Snapshot,
        row_ids: Sequence[int],
        metrics: Sequence[str] | None,
        params: Sequence[str] | None,
    ) -> dict[int, Run]:
        wanted = list(row_ids)
        rows = run_store.rows(snapshot, wanted)
        found_metrics = run_store.latest_metrics(snapshot, wanted, metrics)
        found_params = run_store.pairs(snapshot, "param", wanted, params)
        tag_names = None if metrics is None and params is None else ()
        found_tags = run_store.pairs(snapshot, "tag", wanted, tag_names)
        lost_before = self._clock.now_ms() - LOST_AFTER_MS
        return {
            row[0]: run_of(row, found_metrics[row[0]], found_params[row[0]], found_tags[row[0]], lost_before)
            for row in rows
        }


def resolve(snapshot: Snapshot, run_id: str) -> run_store.RunHead:
    """The run of that id, or the only one whose id begins so.

    Args:
        snapshot: Where to look.
        run_id: An id, or at least 4 hex digits of one.

    Raises:
        NotFound: there is no such run.
        InvalidInput: several runs' ids begin so.
    """
    if found := run_store.head(snapshot, run_id):
        return found
    prefix = run_id.lower()
    if len(prefix) >= _SHORTEST_PREFIX and _HEX.issuperset(prefix):
        matches = run_store.with_prefix(snapshot, prefix, 6)
        if len(matches) == 1:
            return matches[0]
        if matches:
            listed = ", ".join(match.run_id for match in matches[:5]) + (", …" if len(matches) > 5 else "")
            raise InvalidInput(f"Several runs begin with {prefix}: {listed}.", hint="Give more digits.")
    raise _no_run(snapshot, run_id)


def open_run(snapshot: Snapshot, run_id: str) -> run_store.RunHead:
    """The run of that id, to be logged to; found as `resolve` does.

    Raises:
        Conflict: it is deleted.
        NotFound: there is no such run.
        InvalidInput: several runs' ids begin so.
    """
    run = resolve(snapshot, run_id)
    if run.deleted_ms is not None:
        raise Conflict(f"The run {run.run_id[:8]} is deleted.", hint=f"Run `qd runs restore {run.run_id[:8]}` first.")
    return run


def whole_run(snapshot: Snapshot, run_id: str) -> run_store.RunHead:
    """The run of exactly that id, as programs name it: no looking around for like names.

    Raises:
        NotFound: there is no such run.
    """
    found = run_store.head(snapshot, run_id)
    if found is None:
        raise NotFound(f"Run with id={clean(run_id, limit=80)} not found")
    return found


def open_whole_run(snapshot: Snapshot, run_id: str) -> run_store.RunHead:
    """The run of exactly that id, to be logged to.

    Raises:
        Conflict: it is deleted.
        NotFound: there is no such run.
    """
    run = whole_run(snapshot, run_id)
    if run.deleted_ms is not None:
        raise Conflict(f"The run {run_id} must be in the 'active' state. Current state is deleted.")
    return run


def _no_run(snapshot: Snapshot, run_id: str) -> NotFound:
    same_name = run_store.with_name(snapshot, run_id, 3)
    if same_name:
        return NotFound(
            f"There is no run with the id {clean(run_id, limit=40)}.",
            hint=f"A run of that name has the id {', '.join(same_name)}.",
        )
    from engine.core.suggest import nearest  # only a wrong name needs it

    names = dict(reversed(run_store.newest_names(snapshot, 1_000)))
    near = "; ".join(f"{clean(name)} is {names[name]}" for name in nearest(run_id, names))
    hint = f"Runs with a like name: {near}." if near else "Run `qd runs list` to see them."
    return NotFound(f"There is no run {clean(run_id, limit=40)}.", hint=hint)


def run_of(
    row: run_store.RunRow,
    metrics: Mapping[str, float],
    params: Mapping[str, str],
    tags: Mapping[str, str],
    lost_before_ms: int,
) -> Run:
    """A run from its row and what was logged to it; silent since before that time, it counts as lost."""
    row_id, run_id, experiment, experiment_id, name, status, start_ms, end_ms, beat_ms, deleted_ms, user, up, note = row
    lost = status == "running" and beat_ms is not None and beat_ms < lost_before_ms
    return Run(
        row_id=row_id,
        run_id=run_id,
        experiment=experiment,
        experiment_id=experiment_id,
        name=name,
        status=RunStatus(status),
        state=LOST if lost else status,
        lifecycle="active" if deleted_ms is None else "deleted",
        start_ms=start_ms,
        end_ms=end_ms,
        heartbeat_ms=beat_ms,
        user=user,
        parent_run_id=up,
        params=params,
        metrics=metrics,
        tags=tags,
        note=note,
    )
