"""How good predictions were, now that the truth is known: scores of one window.

Sources: D. M. W. Powers, "Evaluation: from precision, recall and F-measure to ROC, informedness, markedness and
correlation", Journal of Machine Learning Technologies 2 (2011) 37-63; the area under the curve as a rank statistic:
J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
Radiology 143 (1982) 29-36; G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
Review 78 (1950) 1-3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_LEAST = 2.220446049250313e-16
"""The least probability a logarithm is taken of, as scikit-learn has it."""


def accuracy(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Share of the predictions that were right.

    Args:
        truth: Labels of any kind, shape (n,), not empty.
        predicted: Labels of the same kind, shape (n,).

    Returns:
        In [0, 1].

    Raises:
        ValueError: the two are empty or not of one length.
    """
    _matched(truth, predicted)
    return float((truth == predicted).mean())


def f1(truth: NDArray[Any], predicted: NDArray[Any], *, positive: Any = None) -> float | None:
    """Harmonic mean of precision and recall.

    Args:
        truth: Labels, shape (n,), not empty.
        predicted: Labels of the same kind, shape (n,).
        positive: The label that is looked for; without, the mean of all labels' values (macro).

    Returns:
        In [0, 1]; None when neither side has the positive label.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    _matched(truth, predicted)
    if positive is None:
        labels = np.union1d(truth, predicted)
        return float(np.mean([f1(truth, predicted, positive=label) for label in labels]))
    meant, said = truth == positive, predicted == positive
    together = int(meant.sum()) + int(said.sum())
    return 2 * int((meant & said).sum()) / together if together else None


def auc(truth: NDArray[Any], score: NDArray[Any]) -> float | None:
    """Area under the ROC curve: the chance that a positive row has the higher score; ties count half.

    Args:
        truth: True or 1 for positive rows, shape (n,), not empty.
        score: Finite numbers, shape (n,).

    Returns:
        In [0, 1]; None when all rows are of one class.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    _matched(truth, score)
    positive = np.asarray(truth, bool)
    above, below = np.sort(np.asarray(score)[positive]), np.sort(np.asarray(score)[~positive])
    if not above.size or not below.size:
        return None
    lower = np.searchsorted(below, above, side="left").sum(dtype=np.int64)
    lower += np.searchsorted(below, above, side="right").sum(dtype=np.int64)
    return float(lower / 2 / above.size / below.size)


def log_loss(truth: NDArray[Any], probability: NDArray[Any]) -> float:
    """Mean of -ln of the probability that was given to what happened.

    Args:
        truth: True or 1 for positive rows, shape (n,), not empty; or the column of the true class, from 0.
        probability: Of the positive class, shape (n,); or of each class, shape (n, classes). In [0, 1]; at least
            2.2e-16 is taken.

    Returns:
        From 0, finite.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    _matched(truth, probability)
    given = np.asarray(probability, np.float64)
    if given.ndim == 1:
        chosen = np.where(np.asarray(truth, bool), given, 1 - given)
    else:
        chosen = given[np.arange(given.shape[0]), np.asarray(truth, np.int64)]
    return float(-np.log(np.clip(chosen, _LEAST, 1 - _LEAST)).mean())


def brier(truth: NDArray[Any], probability: NDArray[Any]) -> float:
    """Mean square of probability less outcome.

    Args:
        truth: True or 1 for positive rows, shape (n,), not empty.
        probability: Of the positive class, in [0, 1], shape (n,).

    Returns:
        In [0, 1].

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    _matched(truth, probability)
    return float(((np.asarray(probability, np.float64) - np.asarray(truth, bool)) ** 2).mean())


def mae(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Mean absolute error.

    Args:
        truth: Finite numbers, shape (n,), not empty.
        predicted: Finite numbers, shape (n,).

    Returns:
        From 0, in the unit of the values.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    return float(np.abs(_errors(truth, predicted)).mean())


def rmse(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Root of the mean squared error.

    Args:
        truth: Finite numbers, shape (n,), not empty.
        predicted: Finite numbers, shape (n,).

    Returns:
        From 0, in the unit of the values.

    Raises:
        ValueError: the two are empty or not of one length.
    """
    import numpy as np

    errors = _errors(truth, predicted)
    greatest = float(np.abs(errors).max())
    return greatest * float(np.sqrt(((errors / greatest) ** 2).mean())) if greatest else 0.0


def _errors(truth: NDArray[Any], predicted: NDArray[Any]) -> Floats:
    import numpy as np

    _matched(truth, predicted)
    errors: Floats = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    return errors


def _matched(truth: NDArray[Any], other: NDArray[Any]) -> None:
    if len(truth) != len(other) or not len(truth):
        raise ValueError("a score needs as many predictions as true values, and at least one")
