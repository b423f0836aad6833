"""Counts the columns of chunks, each as its feature is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from engine.profiles.grid import STEP_BITS
from engine.profiles.levels import MOST_LEVELS, kept, level_counts
from engine.profiles.model import LEVELLED, NUMERIC, FeatureKind
from engine.profiles.numbers import BLOCK, NumberCounting, Scratch
from engine.profiles.profile import FeatureProfile, NumberCounts
from engine.profiles.texts import counted_levels, level_of, moment_of, number_of
from engine.profiles.words import counted
from engine.tables.model import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engine.profiles.layout import FeatureLayout
    from engine.profiles.words import TextCounts
    from engine.tables.model import Column

_TYPES = {
    Family.FLOAT: "number",
    Family.INTEGER: "number",
    Family.BOOLEAN: "boolean",
    Family.TIMESTAMP: "timestamp",
    Family.TEXT: "text",
}
_TRUTHS = {"true": "true", "false": "false", "1": "true", "0": "false"}
_FITTING = {
    FeatureKind.NUMBER: ("number", "boolean"),
    FeatureKind.TIMESTAMP: ("timestamp",),
}


class FeatureCounting:
    """Counts one feature.

    Args:
        feature: How.
        scratch: Memory to work in, of one thread.
        distinct: Whether different numbers are told apart.
    """

    def __init__(self, feature: FeatureLayout, scratch: Scratch, *, distinct: bool = False) -> None:
        self._feature = feature
        self._scratch = scratch
        self._known = frozenset(feature.levels)
        self._rows = self._nulls = self._unfit = 0
        self._types: Counter[str] = Counter()
        numeric = feature.kind in NUMERIC
        self._numbers = NumberCounting(feature, scratch, distinct=distinct) if numeric else None
        self._levels: Counter[str] = Counter()
        self._level_rows = 0
        self._pending: tuple[Sequence[str], NDArray[Any]] | None = None
        self._text: TextCounts | None = None

    def add(self, column: Column) -> None:
        """Count a column.

        Args:
            column: Of any family.
        """
        self._rows += column.rows
        self._nulls += column.nulls
        if column.family is Family.EMPTY:
            return
        if self._numbers is not None:
            self._count_numbers(self._numbers, column)
        elif self._feature.kind in LEVELLED:
            self._types[_TYPES[column.family]] += len(column.values)
            self._count_levels(column)
        elif self._feature.kind is FeatureKind.TEXT:
            self._types[_TYPES[column.family]] += len(column.values)
            self._count_text(column)
        else:
            self._types[_TYPES[column.family]] += len(column.values)
            if column.family is Family.FLOAT:
                self._nulls_of(column.values)

    def lack(self, rows: int) -> None:
        """Count rows that have no such column.

        Args:
            rows: How many.
        """
        self._rows += rows
        self._nulls += rows

    def finish(self) -> FeatureProfile:
        """What was counted."""
        self._fold()
        kind = self._feature.kind
        levels = level_counts(self._level_rows, self._levels, self._known) if kind in LEVELLED else None
        text = (self._text or counted(())) if kind is FeatureKind.TEXT else None
        numbers = self._number_counts()  # which counts NaN as missing
        return FeatureProfile(self._rows, self._nulls, self._unfit, dict(+self._types), numbers, levels, text)

    def _count_numbers(self, numbers: NumberCounting, column: Column) -> None:
        import numpy as np

        kind = _TYPES[column.family]
        if column.family is Family.TEXT:
            self._count_meant(numbers, column)
            return
        self._types[kind] += len(column.values)
        if kind not in _FITTING[self._feature.kind]:
            self._unfit += len(column.values)
        elif column.family is Family.FLOAT:
            before = numbers.missing
            numbers.floats(column.values)
            self._types[kind] -= numbers.missing - before
        else:
            numbers.integers(column.values.astype(np.int64, copy=False))

    def _count_meant(self, numbers: NumberCounting, column: Column) -> None:
        """Count what texts mean; those that mean nothing of the kind are unfit."""
        import numpy as np

        texts, counts = counted_levels(column)
        understand = moment_of if self._feature.kind is FeatureKind.TIMESTAMP else number_of
        meant = [_countable(understand(str(each))) for each in texts]
        for family in (int, float):
            found = [place for place, each in enumerate(meant) if type(each) is family]
            values = np.repeat(np.array([meant[each] for each in found], family), counts[found])
            if family is int:
                numbers.integers(values.astype(np.int64))
            else:
                numbers.floats(values.astype(np.float64))
        unfit = sum(count for each, count in zip(meant, counts.tolist(), strict=True) if each is None)
        self._unfit += unfit
        self._types["text"] += unfit
        self._types[_FITTING[self._feature.kind][0]] += len(column.values) - unfit

    def _count_levels(self, column: Column) -> None:
        import numpy as np

        if column.family is Family.TEXT:
            if self._pending is None or self._pending[0] is not column.dictionary:
                self._fold()
                self._pending = (column.dictionary, np.zeros(len(column.dictionary), np.int64))
            counts = self._pending[1]
            for start in range(0, len(column.values), BLOCK):
                part = column.values[start : start + BLOCK]
                codes = self._scratch.codes[: len(part)]
                np.copyto(codes, part, casting="unsafe")
                counts += np.bincount(codes, minlength=len(counts))
            return
        values, counts = counted_levels(column)
        self._note(values, counts)

    def _fold(self) -> None:
        """Count what was counted by place in a dictionary."""
        import numpy as np

        if self._pending is None:
            return
        dictionary, counts = self._pending
        self._pending = None
        places = np.flatnonzero(counts)
        self._note([dictionary[each] for each in places.tolist()], counts[places])

    def _note(self, values: Sequence[object], counts: NDArray[Any]) -> None:
        for value, count in zip(values, counts.tolist(), strict=True):
            if value != value:  # noqa: PLR0124 only NaN is not itself
                self._nulls += count
                self._types["number"] -= count
            elif count:
                self._levels[self._level(value)] += count
                self._level_rows += count
        if len(self._levels) > 2 * MOST_LEVELS:
            known = {level: self._levels.pop(level) for level in self._known & self._levels.keys()}
            self._levels = Counter({**kept(self._levels), **known})

    def _level(self, value: object) -> str:
        level = level_of(value)
        return _TRUTHS.get(level.lower(), level) if self._feature.kind is FeatureKind.BOOLEAN else level

    def _count_text(self, column: Column) -> None:
        texts, counts = counted_levels(column)
        found = counted((level_of(text), count) for text, count in zip(texts, counts.tolist(), strict=True))
        self._text = found if self._text is None else self._text + found

    def _nulls_of(self, values: NDArray[Any]) -> None:
        import numpy as np

        missing = int(np.count_nonzero(np.isnan(values)))
        self._nulls += missing
        self._types["number"] -= missing

    def _number_counts(self) -> NumberCounts | None:
        import numpy as np

        numbers = self._numbers
        if numbers is None:
            return None
        numbers.finish()
        places = np.flatnonzero(numbers.cells != 0)  # of booleans it is five times faster
        self._nulls += numbers.missing
        numbers.missing = 0
        return NumberCounts(
            numbers.above,
            numbers.below,
            self._end(min, numbers.minimum, numbers.least),
            self._end(max, numbers.maximum, numbers.most),
            numbers.inner + numbers.outer,
            numbers.inner - (int(places @ numbers.cells[places]) << STEP_BITS),
            places,
            numbers.cells[places],
            dict(numbers.tails),
            numbers.point_counts,
            numbers.registers,
        )

    def _end(self, choose: Any, near: float | None, exact: int | None) -> float | int | None:
        """The least or largest number: an integer if the feature's numbers are, else a float."""
        found: list[float | int] = [] if exact is None else [exact]
        if near is not None:
            offset = self._feature.offset
            found.append(int(near) + offset if near.is_integer() and self._feature.integer else near + offset)
        if not found:
            return None
        told: float | int = choose(found)
        return told if self._feature.integer else float(told) + 0.0  # -0.0 and 0.0 are one number


def _countable(value: float | None) -> float | None:
    """A number as it can be counted: integers beyond 64 bits as the nearest float."""
    if not isinstance(value, int) or -(1 << 63) <= value < 1 << 63:
        return value
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
