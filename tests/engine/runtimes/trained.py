"""Fitted models for the tests of runtimes, and ways to build and ask them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import skops.io
from numpy.typing import NDArray

from engine.runtimes.building import BuiltRuntime, build
from engine.runtimes.estimator import EstimatorRuntime, read_skops
from engine.runtimes.folded import read_folded
from engine.runtimes.model import Field, Outputs, Rows, Runtime, RuntimeKind
from engine.runtimes.sessions import TwinRuntime

if TYPE_CHECKING:
    import pandas as pd

Numbers = NDArray[np.float64]


def some_rows(size: int, features: int, seed: int = 0) -> Numbers:
    return np.random.default_rng(seed).normal(size=(size, features))


def with_classes(rows: Numbers, classes: Sequence[Any], seed: int = 0) -> NDArray[Any]:
    noise = np.random.default_rng(seed).normal(scale=0.3, size=len(rows))
    order = np.argsort(np.argsort(rows[:, 0] + noise)) * len(classes) // len(rows)
    return np.array([classes[index] for index in order], dtype=object if isinstance(classes[0], str) else None)


def built(model: Any, declared: Sequence[Field] = (), **files: bytes) -> BuiltRuntime:
    data = skops.io.dumps(model)
    given = {name.replace("__", "."): (lambda content=content: content) for name, content in files.items()}
    return build({"model/model.skops": lambda: data, **given}, declared)


def loaded(made: BuiltRuntime) -> Runtime:
    if made.kind is RuntimeKind.TWIN:
        return TwinRuntime(made.interface, made.data)
    if made.kind is RuntimeKind.SKLEARN:
        return EstimatorRuntime(made.interface, read_skops(made.data))
    return read_folded(made.data, made.interface)


def ask(runtime: Runtime, rows: Numbers) -> Outputs:
    return runtime.predict(Rows(len(rows), np.ascontiguousarray(rows, np.float64)))


def ask_frame(runtime: Runtime, frame: pd.DataFrame) -> Outputs:
    columns = {str(name): frame[name].to_numpy() for name in frame.columns}
    texts = {name: values.astype(object) if values.dtype.kind == "O" else values for name, values in columns.items()}
    return runtime.predict(Rows(len(frame), None, texts))


def assert_same(model: Any, found: Outputs, rows: Any) -> None:
    """Labels equal, probabilities and numbers within 1e-5 of the model's own."""
    expected = model.predict(rows)
    if hasattr(model, "classes_"):
        assert found["predict"].tolist() == expected.tolist()
    else:
        np.testing.assert_allclose(found["predict"], expected, rtol=1e-9, atol=1e-9)
    if hasattr(model, "predict_proba"):
        np.testing.assert_allclose(found["predict_proba"], model.predict_proba(rows), atol=1e-9)
