"""Clients that others wrote, against a data plane of ours: Triton's, MLflow's scoring client, plain `requests`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.clients.runner import problems
from tests.clients.server import ROOT
from tests.serving.shop import Shop, trained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.serving.shop import Served

FILES = sorted((ROOT / "tests" / "clients" / "serving").glob("test_*.py"))
OF_ONE_MODEL = {"test_scoring", "test_tutorial"}
"""Files of clients that know a server of one model, and never say its name."""

pytestmark = pytest.mark.slow


class Planes(NamedTuple):
    """Two data planes on one workspace.

    Args:
        everything: Serves every endpoint.
        alone: Serves `churn` alone.
        truth: What the model itself says of some rows, as JSON.
    """

    everything: Served
    alone: Served
    truth: str


def one_input_of_each_type() -> bytes:
    """An ONNX model that hands on what it is given, each type in a way of its own."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, kind: int, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, kind, ["n", *shape])

    kinds = TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["pair"], ["pair_again"]),
            helper.make_node("Div", ["amount", "two"], ["half"]),
            helper.make_node("Identity", ["number"], ["number_again"]),
            helper.make_node("Not", ["flag"], ["unflagged"]),
            helper.make_node("Identity", ["word"], ["word_again"]),
        ],
        "mixed",
        [
            value("pair", kinds.FLOAT, 2),
            value("amount", kinds.DOUBLE),
            value("number", kinds.INT64),
            value("flag", kinds.BOOL),
            value("word", kinds.STRING),
        ],
        [
            value("pair_again", kinds.FLOAT, 2),
            value("half", kinds.DOUBLE),
            value("number_again", kinds.INT64),
            value("unflagged", kinds.BOOL),
            value("word_again", kinds.STRING),
        ],
        [numpy_helper.from_array(np.array(2.0), "two")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    """Data planes with a classifier and a model of mixed types, and what the classifier itself says of some rows."""
    import numpy as np
    import pandas as pd

    shop = Shop(tmp_path_factory.mktemp("clients") / "ws")
    model = trained()
    shop.register(model)
    shop.register_bytes(one_input_of_each_type(), "model/model.onnx", "mixed")
    for name in ("churn", "mixed"):
        shop.engine.endpoints.create(name, name, capture=1.0)
        shop.engine.endpoints.deploy(name, 1, reason="first")
    frame = pd.DataFrame(np.random.default_rng(5).normal(size=(12, 4)), columns=list("abcd"))
    truth = {
        "columns": list(frame.columns),
        "rows": frame.to_numpy().tolist(),
        "labels": model.predict(frame).tolist(),
        "probabilities": model.predict_proba(frame).tolist(),
    }
    with shop.serve() as everything, shop.serve("churn") as alone:
        yield Planes(everything, alone, json.dumps(truth))
    shop.engine.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_client_that_others_wrote_is_answered(file: Path, planes: Planes, tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(planes.truth)
    told = problems(planes.alone if file.stem in OF_ONE_MODEL else planes.everything, [file], tmp_path)
    assert not told, f"{len(told)} of the client's tests failed:\n" + "\n".join(told)
