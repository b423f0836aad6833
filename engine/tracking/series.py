"""The points of one metric as programs read them back: all of them by time, or a few along the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.paging import Page, decode_token, encode_token
from engine.tracking import batch_store
from engine.tracking.lookup import MAX_PAGE, RunService, whole_run
from engine.tracking.rules import check_integer, loaded

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot
    from engine.tracking.model import MetricPoint
    from engine.tracking.rules import StoredValue

_EVERYWHERE = (-(2**63), 2**63 - 1)

Place = tuple[bool, int, int, "StoredValue"]
"""Whether the points are walked along the steps, then step, time in ms and value of the last one given."""


class RunSeries(RunService):
    """Gives the points of one metric."""

    def series(self, run_id: str, key: str, *, limit: int = 25_000, page_token: str | None = None) -> Page[MetricPoint]:
        """Every point of one metric, by (time, step, value).

        Where time does not go back along the steps, as is usual, that is their order by step too, in which they are
        stored; from where it does on, every page sorts what is left.

        Args:
            run_id: The run's whole id.
            key: The metric.
            limit: Points per page, 1 to 50,000.
            page_token: Continues an earlier page.

        Returns:
            (key, value, step, time_ms) tuples, with a token when there are more.

        Raises:
            NotFound: there is no such run.
            InvalidInput: the limit is out of range, or the token is not valid.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        place = None if page_token is None else _place(page_token)
        with self._database.snapshot() as snapshot:
            run = whole_run(snapshot, run_id).row_id
            key_id = batch_store.key_id(snapshot, "metric", key) or 0
            rows, along = _read(snapshot, (run, key_id), place, limit + 1)
        token = encode_token([along, *rows[limit - 1]]) if len(rows) > limit else None
        return Page(tuple((key, loaded(value), step, time_ms) for step, time_ms, value in rows[:limit]), token)

    def sample(
        self, run_id: str, key: str, *, steps: tuple[int, int] | None = None, count: int = 2_500
    ) -> tuple[MetricPoint, ...]:
        """Points of one metric evenly taken from all of them, by (step, time, value); the first and last are kept.

        Args:
            run_id: The run's whole id.
            key: The metric.
            steps: First and last step to look at, both included; all when `None`.
            count: At most so many points, from 1; one is the last.

        Returns:
            (key, value, step, time_ms) tuples.

        Raises:
            NotFound: there is no such run.
            InvalidInput: the count or a step is out of range.
        """
        check_integer(count, "The count", least=1)
        within = (
            _EVERYWHERE if steps is None else (check_integer(steps[0], "A step"), check_integer(steps[1], "A step"))
        )
        with self._database.snapshot() as snapshot:
            run = whole_run(snapshot, run_id).row_id
            key_id = batch_store.key_id(snapshot, "metric", key) or 0
            total = batch_store.point_count(snapshot, run, key_id, within)
            rows = batch_store.sampled(snapshot, run, key_id, within, _even(total, count)) if total else []
        return tuple((key, loaded(value), step, time_ms) for step, time_ms, value in rows)


def _read(
    snapshot: Snapshot, series: tuple[int, int], place: Place | None, limit: int
) -> tuple[list[tuple[int, int, StoredValue]], bool]:
    """The next points by (time, step, value), and whether all that were given so far lie along the steps."""
    after = place[1:] if place else None
    if place is None or place[0]:
        rows = batch_store.points_after(snapshot, *series, after, limit)
        times = [row[1] for row in rows]
        if times == sorted(times):
            later = batch_store.earliest_after(snapshot, *series, rows[-1]) if len(rows) == limit else None
            if later is None or later >= times[-1]:
                return rows, True
    return batch_store.points_by_time(snapshot, *series, after, limit), False


def _even(total: int, count: int) -> list[int]:
    """At most `count` positions from 0 to `total` - 1, evenly apart, the first and last among them."""
    if total <= count:
        return list(range(total))
    if count == 1:
        return [total - 1]
    return [position * (total - 1) // (count - 1) for position in range(count)]


def _place(page_token: str) -> Place:
    place = decode_token(page_token)
    if isinstance(place, list) and len(place) == 4:
        along, step, time_ms, value = place
        whole = type(step) is int and type(time_ms) is int
        if isinstance(along, bool) and whole and isinstance(value, (str, int, float)):
            return along, step, time_ms, value
    raise InvalidInput("The page token is not of this history.", hint="Start again without a page token.")
