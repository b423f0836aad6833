"""Metric histories: reduced for charts, or point by point."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.paging import Page, decode_token, encode_token
from engine.tracking import batch_store, history_store
from engine.tracking.lookup import MAX_PAGE, RunService, resolve
from engine.tracking.model import History, HistoryPoint, MetricPoint
from engine.tracking.rules import loaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.database import Database
    from engine.db.transaction import Snapshot

MAX_BUCKETS = 10_000
"""Most points of a reduced history."""

MANY_STEPS = 200_000
"""Steps from which a second thread is worth its start."""


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
            if x == "time":
                reduced = history_store.by_time(snapshot, series, wanted, points)
            else:
                reduced = self._by_step(snapshot, series, wanted, points)
        return History(key, sum(point.count for point in reduced), tuple(reduced), exact=False)

    def _by_step(
        self, snapshot: Snapshot, series: tuple[int, int], wanted: history_store.Range, points: int
    ) -> list[HistoryPoint]:
        reach = history_store.extent(snapshot, series, "step", wanted)
        if reach is None:
            return []
        bounds = history_store.even_bounds(reach, points)
        if reach[1] - reach[0] < MANY_STEPS:
            return history_store.by_step(snapshot, series, bounds)
        middle = len(bounds) // 2
        later = _Reading(self._database, series, bounds[middle:])
        earlier = history_store.by_step(snapshot, series, bounds[: middle + 1])
        return earlier + later.result()

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


class _Reading:
    """Reads stretches in a second thread: SQLite runs without Python's lock, so a second core takes half the work.

    Its view begins a moment later than the caller's, and may hold points that were logged in between.
    """

    def __init__(self, database: Database, series: tuple[int, int], bounds: Sequence[int]) -> None:
        self._found: list[HistoryPoint] = []
        self._failure: Exception | None = None
        self._thread = Thread(target=self._read, args=(database, series, bounds))
        self._thread.start()

    def _read(self, database: Database, series: tuple[int, int], bounds: Sequence[int]) -> None:
        try:
            with database.snapshot() as snapshot:
                self._found = history_store.by_step(snapshot, series, bounds)
        except Exception as error:  # noqa: BLE001 a worker's edge: raised again in the caller's thread
            self._failure = error

    def result(self) -> list[HistoryPoint]:
        """What was read, once it has been."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._found


def _point_position(page_token: str) -> tuple[int, int, float | str]:
    place = decode_token(page_token)
    if isinstance(place, list) and len(place) == 3:
        step, time_ms, value = place
        if type(step) is int and type(time_ms) is int and isinstance(value, (str, int, float)):
            return step, time_ms, value
    raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
