"""Measuring many traces at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.query import TRACES, parse_filter
from engine.traces import measure_store
from engine.traces.lookup import TraceService
from engine.traces.measure_model import Measure, MeasureQuery, Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_MEASURES = 10_000
"""Most measures of one answer."""

_HUNDRED = 100


class Measuring(TraceService):
    """Measures traces, spans and assessments."""

    def measure(self, query: MeasureQuery | None = None) -> tuple[Measure, ...]:
        """Measure how many there are, how long they take or what they cost, over time and by what they are called.

        Args:
            query: What to measure; the number of all traces by default.

        Returns:
            A measure for each piece of time and group that has values, by time and group.

        Raises:
            FilterSyntaxError: the filter does not parse.
            InvalidInput: a number is out of range, the subject cannot be measured so, or there are too many values.
        """
        query = query or MeasureQuery()
        _check(query)
        tree = query.filter
        parsed = parse_filter(tree, schema=TRACES, now_ms=self._clock.now_ms()) if isinstance(tree, str) else tree
        with self._database.snapshot() as view:
            found = measure_store.values(view, query, parsed)
        groups: dict[tuple[int | None, tuple[str, ...]], list[float | str]] = {}
        for begin, told, value in found:
            groups.setdefault((begin, told), []).append(value)
        ordered = sorted(groups, key=lambda key: (key[0] or 0, key[1]))[: query.limit]
        return tuple(_measure(query, begin, told, groups[begin, told]) for begin, told in ordered)


def _check(query: MeasureQuery) -> None:
    if not 1 <= query.limit <= MAX_MEASURES:
        raise InvalidInput(f"The limit must be from 1 to {MAX_MEASURES}.")
    if query.interval_ms is not None and not 1 <= query.interval_ms < 2**53:
        raise InvalidInput("The interval must be at least a millisecond.")
    if not all(0 <= each <= _HUNDRED for each in query.percentiles):
        raise InvalidInput("Percentiles are from 0 to 100.")


def _measure(query: MeasureQuery, begin: int | None, told: tuple[str, ...], values: Sequence[float | str]) -> Measure:
    if query.quantity is Quantity.SESSIONS:
        values = [1.0] * len(set(values))
    numbers = sorted(float(each) for each in values)
    return Measure(
        start_ms=begin,
        group=dict(zip(query.by, told, strict=True)),
        count=len(numbers),
        total=sum(numbers),
        least=numbers[0],
        greatest=numbers[-1],
        percentiles={each: percentile(numbers, each) for each in query.percentiles},
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """A percentile, interpolated linearly between the two values next to it.

    Args:
        ordered: Values, shape (n,), ascending, not empty.
        share: From 0 to 100.

    Returns:
        The value below which `share` per cent lie: definition 7 of Hyndman and Fan (1996), Sample quantiles in
        statistical packages.
    """
    place = (len(ordered) - 1) * share / _HUNDRED
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
