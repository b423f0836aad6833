"""Counts by level: exact while there are few, and of a fair sample of levels beyond that.

Sketches that keep heavy levels (SpaceSaving) depend on the order of rows, so partitions would not add up to the same
bytes. Here the levels with the least hashes stay (bottom-k, Cohen and Kaplan, 2007): a level that is among them at the
end was never left out before, so its count is exact whatever came in which order.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_LEVELS = 1 << 16
"""So many levels are counted, each exactly; issue and design ask for 1,024."""


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """How often levels were seen.

    Args:
        rows: Values in all.
        counts: By level; all levels, or the `MOST_LEVELS` with the least hashes.
    """

    rows: int
    counts: Mapping[str, int]

    @property
    def complete(self) -> bool:
        """Whether every level is there."""
        return len(self.counts) < MOST_LEVELS or sum(self.counts.values()) == self.rows

    @property
    def distinct(self) -> tuple[int, int]:
        """How many levels there are, and by how much that may be wrong (two standard errors); 0 when it is exact."""
        if self.complete:
            return len(self.counts), 0
        last = max(map(_hash, self.counts))
        estimate = round((len(self.counts) - 1) / (last / 2**64))
        return estimate, round(2 * estimate / math.sqrt(len(self.counts) - 2))

    def __add__(self, other: LevelCounts) -> LevelCounts:
        counts = Counter(self.counts)
        counts.update(other.counts)
        return LevelCounts(self.rows + other.rows, kept(counts))

    def heaviest(self, number: int) -> tuple[tuple[str, int], ...]:
        """The most frequent levels that are there, equal ones by name.

        Args:
            number: How many.
        """
        return tuple(sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))[:number])


def kept(counts: Mapping[str, int]) -> Mapping[str, int]:
    """What is kept of counts.

    Args:
        counts: By level.
    """
    if len(counts) <= MOST_LEVELS:
        return counts
    return {each: counts[each] for each in least(counts)}


def least(levels: Iterable[str]) -> list[str]:
    """The levels with the least hashes.

    Args:
        levels: Each once.
    """
    return sorted(levels, key=_hash)[:MOST_LEVELS]


def _hash(level: str) -> int:
    return int.from_bytes(blake2b(level.encode(errors="replace"), digest_size=8).digest(), "big")
