"""Reference data that a run or a version holds: what its first baseline is made from.

Only files that were stored here count. A run's programs also name paths of data sets, but what they name is theirs to
choose, and a server that read such paths would read for them whatever it may read itself.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engine.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.artifacts.model import Manifest, ManifestEntry
    from engine.artifacts.store import ArtifactStore
    from engine.registry.model import Version
    from engine.registry.reading import ModelReading
    from engine.tables.model import Table

HINT = "Log a file called reference.csv (or .parquet; also baseline or training_data) with the run, or name files."

_NAME = re.compile(
    r"(reference|baseline|training|train)([-_](data|set))?(\.csv(?:\.gz)?|\.parquet|\.pq)", re.IGNORECASE
)
_ORDER = ("reference", "baseline", "training", "train")


class RunFiles(Protocol):
    """Knows the artifacts of runs."""

    def manifest(self, owner_id: str, path: str = "") -> Manifest:
        """What a run holds.

        Raises:
            QuarterdeckError: there is no such run, or it holds nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """A file of reference data.

    Args:
        path: Where it stands, in words, such as `data/reference.csv of its run`.
        digest: SHA-256 of its bytes, 64 hex digits.
        ending: How its name ends, such as `.csv.gz`.
    """

    path: str
    digest: str
    ending: str


def reference_file(models: ModelReading, runs: RunFiles, version: Version) -> ReferenceFile | None:
    """Find the reference data of a version: among its own files, else among those of its run.

    Args:
        models: Knows the files of versions.
        runs: Knows the artifacts of runs.
        version: The version.

    Returns:
        The file; `None` when there is none.
    """
    own = _best(models.files(version.model, version.version), "of the version")
    if own is not None or version.run_id is None:
        return own
    try:
        return _best(runs.manifest(version.run_id).entries, "of its run")
    except NotFound:  # deleted, or it holds nothing
        return None


@contextmanager
def opened(artifacts: ArtifactStore, file: ReferenceFile) -> Iterator[Table]:
    """Read reference data as a table.

    Args:
        artifacts: Where its bytes are.
        file: The file.

    Yields:
        The table; to be read before this ends.

    Raises:
        IntegrityError: its bytes are gone, or have changed.
        InvalidInput: it is damaged.
        WorkspaceError: the disk failed.
    """
    from engine.tables.source import open_table

    artifacts.open(file.digest).close()  # compares the bytes with the digest
    with tempfile.TemporaryDirectory(prefix="qd-") as folder:
        # Stored objects have no names, and by their names it is told how files are read.
        named = Path(folder, f"reference{file.ending}")
        named.symlink_to(artifacts.path_of(file.digest).absolute())
        yield open_table([str(named)])


def _best(entries: Iterable[ManifestEntry], whose: str) -> ReferenceFile | None:
    found = []
    for each in entries:
        matched = _NAME.fullmatch(each.path.rpartition("/")[2])
        if matched:
            rank = (_ORDER.index(matched[1].lower()), each.path.count("/"), each.path)
            found.append((rank, ReferenceFile(f"{each.path} {whose}", each.digest, matched[4].lower())))
    return min(found, key=lambda each: each[0])[1] if found else None
