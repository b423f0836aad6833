"""A stretch of production as columns: what was asked and what was answered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from engine.core.errors import InvalidInput, NotFound
from engine.drift.baseline_model import Stretch
from engine.runtimes.model import LABELS, PROBABILITIES
from engine.telemetry.model import PredictionQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from engine.core.paging import Page
    from engine.telemetry.model import Prediction

MAX_ROWS = 1_000_000
"""Most captured rows of one stretch; the newest are taken."""

MOST_DEPENDENT = 20_000
"""Rows that are looked at for whether they depend on each other."""

PREDICTION = "prediction"
"""The column of what the model answered; of its probabilities it is `prediction of CLASS`."""

_PAGE = 1_000


class Capture(Protocol):
    """Knows what endpoints were asked."""

    def predictions(self, query: PredictionQuery) -> Page[Prediction]:
        """A page of captured predictions, the newest first.

        Raises:
            QuarterdeckError: nobody can tell.
        """
        ...


def inflations_of(columns: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """By how much rows that depend on each other inflate the variance of each column of numbers.

    Args:
        columns: Arrays of shape (rows,) by name, in the order of time or its opposite.

    Returns:
        Factors above 1, by name; of the first `MOST_DEPENDENT` rows.
    """
    import numpy as np

    from engine.stats.block_bootstrap import inflation

    found = {}
    for name, values in columns.items():
        if values.dtype.kind in "fiub":
            series = values[:MOST_DEPENDENT].astype(np.float64)
            factor = inflation(series[np.isfinite(series)])
            if factor > 1:
                found[name] = factor
    return found


def rows_of(capture: Capture, endpoints: Sequence[str], version: int, stretch: Stretch) -> dict[str, NDArray[Any]]:
    """What a version was asked and answered as live within a stretch.

    Args:
        capture: Knows what endpoints were asked.
        endpoints: Their names.
        version: The version's number.
        stretch: From when until when.

    Returns:
        Arrays of shape (rows,) by column; outputs are named after `PREDICTION`.

    Raises:
        NotFound: nothing was captured then.
        InvalidInput: the stretch ends before it begins.
        QuarterdeckError: the telemetry database cannot be read.
    """
    if stretch.end_ms is not None and stretch.end_ms <= stretch.start_ms:
        raise InvalidInput("The stretch ends before it begins.", hint="Give --since a time before --until.")
    found = [dict(row) for name in endpoints for row in _rows(capture, name, version, stretch)][:MAX_ROWS]
    if not found:
        raise NotFound(
            "Nothing was captured of this version in that time.", hint="`qd telemetry predictions` lists what was."
        )
    return columns_of(found)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Rows as columns: numbers as float64, truths as bool where none is missing, everything else as it is.

    Args:
        rows: One mapping of names to JSON values a row.

    Returns:
        Arrays of shape (rows,).
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _array([row.get(name) for row in rows]) for name in names}


def predicted(columns: Iterable[str]) -> tuple[str, ...]:
    """Which of the columns of a stretch hold what the model answered."""
    return tuple(name for name in columns if name == PREDICTION or name.startswith(f"{PREDICTION} of "))


def _rows(capture: Capture, endpoint: str, version: int, stretch: Stretch) -> Iterator[Mapping[str, Any]]:
    token = ""
    while True:
        query = PredictionQuery(
            endpoint,
            version=version,
            share="live",
            failed=False,
            since_ms=stretch.start_ms,
            limit=_PAGE,
            page_token=token,
        )
        page = capture.predictions(query)
        for each in page.items:
            if each.status < 400 and (stretch.end_ms is None or each.time_ms < stretch.end_ms):
                yield from _answered(each)
        if not page.next_page_token:
            return
        token = page.next_page_token


def _answered(request: Prediction) -> Iterator[Mapping[str, Any]]:
    size = len(request.inputs)
    outputs = request.outputs if isinstance(request.outputs, dict) else {}
    labels, chances = outputs.get(LABELS), outputs.get(PROBABILITIES)
    for place, row in enumerate(request.inputs):
        said: dict[str, Any] = {}
        if isinstance(labels, list) and len(labels) == size:
            said[PREDICTION] = labels[place]
        if isinstance(chances, list) and len(chances) == size and isinstance(chances[place], list):
            said |= {f"{PREDICTION} of {at}": chance for at, chance in enumerate(chances[place])}
        yield {**row, **said}


def _array(values: list[Any]) -> NDArray[Any]:
    import numpy as np

    kinds = {type(value) for value in values} - {type(None)}
    if kinds and kinds <= {int, float} and all(-(2**53) <= value <= 2**53 for value in values if type(value) is int):
        return np.array([math.nan if value is None else value for value in values], np.float64)
    if kinds == {bool} and None not in values:
        return np.array(values, np.bool_)
    held = np.empty(len(values), object)
    held[:] = values
    return held
