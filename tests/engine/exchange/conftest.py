"""A workspace to import into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.exchange.importing import Importer, ImportOptions, import_all
from engine.exchange.model import ImportReport
from engine.exchange.opening import open_mlflow
from tests.builders import empty_workspace

Import = Callable[..., ImportReport]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Engine]:
    """An empty workspace."""
    empty_workspace(tmp_path / "workspace")
    with engine.open(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def bring(opened: Engine) -> Import:
    """Imports a source into it."""

    def run(source: Path | str, *roots: Path, files: bool = True) -> ImportReport:
        found = open_mlflow(str(source), roots)
        try:
            return import_all(Importer(opened, found, ImportOptions(files=files)))
        finally:
            found.close()

    return run
