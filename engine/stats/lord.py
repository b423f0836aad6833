"""Control of the false discovery rate over time: LORD.

One test follows another without an end. Each is given a part of a wealth that shrinks while nothing is found and is
paid back by every discovery, so that of all alarms ever raised at most `level` are false on average, whatever number of
windows is looked at.

Sources: A. Javanmard and A. Montanari, "Online rules for control of false discovery rate and false discovery
exceedance", Annals of Statistics 46 (2018) 526-554; the improved rule (LORD++): A. Ramdas, F. Yang, M. J. Wainwright
and M. I. Jordan, "Online control of the false discovery rate with decaying memory", Advances in Neural Information
Processing Systems 30 (2017), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMEMBERED = 500
"""Discoveries that still pay; leaving out older ones only lowers a threshold."""


@dataclass(frozen=True, slots=True)
class Lord:
    """The state of one stream of tests; continue it with `step`.

    Args:
        level: The greatest expected share of false discoveries, in (0, 1).
        count: How many tests have been made.
        discoveries: The numbers, from 1, of the tests that were discoveries, ascending; the latest 500.
        found: How many discoveries there were in all.
    """

    level: float
    count: int = 0
    discoveries: tuple[int, ...] = ()
    found: int = 0

    @property
    def threshold(self) -> float:
        """At or below this the next p-value is a discovery."""
        start = self.level / 2
        total = start * _weight(self.count + 1)
        for place, discovery in enumerate(self.discoveries):
            first = place == 0 and self.found == len(self.discoveries)
            total += (self.level - start if first else self.level) * _weight(self.count + 1 - discovery)
        return total

    def step(self, p: float) -> tuple[Lord, bool, float]:
        """Make the next test.

        Args:
            p: Its p-value, in [0, 1]; independent of those before, or at least never too small given them.

        Returns:
            The state afterwards, whether this is a discovery, and the threshold it was held against.

        Raises:
            ValueError: p is not in [0, 1].
        """
        if not 0 <= p <= 1:
            raise ValueError("a p-value lies in [0, 1]")
        threshold, count = self.threshold, self.count + 1
        if p > threshold:
            return Lord(self.level, count, self.discoveries, self.found), False, threshold
        discoveries = (*self.discoveries, count)[-_REMEMBERED:]
        return Lord(self.level, count, discoveries, self.found + 1), True, threshold

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {"level": self.level, "count": self.count, "discoveries": list(self.discoveries), "found": self.found}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Lord:
        """The state that `to_json` wrote.

        Args:
            value: What it returned.

        Returns:
            An equal state.

        Raises:
            KeyError: a part is missing.
        """
        return cls(value["level"], value["count"], tuple(value["discoveries"]), value["found"])


def _weight(number: int) -> float:
    """Share of the wealth for the number-th test after a discovery; the shares of all numbers sum to 1 at most."""
    return 0.0722 * log(max(number, 2)) / (number * exp(sqrt(log(number))))
