"""What a table holds, in counts that add up: the same bytes whatever the parts and their order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.core.errors import Conflict
from engine.profiles.grid import CELLS
from engine.profiles.levels import LevelCounts
from engine.profiles.words import TextCounts

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        cells: By cell of the grid, shape (CELLS,).
        tails: By code, of those beyond the grid.
        points: Of the tied numbers, shape (points,); they are in `cells` too.
    """

    above: int
    below: int
    minimum: Number | None
    maximum: Number | None
    steps: int
    cells: NDArray[Any]
    tails: Mapping[int, int]
    points: NDArray[Any]

    @property
    def total(self) -> int:
        """How many finite numbers there are."""
        return int(self.cells.sum()) + sum(self.tails.values())

    def __add__(self, other: NumberCounts) -> NumberCounts:
        return NumberCounts(
            self.above + other.above,
            self.below + other.below,
            _either(min, self.minimum, other.minimum),
            _either(max, self.maximum, other.maximum),
            self.steps + other.steps,
            self.cells + other.cells,
            _added(self.tails, other.tails),
            self.points + other.points,
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

    def __add__(self, other: FeatureProfile) -> FeatureProfile:
        return FeatureProfile(
            self.rows + other.rows,
            self.nulls + other.nulls,
            self.unfit + other.unfit,
            _added(self.types, other.types),
            _both(self.numbers, other.numbers),
            _both(self.levels, other.levels),
            _both(self.text, other.text),
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
    distinct_rows: LevelCounts | None = None

    def __add__(self, other: Profile) -> Profile:
        """Both together.

        Raises:
            Conflict: they were counted by different layouts.
        """
        if self.layout_digest != other.layout_digest:
            raise Conflict("Profiles of different layouts cannot be added.", hint="Use one baseline for both.")
        return Profile(
            self.layout_digest,
            self.rows + other.rows,
            {key: each + other.features[key] for key, each in self.features.items()},
            self.damaged + other.damaged,
            _added(self.others, other.others),
            _both(self.distinct_rows, other.distinct_rows),
        )

    @property
    def duplicates(self) -> int | None:
        """Rows that stood there before; `None` when that was not asked for, or there are too many rows to know."""
        if self.distinct_rows is None or not self.distinct_rows.complete:
            return None
        return self.rows - len(self.distinct_rows.counts)

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


def no_numbers(points: int) -> NumberCounts:
    """Of no numbers.

    Args:
        points: How many tied numbers the layout has.
    """
    import numpy as np

    return NumberCounts(0, 0, None, None, 0, np.zeros(CELLS, np.int64), {}, np.zeros(points, np.int64))


def _between(numbers: NumberCounts | None, edges: tuple[int, ...]) -> NDArray[Any]:
    import numpy as np

    if numbers is None:
        return np.zeros(0, np.int64)
    counts = np.add.reduceat(numbers.cells, [0, *edges]).astype(np.int64)
    for code, count in numbers.tails.items():
        counts[0 if code < 0 else -1] += count
    return counts


def _either(choose: Any, one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return other if one is None else one
    found: Number = choose(one, other)
    return found


def _both(one: Any, other: Any) -> Any:
    return one + other if one is not None and other is not None else None


def _added(one: Mapping[Any, int], other: Mapping[Any, int]) -> dict[Any, int]:
    counts = Counter(one)
    counts.update(other)
    return dict(counts)
