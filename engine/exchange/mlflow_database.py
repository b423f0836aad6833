"""An MLflow tracking database in an SQLite file, as a source."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, NotFound
from engine.exchange.intake import kept_experiment, kept_input, kept_run, text_or, whole
from engine.exchange.local_files import roots_below, tree_of
from engine.exchange.mlflow_logged_models import kept_logged_model
from engine.exchange.mlflow_models import kept_models
from engine.exchange.mlflow_sqlite_store import MlflowTables, is_mlflow
from engine.exchange.model import SourceRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.exchange.mlflow_logged_models import SourceLoggedModel
    from engine.exchange.model import SkippedList, SourceModel
    from engine.exchange.source import FileTree
    from engine.tracking.model import ExperimentImport, MetricPoint

POINTS_PER_GROUP = 20_000
RUNS_PER_GROUP = 250
_NAN = float("nan")


class MlflowDatabase:
    """Reads an MLflow database without ever writing to it.

    Args:
        path: The file.
        roots: Folders that artifacts may be read from, besides the one the file lies in.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is no MLflow database, or it is damaged.
    """

    def __init__(self, path: Path, roots: Sequence[Path] = ()) -> None:
        if not path.is_file():
            raise NotFound(f"There is no file {path}.", hint="Name an MLflow database such as mlflow.db.")
        self.name = str(path)
        self._path = path
        self._roots = roots_below(path.parent, roots)
        with self._readable():
            self._tables = MlflowTables(path)
            known = is_mlflow(self._tables)
        if not known:
            self._tables.close()
            raise InvalidInput(f"{path} is an SQLite file, but no MLflow database.", hint="It has no runs table.")
        self._experiments: dict[object, str] = {}

    def close(self) -> None:
        """Close the file."""
        self._tables.close()

    def mark(self) -> object:
        """Changes with every commit of another program, and with the file."""
        with self._readable():
            version = self._tables.version()
        return version, self._path.stat().st_mtime_ns

    def experiments(self, skipped: SkippedList) -> Sequence[ExperimentImport]:
        """Every experiment that can be kept.

        Raises:
            InvalidInput: the file is damaged.
        """
        tags: dict[object, list[tuple[object, object]]] = {}
        found = []
        with self._readable():
            for row in self._tables.whole("experiment_tags"):
                tags.setdefault(row["experiment_id"], []).append((row["key"], row["value"]))
            rows = self._tables.whole("experiments")
        for row in rows:
            kept = kept_experiment({**row, "tags": tags.get(row["experiment_id"], ())}, skipped)
            if kept is not None:
                self._experiments[row["experiment_id"]] = kept.name
                found.append(kept)
        return found

    def run_count(self) -> int:
        """How many runs there are.

        Raises:
            InvalidInput: the file is damaged.
        """
        with self._readable():
            return len(self._tables.run_sizes())

    def runs(self, seen: Mapping[str, str], skipped: SkippedList) -> Iterator[Sequence[SourceRun]]:
        """Groups of runs by id, none with many more than `POINTS_PER_GROUP` points unless one run has them.

        Raises:
            InvalidInput: the file is damaged.
        """
        with self._readable():
            sizes = self._tables.run_sizes()
        for group in _groups(sizes):
            with self._readable():
                loaded = _Loaded(self._tables, group, sizes)
            changed = [run_id for run_id in loaded.runs if seen.get(run_id) != loaded.stamp(run_id)]
            if not changed:
                continue
            with self._readable():
                points = loaded.points(self._tables, changed)
            kept = (self._kept(loaded, run_id, points.get(run_id, []), skipped) for run_id in changed)
            yield [run for run in kept if run is not None]

    def _kept(self, loaded: _Loaded, run_id: str, points: list[MetricPoint], skipped: SkippedList) -> SourceRun | None:
        row = loaded.runs[run_id]
        experiment = self._experiments.get(row["experiment_id"])
        if experiment is None:
            skipped.add("run", run_id, "Its experiment is not there, or could not be kept.")
            return None
        given = (kept_input(run_id, each, skipped) for each in loaded.inputs.get(run_id, ()))
        values = {
            **row,
            "run_id": run_id,
            "run_name": row["name"],
            "params": loaded.params.get(run_id, ()),
            "tags": loaded.tags.get(run_id, ()),
            "inputs": tuple(dataset for dataset in given if dataset is not None),
        }
        run = kept_run(experiment, values, points, skipped)
        if run is None:
            return None
        # Where points were left out, the latest that the source tells may be one of them.
        latest = None if loaded.latest is None or len(run.metrics) < len(points) else loaded.latest.get(run_id, {})
        return SourceRun(run, text_or(row["artifact_uri"]), loaded.stamp(run_id), latest)

    def logged_models(self, skipped: SkippedList) -> Sequence[SourceLoggedModel]:
        """Every logged model that can be kept.

        Raises:
            InvalidInput: the file is damaged.
        """
        tables = ("logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics", "inputs")
        with self._readable():
            rows = {table: self._tables.whole(table) for table in tables}
        belongings = {table: _by_model(rows[table]) for table in tables[1:4]}
        made, read = _uses(rows["inputs"])
        found = []
        for row in rows["logged_models"]:
            model_id = row["model_id"]
            own = {table: by_model.get(model_id, []) for table, by_model in belongings.items()}
            values = {
                **row,
                "params": own["logged_model_params"],
                "tags": own["logged_model_tags"],
                "made_by": made.get(model_id, ()),
                "read_by": read.get(model_id, ()),
            }
            experiment = self._experiments.get(row["experiment_id"])
            if experiment is None:
                skipped.add("logged model", str(model_id)[:250], "Its experiment is not there, or could not be kept.")
                continue
            kept = kept_logged_model(experiment, values, own["logged_model_metrics"], skipped)
            if kept is not None:
                found.append(kept)
        return found

    def models(self, skipped: SkippedList) -> Sequence[SourceModel]:
        """Every registered model that can be kept, with its versions.

        Raises:
            InvalidInput: the file is damaged.
        """
        tables = ("registered_models", "registered_model_tags", "registered_model_aliases", "model_versions",
                  "model_version_tags")  # fmt: skip
        with self._readable():
            rows = {table: self._tables.whole(table) for table in tables}
        return kept_models(rows, skipped)

    def tree(self, root: str) -> FileTree | str:
        """The files below a root, or why they cannot be reached."""
        return tree_of(root, self._path.parent, self._roots)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError) as error:
            raise InvalidInput(
                f"{self._path} cannot be read as an MLflow database: {error}.",
                hint="Check it with `PRAGMA integrity_check`, or import from a backup of it.",
            ) from error


class _Loaded:
    """A group of runs with all but their points, which are read for those alone that changed."""

    def __init__(self, tables: MlflowTables, run_ids: Sequence[str], sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.runs: dict[str, dict[str, Any]] = {row["run_uuid"]: row for row in tables.runs(run_ids)}
        self.params = _by_run(tables.pairs("params", run_ids))
        self.tags = _by_run(tables.pairs("tags", run_ids))
        rows = tables.latest(run_ids)
        self.latest = None if rows is None else _latest(rows)
        self.inputs: dict[str, list[dict[str, Any]]] = {}
        for run_id, name, digest, source_type, source, schema, profile, tags in tables.inputs(run_ids):
            given = {"name": name, "digest": digest, "schema": schema, "profile": profile, "tags": json.loads(tags)}
            self.inputs.setdefault(run_id, []).append({**given, "source_type": source_type, "source": source})

    def stamp(self, run_id: str) -> str:
        """What an earlier pass compares: everything but the points, which are told by their number and the latest."""
        from hashlib import sha256

        parts = (self.params, self.tags, self.latest or {}, self.inputs)
        seen = [self.runs[run_id], self.sizes.get(run_id), *(part.get(run_id) for part in parts)]
        return sha256(repr(seen).encode("utf-8", "replace")).hexdigest()

    def points(self, tables: MlflowTables, run_ids: Sequence[str]) -> dict[str, list[MetricPoint]]:
        """The metric points of some of the runs."""
        found: dict[str, list[MetricPoint]] = {run_id: [] for run_id in run_ids}
        for run_id, key, value, step, time_ms, is_nan in tables.points(run_ids):
            found[run_id].append((key, _NAN if is_nan else value, step, time_ms))
        return found


def _groups(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    group: list[str] = []
    points = 0
    for run_id, size in sizes.items():
        if group and (points + size > POINTS_PER_GROUP or len(group) == RUNS_PER_GROUP):
            yield group
            group, points = [], 0
        group.append(run_id)
        points += size
    if group:
        yield group


def _by_run(rows: Iterator[tuple[Any, ...]]) -> dict[str, list[tuple[Any, Any]]]:
    found: dict[str, list[tuple[Any, Any]]] = {}
    for run_id, key, value in rows:
        found.setdefault(run_id, []).append((key, value))
    return found


def _by_model(rows: Sequence[Mapping[str, Any]]) -> dict[object, list[tuple[Any, ...]]]:
    """What belongs to each model: the columns after its id."""
    found: dict[object, list[tuple[Any, ...]]] = {}
    for row in rows:
        model_id, *rest = row.values()
        found.setdefault(model_id, []).append(tuple(rest))
    return found


def _uses(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[dict[object, list[tuple[str, int]]], dict[object, list[str]]]:
    """The runs that made each model, with the step, and those that read it."""
    made: dict[object, list[tuple[str, int]]] = {}
    read: dict[object, list[str]] = {}
    for row in rows:
        if row["destination_type"] == "MODEL_OUTPUT":
            use = (text_or(row["source_id"]), whole(row["step"]) or 0)
            made.setdefault(row["destination_id"], []).append(use)
        elif row["destination_type"] == "MODEL_INPUT":
            read.setdefault(row["destination_id"], []).append(text_or(row["source_id"]))
    return made, read


def _latest(rows: Sequence[tuple[Any, ...]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for run_id, key, value, _, _, is_nan in rows:
        if is_nan or isinstance(value, (int, float)):
            found.setdefault(run_id, {})[key] = _NAN if is_nan else float(value)
    return found
