"""An `mlruns` folder, MLflow's file store, as a source: a small file a parameter, tag and metric, YAML for the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, NotFound
from engine.exchange.folder_files import entries, read_model_metrics, read_pairs, read_points, read_yaml, stamp_of
from engine.exchange.intake import kept_experiment, kept_input, kept_run, text_or, whole
from engine.exchange.local_files import roots_below, tree_of
from engine.exchange.mlflow_logged_models import kept_logged_model
from engine.exchange.mlflow_models import kept_models
from engine.exchange.model import SourceRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.exchange.mlflow_logged_models import SourceLoggedModel
    from engine.exchange.model import SkippedList, SourceModel
    from engine.exchange.source import FileTree
    from engine.tracking.model import DatasetInput, ExperimentImport

META = "meta.yaml"
POINTS_PER_GROUP = 20_000
RUNS_PER_GROUP = 100

_TRASH, _MODELS, _DATASETS = ".trash", "models", "datasets"
_STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


class MlflowFolder:
    """Reads an `mlruns` folder without ever writing to it.

    Args:
        path: The folder.
        roots: Folders that artifacts may be read from, besides this one.

    Raises:
        NotFound: there is no such folder.
        InvalidInput: it holds no experiment.
    """

    def __init__(self, path: Path, roots: Sequence[Path] = ()) -> None:
        if not path.is_dir():
            raise NotFound(f"There is no folder {path}.", hint="Name an mlruns folder.")
        self.name = str(path)
        self._path = path.resolve()
        self._roots = roots_below(path, roots)
        self._names: dict[Path, str] = {}
        if not self._experiment_folders():
            raise InvalidInput(f"{path} holds no experiment.", hint="Name the folder that holds 0/meta.yaml.")

    def close(self) -> None:
        """Nothing is held open."""

    def mark(self) -> object:
        """Nothing cheap tells whether a file below has changed."""
        return None

    def experiments(self, skipped: SkippedList) -> Sequence[ExperimentImport]:
        """Every experiment that can be kept."""
        found = []
        for folder in self._experiment_folders():
            meta = self._meta(folder, "experiment", skipped)
            if meta is None:
                continue
            tags = [*_old_tags(meta), *read_pairs(self._path, folder / "tags", folder.name, skipped)]
            kept = kept_experiment({**meta, "tags": tags}, skipped)
            if kept is not None:
                self._names[folder] = kept.name
                found.append(kept)
        return found

    def run_count(self) -> int:
        """How many runs there are."""
        return sum(1 for folder in self._experiment_folders() for _ in self._run_folders(folder))

    def runs(self, seen: Mapping[str, str], skipped: SkippedList) -> Iterator[Sequence[SourceRun]]:
        """Groups of runs, experiment by experiment."""
        group: list[SourceRun] = []
        points = 0
        for experiment in self._experiment_folders():
            if experiment not in self._names:
                continue
            datasets = self._datasets(experiment, skipped)
            for folder in self._run_folders(experiment):
                stamp = stamp_of(folder)
                if seen.get(folder.name) == stamp:
                    continue
                run = self._run(experiment, folder, datasets, skipped)
                if run is None:
                    continue
                if group and (points + len(run.run.metrics) > POINTS_PER_GROUP or len(group) == RUNS_PER_GROUP):
                    yield group
                    group, points = [], 0
                group.append(SourceRun(run.run, run.root, stamp))
                points += len(run.run.metrics)
        if group:
            yield group

    def logged_models(self, skipped: SkippedList) -> Sequence[SourceLoggedModel]:
        """Every logged model that can be kept."""
        found = []
        for experiment, name in self._names.items():
            made = self._made_by(experiment, skipped)
            for folder in entries(self._path, experiment / _MODELS):
                meta = self._meta(folder, "logged model", skipped)
                if meta is None:
                    continue
                values = {
                    **meta,
                    "creation_timestamp_ms": meta.get("creation_timestamp"),
                    "last_updated_timestamp_ms": meta.get("last_updated_timestamp"),
                    "params": read_pairs(self._path, folder / "params", folder.name, skipped),
                    "tags": read_pairs(self._path, folder / "tags", folder.name, skipped),
                    "made_by": made.get(folder.name, ()),
                }
                metrics = read_model_metrics(self._path, folder / "metrics", folder.name, skipped)
                kept = kept_logged_model(name, values, metrics, skipped)
                if kept is not None:
                    found.append(kept)
        return found

    def _made_by(self, experiment: Path, skipped: SkippedList) -> dict[str, list[tuple[str, int]]]:
        """The runs of an experiment that made each of its models, with the step."""
        found: dict[str, list[tuple[str, int]]] = {}
        for run in self._run_folders(experiment):
            for folder in entries(self._path, run / "outputs"):
                meta = self._meta(folder, "logged model", skipped)
                if meta is not None:
                    found.setdefault(folder.name, []).append((run.name, whole(meta.get("step")) or 0))
        return found

    def models(self, skipped: SkippedList) -> Sequence[SourceModel]:
        """Every registered model that can be kept, with its versions."""
        rows: dict[str, list[Mapping[str, Any]]] = {
            "registered_models": [],
            "registered_model_tags": [],
            "registered_model_aliases": [],
            "model_versions": [],
            "model_version_tags": [],
        }
        for folder in entries(self._path, self._path / _MODELS):
            meta = self._meta(folder, "model", skipped)
            if meta is not None:
                self._add_model(folder, meta, rows, skipped)
        return kept_models(rows, skipped)

    def tree(self, root: str) -> FileTree | str:
        """The files below a root, or why they cannot be reached."""
        return tree_of(root, self._path.parent, self._roots)

    def _experiment_folders(self) -> list[Path]:
        folders = [*entries(self._path, self._path), *entries(self._path, self._path / _TRASH)]
        return [folder for folder in folders if folder.name not in (_MODELS, _TRASH) and (folder / META).is_file()]

    def _run_folders(self, experiment: Path) -> Iterator[Path]:
        for folder in entries(self._path, experiment):
            if folder.name not in (_MODELS, _DATASETS, "tags", "traces") and (folder / META).is_file():
                yield folder

    def _meta(self, folder: Path, kind: str, skipped: SkippedList) -> dict[str, Any] | None:
        try:
            return read_yaml(folder / META)
        except InvalidInput as error:
            skipped.add(kind, folder.relative_to(self._path).as_posix(), error.message)
            return None

    def _datasets(self, experiment: Path, skipped: SkippedList) -> dict[str, dict[str, Any]]:
        found = {}
        for folder in entries(self._path, experiment / _DATASETS):
            meta = self._meta(folder, "input", skipped)
            if meta is not None:
                found[folder.name] = meta
        return found

    def _run(
        self, experiment: Path, folder: Path, datasets: Mapping[str, Mapping[str, Any]], skipped: SkippedList
    ) -> SourceRun | None:
        meta = self._meta(folder, "run", skipped)
        if meta is None:
            return None
        values = {
            **meta,
            "run_id": meta.get("run_id") or meta.get("run_uuid"),
            "run_name": meta.get("run_name") or meta.get("name"),
            "status": _STATUSES.get(meta.get("status", 0), meta.get("status")),
            "params": read_pairs(self._path, folder / "params", folder.name, skipped),
            "tags": read_pairs(self._path, folder / "tags", folder.name, skipped),
            "inputs": tuple(self._inputs(folder, datasets, skipped)),
        }
        if values["run_id"] != folder.name:
            skipped.add("run", folder.name, "Its folder is not called like its id.")
            return None
        points = read_points(self._path, folder / "metrics", folder.name, skipped)
        run = kept_run(self._names[experiment], values, points, skipped)
        return None if run is None else SourceRun(run, text_or(meta.get("artifact_uri")), "")

    def _inputs(
        self, folder: Path, datasets: Mapping[str, Mapping[str, Any]], skipped: SkippedList
    ) -> Iterator[DatasetInput]:
        for entry in entries(self._path, folder / "inputs"):
            meta = self._meta(entry, "input", skipped)
            dataset = datasets.get(str(meta.get("source_id"))) if meta is not None else None
            if meta is None or dataset is None:
                continue
            kept = kept_input(folder.name, {**dataset, "tags": _old_tags(meta)}, skipped)
            if kept is not None:
                yield kept

    def _add_model(
        self, folder: Path, meta: dict[str, Any], rows: dict[str, list[Mapping[str, Any]]], skipped: SkippedList
    ) -> None:
        name = meta.get("name")
        rows["registered_models"].append(
            {
                "name": name,
                "description": meta.get("description"),
                "creation_time": meta.get("creation_timestamp"),
                "last_updated_time": meta.get("last_updated_timestamp"),
            }
        )
        for key, value in read_pairs(self._path, folder / "tags", folder.name, skipped):
            rows["registered_model_tags"].append({"name": name, "key": key, "value": value})
        for alias, number in read_pairs(self._path, folder / "aliases", folder.name, skipped):
            rows["registered_model_aliases"].append({"name": name, "alias": alias, "version": number})
        for entry in entries(self._path, folder):
            version = self._meta(entry, "version", skipped) if entry.name.startswith("version-") else None
            if version is not None:
                self._add_version(name, entry, version, rows, skipped)

    def _add_version(
        self,
        name: object,
        folder: Path,
        meta: dict[str, Any],
        rows: dict[str, list[Mapping[str, Any]]],
        skipped: SkippedList,
    ) -> None:
        number = meta.get("version")
        wanted = ("description", "user_id", "current_stage", "source", "run_id", "storage_location", "run_link")
        rows["model_versions"].append(
            {
                **{column: meta.get(column) for column in wanted},
                "name": name,
                "version": number,
                "creation_time": meta.get("creation_timestamp"),
                "last_updated_time": meta.get("last_updated_timestamp"),
            }
        )
        for key, value in read_pairs(self._path, folder / "tags", f"{name}/{number}", skipped):
            rows["model_version_tags"].append({"name": name, "version": number, "key": key, "value": value})


def _old_tags(meta: Mapping[str, Any]) -> list[tuple[str, Any]]:
    tags = meta.get("tags")
    return list(tags.items()) if isinstance(tags, dict) else []
