"""Metric histories: reduced for charts, or point by point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.paging import Page, decode_token, encode_token
from engine.tracking import batch_store, history_store
from engine.tracking.lookup import MAX_PAGE, RunService, resolve
from engine.tracking.model import History, HistoryPoint, MetricPoint
from engine.tracking.rules import loaded

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot

MAX_BUCKETS = 10_000
"""Most points of a reduced history."""


class RunCurves(RunService):
    """Reads what runs measured over time."""

    def history(
        self,
        run_id: str,
        key: str,
        *,
        points: int = 400,
        x: str = "step",
        start: int | None = None,
        end: int | None = None,
    ) -> History:
        """One metric's history, reduced to what a chart of that width can show.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            key: The metric.
            points: At most so many stretches, 1 to 10,000.
            x: `step`, or `time` for milliseconds since the epoch.
            start: First x wanted; the first there is when `None`.
            end: Last x wanted; the last there is when `None`.

        Returns:
            The history; empty when the run has no such metric.

        Raises:
            NotFound: there is no such run.
            InvalidInput: `points` or `x` is not valid, or several runs' ids begin so.
        """
        if not 1 <= points <= MAX_BUCKETS:
            raise InvalidInput(f"A history has 1 to {MAX_BUCKETS} points.")
        if x not in ("step", "time"):
            raise InvalidInput("A history goes along 'step' or 'time'.")
        least, most = history_store.EVERYWHERE
        wanted = (least if start is None else max(start, least), most if end is None else min(end, most))
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id).row_id
            series = (run, batch_store.key_id(snapshot, "metric", key) or 0)
            exact = history_store.every_point(snapshot, series, x, wanted, points)
            if exact is not None:
                return History(key, len(exact), tuple(exact), exact=True)
            reduced = _reduced(snapshot, series, points, x, wanted)
        return History(key, sum(point.count for point in reduced), tuple(reduced), exact=False)

    def metric_points(
        self, run_id: str, key: str, *, limit: int = 25_000, page_token: str | None = None
    ) -> Page[MetricPoint]:
        """Raw points of one metric, by (step, time, value).

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            key: The metric.
            limit: Points per page, 1 to 50,000.
            page_token: Continues an earlier page.

        Returns:
            (key, value, step, time_ms) tuples, with a token when there are more.

        Raises:
            NotFound: there is no such run.
            InvalidInput: the limit is out of range, the token is not valid, or several runs' ids begin so.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        after = None if page_token is None else _point_position(page_token)
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id).row_id
            key_id = batch_store.key_id(snapshot, "metric", key) or 0
            rows = batch_store.points_after(snapshot, run, key_id, after, limit + 1)
        token = encode_token(rows[limit - 1]) if len(rows) > limit else None
        items = ((key, loaded(value), step, time_ms) for step, time_ms, value in rows[:limit])
        return Page(tuple(items), token)


def _reduced(
    snapshot: Snapshot, series: tuple[int, int], points: int, x: str, wanted: history_store.Range
) -> list[HistoryPoint]:
    reach = history_store.extent(snapshot, series, x, wanted)
    if reach is None:
        return []
    if x == "time":
        return history_store.by_time(snapshot, series, reach, points)
    return history_store.by_step(snapshot, series, history_store.even_bounds(reach, points))


def _point_position(page_token: str) -> tuple[int, int, float | str]:
    place = decode_token(page_token)
    if isinstance(place, list) and len(place) == 3:
        step, time_ms, value = place
        if type(step) is int and type(time_ms) is int and isinstance(value, (str, int, float)):
            return step, time_ms, value
    raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
