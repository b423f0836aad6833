"""Files of a source on this machine: only below folders that the operator has named, and never through a way out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.exchange.source import FileTree

_PROXIED = "mlflow-artifacts"
_PROXY_FOLDERS = ("mlartifacts", "mlruns")


class LocalTree:
    """The files below a folder.

    Args:
        folder: Where; resolved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def paths(self) -> list[tuple[str, int]]:
        """Path below the folder and size in bytes of every regular file; links that lead out of it are passed over.

        A folder that is not there has no files: a run's is made with its first one.

        Raises:
            OSError: a folder cannot be read.
        """
        found: list[tuple[str, int]] = []
        if not self._folder.is_dir():
            return found
        for at, _, names in os.walk(self._folder, onerror=_fail):
            for name in names:
                path = Path(at) / name
                if path.is_file() and path.resolve().is_relative_to(self._folder):
                    found.append((path.relative_to(self._folder).as_posix(), path.stat().st_size))
        return sorted(found)

    def fetch(self, path: str, scratch: Path) -> Path:
        """The file itself.

        Args:
            path: One of the paths given.
            scratch: Not needed.

        Raises:
            OSError: it leads out of the folder by now.
        """
        del scratch
        found = (self._folder / path).resolve()
        if not found.is_relative_to(self._folder):
            raise PermissionError(f"{path} leads out of its folder")
        return found


def roots_below(own: Path, named: Sequence[Path]) -> tuple[Path, ...]:
    """The folders that may be read: the source's own, and those that were named."""
    return tuple(dict.fromkeys(folder.resolve() for folder in (own, *named)))


def tree_of(root: str, own: Path, allowed: Sequence[Path]) -> FileTree | str:
    """The files below an artifact root.

    Args:
        root: A path, a `file:` address, or `mlflow-artifacts:/…`, which is looked for where its server keeps it.
        own: The source's folder; relative paths begin there.
        allowed: Folders that may be read, resolved.

    Returns:
        The files, or why they cannot be reached, as a sentence.
    """
    try:
        folders = [folder.resolve() for folder in _candidates(root, own, allowed)]
    except (OSError, ValueError):
        return "Its address cannot be read."
    if not folders:
        return "It lies elsewhere; import from the tracking server to bring it along."
    inside = [folder for folder in folders if any(folder.is_relative_to(each) for each in allowed)]
    if not inside:
        return "It lies outside of the source; name its folder with --artifacts."
    return LocalTree(next((folder for folder in inside if folder.is_dir()), inside[0]))


def _candidates(root: str, own: Path, allowed: Sequence[Path]) -> list[Path]:
    parts = urlsplit(root)
    if parts.scheme == "file":
        return [Path(unquote(parts.path))] if parts.netloc in ("", "localhost") else []
    if parts.scheme == _PROXIED:
        below = unquote(parts.path).lstrip("/")
        places = [folder for each in allowed for folder in (*(each / name for name in _PROXY_FOLDERS), each)]
        return [folder / below for folder in places if (folder / below.split("/", 1)[0]).is_dir()]
    return [] if parts.scheme else [own / root]


def _fail(error: OSError) -> None:
    raise error
