"""A sequential test of a bounded mean that may be looked at as often as one likes.

A gambler bets against the hypothesis; as long as it is true, the wealth is not expected to grow, so that it reaches
1/alpha at any time with probability alpha at most, however often one looks (Ville's inequality). The stake is not
tuned: equal parts of the wealth are played with stakes from bold to timid, and the mean of their wealths counts.

Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", Journal of the Royal
Statistical Society B 86 (2024) 1-27, section 4 (capital process), with the grid mixture of its section 5.
"""

from __future__ import annotations

from math import exp, log, log1p
from typing import TYPE_CHECKING

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STAKES = tuple(0.99 * 0.5**power for power in range(9))
"""Stakes as parts of the greatest that cannot ruin."""

_SLACK = 1e-12
"""How far outside the bounds rounding may put a value."""


@frozen
class Bet:
    """The state of one test of "the mean is at most `limit`"; continue it with `extended`.

    Args:
        limit: The greatest mean under the hypothesis.
        low: The least value that can occur.
        high: The greatest value that can occur.
        count: How many values have been seen.
        logs: Logarithm of the wealth of each stake, in the order of `STAKES`.
    """

    limit: float
    low: float
    high: float
    count: int = 0
    logs: tuple[float, ...] = (0.0,) * len(STAKES)

    def extended(self, values: Iterable[float], times: Iterable[int] | None = None) -> Bet:
        """Bet on further values.

        Args:
            values: Each in [low, high], in the order they came; independent of the stakes by construction.
            times: How often each came in a row; once without.

        Returns:
            The state afterwards.

        Raises:
            ValueError: a value lies outside the bounds.
        """
        greatest = 1.0 / (self.limit - self.low)
        logs, count = list(self.logs), self.count
        for value, often in _counted(values, times):
            if not self.low - _SLACK <= value <= self.high + _SLACK:
                raise ValueError(f"a value lies outside [{self.low:g}, {self.high:g}]")
            gain = (min(max(value, self.low), self.high) - self.limit) * greatest
            for place, stake in enumerate(STAKES):
                logs[place] += often * log1p(stake * gain)
            count += often
        return Bet(self.limit, self.low, self.high, count, tuple(logs))

    @property
    def log_wealth(self) -> float:
        """Logarithm of the wealth: the evidence against the hypothesis; 0 at the start."""
        most = max(self.logs)
        return most + log(sum(exp(each - most) for each in self.logs) / len(self.logs))

    def rejects(self, alpha: float) -> bool:
        """Whether the hypothesis is refuted.

        Args:
            alpha: The greatest probability, in (0, 1), with which a true hypothesis is ever refuted.
        """
        return self.log_wealth >= -log(alpha)


def _counted(values: Iterable[float], times: Iterable[int] | None) -> Iterable[tuple[float, int]]:
    return ((value, 1) for value in values) if times is None else zip(values, times, strict=True)


def dealt(candidate: tuple[int, int], other: tuple[int, int], *, seed: int) -> Sequence[float]:
    """Pair the outcomes of two groups that were observed together, for a bet on the difference of their rates.

    Within one short interval outcomes are exchangeable, so any order drawn without looking at them is as good as the
    one they came in. Each pair holds one outcome of the smaller group and the mean of an equal part of the larger.

    Args:
        candidate: How many it had, and how many of them were bad.
        other: The same of the group it is compared with.
        seed: Makes the deal repeatable; must not depend on the outcomes.

    Returns:
        One difference a pair (candidate less other), each in [-1, 1]; none when a group is empty. What cannot be dealt
        evenly is left out.
    """
    pairs = min(candidate[0], other[0])
    if not pairs:
        return ()
    ours, theirs = _parts(candidate, pairs, seed), _parts(other, pairs, seed + 1)
    return [mine - yours for mine, yours in zip(ours, theirs, strict=True)]


def _parts(group: tuple[int, int], parts: int, seed: int) -> list[float]:
    """Means of equal parts of a group in random order."""
    import random  # only an analysis needs it

    total, bad = group
    size = total // parts
    chosen = random.Random(seed).sample(range(total), bad)  # noqa: S311 a deal, no secret
    sums = [0] * parts
    for place in chosen:
        if place < parts * size:
            sums[place // size] += 1
    return [each / size for each in sums]
