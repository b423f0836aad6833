"""Twins of models that have no shorter form: converted by skl2onnx, in double precision, one input for all numbers."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable
from engine.runtimes.forest_onnx import NUMBERS, TEXTS, keep_intake
from engine.runtimes.model import LABELS, PROBABILITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.runtimes.intake import Intake
    from engine.runtimes.model import Interface

_OPSETS = {"": 18, "ai.onnx.ml": 3}


def convert(model: Any, intake: Intake, interface: Interface) -> bytes:
    """Convert a fitted scikit-learn model.

    Args:
        model: The model.
        intake: How rows reach it; kept in the twin's metadata.
        interface: What it takes and gives.

    Returns:
        The twin's bytes; inputs `numbers` and `texts`, outputs by the interface's names.

    Raises:
        NotServable: skl2onnx has no way to convert it.
    """
    import skl2onnx
    from skl2onnx.common.data_types import DoubleTensorType, StringTensorType

    types: list[tuple[str, Any]] = []
    if intake.numbers:
        types.append((NUMBERS, DoubleTensorType([None, len(intake.numbers)])))
    if intake.texts:
        types.append((TEXTS, StringTensorType([None, len(intake.texts)])))
    order = [interface.inputs[place].name for place in (*intake.numbers, *intake.texts)]
    if intake.texts and not _chooses(model):
        raise NotServable("Texts reach a step that takes all columns at once.")
    moved = [each.name for each in interface.inputs] != order
    if moved and not _chooses(model):
        raise NotServable("The order of the columns cannot be kept.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = skl2onnx.to_onnx(
                _by_place(model, order),
                initial_types=types,
                target_opset=_OPSETS,
                options={"zipmap": False} if interface.classes else None,
            )
    except Exception as error:  # converters of hundreds of classes fail in as many ways
        from engine.core.text import clean

        why = clean(str(error).split("\n", 1)[0], limit=160)
        raise NotServable(f"skl2onnx does not convert it ({type(error).__name__}: {why}).") from error
    _rename_outputs(converted, interface)
    _round_as_trees_do(converted)
    keep_intake(converted, intake)
    return bytes(converted.SerializeToString())


def _chooses(model: Any) -> bool:
    """Whether the first step of a model chooses its columns, so that they may stand in any order."""
    first = model.steps[0][1] if type(model).__name__ == "Pipeline" else model
    return type(first).__name__ == "ColumnTransformer"


def _by_place(model: Any, order: Sequence[str]) -> Any:
    """A copy of a model whose column choices go by place, for the graph has one input for all numbers."""
    if not _chooses(model):
        return model
    import numpy as np

    copied = copy.deepcopy(model)
    first = copied.steps[0][1] if type(copied).__name__ == "Pipeline" else copied
    names = getattr(first, "feature_names_in_", None)
    places = {name: place for place, name in enumerate(order)}

    def moved(chosen: Any) -> list[int]:
        listed = np.atleast_1d(np.asarray(chosen, dtype=object)).tolist()
        if listed and all(isinstance(each, (bool, np.bool_)) for each in listed):
            listed = [place for place, taken in enumerate(listed) if taken]
        named = [each if isinstance(each, str) or names is None else str(names[each]) for each in listed]
        return [places[each] if isinstance(each, str) else int(each) for each in named]

    first.transformers_ = [(name, step, moved(chosen)) for name, step, chosen in first.transformers_]
    first.transformers = [(name, step, moved(chosen)) for name, step, chosen in first.transformers_]
    return copied


def _rename_outputs(model: Any, interface: Interface) -> None:
    """Give the graph's outputs the interface's names: labels first, then probabilities."""
    import numpy as np
    from onnx import helper, numpy_helper

    wanted = [LABELS, PROBABILITIES][: len(interface.outputs)]
    given = [each.name for each in model.graph.output]
    if len(given) < len(wanted):
        raise NotServable("The converted graph gives no probabilities.")
    del model.graph.output[len(wanted) :]
    for old, new, output in zip(given, wanted, model.graph.output, strict=False):
        if new == LABELS:  # regressors give a column; labels are a list
            model.graph.initializer.append(numpy_helper.from_array(np.array([-1]), "flat_labels"))
            model.graph.node.append(helper.make_node("Reshape", [old, "flat_labels"], [new]))
            del output.type.tensor_type.shape.dim[1:]
        else:
            model.graph.node.append(helper.make_node("Identity", [old], [new]))
        output.name = new


def _round_as_trees_do(model: Any) -> None:
    """Round what reaches a tree to single precision, as scikit-learn's trees do before they compare."""
    from onnx import TensorProto, helper

    for place, node in reversed(list(enumerate(model.graph.node))):
        if not node.op_type.startswith("TreeEnsemble"):
            continue
        seen = node.input[0]
        rounded, widened = f"{seen}_rounded_{place}", f"{seen}_widened_{place}"
        node.input[0] = widened
        model.graph.node.insert(place, helper.make_node("Cast", [rounded], [widened], to=TensorProto.DOUBLE))
        model.graph.node.insert(place, helper.make_node("Cast", [seen], [rounded], to=TensorProto.FLOAT))
