"""Performance of a classifier before any label arrives: confidence-based performance estimation.

If a calibrated probability says 0.8, a row is positive in 80 of 100 cases: so the expected confusion matrix, and every
score made from it, follows from the probabilities alone. It holds while the relation of features and label holds (the
inputs may drift, the concept may not): that is why the realised score is shown beside it as soon as labels arrive.

Sources: J. Bialek, J. Kuberski and N. Perrakis, "Estimating model performance under covariate shift without labels",
arXiv:2401.08348 (2024) (estimation); J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver
operating characteristic (ROC) curve", Radiology 143 (1982) 29-36, equation 1 (error of the area).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from engine.stats.calibration import Isotonic, expected_error, isotonic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_PARTS = 3
"""Parts of the reference on which a calibration is tried before it is used."""

_PRIOR = 0.5
"""Rows of each class that every level stretch of a calibration is given (H. Jeffreys, "Theory of probability", 1961,
section 3.1): without, a stretch of one class alone would be certain, and every estimate too good."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimated score.

    Args:
        value: The estimate; None where the score does not exist (one class alone is expected).
        error: Standard deviation of the realised score around it by chance alone.
    """

    value: float | None
    error: float


@dataclass(frozen=True, slots=True)
class Cbpe:
    """What a reference with labels says about the probabilities of one model.

    Args:
        curve: From scores to probabilities; None when the scores are calibrated already.
        rows: Rows of the reference.
        raw_error: Expected calibration error of the scores as they are.
        error: The same after the curve, on rows the curve has not seen.
    """

    curve: Isotonic | None
    rows: int
    raw_error: float
    error: float

    def probabilities(self, scores: NDArray[Any]) -> Floats:
        """Calibrated probabilities of the positive class.

        Args:
            scores: What the model said, in [0, 1], shape (n,).

        Returns:
            In [0, 1], shape (n,).
        """
        import numpy as np

        return np.clip(np.asarray(scores, np.float64), 0, 1) if self.curve is None else self.curve.applied(scores)

    def estimate(self, metric: str, scores: NDArray[Any], predicted: NDArray[Any] | None = None) -> Estimate:
        """Estimate one score of a window without labels.

        Args:
            metric: A name in `METRICS`.
            scores: What the model said, in [0, 1], shape (n,), not empty.
            predicted: True or 1 where the model decided for the positive class, shape (n,); a score of at least a half
                without.

        Returns:
            The estimate with its sampling error.

        Raises:
            ValueError: the metric is not known, or the window is empty or not of one length.
        """
        import numpy as np

        if metric not in METRICS:
            raise ValueError(f"{metric!r:.50} cannot be estimated; take one of {', '.join(METRICS)}")
        said = np.asarray(scores, np.float64)
        chosen = said >= 0.5 if predicted is None else np.asarray(predicted, bool)
        if not said.size or said.shape != chosen.shape:
            raise ValueError("an estimate needs as many decisions as scores, and at least one")
        return METRICS[metric](self.probabilities(said), said, chosen)

    def to_json(self) -> dict[str, Any]:
        """What was learned, as JSON values."""
        curve = None if self.curve is None else self.curve.to_json()
        return {"curve": curve, "rows": self.rows, "raw_error": self.raw_error, "error": self.error}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Cbpe:
        """What `to_json` wrote.

        Args:
            value: What it returned.

        Returns:
            An equal object.

        Raises:
            KeyError: a part is missing.
        """
        curve = None if value["curve"] is None else Isotonic.from_json(value["curve"])
        return cls(curve, value["rows"], value["raw_error"], value["error"])


def learned(scores: NDArray[Any], truth: NDArray[Any]) -> Cbpe:
    """Look at a reference with labels: are the scores calibrated, and if not, how would they be?

    Args:
        scores: Of the positive class, in [0, 1], shape (n,), not empty; of rows the model was not trained on.
        truth: True or 1 for positive rows, shape (n,).

    Returns:
        What `estimate` needs. A curve is used only if it lowers the calibration error on rows it has not seen.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    said, happened = np.asarray(scores, np.float64), np.asarray(truth, bool)
    raw = expected_error(said, happened)
    part = np.arange(said.size) % _PARTS
    after = np.empty(said.size)
    for each in range(_PARTS):
        held = part == each
        if held.all() or not held.any():
            return Cbpe(None, said.size, raw, raw)
        after[held] = isotonic(said[~held], happened[~held], prior=_PRIOR).applied(said[held])
    error = expected_error(after, happened)
    if error >= raw:
        return Cbpe(None, said.size, raw, raw)
    return Cbpe(isotonic(said, happened, prior=_PRIOR), said.size, raw, error)


def _accuracy(p: Floats, _: Floats, chosen: NDArray[Any]) -> Estimate:
    import numpy as np

    return Estimate(float(np.where(chosen, p, 1 - p).mean()), sqrt(float((p * (1 - p)).sum())) / p.size)


def _precision(p: Floats, _: Floats, chosen: NDArray[Any]) -> Estimate:
    rows = int(chosen.sum())
    if not rows:
        return Estimate(None, 0.0)
    hit = p[chosen]
    return Estimate(float(hit.mean()), sqrt(float((hit * (1 - hit)).sum())) / rows)


def _recall(p: Floats, _: Floats, chosen: NDArray[Any]) -> Estimate:
    return _ratio(p, chosen.astype(float), 0.0 * p + 1.0, 0.0)


def _f1(p: Floats, _: Floats, chosen: NDArray[Any]) -> Estimate:
    return _ratio(p, 2.0 * chosen, 0.0 * p + 1.0, float(chosen.sum()))


def _ratio(p: Floats, above: Floats, below: Floats, constant: float) -> Estimate:
    """The ratio of two sums over the rows that turn out positive; its error by the delta method."""
    total = float(below @ p) + constant
    if total <= 0:
        return Estimate(None, 0.0)
    value = float(above @ p) / total
    slopes = (above - value * below) / total
    return Estimate(value, sqrt(float((slopes**2) @ (p * (1 - p)))))


def _log_loss(p: Floats, said: Floats, _: NDArray[Any]) -> Estimate:
    import numpy as np

    q = np.clip(said, 2.220446049250313e-16, 1 - 2.220446049250313e-16)
    value = float(-(p * np.log(q) + (1 - p) * np.log1p(-q)).mean())
    return Estimate(value, sqrt(float((np.log(q / (1 - q)) ** 2) @ (p * (1 - p)))) / p.size)


def _brier(p: Floats, said: Floats, _: NDArray[Any]) -> Estimate:
    value = float((p * (1 - said) ** 2 + (1 - p) * said**2).mean())
    return Estimate(value, sqrt(float(((1 - 2 * said) ** 2) @ (p * (1 - p)))) / p.size)


def _auc(p: Floats, said: Floats, _: NDArray[Any]) -> Estimate:
    """Expected pairs in the right order over expected pairs; a row is no pair with itself."""
    import numpy as np

    order = np.argsort(said, kind="stable")
    ranked, chance = said[order], p[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] > ranked[:-1])))
    positive, negative = np.add.reduceat(chance, starts), np.add.reduceat(1 - chance, starts)
    alone = float((p * (1 - p)).sum())
    pairs = float(positive.sum() * negative.sum()) - alone
    if pairs <= 1e-12:
        return Estimate(None, 0.0)
    lower = np.cumsum(negative) - negative / 2
    value = min(1.0, max(0.0, (float(positive @ lower) - alone / 2) / pairs))
    return Estimate(value, _area_error(value, max(1.0, float(positive.sum())), max(1.0, float(negative.sum()))))


def _area_error(area: float, positive: float, negative: float) -> float:
    first, second = area / (2 - area), 2 * area * area / (1 + area)
    spread = (positive - 1) * (first - area * area) + (negative - 1) * (second - area * area)
    return sqrt(max(0.0, area * (1 - area) + spread) / (positive * negative))


METRICS: dict[str, Callable[[Floats, Floats, NDArray[Any]], Estimate]] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "f1": _f1,
    "auc": _auc,
    "log_loss": _log_loss,
    "brier": _brier,
}
"""What can be estimated without labels."""
