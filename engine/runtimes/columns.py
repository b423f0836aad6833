"""What preprocessing makes of the inputs, one column after the other: scaled numbers and marks of categories.

A fitted chain of scalers, encoders and column choices is read into columns that each depend on one input. Whatever
mixes inputs (a principal component, a polynomial) is no such chain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Columns = tuple["Column", ...]

_OURS = "sklearn."


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on a number, in float64, as the scaler does it.

    Args:
        operation: `-`, `/`, `*` or `+`.
        value: The other operand; finite, positive for `/` and `*`.
    """

    operation: str
    value: float


@dataclass(frozen=True, slots=True)
class Column:
    """One column of what the estimator sees.

    Args:
        source: The input it is made of, by its place.
        category: When set, the column is 1 where the input is this, else 0.
        steps: What is then done to it, in order.
        fill: What a missing number of the input is taken for, or `None`.
    """

    source: int
    category: str | float | None = None
    steps: tuple[Step, ...] = ()
    fill: float | None = None

    @property
    def raw(self) -> bool:
        """Whether it is the input itself."""
        return self.category is None and not self.steps

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Do the steps.

        Args:
            values: The input's numbers, or marks of its category, shape (rows,).

        Returns:
            What the estimator sees, shape (rows,).
        """
        for step in self.steps:
            if step.operation == "-":
                values = values - step.value
            elif step.operation == "+":
                values = values + step.value
            elif step.operation == "/":
                values = values / step.value
            else:
                values = values * step.value
        return values


@dataclass(frozen=True, slots=True)
class Prepared:
    """A fitted chain, read.

    Args:
        columns: What the estimator sees.
        strict: Categories that alone are taken, by the input's place; any are where it is not named.
        estimator: What comes after the chain.
    """

    columns: Columns
    strict: dict[int, tuple[str | float, ...]]
    estimator: Any


def unwrap(model: Any) -> Any:
    """The fitted estimator inside a search over settings."""
    while type(model).__name__ in ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV"):
        model = model.best_estimator_
    return model


def prepare(model: Any, size: int) -> Prepared:
    """Read a pipeline's preprocessing.

    Args:
        model: A fitted scikit-learn pipeline or estimator.
        size: How many inputs there are.

    Returns:
        The columns that the last estimator sees, and that estimator.

    Raises:
        NotServable: a step is no chain of columns; the message names it.
    """
    model = unwrap(model)
    reader = _Reader()
    columns: Columns = tuple(Column(place) for place in range(size))
    if type(model).__name__ == "Pipeline":
        for _, step in model.steps[:-1]:
            columns = reader.transform(step, columns)
        model = model.steps[-1][1]
    _check_ours(model)
    return Prepared(columns, reader.strict, unwrap(model))


def _check_ours(step: Any) -> None:
    if not type(step).__module__.startswith(_OURS):
        raise NotServable(f"{type(step).__name__} is not of scikit-learn itself.")


class _Reader:
    """Goes through transformers and gathers which categories are demanded."""

    def __init__(self) -> None:
        self.strict: dict[int, tuple[str | float, ...]] = {}

    def transform(self, step: Any, columns: Columns) -> Columns:
        """What a step makes of columns."""
        if step is None or (isinstance(step, str) and step == "passthrough"):
            return columns
        _check_ours(step)
        name = type(step).__name__
        special: dict[str, Callable[[Any, Columns], Columns]] = {
            "Pipeline": self._pipeline,
            "ColumnTransformer": self._choose,
            "FeatureUnion": self._union,
            "OneHotEncoder": self._one_hot,
        }
        if name in special:
            return special[name](step, columns)
        if name in _SCALERS:
            return _scaled(columns, _SCALERS[name](step))
        if name == "SimpleImputer":
            return _filled(step, columns)
        raise NotServable(f"{name} is no step that can be folded into the columns.")

    def _pipeline(self, step: Any, columns: Columns) -> Columns:
        for _, inner in step.steps:
            columns = self.transform(inner, columns)
        return columns

    def _union(self, step: Any, columns: Columns) -> Columns:
        if step.transformer_weights:
            raise NotServable("A FeatureUnion with weights cannot be folded into the columns.")
        return tuple(made for _, inner in step.transformer_list for made in self.transform(inner, columns))

    def _choose(self, step: Any, columns: Columns) -> Columns:
        if step.transformer_weights:
            raise NotServable("A ColumnTransformer with weights cannot be folded into the columns.")
        made: list[Column] = []
        for _, inner, chosen in step.transformers_:
            if isinstance(inner, str) and inner == "drop":
                continue
            places = _places(chosen, getattr(step, "feature_names_in_", None), len(columns))
            if places:  # a step over no columns was never fitted
                made += self.transform(inner, tuple(columns[place] for place in places))
        return tuple(made)

    def _one_hot(self, step: Any, columns: Columns) -> Columns:
        if getattr(step, "_infrequent_enabled", False) or any(not column.raw for column in columns):
            raise NotServable("A OneHotEncoder with rare categories, or after another step, cannot be folded.")
        made: list[Column] = []
        dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(columns)
        for column, categories, drop in zip(columns, step.categories_, dropped, strict=True):
            known = tuple(_category(each) for each in categories)
            if step.handle_unknown == "error":
                self.strict[column.source] = known
            made += [replace(column, category=each) for place, each in enumerate(known) if place != drop]
        return tuple(made)


def _category(value: Any) -> str | float:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)) or hasattr(value, "dtype"):
        number = float(value)
        if number == number:  # noqa: PLR0124 NaN alone differs from itself
            return number
    raise NotServable("A category that is missing cannot be folded.")


def _places(chosen: Any, names: Any, size: int) -> list[int]:
    """The places that a column choice of a ColumnTransformer means."""
    import numpy as np

    if isinstance(chosen, slice):
        if all(not isinstance(end, str) for end in (chosen.start, chosen.stop)):
            return list(range(size))[chosen]
        raise NotServable("Columns chosen by a slice of names cannot be folded.")
    listed = np.atleast_1d(np.asarray(chosen, dtype=object)).tolist()
    if listed and all(isinstance(each, (bool, np.bool_)) for each in listed):
        return [place for place, taken in enumerate(listed) if taken]
    if all(isinstance(each, str) for each in listed):
        known = [] if names is None else [str(name) for name in names]
        missing = [each for each in listed if each not in known]
        if missing:
            raise NotServable("A ColumnTransformer chooses columns that it does not name.")
        return [known.index(each) for each in listed]
    return [range(size)[int(each)] for each in listed]


def _scaled(columns: Columns, steps: list[tuple[str, Any]]) -> Columns:
    """Add steps to every column; each step's values are one a column, or nothing."""
    made = list(columns)
    for operation, values in steps:
        if values is None:
            continue
        for place, value in enumerate(values):
            number = float(value)
            if operation in "*/" and not number > 0:
                raise NotServable("A scaler that turns numbers around cannot be folded.")
            made[place] = replace(made[place], steps=(*made[place].steps, Step(operation, number)))
    return tuple(made)


def _filled(step: Any, columns: Columns) -> Columns:
    import numpy as np

    numbers = np.asarray(step.statistics_)
    plain = all(column.raw and column.fill is None for column in columns) and not step.add_indicator
    if not plain or numbers.dtype.kind != "f" or not np.isfinite(numbers).all() or not _is_nan(step.missing_values):
        raise NotServable("This SimpleImputer cannot be folded into the columns.")
    return tuple(replace(column, fill=float(value)) for column, value in zip(columns, numbers, strict=True))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 NaN alone differs from itself


def _standard(step: Any) -> list[tuple[str, Any]]:
    return [("-", step.mean_ if step.with_mean else None), ("/", step.scale_ if step.with_std else None)]


def _min_max(step: Any) -> list[tuple[str, Any]]:
    if step.clip:
        raise NotServable("A MinMaxScaler that clips cannot be folded into the columns.")
    return [("*", step.scale_), ("+", step.min_)]


def _max_abs(step: Any) -> list[tuple[str, Any]]:
    if getattr(step, "clip", False):
        raise NotServable("A MaxAbsScaler that clips cannot be folded into the columns.")
    return [("/", step.scale_)]


def _robust(step: Any) -> list[tuple[str, Any]]:
    return [("-", step.center_ if step.with_centering else None), ("/", step.scale_ if step.with_scaling else None)]


_SCALERS: dict[str, Callable[[Any], list[tuple[str, Any]]]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
}
