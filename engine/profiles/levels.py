"""Counts by level: exact for levels of the reference, and for all others while there are not too many.

Sketches that keep heavy levels (SpaceSaving) depend on the order of rows, so partitions would not add up to the same
bytes. Here, of too many levels, those with the least hashes stay (bottom-k, Cohen and Kaplan, 2007): a level that is
among them at the end was never left out before, so its count is exact whatever came in which order, and what is left
out is known as a sum.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MOST_LEVELS = 1 << 17
"""So many levels that the reference does not have are counted, each exactly."""


@dataclass(frozen=True)
class LevelCounts:
    """How often levels were seen.

    Args:
        rows: Values in all.
        known: By level of the reference; exact.
        others: By other level; all there are, or the `MOST_LEVELS` with the least hashes, each exact.
    """

    rows: int
    known: Mapping[str, int]
    others: Mapping[str, int]

    @cached_property
    def counts(self) -> dict[str, int]:
        """By level, known or not."""
        return {**self.known, **self.others}

    @property
    def unlisted(self) -> int:
        """Values of levels that are not listed; no single level that is not listed has more."""
        return self.rows - sum(self.known.values()) - sum(self.others.values())

    @property
    def complete(self) -> bool:
        """Whether every level is listed."""
        return self.unlisted == 0

    @property
    def distinct(self) -> tuple[int, int]:
        """How many levels there are, and by how much that may be wrong (two standard errors); 0 when it is exact."""
        if self.complete:
            return len(self.known) + len(self.others), 0
        last = max(map(_hash, self.others))
        found, error = estimated(len(self.others), last)
        return len(self.known) + found, error

    def __add__(self, other: LevelCounts) -> LevelCounts:
        return LevelCounts(
            self.rows + other.rows, _added(self.known, other.known), kept(_added(self.others, other.others))
        )

    def heaviest(self, number: int) -> tuple[tuple[str, int], ...]:
        """The most frequent levels that are listed, equal ones by name.

        Args:
            number: How many.
        """
        return tuple(sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))[:number])


def level_counts(rows: int, counts: Mapping[str, int], known: Collection[str] = ()) -> LevelCounts:
    """Counts, split into what the reference has and what it has not.

    Args:
        rows: Values in all.
        counts: By level.
        known: The reference's levels.
    """
    others = {level: count for level, count in counts.items() if level not in known}
    return LevelCounts(rows, {level: counts[level] for level in counts if level in known}, kept(others))


def estimated(number: int, last: int) -> tuple[int, int]:
    """How many there are, by the largest of the least hashes (Bar-Yossef and others, 2002).

    Args:
        number: How many hashes were kept.
        last: The largest of them, of 64 bits.

    Returns:
        The estimate, and two standard errors.
    """
    found = round((number - 1) / (last / 2**64))
    return found, round(2 * found / math.sqrt(number - 2))


def kept(counts: Mapping[str, int]) -> Mapping[str, int]:
    """What is kept of counts of levels that the reference does not have.

    Args:
        counts: By level.
    """
    if len(counts) <= MOST_LEVELS:
        return counts
    return {each: counts[each] for each in sorted(counts, key=_hash)[:MOST_LEVELS]}


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    counts = Counter(one)
    counts.update(other)
    return dict(counts)


def _hash(level: str) -> int:
    return int.from_bytes(blake2b(level.encode(errors="replace"), digest_size=8).digest(), "big")
