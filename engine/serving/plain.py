"""`/predict` as tutorials have it: features in, a prediction out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput
from engine.runtimes.model import LABELS, PROBABILITIES
from engine.serving.bodies import ANYTHING, decoded, numbers, row_text
from engine.serving.calls import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.core.errors import QuarterdeckError
    from engine.runtimes.model import Outputs, Rows
    from engine.runtimes.row_check import RowCheck
    from engine.serving.calls import Call
    from engine.serving.table import Target

_ENCODER = msgspec.json.Encoder()


class _Said(msgspec.Struct):
    features: msgspec.Raw
    parameters: dict[str, Any] | None = None
    single: bool = True
    flat: int = 0


_DECODER = msgspec.json.Decoder(_Said)
_KNOWN = frozenset((LABELS, PROBABILITIES))


class Plain:
    """Words predictions as the tutorials' servers do."""

    def read(self, call: Call) -> _Said:
        """What the body says; see `Dialect`."""
        return decoded(_DECODER, call.body)

    def parameters(self, said: _Said) -> Mapping[str, Any]:
        """What was said beside the rows; see `Dialect`."""
        return said.parameters or {}

    def rows(self, said: _Said, check: RowCheck) -> Rows:
        """The rows; see `Dialect`."""
        flat = numbers(said.features)
        said.single, said.flat = True, 0
        if flat is not None and check.numeric and flat:
            said.flat = len(flat)
            return check.flat(flat)
        features = decoded(ANYTHING, said.features)
        if isinstance(features, dict):
            return check.records([features])
        if not isinstance(features, list) or not features:
            raise InvalidInput("`features` must be a list of values, a list of such lists, or an object by name.")
        if not any(isinstance(each, (list, dict)) for each in features):
            return check.lists([features])
        said.single = False
        if all(isinstance(each, dict) for each in features):
            return check.records(features)
        return check.lists(features)

    def text(self, said: _Said) -> bytes:
        """The rows as text; see `Dialect`."""
        return row_text(said.features, said.flat) if said.flat else b""

    def answer(self, call: Call, said: _Said, target: Target, outputs: Outputs) -> Answer:
        """Word the predictions; see `Dialect`."""
        del call
        if said.flat and outputs.keys() <= _KNOWN and LABELS in outputs:
            return _of_one_row(target, outputs)
        told: dict[str, Any] = {}
        if LABELS in outputs:
            told["prediction"] = outputs[LABELS].tolist()
            if PROBABILITIES in outputs:
                told["probabilities"] = outputs[PROBABILITIES].tolist()
        else:
            told["prediction"] = {name: values.tolist() for name, values in outputs.items()}
        if said.single:
            told = {name: values[0] if isinstance(values, list) else values for name, values in told.items()}
        told["model_version"] = str(target.loaded.version)
        return Answer(200, _ENCODER.encode(told))

    def failure(self, error: QuarterdeckError) -> bytes:
        """Word an error; see `Dialect`."""
        return _ENCODER.encode({"detail": str(error)})


def _of_one_row(target: Target, outputs: Outputs) -> Answer:
    """The same for the commonest question: each number is written once, for the caller and for what is captured."""
    version = target.loaded.version
    label = _ENCODER.encode(outputs[LABELS].tolist()[0])
    if len(outputs) == 1:
        return Answer(
            200, b'{"prediction":%b,"model_version":"%d"}' % (label, version), kept=b'{"predict":[%b]}' % label
        )
    shares = _ENCODER.encode(outputs[PROBABILITIES].tolist()[0])
    body = b'{"prediction":%b,"probabilities":%b,"model_version":"%d"}' % (label, shares, version)
    return Answer(200, body, kept=b'{"predict":[%b],"predict_proba":[%b]}' % (label, shares))
