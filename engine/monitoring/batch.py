"""Captured requests as columns: what was asked, what was answered, what turned out to be true."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.runtimes.model import LABELS, PROBABILITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.monitoring.captured_store import RequestRow


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one version, in the order they were stored.

    Args:
        requests: How many requests they came in.
        ids: Numbers of their predictions, shape (rows,), int64.
        times: When they arrived, shape (rows,), int64, in milliseconds since the epoch.
        latency_us: How long their answers took, shape (rows,), float64, in microseconds.
        columns: Values by input name, a list each of length rows; `None` where a row has none.
        answers: What the model said, a list of length rows; empty when it said nothing of that name.
        chances: Probabilities by class, shape (rows, classes), float64; `None` when it gives none.
        truths: What turned out to be true, a list of length rows; `None` where nobody has said yet, and for requests of
            several rows, since a label names a request.
    """

    requests: int
    ids: NDArray[np.int64]
    times: NDArray[np.int64]
    latency_us: NDArray[np.float64]
    columns: Mapping[str, list[Any]]
    answers: list[Any]
    chances: NDArray[np.float64] | None
    truths: list[Any]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labelled(self) -> int:
        """How many rows have a label."""
        return sum(truth is not None for truth in self.truths)

    def where(self, mask: NDArray[np.bool_]) -> Batch:
        """Some of the rows.

        Args:
            mask: Which, shape (rows,).
        """
        import numpy as np

        places = np.flatnonzero(mask)
        picked = places.tolist()
        return Batch(
            requests=len({int(each) for each in self.ids[places]}),
            ids=self.ids[places],
            times=self.times[places],
            latency_us=self.latency_us[places],
            columns={name: [values[place] for place in picked] for name, values in self.columns.items()},
            answers=[self.answers[place] for place in picked] if self.answers else [],
            chances=None if self.chances is None else self.chances[places],
            truths=[self.truths[place] for place in picked],
        )

    def of_segment(self, column: str, value: str) -> Batch:
        """The rows with one value of a column, written as `segment_word` writes it."""
        import numpy as np

        values = self.columns.get(column, [])
        return self.where(np.fromiter((segment_word(each) == value for each in values), bool, len(values)))


def segment_word(value: object) -> str:
    """How a value is called that tells segments apart: texts as they are, whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "(missing)" if value is None or value != value else str(value)  # noqa: PLR0124 NaN


def gathered(requests: Iterable[RequestRow], names_of: Callable[[int], Sequence[str]]) -> Batch:
    """Make columns of requests; what cannot be read as rows is left out.

    Args:
        requests: The requests.
        names_of: Names of the values of a row, by the number of who answered.
    """
    import numpy as np

    made = _Rows()
    for request in requests:
        made.add(request, names_of)
    rows = len(made.ids)
    return Batch(
        requests=made.requests,
        ids=np.array(made.ids, np.int64),
        times=np.array(made.times, np.int64),
        latency_us=np.array(made.latency_us, np.float64),
        columns=made.columns(),
        answers=made.answers if len(made.answers) == rows else [],
        chances=_matrix(made.chances, rows),
        truths=made.truths,
    )


class _Rows:
    """Rows while they come."""

    def __init__(self) -> None:
        from msgspec.json import Decoder

        self._decode = Decoder().decode
        self.requests = 0
        self.ids: list[int] = []
        self.times: list[int] = []
        self.latency_us: list[int] = []
        self.answers: list[Any] = []
        self.chances: list[Any] = []
        self.truths: list[Any] = []
        self._rows: list[tuple[Sequence[str], Any]] = []

    def add(self, request: RequestRow, names_of: Callable[[int], Sequence[str]]) -> None:
        rows, outputs = self._said(request.inputs), self._said(request.outputs)
        if not isinstance(rows, list) or not rows:
            return
        size, names = len(rows), names_of(request.origin)
        self._rows += [(names, row) for row in rows]
        self.requests += 1
        self.ids += [request.id] * size
        self.times += [request.time_ms] * size
        self.latency_us += [request.latency_us] * size
        truth = json.loads(request.label) if request.label is not None and size == 1 else None
        self.truths += [truth] * size
        if isinstance(outputs, dict):
            self._add_outputs(outputs, size)

    def columns(self) -> dict[str, list[Any]]:
        """Values by name; most often all rows have the same names, and are turned at once."""
        first = self._rows[0][0] if self._rows else ()
        if all(names == first and type(row) is list and len(row) == len(first) for names, row in self._rows):
            turned = zip(*(row for _, row in self._rows), strict=True)
            return {name: list(values) for name, values in zip(first, turned, strict=False)}
        found: dict[str, list[Any]] = {}
        for place, (names, row) in enumerate(self._rows):
            named = row.items() if isinstance(row, dict) else zip(names, _listed(row), strict=False)
            for name, value in named:
                column = found.setdefault(str(name), [])
                column.extend([None] * (place - len(column)))
                column.append(value)
        for column in found.values():
            column.extend([None] * (len(self._rows) - len(column)))
        return found

    def _said(self, text: bytes) -> Any:
        try:
            return self._decode(text)
        except ValueError:
            return None

    def _add_outputs(self, outputs: dict[str, Any], size: int) -> None:
        for name, kept in ((LABELS, self.answers), (PROBABILITIES, self.chances)):
            found = outputs.get(name)
            if isinstance(found, list) and len(found) == size:
                kept.extend([None] * (len(self.ids) - size - len(kept)))
                kept.extend(found)


def _listed(row: Any) -> Sequence[Any]:
    return row if isinstance(row, list) else [row]


def _matrix(found: list[Any], rows: int) -> NDArray[np.float64] | None:
    """Probabilities as numbers, or nothing where they are none of one shape for every row."""
    import numpy as np

    if not rows or len(found) != rows:
        return None
    width = len(found[0]) if isinstance(found[0], list) else 0
    if width < 2 or any(not isinstance(each, list) or len(each) != width for each in found):
        return None
    try:
        matrix = np.array(found, np.float64)
    except (TypeError, ValueError):
        return None
    return matrix if bool(np.isfinite(matrix).all()) else None


def array_of(values: list[Any]) -> NDArray[Any]:
    """A column as an array: numbers as float64 with NaN where there is none, truths as bool, everything else as it is.

    Args:
        values: The values; `None` where there is none.

    Returns:
        Shape (rows,).
    """
    import numpy as np

    kinds = {type(value) for value in values}
    kinds.discard(type(None))
    if kinds and kinds <= {int, float} and _exact(values):
        return np.array([math.nan if value is None else value for value in values], np.float64)
    if kinds == {bool} and None not in values:
        return np.array(values, np.bool_)
    held = np.empty(len(values), object)
    held[:] = values
    return held


def _exact(values: list[Any]) -> bool:
    """Whether every whole number stays itself as a float64."""
    return all(-(2**53) <= value <= 2**53 for value in values if isinstance(value, int))
