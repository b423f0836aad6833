"""Linear models with their preprocessing folded in: one product of a row with one matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable
from engine.runtimes.answers import answers, class_array
from engine.runtimes.forest import Link
from engine.runtimes.intake import Door
from engine.runtimes.model import RuntimeKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.columns import Column, Prepared
    from engine.runtimes.intake import Intake
    from engine.runtimes.model import Interface, Outputs, Rows

_PROBABLE = ("LogisticRegression", "LogisticRegressionCV")
_POWERS = ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear model over the inputs themselves.

    Args:
        weights: Of the numbers, shape (numbers, sums).
        offset: Shape (sums,).
        fills: What missing numbers are taken for, shape (numbers,); NaN where they are refused.
        cells: For each category weight: the input's column in the matrix of numbers and codes, shape (marks,).
        marks: The number or code at which it counts, shape (marks,).
        mark_weights: What it adds, shape (marks, sums).
        link: What becomes of the sums.
    """

    weights: NDArray[np.float64]
    offset: NDArray[np.float64]
    fills: NDArray[np.float64]
    cells: NDArray[np.int32]
    marks: NDArray[np.float64]
    mark_weights: NDArray[np.float64]
    link: Link


def read_linear(prepared: Prepared, intake: Intake) -> Linear:
    """Read the weights of a fitted linear estimator and fold the preprocessing into them.

    Args:
        prepared: The preprocessing and the estimator.
        intake: Where inputs stand, and the numbers of texts.

    Returns:
        The model.

    Raises:
        NotServable: the estimator is not linear, or answers in a way that is not known here.
    """
    import numpy as np

    estimator = prepared.estimator
    if ".linear_model." not in type(estimator).__module__ and type(estimator).__name__ not in (
        "LinearSVC",
        "LinearSVR",
    ):
        raise NotServable(f"{type(estimator).__name__} is no linear model.")
    coefficients = getattr(estimator, "coef_", None)
    if coefficients is None or hasattr(coefficients, "tocsr"):
        raise NotServable(f"{type(estimator).__name__} has no plain weights.")
    weights = np.atleast_2d(np.asarray(coefficients, np.float64)).T
    if weights.shape[0] != len(prepared.columns) or (not hasattr(estimator, "classes_") and weights.shape[1] != 1):
        raise NotServable("Its weights are not one for each column.")
    offset = np.zeros(weights.shape[1]) + np.asarray(estimator.intercept_, np.float64)
    return _folded(prepared.columns, weights, offset, intake, _link(estimator, weights.shape[1]))


def _link(estimator: Any, sums: int) -> Link:
    """How an estimator makes answers of its sums."""
    name = type(estimator).__name__
    if not hasattr(estimator, "classes_"):
        powered = name in _POWERS and getattr(estimator, "link", "log") != "identity"
        return Link.EXPONENTIAL if powered else Link.NUMBER
    if not hasattr(estimator, "predict_proba"):
        return Link.SIGN if sums == 1 else Link.GREATEST
    if name == "SGDClassifier" and estimator.loss != "log_loss":
        raise NotServable(f"Probabilities of the loss {estimator.loss} are not folded.")
    if name not in (*_PROBABLE, "SGDClassifier"):
        raise NotServable(f"Probabilities of {name} are not folded.")
    if sums == 1:
        return Link.LOGISTIC
    return Link.LOGISTIC_EACH if name == "SGDClassifier" or _one_against_rest(estimator) else Link.SOFTMAX


def _one_against_rest(estimator: Any) -> bool:
    return getattr(estimator, "multi_class", "auto") == "ovr" or estimator.solver == "liblinear"


def _folded(
    columns: tuple[Column, ...],
    weights: NDArray[np.float64],
    offset: NDArray[np.float64],
    intake: Intake,
    link: Link,
) -> Linear:
    import numpy as np

    codes: Mapping[str, float] = {text: float(code) for code, text in enumerate(intake.codes)}
    positions = intake.positions
    folded = np.zeros((len(intake.numbers), weights.shape[1]))
    # What no weight is for is nothing, also where it is missing: NaN times zero would be NaN.
    used = {positions[column.source] for column in columns if column.category is None}
    fills = np.array([np.nan if position in used else 0.0 for position in range(len(intake.numbers))])
    marks: list[tuple[int, float, NDArray[np.float64]]] = []
    for column, weight in zip(columns, weights, strict=True):
        position = positions[column.source]
        zero, one = column.apply(np.array([0.0, 1.0])).tolist()
        offset = offset + zero * weight
        slope = (one - zero) * weight if column.category is not None else _slope(column) * weight
        if column.category is None:
            if position >= len(intake.numbers):
                raise NotServable("A text is used as a number.")
            folded[position] += slope
            if column.fill is not None:
                fills[position] = column.fill
        elif column.fill is not None:
            raise NotServable("A number that is filled in and then taken for a category cannot be folded.")
        else:
            category = column.category
            marks.append((position, codes[category] if isinstance(category, str) else category, slope))
    return Linear(
        folded,
        offset,
        fills,
        np.array([mark[0] for mark in marks], np.int32),
        np.array([mark[1] for mark in marks], np.float64),
        np.array([mark[2] for mark in marks], np.float64).reshape(-1, weights.shape[1]),
        link,
    )


def _slope(column: Column) -> float:
    slope = 1.0
    for step in column.steps:
        if step.operation == "*":
            slope *= step.value
        elif step.operation == "/":
            slope /= step.value
    return slope


class LinearRuntime:
    """Answers by one product.

    Args:
        interface: What it takes and gives.
        intake: How rows reach it.
        linear: The model.
    """

    kind = RuntimeKind.LINEAR
    gathers = False

    def __init__(self, interface: Interface, intake: Intake, linear: Linear) -> None:
        import numpy as np

        self.interface = interface
        self._door = Door(interface, intake)
        self._linear = linear
        self._classes = class_array(interface)
        self._filled = np.flatnonzero(~np.isnan(linear.fills))
        self._numbers = len(intake.numbers)

    def predict(self, rows: Rows) -> Outputs:
        """Predict.

        Args:
            rows: The rows.

        Returns:
            `predict`, and `predict_proba` for classifiers that give it.

        Raises:
            RowRefused: the model refuses one of them.
        """
        linear = self._linear
        coded = self._door.coded(rows)
        numbers = self._fill(coded[:, : self._numbers])
        sums = numbers @ linear.weights + linear.offset
        if len(linear.cells):
            sums += (coded[:, linear.cells] == linear.marks) @ linear.mark_weights
        return answers(sums, linear.link, self._classes)

    def close(self) -> None:
        """Nothing is held."""

    def _fill(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        if not len(self._filled):
            return numbers
        import numpy as np

        return np.where(np.isnan(numbers), self._linear.fills, numbers)
