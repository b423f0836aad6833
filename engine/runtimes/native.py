"""Models that were logged as ONNX: what they take and give, by their own names."""

from __future__ import annotations

from typing import Any

from engine.core.errors import NotServable
from engine.runtimes.model import Field, Interface
from engine.runtimes.scanning import scan
from engine.runtimes.sessions import open_session

_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
    "tensor(string)": "str",
}


def describe_onnx(data: bytes) -> Interface:
    """What an ONNX model takes and gives.

    Args:
        data: Its bytes.

    Returns:
        Its interface: the graph's own names; the first dimension is rows.

    Raises:
        NotServable: it is no sound ONNX model, needs files or operators that are not in it, or takes values that are no
            tensors.
    """
    report = scan(data, "model.onnx")
    if not report.safe:
        raise NotServable(report.findings[0], hint="Export the model again, whole and with standard operators.")
    session = open_session(data)
    inputs = tuple(_field(each) for each in session.get_inputs())
    outputs = tuple(_output(each) for each in session.get_outputs())
    if not inputs or not outputs:
        raise NotServable("The ONNX model takes nothing, or gives nothing.")
    return Interface(inputs, outputs, missing=_takes_missing(data))


def _takes_missing(data: bytes) -> bool:
    """Whether a graph was made for missing numbers: it asks for them, or its trees say where they go."""
    import onnx

    for node in onnx.load_model_from_string(data).graph.node:
        if node.op_type in ("IsNaN", "Imputer"):
            return True
        if any(each.name == "nodes_missing_value_tracks_true" and any(each.ints) for each in node.attribute):
            return True
    return False


def _field(value: Any) -> Field:
    if value.type not in _TYPES:
        raise NotServable(f"The input {value.name[:60]} of the ONNX model is a {value.type[:60]}, no tensor.")
    sizes = value.shape[1:]
    if not value.shape:
        raise NotServable(f"The input {value.name[:60]} of the ONNX model has no dimension for rows.")
    fixed = tuple(size if isinstance(size, int) else -1 for size in sizes)
    return Field(value.name, _TYPES[value.type], () if fixed == (1,) else fixed)


def _output(value: Any) -> Field:
    if value.type not in _TYPES:  # what converters call ZipMap: laid out as a matrix of probabilities
        return Field(value.name, "float32", (-1,))
    sizes = value.shape[1:] if value.shape else []
    return Field(value.name, _TYPES[value.type], tuple(size if isinstance(size, int) else -1 for size in sizes))
