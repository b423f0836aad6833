"""The gate `signature`: whoever calls the Production version can call this one instead, unchanged."""

from __future__ import annotations

from engine.gates.model import Facts, GateResult, Status
from engine.policy.model import SignatureGate
from engine.registry.model import Column, Signature, Version

_SAME = {
    "bool": "boolean",
    "int": "int64",
    "long": "int64",
    "integer": "int32",
    "float": "float32",
    "double": "float64",
    "str": "string",
    "object": "string",
    "datetime": "datetime64",
    "datetime64[ns]": "datetime64",
}
"""Names for one type, from numpy, pandas and MLflow, to the one used here."""

_WIDER = {
    "int8": {"int16", "int32", "int64", "float32", "float64"},
    "int16": {"int32", "int64", "float32", "float64"},
    "int32": {"int64", "float64"},
    "int64": {"float64"},
    "uint8": {"uint16", "uint32", "uint64", "int16", "int32", "int64", "float32", "float64"},
    "uint16": {"uint32", "uint64", "int32", "int64", "float32", "float64"},
    "uint32": {"uint64", "int64", "float64"},
    "uint64": {"float64"},
    "float32": {"float64"},
}
"""Types that take every value of another, as JSON and numpy convert them; int64 to float64 as every model does."""


def run(spec: SignatureGate, facts: Facts) -> GateResult:
    """Compare inputs and outputs with those of every version in Production.

    Each Production input must be there with a type that takes the same values; a further input fails, because today's
    callers do not send it; outputs must have the same names, each with a type whose values today's callers can read.

    Args:
        spec: Nothing to set.
        facts: What is known of the version.

    Returns:
        The answer; every break is named. It passes when nothing in Production has a signature.
    """
    signature = facts.version.signature
    if signature is None:
        return GateResult(spec.gate, Status.FAIL, "The version has no signature; register it with one.")
    known = [version for version in facts.production if version.signature is not None]
    evidence = {"baseline": [version.version for version in known]}
    if not known:
        message = "No version in Production has a signature to keep to."
        return GateResult(spec.gate, Status.PASS, message, evidence=evidence)
    breaks = [text for version in known for text in _breaks(signature, version)]
    if breaks:
        return GateResult(spec.gate, Status.FAIL, f"{'; '.join(breaks)}.", evidence=evidence | {"breaks": breaks})
    message = f"Callers of version {known[0].version} in Production can call it unchanged."
    return GateResult(spec.gate, Status.PASS, message, evidence=evidence)


def _breaks(signature: Signature, baseline: Version) -> list[str]:
    """What would break for a caller of `baseline`."""
    old = baseline.signature
    if old is None:
        return []
    breaks = []
    inputs = {column.name: column for column in signature.inputs}
    for column in old.inputs:
        new = inputs.pop(column.name, None)
        if new is None:
            breaks.append(f"input {column.name} of version {baseline.version} is gone")
        elif not _takes(new, column):
            breaks.append(f"input {column.name} was {_typed(column)} and is {_typed(new)}")
    breaks += [f"input {name} is new and today's callers do not send it" for name in inputs]
    return breaks + _output_breaks(signature, old)


def _output_breaks(signature: Signature, old: Signature) -> list[str]:
    new, known = ({column.name: column for column in side.outputs} for side in (signature, old))
    if new.keys() != known.keys():
        return [f"outputs were {', '.join(known) or 'none'} and are {', '.join(new) or 'none'}"]
    # The other way round than for inputs: here the caller takes what the version gives.
    return [
        f"output {name} was {_typed(column)} and is {_typed(new[name])}"
        for name, column in known.items()
        if not _takes(column, new[name])
    ]


def _takes(new: Column, old: Column) -> bool:
    wanted, given = _one_name(new.dtype), _one_name(old.dtype)
    return new.shape == old.shape and (wanted == given or wanted in _WIDER.get(given, ()))


def _one_name(dtype: str) -> str:
    word = dtype.strip().lower()
    return _SAME.get(word, word)


def _typed(column: Column) -> str:
    return f"{column.dtype} {list(column.shape)}" if column.shape else column.dtype
