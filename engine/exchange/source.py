"""What an importer asks of a source, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.exchange.mlflow_logged_models import SourceLoggedModel
    from engine.exchange.model import SkippedList, SourceModel, SourceRun
    from engine.tracking.model import ExperimentImport


class FileTree(Protocol):
    """The files below one root of a source."""

    def paths(self) -> Sequence[tuple[str, int]]:
        """Path below the root and size in bytes of every file.

        Raises:
            OSError: the folder cannot be read.
            Unreachable: the server cannot be asked.
        """

    def fetch(self, path: str, scratch: Path) -> Path:
        """A local copy of a file, or the file itself where it is local.

        Args:
            path: One of the paths given.
            scratch: A folder for the copy.

        Raises:
            OSError: the file cannot be read.
            Unreachable: the server cannot be asked.
        """


class Source(Protocol):
    """Somewhere that runs and models come from."""

    name: str
    """Where it is, for the report."""

    def experiments(self, skipped: SkippedList) -> Sequence[ExperimentImport]:
        """Every experiment that can be kept."""

    def run_count(self) -> int:
        """How many runs there are, deleted ones included; for showing progress."""

    def runs(self, seen: Mapping[str, str], skipped: SkippedList) -> Iterator[Sequence[SourceRun]]:
        """Groups of runs, those left out whose stamp was seen.

        Args:
            seen: Stamp by run id, of an earlier pass.
            skipped: Takes what cannot be kept.
        """

    def logged_models(self, skipped: SkippedList) -> Sequence[SourceLoggedModel]:
        """Every logged model that can be kept."""

    def models(self, skipped: SkippedList) -> Sequence[SourceModel]:
        """Every registered model that can be kept, with its versions."""

    def tree(self, root: str) -> FileTree | str:
        """The files below a root, or why they cannot be reached, as a sentence."""

    def mark(self) -> object:
        """Something cheap that changes when anything in the source may have; `None` when it must be looked at."""

    def close(self) -> None:
        """Let go of it."""
