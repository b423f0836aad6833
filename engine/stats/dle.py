"""Performance of a regression before any true value arrives: direct loss estimation.

A second model learns, on a reference with true values, how large the loss of the first is for such inputs; the mean of
what it expects is the estimate. It is scaled by what it expects out of fold, so that its mean over the reference is the
realised loss.

Source: J. Bialek, J. Kuberski and N. Perrakis, "Estimating model performance under covariate shift without labels",
arXiv:2401.08348 (2024); as a documented method: NannyML, "Direct loss estimation" (2022), of which this is the variant
with histogram gradient boosting (G. Ke and others, "LightGBM", Advances in Neural Information Processing Systems 30,
2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Protocol

from engine.stats.cbpe import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.stats.counts import Floats

METRICS = ("mae", "rmse")
"""What can be estimated without true values."""


class Regressor(Protocol):
    """What learns losses: scikit-learn's interface."""

    def fit(self, features: NDArray[Any], losses: NDArray[Any]) -> Any:
        """Learn the loss of each row."""

    def predict(self, features: NDArray[Any]) -> Any:
        """Expect the loss of each row."""


@dataclass(frozen=True, slots=True)
class Dle:
    """What a reference with true values says about the losses of one model.

    Args:
        metric: "mae" or "rmse".
        nanny: The fitted second model; it sees the features and the prediction.
        scale: Realised mean loss of the reference over the one expected out of fold.
        spread: Standard deviation of the realised losses around the expected ones.
    """

    metric: str
    nanny: Regressor
    scale: float
    spread: float

    def estimate(self, features: NDArray[Any], predicted: NDArray[Any]) -> Estimate:
        """Estimate the score of a window without true values.

        Args:
            features: Numbers, NaN for what is missing, shape (n, features), not empty.
            predicted: What the model said, shape (n,).

        Returns:
            The estimate with its sampling error.

        Raises:
            ValueError: the window is empty or not of one length.
        """
        from threadpoolctl import threadpool_limits

        seen = _joined(features, predicted)
        with threadpool_limits(1):
            mean = max(0.0, float(self.nanny.predict(seen).mean()) * self.scale)
        error = self.spread / sqrt(len(seen))
        if self.metric == "mae":
            return Estimate(mean, error)
        root = sqrt(mean)
        return Estimate(root, error / (2 * root) if root else 0.0)


def learned(metric: str, features: NDArray[Any], predicted: NDArray[Any], truth: NDArray[Any], *, seed: int = 0) -> Dle:
    """Learn the losses of a reference.

    Args:
        metric: "mae" or "rmse".
        features: Numbers, NaN for what is missing, shape (n, features), at least 20 rows the model was not trained on.
        predicted: What the model said, shape (n,).
        truth: The true values, shape (n,).
        seed: Makes the second model repeatable.

    Returns:
        What `estimate` needs.

    Raises:
        ValueError: the metric is not known, there are too few rows, or they are not of one length.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    seen = _joined(features, predicted)
    if metric not in METRICS or len(seen) < 20 or len(truth) != len(seen):
        raise ValueError("direct loss estimation needs the metric mae or rmse and 20 rows with their true values")
    errors = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    losses = np.abs(errors) if metric == "mae" else errors**2
    expected, part = np.empty(len(seen)), np.arange(len(seen)) % 5
    with threadpool_limits(1):  # its threads wait by spinning: on a busy machine they make it a hundred times slower
        for each in range(5):
            model = _regressor(seed).fit(seen[part != each], losses[part != each])
            expected[part == each] = model.predict(seen[part == each])
        nanny = _regressor(seed).fit(seen, losses)
    mean = float(expected.mean())
    scale = float(losses.mean()) / mean if mean > 0 else 1.0
    return Dle(metric, nanny, scale, float((losses - scale * expected).std()))


def _regressor(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_iter=60, early_stopping=False, random_state=seed)


def _joined(features: NDArray[Any], predicted: NDArray[Any]) -> Floats:
    import numpy as np

    if len(features) != len(predicted) or not len(predicted):
        raise ValueError("direct loss estimation needs as many predictions as rows of features, and at least one")
    rows = np.asarray(features, np.float64).reshape(len(predicted), -1)
    return np.column_stack((rows, np.asarray(predicted, np.float64)))
