"""A folder of trackio projects, or one project's file, as a source: a project is an experiment."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, NotFound
from engine.exchange.intake import kept_experiment, kept_run, text_or, whole
from engine.exchange.model import SourceRun
from engine.exchange.trackio_store import TrackioTables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.exchange.mlflow_logged_models import SourceLoggedModel
    from engine.exchange.model import SkippedList, SourceModel
    from engine.exchange.source import FileTree
    from engine.tracking.model import ExperimentImport, MetricPoint

_WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class TrackioFolder:
    """Reads trackio's files without trackio. Its runs have no ids: ours are made of the project's and the run's name.

    Args:
        path: The folder, or one project's file.

    Raises:
        NotFound: there is no such file or folder.
        InvalidInput: it holds no project.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise NotFound(f"There is nothing at {path}.", hint="Name the folder that holds trackio's .db files.")
        self.name = str(path)
        self._projects = sorted(path.glob("*.db")) if path.is_dir() else [path]
        self._readable: list[Path] = []
        if not self._projects:
            raise InvalidInput(f"{path} holds no trackio project.", hint="Name the folder that holds its .db files.")

    def close(self) -> None:
        """Nothing is held open."""

    def mark(self) -> object:
        """Changes when one of the files does."""
        beside = [project.with_name(f"{project.name}-wal") for project in self._projects]
        return [path.stat().st_mtime_ns for path in (*self._projects, *beside) if path.exists()]

    def experiments(self, skipped: SkippedList) -> Sequence[ExperimentImport]:
        """Every project that can be read."""
        found = []
        self._readable = []
        for project in self._projects:
            try:
                with _opened(project) as tables:
                    known = tables.has("metrics", "id", "timestamp", "run_name", "step", "metrics")
            except InvalidInput as error:
                skipped.add("experiment", project.name, error.message)
                continue
            if not known:
                skipped.add("experiment", project.name, "It has no table of metrics.")
                continue
            kept = kept_experiment({"name": project.stem}, skipped)
            if kept is not None:
                found.append(kept)
                self._readable.append(project)
        return found

    def run_count(self) -> int:
        """How many runs there are."""
        count = 0
        for project in self._readable:
            with _opened(project) as tables:
                count += len(tables.runs())
        return count

    def runs(self, seen: Mapping[str, str], skipped: SkippedList) -> Iterator[Sequence[SourceRun]]:
        """The runs, one project after the other."""
        for project in self._readable:
            with _opened(project) as tables:
                for name, rows, last in tables.runs():
                    run_id = sha256(f"trackio\0{project.stem}\0{name}".encode()).hexdigest()[:32]
                    stamp = f"{rows} {last}"
                    if seen.get(run_id) != stamp:
                        run = _run(tables, project.stem, name, run_id, skipped)
                        yield [] if run is None else [SourceRun(run.run, "", stamp)]

    def logged_models(self, skipped: SkippedList) -> Sequence[SourceLoggedModel]:
        """Trackio knows none."""
        del skipped
        return ()

    def models(self, skipped: SkippedList) -> Sequence[SourceModel]:
        """Trackio knows none."""
        del skipped
        return ()

    def tree(self, root: str) -> FileTree | str:
        """Trackio keeps no files of runs."""
        del root
        return "Trackio keeps no files."


def _run(tables: TrackioTables, project: str, name: str, run_id: str, skipped: SkippedList) -> SourceRun | None:
    points: list[MetricPoint] = []
    times: list[int] = []
    for timestamp, step, text in tables.rows(name):
        time_ms = _time_ms(timestamp)
        times.append(time_ms)
        for key, value in _object(text, f"{run_id} step {step}", skipped).items():
            number = _WORDS.get(value, value) if isinstance(value, str) else value
            if isinstance(number, (int, float)):
                points.append((key, number, whole(step) or 0, time_ms))
            else:
                skipped.add("metric", f"{run_id} {key} step {step}", "It is no number.")
    config = tables.config(name)
    given = {} if config is None else _object(config[0], f"{run_id} config", skipped)
    values = {
        "run_id": run_id,
        "run_name": name,
        "status": "FINISHED",
        "start_time": _time_ms(config[1]) if config is not None and config[1] else min(times, default=0),
        "end_time": max(times, default=None),
        "user_id": text_or(given.get("_Username")),
        "params": [(key, _text(value)) for key, value in given.items() if not key.startswith("_")],
        "tags": [(f"trackio.{key[1:].lower()}", _text(value)) for key, value in given.items() if key.startswith("_")],
    }
    run = kept_run(project, values, points, skipped)
    return None if run is None else SourceRun(run, "", "")


@contextmanager
def _opened(project: Path) -> Iterator[TrackioTables]:
    try:
        with closing(TrackioTables(project)) as tables:
            yield tables
    except (sqlite3.Error, OverflowError) as error:
        raise InvalidInput(f"{project} cannot be read as a trackio project: {error}.") from error


def _object(text: object, place: str, skipped: SkippedList) -> dict[str, Any]:
    try:
        found = json.loads(text if isinstance(text, (str, bytes)) else "")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        skipped.add("row", place, "It holds no JSON object.")
        return {}
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _time_ms(text: object) -> int:
    try:
        at = datetime.fromisoformat(text_or(text))
    except ValueError:
        return 0
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1_000)
