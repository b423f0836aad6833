"""Runs as programs read them back: by whole ids, with the step and time of their latest values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.paging import Page
from engine.tracking import detail_store, run_store
from engine.tracking.lookup import run_of, whole_run
from engine.tracking.model import LOST_AFTER_MS
from engine.tracking.pieces import pieces_of
from engine.tracking.reading import RunReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot
    from engine.tracking.model import RunQuery, RunRecord
    from engine.tracking.pieces import Make


class RunRecords(RunReading):
    """Gives runs back to programs."""

    def knows(self, run_id: str) -> bool:
        """Whether there is a run of exactly that id, deleted or not."""
        with self._database.snapshot() as snapshot:
            return run_store.head(snapshot, run_id) is not None

    def record(self, run_id: str) -> RunRecord:
        """One run.

        Args:
            run_id: Its whole id.

        Raises:
            NotFound: there is no such run.
        """
        with self._database.snapshot() as snapshot:
            row_id = whole_run(snapshot, run_id).row_id
            return self._records(snapshot, [row_id])[0]

    def records(self, query: RunQuery | None = None) -> Page[RunRecord]:
        """One page of a search.

        Args:
            query: Which runs, in which order; the newest 100 by default.

        Returns:
            The runs, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            NotFound: there is no such experiment.
            InvalidInput: the limit or lifecycle is not valid, or the token is not of this query.
        """
        with self._database.snapshot() as snapshot:
            row_ids, token = self._found(snapshot, query)
            return Page(self._records(snapshot, row_ids), token)

    def encoded(self, query: RunQuery | None, make: Make) -> Page[bytes]:
        """`records`, each run as the bytes a program wants of it.

        Args:
            query: Which runs, in which order; the newest 100 by default.
            make: Makes them of a run. What it makes is kept, for runs that nobody has changed, by the function itself:
                give the same one each time, and one that looks at nothing that passes with time, such as `state`.

        Returns:
            What it made, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            NotFound: there is no such experiment.
            InvalidInput: the limit or lifecycle is not valid, or the token is not of this query.
        """
        with self._database.snapshot() as snapshot:
            row_ids, token = self._found(snapshot, query)
            kept = pieces_of(snapshot, make)
            pieces = kept.of(row_ids)
            unknown = [row_id for row_id in row_ids if row_id not in pieces]
            if unknown:
                made = dict(zip(unknown, map(make, self._records(snapshot, unknown)), strict=True))
                kept.keep(made)
                pieces |= made
        return Page(tuple(pieces[row_id] for row_id in row_ids), token)

    def _records(self, snapshot: Snapshot, row_ids: Sequence[int]) -> tuple[RunRecord, ...]:
        """The records of runs that are there, in that order: as many statements, however many runs."""
        from engine.tracking.model import RunRecord  # a list does without

        latest = run_store.latest_points(snapshot, row_ids)
        params = run_store.all_pairs(snapshot, "param", row_ids)
        tags = run_store.all_pairs(snapshot, "tag", row_ids)
        inputs = detail_store.inputs_of(snapshot, row_ids)
        models = detail_store.models_of(snapshot, row_ids)
        rows = {row[0]: row for row in run_store.rows(snapshot, row_ids)}
        lost_before = self.now_ms() - LOST_AFTER_MS
        return tuple(
            RunRecord(
                run=run_of(
                    rows[each],
                    {key: value for key, value, _, _ in latest[each]},
                    params[each],
                    tags[each],
                    lost_before,
                ),
                latest=tuple(latest[each]),
                inputs=inputs.get(each, ()),
                models_read=models.get((each, "input"), ()),
                models_made=models.get((each, "output"), ()),
            )
            for each in row_ids
        )
