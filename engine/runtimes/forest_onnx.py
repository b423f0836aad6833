"""Writes a forest as an ONNX graph in double precision, which gives scikit-learn's answers to the last bit of a sum.

Nodes of `TreeEnsemble` (ai.onnx.ml 5) compare and add in double precision. Each of its trees adds to one sum, so a
tree of a classifier's forest is written once for each class; the sums are then added in the order of the estimator's
own trees.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable
from engine.runtimes.forest import Link
from engine.runtimes.model import LABELS, PROBABILITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.runtimes.forest import Forest
    from engine.runtimes.intake import Intake
    from engine.runtimes.model import Interface

NUMBERS = "numbers"
"""The input of the graph that holds all numbers, float64, shape (rows, numbers)."""

TEXTS = "texts"
"""The input of the graph that holds all texts, shape (rows, texts)."""

INTAKE = "quarterdeck.intake"
"""Where the graph's metadata keeps what stands before it."""

MOST_CELLS = 4_000_000
"""Most nodes of a graph, a tree counted once for each class."""

_ML = "ai.onnx.ml"
_LEQ, _NEQ = 0, 5  # the operators of a node, by their numbers in ai.onnx.ml 5


def write_forest(forest: Forest, intake: Intake, interface: Interface) -> bytes:
    """Write a forest as an ONNX model.

    Args:
        forest: The trees.
        intake: What stands before it; kept in the model's metadata.
        interface: What it takes and gives.

    Returns:
        The model's bytes; inputs `numbers` and, where there are texts, `texts`; outputs `predict` and, for classifiers,
        `predict_proba`.

    Raises:
        NotServable: it is too large, or predicts in a way that has no graph.
    """
    from onnx import TensorProto, helper

    width = forest.values.shape[1]
    if len(forest.feature) * width > MOST_CELLS:
        raise NotServable("The forest is too large for a twin.")
    graph = _Graph()
    graph.trees(forest, graph.inputs(intake))
    graph.answers(forest, interface)
    outputs = [helper.make_tensor_value_info(LABELS, _label_type(interface), [None])]
    if interface.classes:
        shape = [None, len(interface.classes)]
        outputs.append(helper.make_tensor_value_info(PROBABILITIES, TensorProto.DOUBLE, shape))
    made = helper.make_graph(graph.nodes, "forest", graph.taken, outputs, graph.constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_ML, 5)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=9, producer_name="quarterdeck")
    keep_intake(model, intake)
    return bytes(model.SerializeToString())


def keep_intake(model: Any, intake: Intake) -> None:
    """Write into a model's metadata what stands before it.

    Args:
        model: An `onnx.ModelProto`.
        intake: What stands before it.
    """
    from onnx import helper

    helper.set_model_props(model, {INTAKE: json.dumps(intake.to_json())})


def _label_type(interface: Interface) -> int:
    from onnx import TensorProto

    if not interface.classes:
        return int(TensorProto.DOUBLE)
    return int({"str": TensorProto.STRING, "bool": TensorProto.BOOL}.get(_kind(interface), TensorProto.INT64))


def _kind(interface: Interface) -> str:
    first = interface.classes[0]
    if isinstance(first, (str, bool)):
        return type(first).__name__
    if isinstance(first, float):
        raise NotServable("Classes that are fractional numbers have no graph.")
    return "int"


class _Graph:
    """A graph that grows node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.taken: list[Any] = []

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def inputs(self, intake: Intake) -> str:
        """The graph's inputs, and the one matrix made of them."""
        from onnx import TensorProto, helper

        parts: list[str] = []
        if intake.numbers:
            shape = [None, len(intake.numbers)]
            self.taken.append(helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, shape))
            parts.append(NUMBERS)
        if intake.texts:
            import numpy as np

            self.taken.append(helper.make_tensor_value_info(TEXTS, TensorProto.STRING, [None, len(intake.texts)]))
            known = list(intake.codes) or [""]
            codes = self.add(
                "LabelEncoder",
                [TEXTS],
                "codes",
                domain=_ML,
                keys_strings=known,
                values_int64s=list(range(len(known))),
                default_int64=-1,
            )
            parts.append(self.add("Cast", [codes], "coded", to=helper.np_dtype_to_tensor_dtype(np.dtype(np.float64))))
        return parts[0] if len(parts) == 1 else self.add("Concat", parts, "all", axis=1)

    def trees(self, forest: Forest, matrix: str) -> None:
        """The node that adds up leaves."""
        from onnx import numpy_helper

        parts = _flat(forest)
        tensors = ("nodes_splits", "nodes_modes", "leaf_weights")
        attributes = {
            name: numpy_helper.from_array(values, name) if name in tensors else values.tolist()
            for name, values in parts.items()
        }
        self.add(
            "TreeEnsemble",
            [matrix],
            "sums",
            domain=_ML,
            n_targets=len(forest.start),
            aggregate_function=1,
            post_transform=0,
            **attributes,
        )

    def answers(self, forest: Forest, interface: Interface) -> None:
        """The nodes that make labels and probabilities of the sums."""
        import numpy as np

        link = forest.link
        if not interface.classes:
            self._number(forest)
            return
        if link in (Link.LOGISTIC, Link.LOGISTIC_UP):
            flat = self.add("Reshape", ["sums", self.constant("flat", np.array([-1]))], "sum")
            compare = "GreaterOrEqual" if link is Link.LOGISTIC_UP else "Greater"
            raised = self.add(compare, [flat, self.constant("zero", np.array(0.0))], "raised")
            chosen = self.add("Cast", [raised], "chosen", to=7)
            second = self.add("Sigmoid", ["sums"], "second")
            first = self.add("Sub", [self.constant("one", np.array([[1.0]])), second], "first")
            self.add("Concat", [first, second], PROBABILITIES, axis=1)
        elif link in (Link.SHARES, Link.SOFTMAX):
            if link is Link.SHARES:
                self.add("Div", ["sums", self.constant("divisor", np.array([forest.divisor]))], PROBABILITIES)
            else:
                self.add("Softmax", ["sums"], PROBABILITIES, axis=1)
            source = PROBABILITIES if link is Link.SHARES else "sums"
            chosen = self.add("ArgMax", [source], "chosen", axis=1, keepdims=0)
        else:
            raise NotServable(f"Answers by {link} have no graph.")
        text = _kind(interface) == "str"
        labels = self.constant("labels", np.array(interface.classes, dtype=object if text else None))
        self.add("Gather", [labels, chosen], LABELS)

    def _number(self, forest: Forest) -> None:
        import numpy as np

        shape = self.constant("flat", np.array([-1]))
        if forest.link is Link.EXPONENTIAL:
            self.add("Reshape", [self.add("Exp", ["sums"], "powers"), shape], LABELS)
        elif forest.divisor == 1.0:
            self.add("Reshape", ["sums", shape], LABELS)
        else:
            mean = self.add("Div", ["sums", self.constant("divisor", np.array([forest.divisor]))], "mean")
            self.add("Reshape", [mean, shape], LABELS)


def _flat(forest: Forest) -> dict[str, NDArray[Any]]:
    """The attributes of the tree node: inner nodes and leaves numbered apart, each tree once for each of its sums."""
    import numpy as np

    parts = [_start(forest)] if forest.start.any() else []
    ends = np.append(forest.roots[1:], len(forest.feature))
    for root, end, target in zip(forest.roots.tolist(), ends.tolist(), forest.targets.tolist(), strict=True):
        tree = _one(forest, root, end, target)
        parts += [tree(sum_) for sum_ in range(target, target + forest.values.shape[1])]
    inner = np.cumsum([0, *(len(part["nodes_featureids"]) for part in parts)])[:-1].tolist()
    leaf = np.cumsum([0, *(len(part["leaf_weights"]) for part in parts)])[:-1].tolist()
    for part, nodes, leaves in zip(parts, inner, leaf, strict=True):
        part["tree_roots"] = part["tree_roots"] + nodes
        for side in ("true", "false"):
            ids = part[f"nodes_{side}nodeids"]
            part[f"nodes_{side}nodeids"] = ids + np.where(part[f"nodes_{side}leafs"] == 1, leaves, nodes)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _one(forest: Forest, root: int, end: int, target: int) -> Any:
    """A tree's attributes as a function of the sum that it adds to, from `target`; its first node has number 0."""
    import numpy as np

    own = slice(root, end)
    left, right = forest.left[own] - root, forest.right[own] - root
    leaf = left == np.arange(end - root)
    if leaf.all():
        return lambda sum_: _stump(forest.values[root, sum_ - target], sum_)
    number = np.where(leaf, np.cumsum(leaf), np.cumsum(~leaf)) - 1
    inner = ~leaf
    unequal = forest.unequal[own][inner]
    common: dict[str, NDArray[Any]] = {
        "nodes_featureids": forest.feature[own][inner],
        "nodes_splits": forest.threshold[own][inner],
        "nodes_modes": np.where(unequal, _NEQ, _LEQ).astype(np.uint8),
        "nodes_missing_value_tracks_true": forest.missing_left[own][inner].astype(np.int64),
        "nodes_truenodeids": number[left[inner]],
        "nodes_falsenodeids": number[right[inner]],
        "nodes_trueleafs": leaf[left[inner]].astype(np.int64),
        "nodes_falseleafs": leaf[right[inner]].astype(np.int64),
        "tree_roots": np.array([0]),
    }
    values = forest.values[own][leaf]

    def adding_to(sum_: int) -> dict[str, NDArray[Any]]:
        weights = values[:, sum_ - target]
        return common | {"leaf_targetids": np.full(len(weights), sum_), "leaf_weights": weights}

    return adding_to


def _stump(value: float, sum_: int) -> dict[str, NDArray[Any]]:
    """A tree that always adds the same: both ways of its one question lead to the same leaf."""
    import numpy as np

    zero, one = np.array([0]), np.array([1])
    return {
        "nodes_featureids": zero,
        "nodes_splits": np.array([0.0]),
        "nodes_modes": np.array([_LEQ], np.uint8),
        "nodes_missing_value_tracks_true": zero,
        "nodes_truenodeids": zero,
        "nodes_falsenodeids": zero,
        "nodes_trueleafs": one,
        "nodes_falseleafs": one,
        "tree_roots": zero,
        "leaf_targetids": np.array([sum_]),
        "leaf_weights": np.array([float(value)]),
    }


def _start(forest: Forest) -> dict[str, NDArray[Any]]:
    """What the sums begin with, as stumps before the first tree: it is then added first, as the estimator does."""
    import numpy as np

    stumps = [_stump(value, sum_) for sum_, value in enumerate(forest.start.tolist())]
    merged = {name: np.concatenate([stump[name] for stump in stumps]) for name in stumps[0]}
    places = np.arange(len(stumps))
    return merged | {"tree_roots": places, "nodes_truenodeids": places, "nodes_falsenodeids": places}
