"""Models that were logged as ONNX are served by their own names; what is not in the file is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.core.errors import NotServable, PredictionFailed
from engine.runtimes.building import build
from engine.runtimes.model import Rows, RuntimeKind
from engine.runtimes.scanning import scan
from engine.runtimes.sessions import OnnxRuntime


def graph(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any] | None = None) -> Any:
    made = helper.make_graph(nodes, "g", inputs, outputs, constants or [])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def value(name: str, kind: int, shape: list[Any]) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def sum_and_name() -> bytes:
    """Two inputs, two outputs, four types."""
    nodes = [
        helper.make_node("ReduceSum", ["pixels", "axes"], ["bright"], keepdims=0),
        helper.make_node("Identity", ["word"], ["again"]),
    ]
    inputs = [value("pixels", TensorProto.FLOAT, ["n", 2, 3]), value("word", TensorProto.STRING, ["n"])]
    outputs = [value("bright", TensorProto.FLOAT, ["n"]), value("again", TensorProto.STRING, ["n"])]
    constants = [numpy_helper.from_array(np.array([1, 2]), "axes")]
    return bytes(graph(nodes, inputs, outputs, constants).SerializeToString())


def test_inputs_and_outputs_keep_their_names_types_and_shapes() -> None:
    data = sum_and_name()
    made = build({"model.onnx": lambda: data})
    assert made.kind is RuntimeKind.ONNX
    assert made.data == data
    assert [(each.name, each.dtype, each.shape) for each in made.interface.inputs] == [
        ("pixels", "float32", (2, 3)),
        ("word", "str", ()),
    ]
    words = np.array(["a", "b"], object)
    pixels = np.arange(12, dtype=np.float64).reshape(2, 2, 3)
    found = OnnxRuntime(made.interface, made.data).predict(Rows(2, None, {"pixels": pixels, "word": words}))
    assert found["bright"].tolist() == [15.0, 51.0]
    assert found["again"].tolist() == ["a", "b"]


@pytest.mark.parametrize("shape", [["n"], ["n", 1]])
def test_scalar_inputs_make_a_model_of_plain_numbers(shape: list[Any]) -> None:
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"])]
    inputs = [value("a", TensorProto.INT64, shape), value("b", TensorProto.INT64, shape)]
    data = graph(nodes, inputs, [value("sum", TensorProto.INT64, shape)]).SerializeToString()
    made = build({"model.onnx": lambda: data})
    assert made.interface.numeric
    found = OnnxRuntime(made.interface, data).predict(Rows(2, np.array([[1.0, 2.0], [3.0, 4.0]])))
    assert found["sum"].reshape(-1).tolist() == [3, 7]


def test_probabilities_that_come_as_a_map_are_laid_out() -> None:
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression

    rows = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = LogisticRegression().fit(rows, [0, 0, 1, 1])
    data = skl2onnx.to_onnx(model, initial_types=[("x", FloatTensorType([None, 1]))]).SerializeToString()
    made = build({"model.onnx": lambda: data})
    found = OnnxRuntime(made.interface, data).predict(Rows(4, rows))
    np.testing.assert_allclose(found["output_probability"], model.predict_proba(rows), atol=1e-5)


def test_weights_in_another_file_are_refused() -> None:
    made = graph(
        [helper.make_node("Add", ["a", "w"], ["b"])],
        [value("a", TensorProto.FLOAT, ["n"])],
        [value("b", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.array([1.0], np.float32), "w")],
    )
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "../../../../etc/passwd"
    data = made.SerializeToString()
    assert "It reads weights from a file beside it." in scan(data, "model.onnx").findings
    with pytest.raises(NotServable, match="file beside it"):
        build({"model.onnx": lambda: data})


def test_operators_of_somebody_else_are_refused() -> None:
    made = graph(
        [helper.make_node("Evil", ["a"], ["b"], domain="evil.example")],
        [value("a", TensorProto.FLOAT, ["n"])],
        [value("b", TensorProto.FLOAT, ["n"])],
    )
    made.opset_import.append(helper.make_opsetid("evil.example", 1))
    data = made.SerializeToString()
    with pytest.raises(NotServable, match=r"evil\.example"):
        build({"model.onnx": lambda: data})


def test_a_model_that_gives_another_number_of_rows_fails() -> None:
    made = graph(
        [helper.make_node("ReduceSum", ["a"], ["b"], keepdims=1)],
        [value("a", TensorProto.FLOAT, ["n"])],
        [value("b", TensorProto.FLOAT, [1])],
    ).SerializeToString()
    runtime = OnnxRuntime(build({"model.onnx": lambda: made}).interface, made)
    assert runtime.predict(Rows(1, np.array([[2.0]])))["b"].tolist() == [2.0]
    with pytest.raises(PredictionFailed, match="number of rows"):
        runtime.predict(Rows(2, np.array([[2.0], [3.0]])))


@pytest.mark.parametrize(("tracks", "missing"), [(0, False), (1, True)])
def test_a_graph_that_was_made_for_missing_numbers_takes_them(tracks: int, missing: bool) -> None:
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["a"],
        ["b"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        nodes_missing_value_tracks_true=[tracks, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    )
    made = graph([node], [value("a", TensorProto.FLOAT, ["n", 1])], [value("b", TensorProto.FLOAT, ["n", 1])])
    made.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    data = made.SerializeToString()
    assert build({"model.onnx": lambda: data}).interface.missing is missing
