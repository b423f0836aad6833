"""What a fitted model takes and gives, told by the model itself and by the signature it was logged with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable, PredictionFailed
from engine.runtimes.columns import prepare
from engine.runtimes.estimator import EstimatorRuntime
from engine.runtimes.intake import GREATEST, GREATEST_SINGLE, Intake
from engine.runtimes.model import LABELS, PROBABILITIES, Field, Interface, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engine.runtimes.columns import Prepared

_TEXTS = ("str", "object", "string", "category")
_NUMBERS = ("float", "int", "uint", "bool")
_PROBED_ALONE = 64
_BEYOND_SINGLE = 1e300  # however a scaler shrinks it, float32 does not hold it


def dtype_of(word: str) -> str:
    """A declared type in the words of `Field`.

    Args:
        word: As a framework calls it, such as `object` or `Int64`.

    Raises:
        NotServable: values of the type cannot be sent.
    """
    lowered = word.lower()
    if lowered.startswith(_TEXTS):
        return "str"
    if lowered in ("boolean", "bool"):
        return "bool"
    if lowered.startswith(_NUMBERS):
        return {"float": "float64", "int": "int64", "float16": "float32"}.get(lowered, lowered)
    raise NotServable(f"An input of the type {word[:40]} cannot be sent.", hint="Use numbers, booleans and texts.")


def read_inputs(model: Any, declared: Sequence[Field]) -> tuple[Field, ...]:
    """The inputs of a model, in the order of its features.

    Args:
        model: A fitted scikit-learn model.
        declared: What its signature says; one tensor stands for all features.

    Returns:
        One scalar field a feature.

    Raises:
        NotServable: the signature speaks of other columns than the model was trained on, or nobody says how many.
    """
    trained = [str(name) for name in getattr(model, "feature_names_in_", ())]
    size = getattr(model, "n_features_in_", None) or len(trained)
    if len(declared) == 1 and declared[0].shape:
        size = size or declared[0].shape[-1]
        dtype = dtype_of(declared[0].dtype)
        declared = [Field(name, dtype) for name in trained or [f"x{place}" for place in range(size)]]
    if not declared:
        if not size:
            raise NotServable("Nobody says what the model takes.", hint="Log it with a signature.")
        return tuple(Field(name, "float64") for name in trained or [f"x{place}" for place in range(size)])
    fields = {each.name: replace(each, dtype=dtype_of(each.dtype)) for each in declared}
    if trained and not set(trained) <= set(fields):
        if len(trained) != len(fields):
            raise NotServable("The signature names other columns than the model was trained on.")
        return tuple(replace(each, name=name) for name, each in zip(trained, fields.values(), strict=True))
    if not trained and size and size != len(fields):
        raise NotServable(f"The signature has {len(fields)} inputs, and the model was trained on {size}.")
    return tuple(fields[name] for name in trained) if trained else tuple(fields.values())


def with_texts(inputs: tuple[Field, ...], prepared: Prepared | None) -> tuple[Field, ...]:
    """The same inputs; those whose categories are texts are texts, whatever else was said."""
    if prepared is None:
        return inputs
    texts = {column.source for column in prepared.columns if isinstance(column.category, str)}
    return tuple(replace(each, dtype="str") if place in texts else each for place, each in enumerate(inputs))


def try_prepare(model: Any, size: int) -> tuple[Prepared | None, str]:
    """The model's preprocessing, or why it cannot be folded."""
    try:
        return prepare(model, size), ""
    except NotServable as error:
        return None, error.message


def classes_of(model: Any) -> tuple[Any, ...]:
    """The labels of a classifier as plain values; nothing for whatever gives numbers."""
    found = getattr(model, "classes_", None)
    if found is None or not hasattr(found, "tolist") or getattr(found, "ndim", 0) != 1:
        return ()
    return tuple(found.tolist())


def outputs_of(classes: tuple[Any, ...], answered: dict[str, NDArray[Any]]) -> tuple[Field, ...]:
    """The outputs of a model, from what it answered once."""
    fields: list[Field] = []
    for name in (LABELS, PROBABILITIES):
        if name not in answered:
            continue
        values = answered[name]
        text = values.dtype.kind == "O" or any(isinstance(each, str) for each in classes)
        dtype = "str" if text and name == LABELS else str(values.dtype)
        fields.append(Field(name, dtype, tuple(values.shape[1:])))
    return tuple(fields)


def describe(model: Any, inputs: tuple[Field, ...], first: Rows) -> Interface:
    """What a model takes and gives, found by asking it once.

    Args:
        model: A fitted scikit-learn model.
        inputs: What it takes.
        first: One row that makes sense.

    Returns:
        Its interface.

    Raises:
        NotServable: it cannot answer for that row.
    """
    classes = classes_of(model)
    wanted = [Field(LABELS, "float64")]
    if classes and hasattr(model, "predict_proba"):
        wanted.append(Field(PROBABILITIES, "float64", (len(classes),)))
    try:
        answered = EstimatorRuntime(Interface(inputs, tuple(wanted), classes), model).predict(first)
    except PredictionFailed as error:
        raise NotServable(
            f"The model cannot answer for a plain row: {error.message}",
            hint="Log it with a signature and rows it was trained on (reference.csv.gz beside the model).",
        ) from error
    return Interface(inputs, outputs_of(classes, answered), classes)


def read_intake(model: Any, interface: Interface, prepared: Prepared | None, first: Rows) -> Intake:
    """What stands before a compiled model: what the model itself refuses is refused.

    Args:
        model: A fitted scikit-learn model.
        interface: What it takes and gives.
        prepared: Its preprocessing, where that could be read.
        first: One row that makes sense.

    Returns:
        The intake; found by asking the model about rows with missing and infinite numbers.
    """
    numbers = tuple(place for place, each in enumerate(interface.inputs) if each.dtype != "str")
    texts = tuple(place for place, each in enumerate(interface.inputs) if each.dtype == "str")
    columns = () if prepared is None else prepared.columns
    codes = sorted({column.category for column in columns if isinstance(column.category, str)})
    strict = {} if prepared is None else prepared.strict
    probe = _Probe(model, interface, first, tuple(place for place in numbers if place not in strict))
    return Intake(
        numbers,
        texts,
        tuple(codes),
        no_missing=tuple(sorted({*probe.refused(float("nan")), *(place for place in numbers if place in strict)})),
        no_infinite=probe.refused(float("inf")),
        limit=GREATEST_SINGLE if probe.refused(_BEYOND_SINGLE) else GREATEST,
        strict=dict(strict),
    )


class _Probe:
    """Asks a model which inputs may hold an odd number."""

    def __init__(self, model: Any, interface: Interface, first: Rows, places: tuple[int, ...]) -> None:
        self._runtime = EstimatorRuntime(interface, model)
        self._interface = interface
        self._first = first
        self._places = places

    def refused(self, value: float) -> tuple[int, ...]:
        """The inputs that must not be this number."""
        if not self._places or self._takes(value, self._places):
            return ()
        if len(self._places) > _PROBED_ALONE:
            return self._places
        return tuple(place for place in self._places if not self._takes(value, (place,)))

    def _takes(self, value: float, places: tuple[int, ...]) -> bool:
        import numpy as np

        try:
            if self._first.matrix is not None:
                matrix = self._first.matrix.copy()
                matrix[:, list(places)] = value
                self._runtime.predict(Rows(1, matrix))
            else:
                names = {self._interface.inputs[place].name for place in places}
                columns = {
                    name: np.array([value]) if name in names else column for name, column in self._first.columns.items()
                }
                self._runtime.predict(Rows(1, None, columns))
        except PredictionFailed:
            return False
        return True
