"""The estimator itself: the way that always answers as it should, and the slowest."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable, PredictionFailed, RowRefused
from engine.runtimes.model import LABELS, PROBABILITIES, RuntimeKind
from engine.runtimes.scanning import check_types

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.runtimes.model import Interface, Outputs, Rows

_GREATEST = frozenset(
    (
        "BaggingClassifier",
        "DecisionTreeClassifier",
        "ExtraTreeClassifier",
        "ExtraTreesClassifier",
        "LabelPropagation",
        "LabelSpreading",
        "RandomForestClassifier",
    )
)
_OF_TEXTS = ("Found unknown categories", "could not convert string")


def read_skops(data: bytes) -> Any:
    """Read a model from a skops file, which makes objects of types that were checked before, and runs nothing else.

    Args:
        data: The file's bytes.

    Returns:
        The model.

    Raises:
        NotServable: the bytes are no such file, or name types that are not trusted.
    """
    import skops.io

    types = check_types(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another release of scikit-learn: the parity report is what counts
            return skops.io.loads(data, trusted=types)
    except Exception as error:  # a damaged file breaks anywhere in it
        from engine.core.text import clean

        raise NotServable(f"The skops file cannot be read: {clean(str(error), limit=200)}") from error


class EstimatorRuntime:
    """Answers with a fitted scikit-learn estimator.

    Args:
        interface: What it takes and gives.
        model: The estimator.
    """

    kind = RuntimeKind.SKLEARN
    gathers = True

    def __init__(self, interface: Interface, model: Any) -> None:
        self.interface = interface
        self._model = model
        self._frame = wants_frame(model)
        self._probabilities = any(each.name == PROBABILITIES for each in interface.outputs)
        self._once = self._probabilities and chooses_greatest(model)

    def predict(self, rows: Rows) -> Outputs:
        """Predict.

        Args:
            rows: The rows.

        Returns:
            `predict`, and `predict_proba` where the interface has it.

        Raises:
            RowRefused: the model refuses one of them.
            PredictionFailed: the model broke.
        """
        taken = self._taken(rows)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._made(taken)
        except ValueError as error:
            raise self._refused(error) from error
        except Exception as error:  # whatever breaks inside somebody's model must not break the server
            raise PredictionFailed(f"The model broke ({type(error).__name__}).") from error

    def _made(self, taken: Any) -> Outputs:
        model = self._model
        if self._once:  # what `predict` does, without computing the probabilities another time
            shares = model.predict_proba(taken)
            return {LABELS: _labels(model.classes_[shares.argmax(axis=1)]), PROBABILITIES: shares}
        made = {LABELS: _labels(model.predict(taken))}
        if self._probabilities:
            made[PROBABILITIES] = model.predict_proba(taken)
        return made

    def close(self) -> None:
        """Nothing is held but memory."""

    def _refused(self, error: ValueError) -> RowRefused:
        """What is told of a refusal: the library's own words may repeat what a row holds, so none of them."""
        texts = [each.name for each in self.interface.inputs if each.dtype == "str"]
        if len(texts) == 1 and str(error).startswith(_OF_TEXTS):
            from engine.core.text import clean

            name = clean(texts[0], limit=60)
            return RowRefused(
                f"The model refuses the rows: the input '{name}' has a value that it does not know.",
                details={"input": texts[0][:200]},
            )
        return RowRefused("The model refuses the rows: one of them has a value that it does not take.")

    def _taken(self, rows: Rows) -> Any:
        if rows.matrix is not None and not self._frame:
            return rows.matrix
        return to_frame(self.interface, rows)


def chooses_greatest(model: Any) -> bool:
    """Whether a model's labels are by its own definition those of the greatest probability, the first of equals.

    Args:
        model: The estimator, or a pipeline that ends in one.
    """
    while type(model).__name__ == "Pipeline" and type(model).__module__.startswith("sklearn."):
        model = model.steps[-1][1]
    ours = type(model).__module__.startswith("sklearn.") and type(model).__name__ in _GREATEST
    return ours and getattr(model, "n_outputs_", 1) == 1


def wants_frame(model: Any) -> bool:
    """Whether a model chooses columns by name, so that an array will not do."""
    if type(model).__name__ == "Pipeline":
        return any(wants_frame(step) for _, step in model.steps)
    if hasattr(model, "best_estimator_"):
        return wants_frame(model.best_estimator_)
    return type(model).__name__ in ("ColumnTransformer", "FeatureUnion") or not hasattr(model, "n_features_in_")


def to_frame(interface: Interface, rows: Rows) -> Any:
    """Rows as the data frame that a model was trained on.

    Args:
        interface: Names and types of the columns.
        rows: The rows.

    Returns:
        A `pandas.DataFrame`, shape (rows, inputs).
    """
    import numpy as np
    import pandas as pd

    columns: dict[str, NDArray[Any]] = {}
    for place, each in enumerate(interface.inputs):
        values = rows.matrix[:, place] if rows.matrix is not None else rows.columns[each.name]
        if each.dtype == "bool" and values.dtype.kind == "f":
            values = values.astype(bool)
        columns[each.name] = np.asarray(values, object) if each.dtype == "str" else values
    return pd.DataFrame(columns)


def _labels(values: Any) -> NDArray[Any]:
    import numpy as np

    found = np.asarray(values)
    return found.astype(object) if found.dtype.kind in "US" else found
