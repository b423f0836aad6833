"""Loads what was built, with no more libraries than its kind needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import IntegrityError, NotServable
from engine.runtimes.model import RuntimeKind

if TYPE_CHECKING:
    from pathlib import Path

    from engine.runtimes.model import Interface, Runtime


def load(path: Path, kind: RuntimeKind, file_format: str, interface: Interface, *, digest: str = "") -> Runtime:
    """Load a built model.

    Args:
        path: Its file.
        kind: How it answers.
        file_format: `folded`, `onnx`, `skops`, `joblib` or `pickle`.
        interface: What it takes and gives.
        digest: SHA-256 that the bytes must have, 64 hex digits; not compared when empty.

    Returns:
        What answers; the bytes it was made of are the ones that were compared.

    Raises:
        IntegrityError: the file is gone, or its bytes have changed.
        NotServable: the bytes make no such model.
    """
    data = _read(path, digest)
    if kind in (RuntimeKind.LINEAR, RuntimeKind.TREES):
        from engine.runtimes.folded import read_folded

        return read_folded(data, interface)
    if kind is RuntimeKind.TWIN:
        from engine.runtimes.sessions import TwinRuntime

        return TwinRuntime(interface, data)
    if kind is RuntimeKind.ONNX:
        from engine.runtimes.sessions import OnnxRuntime

        return OnnxRuntime(interface, data)
    if kind is RuntimeKind.ISOLATED:
        from engine.runtimes.isolated import IsolatedRuntime

        return IsolatedRuntime(interface, data)
    if file_format == "skops":
        from engine.runtimes.estimator import EstimatorRuntime, read_skops

        return EstimatorRuntime(interface, read_skops(data))
    raise NotServable(f"A file of the format {file_format} is not loaded here.")


def _read(path: Path, digest: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IntegrityError("The file of a built model is missing.", hint="Build it again.") from error
    if digest:
        from hashlib import sha256

        if sha256(data).hexdigest() != digest:
            raise IntegrityError("The bytes of a built model have changed.", hint="Run `qd db check`.")
    return data
