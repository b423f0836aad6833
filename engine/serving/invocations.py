"""`/invocations` and what goes with it: the protocol of MLflow's own scoring server."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput, QuarterdeckError, UnsupportedMediaType
from engine.runtimes.model import LABELS
from engine.serving.bodies import decoded
from engine.serving.calls import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.runtimes.model import Outputs, Rows
    from engine.runtimes.row_check import RowCheck
    from engine.serving.calls import Call
    from engine.serving.table import Target

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
"""The keys of a JSON body that may hold rows; exactly one does."""

_CODES = {400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST"}
_ENCODER = msgspec.json.Encoder()


class _Split(msgspec.Struct):
    data: list[list[Any]]
    columns: list[str] | None = None


class _Said(msgspec.Struct):
    """What an MLflow client sends; more keys than these are no error there, nor here."""

    dataframe_split: _Split | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    instances: Any = None
    inputs: Any = None
    params: dict[str, Any] | None = None
    texts: list[list[str]] | None = None


_DECODER = msgspec.json.Decoder(_Said)


class Invocations:
    """Words predictions as MLflow's scoring server does."""

    def read(self, call: Call) -> _Said:
        """What the body says; see `Dialect`."""
        kind = (call.header(b"content-type") or b"application/json").partition(b";")[0].strip().lower()
        if kind == b"text/csv":
            return _Said(texts=_csv(call.body))
        if kind != b"application/json":
            raise UnsupportedMediaType("The body must be JSON or CSV.", hint="Send application/json or text/csv.")
        said = decoded(_DECODER, call.body)
        said.texts = None
        given = sum(getattr(said, name) is not None for name in FORMATS)
        if given != 1:
            raise InvalidInput(
                f"The body has {given or 'none'} of the keys that hold rows.", hint=f"Give one of {', '.join(FORMATS)}."
            )
        return said

    def parameters(self, said: _Said) -> Mapping[str, Any]:
        """What was said beside the rows; see `Dialect`."""
        return said.params or {}

    def rows(self, said: _Said, check: RowCheck) -> Rows:
        """The rows; see `Dialect`."""
        if said.texts is not None:
            heads, *lines = said.texts
            return check.texts(_by_name(heads, lines), len(lines))
        if said.dataframe_split is not None:
            data, names = said.dataframe_split.data, said.dataframe_split.columns
            if names is None or names == [each.name for each in check.fields]:
                return check.lists(data)
            return check.columns(_by_name(names, data), len(data))
        if said.dataframe_records is not None:
            return check.records(said.dataframe_records)
        return _tensors(said.instances if said.instances is not None else said.inputs, check, said.inputs is not None)

    def text(self, said: _Said) -> bytes:
        """The rows as text; see `Dialect`."""
        del said
        return b""

    def answer(self, call: Call, said: _Said, target: Target, outputs: Outputs) -> Answer:
        """Word the predictions; see `Dialect`."""
        del call, said, target
        if LABELS in outputs:
            return Answer(200, _ENCODER.encode({"predictions": outputs[LABELS].tolist()}))
        named = {name: values.tolist() for name, values in outputs.items()}
        return Answer(200, _ENCODER.encode({"predictions": named}))

    def failure(self, error: QuarterdeckError) -> bytes:
        """Word an error; see `Dialect`."""
        code = _CODES.get(error.http_status, "BAD_REQUEST" if error.http_status < 500 else "INTERNAL_ERROR")
        return _ENCODER.encode({"error_code": code, "message": str(error)})


def _tensors(said: Any, check: RowCheck, columnar: bool) -> Rows:
    """`instances` (rows of values, or objects by name) or `inputs` (those, or lists of values by name)."""
    if isinstance(said, dict):
        if not columnar:
            raise InvalidInput("`instances` must be a list of rows.", hint="Lists of values by name go into `inputs`.")
        return check.columns({name: each if isinstance(each, list) else [each] for name, each in said.items()})
    if not isinstance(said, list):
        raise InvalidInput("The rows must be a list.")
    if said and all(isinstance(each, dict) for each in said):
        return check.records(said)
    if check.width == 1 and not any(isinstance(each, list) for each in said):
        return check.columns({check.fields[0].name: said})
    if said and check.numeric and not any(isinstance(each, list) for each in said):
        return check.lists([said])
    return check.lists(said)


def _by_name(names: list[str], lines: list[list[Any]]) -> dict[str, list[Any]]:
    if len(set(names)) != len(names):
        raise InvalidInput("Two columns have the same name.")
    for index, line in enumerate(lines):
        if len(line) != len(names):
            raise InvalidInput(f"Row {index} has {len(line)} values; there are {len(names)} columns.")
    return {name: [line[at] for line in lines] for at, name in enumerate(names)}


def _csv(body: bytes) -> list[list[str]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("The CSV is no UTF-8 text.") from error
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise InvalidInput("The CSV cannot be read: a quote or a line is broken.") from error
    if not lines:
        raise InvalidInput("The body is empty.", hint="Send a line of column names, then rows.")
    return lines
