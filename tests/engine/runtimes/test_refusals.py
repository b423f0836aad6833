"""What a model refuses or breaks on is told without a word of what the rows hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC

from engine.core.errors import PredictionFailed, RowRefused
from engine.runtimes.building import build
from engine.runtimes.estimator import EstimatorRuntime
from engine.runtimes.model import Field, Interface, Rows
from engine.runtimes.sessions import OnnxRuntime

SECRET = "SSN 123-45-6789"  # noqa: S105 must not come back
NUMBER = 987_654_321


def runtime(*texts: str) -> EstimatorRuntime:
    """A model of texts and a number `x`, trained with the texts `a` and `b`."""
    frame = pd.DataFrame({name: ["a", "b", "a", "b"] for name in texts} | {"x": [1.0, 2.0, 3.0, 4.0]})
    chosen = make_column_transformer((OneHotEncoder(), list(texts)), remainder="passthrough")
    model = make_pipeline(chosen, SVC()).fit(frame, [0, 1, 0, 1])
    inputs = *(Field(name, "str") for name in texts), Field("x", "float64")
    return EstimatorRuntime(Interface(inputs, (Field("predict", "int64"),), (0, 1)), model)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("city",), "the input 'city' has a value that it does not know"),
        (("city", "street"), "one of them has a value that it does not take"),
    ],
)
def test_an_unknown_category_is_refused_by_the_name_of_its_input_alone(texts: tuple[str, ...], words: str) -> None:
    columns = {name: np.array([SECRET], dtype=object) for name in texts}
    with pytest.raises(RowRefused, match=words) as refused:
        runtime(*texts).predict(Rows(1, None, {**columns, "x": np.array([1.0])}))
    assert SECRET not in f"{refused.value}{refused.value.details}"


def test_a_number_that_a_model_refuses_is_not_repeated() -> None:
    columns = {"city": np.array(["a"], dtype=object), "x": np.array([np.inf])}
    with pytest.raises(RowRefused, match="one of them has a value that it does not take"):
        runtime("city").predict(Rows(1, None, columns))


def test_what_onnx_runtime_breaks_on_is_not_repeated() -> None:
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "place"], ["found"])],
        "g",
        [helper.make_tensor_value_info("place", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.array([1.0, 2.0], np.float32), "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    served = OnnxRuntime(build({"model.onnx": lambda: model}).interface, model)
    assert served.predict(Rows(1, np.array([[1.0]])))["found"].tolist() == [2.0]
    with pytest.raises(PredictionFailed, match="ONNX Runtime failed") as failed:
        served.predict(Rows(1, np.array([[float(NUMBER)]])))
    assert str(NUMBER) not in str(failed.value)
    assert str(NUMBER) in str(failed.value.__cause__)
