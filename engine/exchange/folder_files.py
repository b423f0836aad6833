"""The small files of an `mlruns` folder: read whole, never through a link that leads out, never more than is sane."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.exchange.intake import measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.exchange.model import SkippedList
    from engine.tracking.model import MetricPoint

MAX_YAML_BYTES = 32 << 20
"""Most bytes of a description: dataset profiles may have 16 MB."""

MAX_VALUE_BYTES = 1 << 20
"""Most bytes of a parameter's or tag's file."""


def entries(root: Path, folder: Path) -> list[Path]:
    """The folders in a folder, by name; none when it is not there. Links are passed over.

    Args:
        root: The source.
        folder: A folder below it.
    """
    if not _is_inside(root, folder) or not folder.is_dir():
        return []
    with os.scandir(folder) as found:
        return sorted(Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False))


def read_yaml(path: Path) -> dict[str, Any]:
    """A mapping written as YAML.

    Args:
        path: The file.

    Raises:
        InvalidInput: it is missing, too large, no YAML or no mapping.
    """
    import yaml  # only an mlruns folder needs it

    try:
        if path.is_symlink() or not path.is_file():
            raise InvalidInput(f"Its {path.name} is missing.")
        if path.stat().st_size > MAX_YAML_BYTES:
            raise InvalidInput(f"Its {path.name} has more than {MAX_YAML_BYTES >> 20} MB.")
        found = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"Its {path.name} is no valid YAML; it may be half written.") from error
    except OSError as error:
        raise InvalidInput(f"Its {path.name} cannot be read: {error.strerror}.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"Its {path.name} is no mapping; it may be half written.")
    return found


def read_pairs(root: Path, folder: Path, owner: str, skipped: SkippedList) -> list[tuple[str, str]]:
    """Key and value of every file below a folder; a key's slashes are folders.

    Args:
        root: The source.
        folder: Such as a run's `params`.
        owner: Whose they are, for the list of what was left out.
        skipped: Takes what cannot be read.
    """
    found = []
    for key, path in _files(root, folder):
        try:
            if path.stat().st_size > MAX_VALUE_BYTES:
                skipped.add(folder.name, f"{owner} {key}", "Its file has more than 1 MB.")
                continue
            found.append((key, path.read_bytes().decode("utf-8", "replace")))
        except OSError as error:
            skipped.add(folder.name, f"{owner} {key}", f"Its file cannot be read: {error.strerror}.")
    return found


def read_points(root: Path, folder: Path, owner: str, skipped: SkippedList) -> list[MetricPoint]:
    """The metric points of every file below a folder; each line is `time value [step]`.

    Args:
        root: The source.
        folder: A run's `metrics`.
        owner: The run.
        skipped: Takes lines that are no points.
    """
    found: list[MetricPoint] = []
    for key, path in _files(root, folder):
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                seen: set[str] = set()
                for number, line in enumerate(lines, start=1):
                    if line in seen:
                        continue
                    seen.add(line)
                    point = _point(key, line)
                    if point is not None:
                        found.append(point)
                    elif line.strip():
                        skipped.add("metric", f"{owner} {key} line {number}", "The line is no metric point.")
        except OSError as error:
            skipped.add("metric", f"{owner} {key}", f"Its file cannot be read: {error.strerror}.")
    return found


def read_model_metrics(root: Path, folder: Path, owner: str, skipped: SkippedList) -> list[tuple[object, ...]]:
    """What was measured of a logged model; each line is `time value step run [data name] [data digest]`.

    Args:
        root: The source.
        folder: A logged model's `metrics`.
        owner: The model.
        skipped: Takes lines that are none.
    """
    found: list[tuple[object, ...]] = []
    for key, text in read_pairs(root, folder, owner, skipped):
        for number, line in enumerate(text.splitlines(), start=1):
            parts = line.split()
            point = _point(key, line)
            if point is None or len(parts) < 4:
                skipped.add("metric", f"{owner} {key} line {number}", "The line is no metric point.")
                continue
            data = (*parts[4:6], "", "")[:2]
            row = (key, point[1], point[2], point[3], parts[3], *data)
            if row not in found:
                found.append(row)
    return found


def stamp_of(folder: Path) -> str:
    """Changes when any small file below a run's folder does; artifacts are left out."""
    from hashlib import sha256

    hashed = sha256()
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "artifacts" or at != str(folder))
        for name in sorted(names):
            try:
                seen = Path(at, name).lstat()
            except OSError:
                continue
            hashed.update(f"{at}/{name} {seen.st_mtime_ns} {seen.st_size}\n".encode("utf-8", "replace"))
    return hashed.hexdigest()


def _point(key: str, line: str) -> MetricPoint | None:
    parts = line.split()
    if len(parts) < 2:
        return None
    try:
        step = int(parts[2]) if len(parts) > 2 else 0
        return key, measured(float(parts[1])), step, int(parts[0])  # type: ignore[return-value]
    except ValueError:
        return None


def _files(root: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Key and path of every regular file below a folder that is no link, by key."""
    if not _is_inside(root, folder):
        return
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(at, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(folder).as_posix(), path


def _is_inside(root: Path, folder: Path) -> bool:
    return folder.resolve().is_relative_to(root)
