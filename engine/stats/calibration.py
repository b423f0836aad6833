"""Do probabilities mean what they say, and what do they mean instead?

Sources: B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates",
Proceedings of the 8th ACM SIGKDD Conference (2002) 694-699 (isotonic calibration, by pooling adjacent violators);
M. Pakdaman Naeini, G. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
Proceedings of the 29th AAAI Conference (2015) 2901-2907 (expected calibration error).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engine.stats.counts import Floats


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising step-less curve from scores to probabilities: straight lines between knots, flat outside.

    Args:
        scores: The knots, ascending, at least one.
        probabilities: The value at each knot, not falling, as many.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def applied(self, scores: NDArray[Any]) -> Floats:
        """Probabilities of scores.

        Args:
            scores: Finite numbers, shape (n,).

        Returns:
            In [0, 1], shape (n,).
        """
        import numpy as np

        return np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities)

    def to_json(self) -> dict[str, Any]:
        """The curve as JSON values."""
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Isotonic:
        """The curve that `to_json` wrote.

        Args:
            value: What it returned.

        Returns:
            An equal curve.

        Raises:
            KeyError: a part is missing.
        """
        return cls(tuple(value["scores"]), tuple(value["probabilities"]))


def isotonic(scores: NDArray[Any], truth: NDArray[Any], *, prior: float = 0.0) -> Isotonic:
    """The rising curve with the least squared error.

    Args:
        scores: Finite numbers, shape (n,), not empty.
        truth: True or 1 for positive rows, shape (n,).
        prior: So many rows of each class are added to each level stretch: a stretch of one class alone is not certain.
            A half is Jeffreys' prior.

    Returns:
        The curve; knots inside a level stretch are left out.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    if len(scores) != len(truth) or not len(scores):
        raise ValueError("a calibration needs as many scores as true values, and at least one")
    values, where = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    rows = np.bincount(where).astype(np.float64)
    hits = np.bincount(where, weights=np.asarray(truth, np.float64))
    starts, levels = _pooled(hits.tolist(), rows.tolist())
    if prior:
        held, weight = np.add.reduceat(hits, starts), np.add.reduceat(rows, starts)
        levels = np.maximum.accumulate((held + prior) / (weight + 2 * prior)).tolist()
    ends = [*(start - 1 for start in starts[1:]), values.size - 1]
    knots: dict[float, float] = {}
    for start, end, level in zip(starts, ends, levels, strict=True):
        knots[float(values[start])] = level
        knots[float(values[end])] = level
    return Isotonic(tuple(knots), tuple(knots.values()))


def _pooled(hits: list[float], rows: list[float]) -> tuple[list[int], list[float]]:
    """Adjacent violators pooled: where each level stretch starts, and its mean."""
    starts: list[int] = []
    stack: list[tuple[float, float]] = []
    for place, (hit, row) in enumerate(zip(hits, rows, strict=True)):
        start, held, weight = place, hit, row
        while stack and stack[-1][0] * weight >= held * stack[-1][1]:
            more, weights = stack.pop()
            held, weight = held + more, weight + weights
            start = starts.pop()
        starts.append(start)
        stack.append((held, weight))
    return starts, [held / weight for held, weight in stack]


def expected_error(probability: NDArray[Any], truth: NDArray[Any], *, bins: int = 10) -> float:
    """Expected calibration error: mean difference of what was said and what happened, over bins of equal width.

    Args:
        probability: Of the positive class, in [0, 1], shape (n,), not empty.
        truth: True or 1 for positive rows, shape (n,).
        bins: Of equal width over [0, 1], from 1.

    Returns:
        In [0, 1]; 0 for perfect calibration.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    if len(probability) != len(truth) or not len(truth):
        raise ValueError("a calibration needs as many probabilities as true values, and at least one")
    said = np.asarray(probability, np.float64)
    where = np.clip(np.ceil(said * bins).astype(np.int64) - 1, 0, bins - 1)
    off = np.bincount(where, weights=said - np.asarray(truth, np.float64), minlength=bins)
    return float(np.abs(off).sum() / said.size)
