"""Telling what kind of source a word on the command line names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.exchange.source import Source

_MAGIC = b"SQLite format 3\0"


def open_mlflow(source: str, roots: Sequence[Path] = ()) -> Source:
    """Open an MLflow source.

    Args:
        source: An SQLite file (also as `sqlite:///…`), an `mlruns` folder or the address of a tracking server.
        roots: Folders that artifacts may be read from, besides the source's own.

    Returns:
        The source; the caller closes it.

    Raises:
        NotFound: there is nothing of that name.
        InvalidInput: it is none of these, or damaged.
        Unreachable: the server does not answer.
    """
    if source.startswith(("http://", "https://")):
        from engine.exchange.mlflow_server import MlflowServer

        return MlflowServer(source)
    path = Path(source.removeprefix("sqlite:///").removeprefix("file://")).expanduser()
    if path.is_file():
        from engine.exchange.mlflow_database import MlflowDatabase

        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise InvalidInput(f"{clean(source, limit=200)} is no SQLite file.", hint="Name one such as mlflow.db.")
        return MlflowDatabase(path, roots)
    if path.is_dir():
        from engine.exchange.mlflow_folder import MlflowFolder

        nested = path / "mlruns"
        return MlflowFolder(nested if nested.is_dir() else path, roots)
    raise NotFound(
        f"There is nothing at {clean(source, limit=200)}.",
        hint="Name an MLflow SQLite file, an mlruns folder or the address of a tracking server.",
    )
