"""What a packaged model says of itself in its `MLmodel` file: framework, format, signature.

The file came from somebody else: nothing in it is obeyed, everything may be missing or wrong, and what cannot be read
is left out rather than refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.errors import InvalidInput
from engine.registry.model import Column, Signature
from engine.registry.names import MAX_WORD

FILE = "MLmodel"
"""Name of the file, at the top of the model's folder."""

MAX_BYTES = 1 << 20
"""Most bytes of it that are read; a signature of thousands of columns fits."""

_WRAPPER = "python_function"  # the flavour that wraps another one; it names no framework
_FORMATS = ("serialization_format", "model_format", "format")
_DTYPES = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "string": "str",
    "binary": "bytes",
    "datetime": "datetime64[ns]",
}


@dataclass(frozen=True, slots=True)
class Package:
    """What a model says of itself.

    Args:
        flavor: The framework, such as `sklearn`; empty when it does not say.
        format: The file format, such as `skops`; empty when it does not say.
        signature: What it takes and gives, or `None` when it does not say.
    """

    flavor: str = ""
    format: str = ""
    signature: Signature | None = None


NOTHING_SAID = Package()
"""A model without such a file, or with one that cannot be read."""


def read_package(data: bytes) -> Package:
    """Read an `MLmodel` file.

    Args:
        data: Its bytes; only the first `MAX_BYTES` may count, so a longer file says nothing.

    Returns:
        What it says, as far as it can be read.
    """
    if len(data) > MAX_BYTES:
        return NOTHING_SAID
    content = _mapping(_yaml(data))
    flavors = _mapping(content.get("flavors"))
    flavor = next((name for name in flavors if name != _WRAPPER), next(iter(flavors), ""))
    options = _mapping(flavors.get(flavor))
    format_ = next((_word(options[key]) for key in _FORMATS if _word(options.get(key))), "")
    return Package(_word(flavor), format_, _signature(_mapping(content.get("signature"))))


def _yaml(data: bytes) -> object:
    """The YAML as plain mappings, lists and texts: the loader makes no objects, numbers or dates of anything."""
    import yaml  # only registering a packaged model needs it

    try:
        return yaml.load(data.decode(), Loader=yaml.BaseLoader)  # noqa: S506 BaseLoader builds texts only
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _word(value: object) -> str:
    """A short text that can be stored; empty for anything else, YAML's null included."""
    if not isinstance(value, str) or value in ("null", "~") or len(value) > MAX_WORD:
        return ""
    storable = "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    return value if storable else ""


def _signature(value: Mapping[Any, Any]) -> Signature | None:
    try:
        inputs, outputs = (_columns(value.get(side), side) for side in ("inputs", "outputs"))
        found = Signature(inputs, outputs)
        return Signature.from_json(found.to_json()) if inputs or outputs else None
    except (InvalidInput, ValueError, RecursionError):
        return None


def _columns(text: object, side: str) -> tuple[Column, ...]:
    """The columns of one side, which is JSON inside the YAML."""
    written = json.loads(text) if isinstance(text, str) and text not in ("", "null", "~") else []
    if not isinstance(written, Sequence) or isinstance(written, str):
        raise InvalidInput("A side of a signature is a list.")
    single = side if len(written) > 1 else ""
    return tuple(_column(_mapping(each), f"{single}{index}" if single else "") for index, each in enumerate(written))


def _column(value: Mapping[Any, Any], unnamed: str) -> Column:
    name = value.get("name", unnamed)
    kind = value.get("type")
    tensor = _mapping(value.get("tensor-spec"))
    if tensor:
        kind, shape = tensor.get("dtype"), tensor.get("shape", ())
        sizes = tuple(shape) if isinstance(shape, list) else ()
        return Column(name, _DTYPES.get(str(kind), str(kind)), sizes)
    if not isinstance(kind, str):
        raise InvalidInput("A column of a signature has a type.")
    return Column(name, _DTYPES.get(kind, kind))
