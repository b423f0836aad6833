"""The Open Inference Protocol, version 2, over HTTP: what Triton, MLServer and KServe speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput
from engine.core.text import clean
from engine.runtimes.model import Rows
from engine.serving.bodies import decoded, row_text
from engine.serving.calls import Answer
from engine.serving.tensors import DATATYPES, Tensor, array_of, bytes_of, datatype_of, flat_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engine.core.errors import QuarterdeckError
    from engine.runtimes.model import Field, Outputs
    from engine.runtimes.row_check import RowCheck
    from engine.serving.calls import Call
    from engine.serving.table import Served, Target

BINARY_HEADER = b"inference-header-content-length"
"""Names the length of the JSON part of a body that has bytes behind it."""

_BINARY_SIZE = "binary_data_size"
_OCTETS: tuple[bytes, bytes] = (b"content-type", b"application/octet-stream")


class _Wanted(msgspec.Struct):
    name: str
    parameters: dict[str, Any] | None = None


class _Said(msgspec.Struct):
    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[_Wanted] | None = None
    binary: list[memoryview | None] | None = None


_DECODER = msgspec.json.Decoder(_Said)
_ENCODER = msgspec.json.Encoder()


class V2:
    """Words predictions as the Open Inference Protocol does."""

    def read(self, call: Call) -> _Said:
        """What the body says; see `Dialect`."""
        marked = call.header(BINARY_HEADER)
        if marked is None:
            said = decoded(_DECODER, call.body)
            said.binary = None
        else:
            size = int(marked) if marked.isdigit() and len(marked) < 12 else -1
            if not 0 <= size <= len(call.body):
                raise InvalidInput("Inference-Header-Content-Length is no length of a part of the body.")
            said = decoded(_DECODER, call.body[:size])
            said.binary = _split(said.inputs, memoryview(call.body)[size:])
        if said.outputs and len({each.name for each in said.outputs}) < len(said.outputs):
            raise InvalidInput("An output is asked for twice.", hint="Name each output once.")
        return said

    def parameters(self, said: _Said) -> Mapping[str, Any]:
        """What was said beside the rows; see `Dialect`."""
        return said.parameters or {}

    def rows(self, said: _Said, check: RowCheck) -> Rows:
        """The rows; see `Dialect`."""
        inputs = said.inputs
        if len(inputs) == 1 and check.numeric and not (check.width == 1 and len(inputs[0].shape) == 1):
            return _matrix(inputs[0], said.binary[0] if said.binary else None, check)
        arrays: dict[str, NDArray[Any]] = {}
        for index, tensor in enumerate(inputs):
            if tensor.name in arrays:
                raise InvalidInput("Two inputs have the same name.")
            arrays[tensor.name] = array_of(tensor, said.binary[index] if said.binary else None)
        if check.width == 1 and len(arrays) == 1:
            arrays = {check.fields[0].name: next(iter(arrays.values()))}
        return check.columns(arrays)

    def text(self, said: _Said) -> bytes:
        """The rows as text; see `Dialect`."""
        first = said.inputs[0]
        if len(said.inputs) > 1 or said.binary or len(first.shape) != 2 or first.shape[0] != 1:
            return b""
        return row_text(first.data, first.shape[1]) if first.datatype in ("FP64", "FP32") else b""

    def answer(self, call: Call, said: _Said, target: Target, outputs: Outputs) -> Answer:
        """Word the predictions; see `Dialect`."""
        loaded = target.loaded
        told: dict[str, Any] = {
            "model_name": call.endpoint or loaded.model,
            "model_version": str(loaded.version),
            "id": call.request_id.decode("ascii") if said.id is None else said.id,
        }
        everything_binary = bool(said.parameters and said.parameters.get("binary_data_output") is True)
        if said.outputs or everything_binary:
            return _chosen(told, said, outputs, everything_binary=everything_binary)
        told["outputs"] = [_tensor(name, values) for name, values in outputs.items()]
        return Answer(200, _ENCODER.encode(told))

    def failure(self, error: QuarterdeckError) -> bytes:
        """Word an error; see `Dialect`."""
        return _ENCODER.encode({"error": str(error)})


def _matrix(tensor: Tensor, binary: memoryview | None, check: RowCheck) -> Rows:
    """One tensor that holds all inputs of each row, whatever it is called."""
    import numpy as np

    flat = flat_numbers(tensor) if binary is None else None
    shape = tensor.shape
    if flat is not None and len(shape) == 2 and shape[0] == 1:
        return check.flat(flat)
    values = array_of(tensor, binary) if flat is None else np.array(flat, dtype=np.float64).reshape(shape)
    if values.dtype == object:
        raise InvalidInput("The model takes numbers; the request has text.")
    if values.ndim > 2:
        raise InvalidInput("The model takes rows of numbers: give the tensor the shape [rows, inputs].")
    return check.array(values.reshape(1, -1) if values.ndim == 1 else values)


def _split(inputs: list[Tensor], tail: memoryview) -> list[memoryview | None]:
    """The bytes of each input that has them behind the JSON part, in order."""
    parts: list[memoryview | None] = []
    at = 0
    for tensor in inputs:
        size = (tensor.parameters or {}).get(_BINARY_SIZE)
        if size is None:
            parts.append(None)
            continue
        if type(size) is not int or not 0 <= size <= len(tail) - at:
            raise InvalidInput(f"{_BINARY_SIZE} of the input '{clean(tensor.name, limit=60)}' does not fit the body.")
        parts.append(tail[at : at + size])
        at += size
    if at != len(tail):
        raise InvalidInput(f"The body has {len(tail) - at} bytes that belong to no input.")
    return parts


def _tensor(name: str, values: NDArray[Any]) -> dict[str, Any]:
    datatype = datatype_of(values)
    data = values.ravel().tolist()
    if datatype == "BYTES":
        data = [str(each) for each in data]
    return {"name": name, "datatype": datatype, "shape": list(values.shape), "data": data}


def _chosen(told: dict[str, Any], said: _Said, outputs: Outputs, *, everything_binary: bool) -> Answer:
    """An answer that picks outputs, or has some of them as bytes behind its JSON part."""
    wanted = said.outputs or [_Wanted(name) for name in outputs]
    tensors, tail = [], []
    for each in wanted:
        values = outputs.get(each.name)
        if values is None:
            raise InvalidInput("An output is asked for that the model does not have.", hint=f"It has {_list(outputs)}.")
        binary = (each.parameters or {}).get("binary_data", everything_binary)
        if binary is True:
            tail.append(bytes_of(values))
            tensor: dict[str, Any] = {"name": each.name, "datatype": datatype_of(values), "shape": list(values.shape)}
            tensors.append(tensor | {"parameters": {_BINARY_SIZE: len(tail[-1])}})
        else:
            tensors.append(_tensor(each.name, values))
    told["outputs"] = tensors
    head = _ENCODER.encode(told)
    if not tail:
        return Answer(200, head)
    return Answer(200, b"".join((head, *tail)), (_OCTETS, (BINARY_HEADER, b"%d" % len(head))))


def _list(outputs: Outputs) -> str:
    return ", ".join(clean(name, limit=60) for name in outputs)


def server_metadata(version: str) -> Answer:
    """Who answers here, and what it can do beyond the protocol.

    Args:
        version: Our own version.
    """
    return Answer(
        200, _ENCODER.encode({"name": "quarterdeck", "version": version, "extensions": ["binary_tensor_data"]})
    )


def model_metadata(name: str, served: Served, target: Target) -> Answer:
    """What one version takes and gives.

    Args:
        name: What it was called in the request.
        served: The endpoint.
        target: The version.
    """
    interface = target.loaded.runtime.interface
    versions = sorted({each.loaded.version for each in served.targets.values()})
    told = {
        "name": name,
        "versions": [str(each) for each in versions],
        "platform": f"quarterdeck_{target.loaded.runtime.kind}",
        "inputs": [_described(each) for each in interface.inputs],
        "outputs": [_described(each) for each in interface.outputs],
        "parameters": {"version": str(target.loaded.version), **target.loaded.tags},
    }
    return Answer(200, _ENCODER.encode(told))


def _described(field: Field) -> dict[str, Any]:
    return {"name": field.name, "datatype": DATATYPES.get(field.dtype, "BYTES"), "shape": [-1, *field.shape]}
