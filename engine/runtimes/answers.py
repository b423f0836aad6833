"""From a model's sums to labels and probabilities, as scikit-learn does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.runtimes.forest import Link
from engine.runtimes.model import LABELS, PROBABILITIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.model import Interface, Outputs


def class_array(interface: Interface) -> NDArray[Any]:
    """The classes as an array that labels are taken from: integers, bools, floats, or objects for texts."""
    import numpy as np

    texts = any(isinstance(each, str) for each in interface.classes)
    return np.array(interface.classes, dtype=object if texts else None)


def answers(sums: NDArray[np.float64], link: Link, classes: NDArray[Any]) -> Outputs:
    """Make answers of sums.

    Args:
        sums: Shape (rows, sums).
        link: What becomes of them.
        classes: The labels, shape (classes,); not looked at for numbers.

    Returns:
        `predict`, and `predict_proba` where the link gives probabilities.
    """
    if link is Link.LOGISTIC and len(sums) == 1:
        return _one(float(sums[0, 0]), classes)
    import numpy as np

    if link is Link.NUMBER:
        return {LABELS: sums[:, 0]}
    if link is Link.EXPONENTIAL:
        return {LABELS: np.exp(sums[:, 0])}
    if link in (Link.SIGN, Link.LOGISTIC, Link.LOGISTIC_UP):
        raised = sums[:, 0] >= 0 if link is Link.LOGISTIC_UP else sums[:, 0] > 0
        labels = classes[raised.astype(np.intp)]
    else:
        labels = classes[sums.argmax(axis=1)]
    probabilities = _probabilities(sums, link)
    return {LABELS: labels} if probabilities is None else {LABELS: labels, PROBABILITIES: probabilities}


def _one(total: float, classes: NDArray[Any]) -> Outputs:
    """The same for a single row of two classes, the commonest question: a quarter of the time."""
    from math import tanh

    import numpy as np

    second = 0.5 * (1.0 + tanh(0.5 * total))
    labels = classes[1:] if total > 0 else classes[:1]
    return {LABELS: labels, PROBABILITIES: np.array([[1.0 - second, second]])}


def logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + e^-x), without overflow."""
    import numpy as np

    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))


def _probabilities(sums: NDArray[np.float64], link: Link) -> NDArray[np.float64] | None:
    import numpy as np

    if link is Link.SHARES:
        return sums
    if link in (Link.LOGISTIC, Link.LOGISTIC_UP):
        second = logistic(sums[:, 0])
        return np.stack([1.0 - second, second], axis=1)
    if link is Link.SOFTMAX:
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if link is Link.LOGISTIC_EACH:
        each = logistic(sums)
        return np.asarray(each / each.sum(axis=1, keepdims=True))
    return None
