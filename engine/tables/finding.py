"""From what was named to files: files themselves, folders with all below them, globs."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.text import clean
from engine.tables.model import FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_FILES = 100_000
"""Most files of one run."""

_KINDS = {
    ".csv": FileKind.CSV,
    ".csv.gz": FileKind.GZIP,
    ".parquet": FileKind.PARQUET,
    ".pq": FileKind.PARQUET,
}


def find(named: Sequence[str], output: Path | None = None) -> tuple[Path, ...]:
    """Find the files that are meant.

    Args:
        named: Files, folders and globs. In folders and globs, names that begin with `.` or `_` and other kinds of files
            are passed over; `**` is any depth.
        output: A folder whose files are not meant, since answers are written there; `None` for none.

    Returns:
        Absolute paths, each once: in the order they were named, sorted within a folder or glob.

    Raises:
        NotFound: a file or folder is not there, or nothing is in it.
        InvalidInput: there are too many, one is of no kind that is read or no regular file, or nothing was named.
    """
    found: dict[Path, None] = {}
    apart = None if output is None else output.absolute()
    for each in named:
        matched = False
        for path in _expanded(each):
            if apart is not None and path.is_relative_to(apart):
                continue
            matched = True
            found[path] = None
            if len(found) > MAX_FILES:
                raise InvalidInput(f"These are more than {MAX_FILES} files.", hint="Name fewer at once.")
        if not matched:
            raise NotFound(
                f"No CSV, gzip CSV or Parquet file is at {clean(each, limit=200)}.",
                hint="Name files, folders or globs of *.csv, *.csv.gz and *.parquet.",
            )
    if not found:
        raise InvalidInput("Nothing is named to read.", hint="Name files, folders or globs.")
    return tuple(found)


def kind_of(path: Path) -> FileKind | None:
    """How a file is read, by its name; `None` when it is not.

    Args:
        path: The file.
    """
    name = path.name.lower()
    return next((kind for ending, kind in _KINDS.items() if name.endswith(ending)), None)


def _expanded(named: str) -> Iterator[Path]:
    path = Path(named).absolute()
    if path.is_dir():
        yield from sorted(each for each in _below(path) if _meant(each))
    elif path.exists():
        if kind_of(path) is None:
            raise InvalidInput(
                f"{clean(path.name, limit=100)} is of no kind that is read.",
                hint="Files are read whose names end in .csv, .csv.gz, .parquet or .pq.",
            )
        if not path.is_file():  # a pipe would be waited for, and what is read twice must stay there
            raise InvalidInput(f"{clean(path.name, limit=100)} is no regular file.", hint="Write it to a file first.")
        yield path
    elif glob.has_magic(named):
        matches = glob.iglob(named, recursive=True)  # noqa: PTH207 Path.glob takes no absolute pattern
        yield from sorted(Path(each).absolute() for each in matches if _meant(Path(each)))


def _below(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith((".", "_"))]
        yield from (Path(where, each) for each in files)


def _meant(path: Path) -> bool:
    return not path.name.startswith((".", "_")) and kind_of(path) is not None and path.is_file()
