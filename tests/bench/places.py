"""Where benches work: big workspaces that are kept, and scratch folders that are not. All on one file system."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import engine
from tests.bench.seed import seed, told


@dataclass(frozen=True, slots=True)
class Places:
    """The bench's folder.

    Args:
        folder: Where everything is kept.
        runs: Runs of the big workspace.
    """

    folder: Path
    runs: int

    def workspace(self, runs: int | None = None) -> Path:
        """A seeded workspace, made when it is missing; nothing may be written to it.

        Args:
            runs: How many runs; as many as were asked for when `None`.
        """
        count = self.runs if runs is None else runs
        directory = self.folder / f"runs-{count}"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not seed(directory, count, told):
            engine.open(directory).close()  # brings one that is older than the code up to date
        return directory

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder, removed afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="scratch-") as path:
            yield Path(path)

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy of the big workspace to write to, removed afterwards."""
        with self.scratch() as folder:
            yield Path(shutil.copytree(self.workspace(), folder / "workspace"))
