"""Metric histories: reduced for charts, or point by point."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor, inf
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen
from engine.core.paging import Page, decode_token, encode_token
from engine.tracking import batch_store, history_store, run_store
from engine.tracking.history_store import EVERYWHERE, Range
from engine.tracking.lookup import MAX_PAGE, RunService, resolve
from engine.tracking.model import History, HistoryPoint, MetricPoint
from engine.tracking.rules import loaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot
    from engine.tracking.block_store import Stretch
    from engine.tracking.run_store import RunHead

MAX_BUCKETS = 10_000
"""Most points of a reduced history."""

MAX_CURVES = 1_000
"""Most histories of one request."""

METRIC_X = "metrics."
"""What the name of another metric stands behind where it is the x."""

_PASSES = 6
"""How often a window along another metric is looked at closer; each pass is up to `points` times as close."""


@frozen
class _Wanted:
    """What is asked of every history of a request."""

    points: int
    x: str
    start: float
    end: float

    def whole(self, origin: int = 0) -> Range:
        """The window in whole numbers that can be stored, moved by an origin."""
        least, most = EVERYWHERE
        low = least if self.start == -inf else ceil(self.start) + origin
        high = most if self.end == inf else floor(self.end) + origin
        return min(max(low, least), most), max(min(high, most), least)


class RunCurves(RunService):
    """Reads what runs measured over time."""

    def history(
        self,
        run_id: str,
        key: str,
        *,
        points: int = 400,
        x: str = "step",
        start: float | None = None,
        end: float | None = None,
    ) -> History:
        """One metric's history, reduced to what a chart of that width can show.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            key: The metric.
            points: At most so many stretches, 1 to 10,000.
            x: `step`; `time` for milliseconds since the epoch; `elapsed` for milliseconds since the run began; or
                another metric as `metrics.NAME`: its value at the same step, else the last one before.
            start: First x wanted; the first there is when `None`.
            end: Last x wanted; the last there is when `None`.

        Returns:
            The history; empty when the run has no such metric.

        Raises:
            NotFound: there is no such run.
            InvalidInput: `points`, `x`, `start` or `end` is not valid, or several runs' ids begin so.
        """
        return self.curves((run_id,), (key,), points=points, x=x, start=start, end=end)[0][0]

    def curves(
        self,
        run_ids: Sequence[str],
        keys: Sequence[str],
        *,
        points: int = 400,
        x: str = "step",
        start: float | None = None,
        end: float | None = None,
    ) -> tuple[tuple[History, ...], ...]:
        """Histories of several metrics of several runs, as of one moment; otherwise as `history`.

        Args:
            run_ids: The runs, or unambiguous beginnings of their ids; at most 1,000 histories in all.
            keys: The metrics.
            points: At most so many stretches a history, 1 to 10,000.
            x: `step`, `time`, `elapsed` or another metric as `metrics.NAME`.
            start: First x wanted; the first there is when `None`.
            end: Last x wanted; the last there is when `None`.

        Returns:
            A history for every metric, in the order of `keys`, for every run in the order of `run_ids`.

        Raises:
            NotFound: there is no such run.
            InvalidInput: `points`, `x`, `start` or `end` is not valid, too many histories are asked for, or several
                runs' ids begin so.
        """
        wanted = _checked(points, x, start, end)
        if len(run_ids) * len(keys) > MAX_CURVES:
            raise InvalidInput(f"At most {MAX_CURVES} histories come at once.", hint="Ask for fewer runs or metrics.")
        with self._database.snapshot() as snapshot:
            runs = [resolve(snapshot, run_id) for run_id in run_ids]
            return tuple(tuple(_history(snapshot, run, key, wanted) for key in keys) for run in runs)

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


def _checked(points: int, x: str, start: float | None, end: float | None) -> _Wanted:
    if not 1 <= points <= MAX_BUCKETS:
        raise InvalidInput(f"A history has 1 to {MAX_BUCKETS} points.")
    if x not in ("step", "time", "elapsed") and not (x.startswith(METRIC_X) and len(x) > len(METRIC_X)):
        raise InvalidInput("A history goes along 'step', 'time', 'elapsed' or another metric as 'metrics.NAME'.")
    low, high = -inf if start is None else start, inf if end is None else end
    if low != low or high != high:  # noqa: PLR0124 a NaN
        raise InvalidInput("A window of a history begins and ends at numbers.")
    return _Wanted(points, x, low, high)


def _history(snapshot: Snapshot, run: RunHead, key: str, wanted: _Wanted) -> History:
    series = (run.row_id, batch_store.key_id(snapshot, "metric", key) or 0)
    if wanted.x.startswith(METRIC_X):
        other = (run.row_id, batch_store.key_id(snapshot, "metric", wanted.x.removeprefix(METRIC_X)) or 0)
        placed, exact = _against(snapshot, series, other, wanted)
    elif wanted.x == "step":
        placed, exact = _along(snapshot, series, wanted.whole(), wanted.points)
    else:
        origin = run_store.start_ms(snapshot, run.row_id) if wanted.x == "elapsed" else 0
        placed, exact = _over_time(snapshot, series, wanted.whole(origin), wanted.points)
        placed = [(at - origin, stretch) for at, stretch in placed]
    points = tuple(_point(at, stretch) for at, stretch in placed)
    return History(key, sum(point.count for point in points), points, exact=exact)


_PlacedStretches = tuple["list[tuple[float, Stretch]]", bool]
"""Stretches with their x, and whether every one is a point."""


def _along(snapshot: Snapshot, series: tuple[int, int], wanted: Range, points: int) -> _PlacedStretches:
    """By step."""
    singles = history_store.every_point(snapshot, series, wanted, points)
    if singles is not None:
        return [(stretch.step, stretch) for stretch in singles], True
    reach = history_store.extent(snapshot, series, "step", wanted)
    if reach is None:
        return [], True
    found = history_store.by_blocks(snapshot, series, reach, points)
    if found is None:
        found = history_store.by_step(snapshot, series, history_store.even_bounds(reach, points))
    return [(stretch.step, stretch) for stretch in found], False


def _over_time(snapshot: Snapshot, series: tuple[int, int], wanted: Range, points: int) -> _PlacedStretches:
    """By time."""
    steps = history_store.steps_between(snapshot, series, wanted)
    if steps is None:
        return [], True
    singles = history_store.every_point(snapshot, series, steps, points, wanted)
    if singles is not None:
        singles.sort(key=lambda single: single.begin_ms)  # points of one time stay in the order of their steps
        return [(single.begin_ms, single) for single in singles], True
    return [(at, stretch) for at, stretch in history_store.by_time(snapshot, series, wanted, points)], False


def _against(snapshot: Snapshot, series: tuple[int, int], other: tuple[int, int], wanted: _Wanted) -> _PlacedStretches:
    """By another metric: stretches of steps, each at what the other one said at its first step or last before it.

    A window of x is found by looking closer, pass by pass, at the steps where the other metric goes through it.
    """
    steps = EVERYWHERE
    inside: list[tuple[float, Stretch]] = []
    exact = True
    for _ in range(_PASSES):
        found, exact = _along(snapshot, series, steps, wanted.points)
        told = history_store.values_before(snapshot, other, [stretch.step for _, stretch in found])
        placed = [
            (value, stretch)
            for value, (_, stretch) in zip(told, found, strict=True)
            if value == value  # noqa: PLR0124 not a NaN
        ]
        inside = [(x, stretch) for x, stretch in placed if wanted.start <= x <= wanted.end]
        closer = _closer(placed, wanted, steps)
        if exact or closer == steps or 2 * len(inside) > wanted.points:
            break
        steps = closer
    return inside, exact


def _closer(placed: Sequence[tuple[float, Stretch]], wanted: _Wanted, steps: Range) -> Range:
    """The steps from the first stretch that x goes through the window in, to the last."""
    crossing = [
        place
        for place, ((one, _), (after, _)) in enumerate(pairwise(placed))
        if min(one, after) <= wanted.end and max(one, after) >= wanted.start
    ]
    if not crossing:
        return steps
    low, high = placed[crossing[0]][1].step, steps[1]
    if crossing[-1] + 2 < len(placed):
        high = placed[crossing[-1] + 2][1].step - 1
    return low, high


def _point(at: float, stretch: Stretch) -> HistoryPoint:
    return HistoryPoint(
        at,
        loaded(stretch.low),
        loaded(stretch.high),
        loaded(stretch.first),
        loaded(stretch.last),
        stretch.points,
        stretch.mean,
    )


def _point_position(page_token: str) -> tuple[int, int, float | str]:
    place = decode_token(page_token)
    if isinstance(place, list) and len(place) == 3:
        step, time_ms, value = place
        if type(step) is int and type(time_ms) is int and isinstance(value, (str, int, float)):
            return step, time_ms, value
    raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
