"""Control of the false discovery rate over time that does not pay for tests without any hope: SAFFRON.

As LORD, but wealth is spent only on p-values above `candidate`: with many true alarms about it finds more.

Source: A. Ramdas, T. Zrnic, M. Wainwright and M. Jordan, "SAFFRON: an adaptive algorithm for online control of the
false discovery rate", Proceedings of the 35th International Conference on Machine Learning (2018) 4286-4294, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEMBERED = 500
"""Discoveries that still pay; leaving out older ones only lowers a threshold."""

_SUM = 2.2857656
"""Sum of number^-1.6 over all numbers from 1."""


@dataclass(frozen=True, slots=True)
class Saffron:
    """The state of one stream of tests; continue it with `step`.

    Args:
        level: The greatest expected share of false discoveries, in (0, 1).
        candidate: P-values up to this one cost nothing, in (0, 1).
        costs: How many tests have cost something.
        discoveries: What `costs` was at each discovery, ascending; the latest 500.
        found: How many discoveries there were in all.
    """

    level: float
    candidate: float = 0.5
    costs: int = 0
    discoveries: tuple[int, ...] = ()
    found: int = 0

    @property
    def threshold(self) -> float:
        """At or below this the next p-value is a discovery."""
        start = self.level / 2
        total = start * _weight(self.costs + 1)
        for place, costs in enumerate(self.discoveries):
            first = place == 0 and self.found == len(self.discoveries)
            total += (self.level - start if first else self.level) * _weight(self.costs + 1 - costs)
        return min(self.candidate, (1 - self.candidate) * total)

    def step(self, p: float) -> tuple[Saffron, bool, float]:
        """Make the next test.

        Args:
            p: Its p-value, in [0, 1]; independent of those before.

        Returns:
            The state afterwards, whether this is a discovery, and the threshold it was held against.

        Raises:
            ValueError: p is not in [0, 1].
        """
        if not 0 <= p <= 1:
            raise ValueError("a p-value lies in [0, 1]")
        threshold, costs = self.threshold, self.costs + (p > self.candidate)
        if p > threshold:
            return Saffron(self.level, self.candidate, costs, self.discoveries, self.found), False, threshold
        discoveries = (*self.discoveries, costs)[-_REMEMBERED:]
        return Saffron(self.level, self.candidate, costs, discoveries, self.found + 1), True, threshold

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {
            "level": self.level,
            "candidate": self.candidate,
            "costs": self.costs,
            "discoveries": list(self.discoveries),
            "found": self.found,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Saffron:
        """The state that `to_json` wrote.

        Args:
            value: What it returned.

        Returns:
            An equal state.

        Raises:
            KeyError: a part is missing.
        """
        discoveries = tuple(value["discoveries"])
        return cls(value["level"], value["candidate"], value["costs"], discoveries, value["found"])


def _weight(number: int) -> float:
    """Share of the wealth for the number-th test that costs after a discovery; all of them sum to 1 at most."""
    return float(number**-1.6) / _SUM
