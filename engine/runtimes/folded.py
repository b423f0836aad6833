"""The file format of our own: named arrays of numbers and a header in JSON. Reading it runs nothing."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable
from engine.runtimes.forest import Forest, Link
from engine.runtimes.intake import Intake
from engine.runtimes.linear import Linear, LinearRuntime
from engine.runtimes.walking import TreesRuntime

if TYPE_CHECKING:
    from engine.runtimes.model import Interface

_MODELS: dict[str, type[Linear | Forest]] = {"linear": Linear, "forest": Forest}
_VERSION = 1


def write_folded(model: Linear | Forest, intake: Intake) -> bytes:
    """Write a folded model.

    Args:
        model: The model.
        intake: How rows reach it.

    Returns:
        The file; the same model gives the same bytes.
    """
    import io

    import numpy as np

    header: dict[str, Any] = {"version": _VERSION, "intake": intake.to_json()}
    arrays: dict[str, Any] = {}
    header["model"] = next(name for name, kind in _MODELS.items() if isinstance(model, kind))
    for each in fields(model):
        value = getattr(model, each.name)
        if isinstance(value, np.ndarray):
            arrays[each.name] = value
        else:
            header[each.name] = value
    stream = io.BytesIO()
    np.savez(stream, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    return stream.getvalue()


def read_folded(data: bytes, interface: Interface) -> LinearRuntime | TreesRuntime:
    """Read a folded model.

    Args:
        data: What `write_folded` wrote.
        interface: What the model takes and gives.

    Returns:
        What answers.

    Raises:
        NotServable: the bytes are something else.
    """
    import io
    import zipfile

    import numpy as np

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(bytes(arrays.pop("header")))
        intake = Intake.from_json(header.pop("intake"))
        if header.pop("version") != _VERSION:
            raise NotServable("The built model is of another release.", hint="Build it again.")
        values = arrays | header | {"link": Link(header["link"])}
        if values.pop("model") == "linear":
            return LinearRuntime(interface, intake, Linear(**values))
        return TreesRuntime(interface, intake, Forest(**values))
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise NotServable("The built model cannot be read.", hint="Build it again.") from error
