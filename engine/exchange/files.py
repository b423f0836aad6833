"""Copying the files of runs and versions: those that are here already are recognised and not copied again."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.artifacts.model import safe_path
from engine.core.errors import InvalidInput, NotFound, Unreachable
from engine.tracking.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.api import Engine
    from engine.exchange.model import SkippedList, SourceRun
    from engine.exchange.source import FileTree, Source
    from engine.tracking.model import RunImport


class FileIntake:
    """Stores the files of a source.

    Args:
        engine: The workspace.
        source: Where from.
        skipped: Takes what cannot be copied.
    """

    def __init__(self, engine: Engine, source: Source, skipped: SkippedList) -> None:
        self._engine = engine
        self._source = source
        self._skipped = skipped
        self._known: dict[str, tuple[int, Artifact]] = {}

    def with_files(self, each: SourceRun, known: RunImport | None) -> RunImport:
        """A run with its files, whose bytes are stored when this returns.

        Args:
            each: The run as the source gives it.
            known: The run as it is here.

        Returns:
            The run. Files that only this workspace has stay out of it; where the source's cannot be reached, those that
            are here are taken for it.
        """
        had = () if known is None else known.files
        files = self.of_root(each.run.run_id or "", each.root, had) if each.root else ()
        return replace(each.run, files=files)

    def of_root(self, owner: str, root: str, had: Sequence[Artifact]) -> Sequence[Artifact]:
        """The files below a root, whose bytes are stored when this returns; where it is out of reach, those of here.

        Args:
            owner: Whose they are, for the list of what was left out.
            root: Where they lie, as the source writes it.
            had: The files that the owner has here.
        """
        tree = self._source.tree(root)
        if isinstance(tree, str):
            self._skipped.add("artifacts", owner, tree)
            return had
        return self.stored(owner, tree)

    def stored(self, owner: str, tree: FileTree) -> tuple[Artifact, ...]:
        """Store every file of a tree that can be kept.

        Args:
            owner: Whose they are, for the list of what was left out.
            tree: The files.

        Returns:
            The files, by path.
        """
        try:
            paths = tree.paths()
        except OSError as error:
            self._skipped.add("artifacts", owner, f"They cannot be listed: {error.strerror or error}.")
            return ()
        except Unreachable as error:
            self._skipped.add("artifacts", owner, error.message)
            return ()
        found = []
        with tempfile.TemporaryDirectory(prefix="qd-import-") as scratch:
            for path, _ in _free_of_overlap(owner, paths, self._skipped):
                file = self._store(owner, tree, path, Path(scratch))
                if file is not None:
                    found.append(file)
        return tuple(sorted(found, key=lambda file: file.path))

    def _store(self, owner: str, tree: FileTree, path: str, scratch: Path) -> Artifact | None:
        try:
            target = safe_path(path)
            local = tree.fetch(path, scratch)
            blob = self._engine.artifacts.put_file(local)
            if local.is_relative_to(scratch):
                local.unlink()
        except (InvalidInput, NotFound, Unreachable) as error:
            self._skipped.add("artifact", f"{owner} {path}", error.message)
        except OSError as error:
            self._skipped.add("artifact", f"{owner} {path}", f"It cannot be read: {error.strerror or error}.")
        else:
            return Artifact(target, blob.digest, blob.size_bytes)
        return None


def _free_of_overlap(owner: str, paths: Sequence[tuple[str, int]], skipped: SkippedList) -> list[tuple[str, int]]:
    """Paths without those that are a folder of another one, as a server may claim."""
    folders = {"/".join(parts[:depth]) for parts in (path.split("/") for path, _ in paths)
               for depth in range(1, len(parts))}  # fmt: skip
    for path, _ in paths:
        if path in folders:
            skipped.add("artifact", f"{owner} {path}", "It is a file and a folder at once.")
    return [each for each in paths if each[0] not in folders]
