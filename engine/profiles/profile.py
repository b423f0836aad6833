"""What a table holds, in counts that add up: the same bytes whatever the parts and their order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING, Any

from engine.core.errors import Conflict
from engine.profiles.grid import CELLS
from engine.profiles.levels import LevelCounts
from engine.profiles.registers import together
from engine.profiles.rows import RowCounts
from engine.profiles.words import TextCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from engine.profiles.layout import FeatureLayout, Layout

Number = float | int


@dataclass(frozen=True)
class NumberCounts:
    """Of the numbers of a feature; those of integers are counted from the layout's `offset` on.

    Args:
        above: +inf.
        below: -inf.
        minimum: The least finite number, or `None`.
        maximum: The largest.
        steps: Their sum, in steps of the grid from its origin; each is rounded to a step at most.
        beside: By how many steps those of the grid lie above the lower borders of their cells, in all: 0 says that each
            is what its cell stands for on a lattice.
        places: Cells of the grid that hold numbers, rising.
        counts: How many each of them holds, int64.
        tails: By code, of those beyond the grid.
        points: Of the tied numbers, shape (points,); they are in `cells` too.
        registers: Of different finite numbers, if that was asked for, as `engine.profiles.registers` keeps them.
    """

    above: int
    below: int
    minimum: Number | None
    maximum: Number | None
    steps: int
    beside: int
    places: NDArray[Any]
    counts: NDArray[Any]
    tails: Mapping[int, int]
    points: NDArray[Any]
    registers: NDArray[Any] | None = None

    @cached_property
    def cells(self) -> NDArray[Any]:
        """By cell of the grid, shape (CELLS,), int64."""
        import numpy as np

        found = np.zeros(CELLS, np.int64)
        found[self.places] = self.counts
        return found

    @property
    def total(self) -> int:
        """How many finite numbers there are."""
        return int(self.counts.sum()) + sum(self.tails.values())

    @staticmethod
    def sum(parts: Sequence[NumberCounts]) -> NumberCounts:
        """All together.

        Args:
            parts: Of one layout; at least one.
        """
        import numpy as np

        cells = np.zeros(CELLS, np.int64)
        for each in parts:
            cells[each.places] += each.counts
        places = np.flatnonzero(cells != 0)
        return NumberCounts(
            sum(each.above for each in parts),
            sum(each.below for each in parts),
            min((each.minimum for each in parts if each.minimum is not None), default=None),
            max((each.maximum for each in parts if each.maximum is not None), default=None),
            sum(each.steps for each in parts),
            sum(each.beside for each in parts),
            places,
            cells[places],
            _added([each.tails for each in parts]),
            np.stack([each.points for each in parts]).sum(axis=0),
            together([each.registers for each in parts]),
        )


@dataclass(frozen=True)
class FeatureProfile:
    """What one feature holds.

    Args:
        rows: Rows, missing values included.
        nulls: Missing values, NaN included.
        unfit: Values that are not what the feature is, such as words among numbers; counted nowhere else.
        types: Values by what they were stored as: `number`, `boolean`, `timestamp` or `text`.
        numbers: Of numbers and timestamps.
        levels: Of categories and booleans; of numbers that are integers, for how many there are.
        text: Of sentences.
    """

    rows: int
    nulls: int
    unfit: int
    types: Mapping[str, int]
    numbers: NumberCounts | None = None
    levels: LevelCounts | None = None
    text: TextCounts | None = None

    @staticmethod
    def sum(parts: Sequence[FeatureProfile]) -> FeatureProfile:
        """All together.

        Args:
            parts: Of one layout; at least one.
        """
        numbers = [each.numbers for each in parts if each.numbers is not None]
        return FeatureProfile(
            sum(each.rows for each in parts),
            sum(each.nulls for each in parts),
            sum(each.unfit for each in parts),
            _added([each.types for each in parts]),
            NumberCounts.sum(numbers) if numbers else None,
            _all([each.levels for each in parts]),
            _all([each.text for each in parts]),
        )

    @property
    def valid(self) -> int:
        """Values that are there and are what the feature is; infinities are."""
        return self.rows - self.nulls - self.unfit

    def bins(self, feature: FeatureLayout) -> NDArray[Any]:
        """Finite numbers by bin of the layout, shape (len(feature.bins),), int64; infinities are in none.

        Args:
            feature: Its layout.
        """
        import numpy as np

        counts = _between(self.numbers, feature.edges)
        if self.numbers is None or not feature.points or feature.grid is None:
            return counts
        cells = [feature.grid.cell(each) for each in feature.points]
        homes = np.searchsorted(np.array(feature.edges), cells, side="right")
        np.subtract.at(counts, homes, self.numbers.points)
        return np.insert(counts, homes, self.numbers.points)

    def deciles(self, feature: FeatureLayout) -> NDArray[Any]:
        """Finite numbers between the reference's deciles, shape (len(feature.decile_bins),), int64.

        Args:
            feature: Its layout.
        """
        return _between(self.numbers, feature.deciles)


@dataclass(frozen=True)
class Profile:
    """What a table holds.

    Args:
        layout_digest: How it was counted; only profiles of one layout can be added.
        rows: Rows, damaged ones not among them.
        features: By key.
        damaged: Rows that could not be read.
        others: Rows of columns that the layout does not know, by key.
        distinct_rows: Rows by what they hold, if that was asked for; duplicates are those beyond the first.
    """

    layout_digest: str
    rows: int
    features: Mapping[str, FeatureProfile]
    damaged: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    distinct_rows: RowCounts | None = None

    def __add__(self, other: Profile) -> Profile:
        """Both together.

        Raises:
            Conflict: they were counted by different layouts.
        """
        return Profile.sum([self, other])

    @staticmethod
    def sum(parts: Sequence[Profile]) -> Profile:
        """All together, in far less time than one after the other.

        Args:
            parts: At least one.

        Returns:
            Their sum.

        Raises:
            Conflict: they were counted by different layouts.
        """
        first = parts[0]
        if any(each.layout_digest != first.layout_digest for each in parts):
            raise Conflict("Profiles of different layouts cannot be added.", hint="Use one baseline for both.")
        return Profile(
            first.layout_digest,
            sum(each.rows for each in parts),
            {key: FeatureProfile.sum([each.features[key] for each in parts]) for key in first.features},
            sum(each.damaged for each in parts),
            _added([each.others for each in parts]),
            _all([each.distinct_rows for each in parts]),
        )

    @property
    def duplicates(self) -> tuple[int, int] | None:
        """Rows that stood there before, and by how much that may be wrong; `None` when that was not asked for."""
        if self.distinct_rows is None:
            return None
        distinct, error = self.distinct_rows.distinct
        return max(0, self.rows - distinct), error

    def to_bytes(self) -> bytes:
        """The same bytes for the same rows, whatever the parts and their order."""
        from engine.profiles.packing import pack

        return pack(self)

    @staticmethod
    def from_bytes(data: bytes) -> Profile:
        """A profile out of its bytes.

        Args:
            data: What `to_bytes` gave.

        Returns:
            The profile.

        Raises:
            InvalidInput: these are no bytes of a profile, or of another version.
        """
        from engine.profiles.packing import unpack

        return unpack(data)


def empty(layout: Layout) -> Profile:
    """The profile of no rows.

    Args:
        layout: How it is counted.
    """
    from engine.profiles.profiling import Counting

    return Counting(layout).finish()


def _between(numbers: NumberCounts | None, edges: tuple[int, ...]) -> NDArray[Any]:
    import numpy as np

    if numbers is None:
        return np.zeros(0, np.int64)
    counts = np.add.reduceat(numbers.cells, [0, *edges]).astype(np.int64)
    for code, count in numbers.tails.items():
        counts[0 if code < 0 else -1] += count
    return counts


def _all(parts: Sequence[Any]) -> Any:
    """Their sum; `None` where one is."""
    return None if any(each is None for each in parts) else reduce(add, parts)


def _added(parts: Sequence[Mapping[Any, int]]) -> dict[Any, int]:
    counts: Counter[Any] = Counter()
    for each in parts:
        counts.update(each)
    return dict(counts)
