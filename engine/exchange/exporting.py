"""Exporting: a workspace as an MLflow database with a folder of artifacts, which `mlflow` opens."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass
from functools import partial
from math import inf, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.core.errors import AlreadyExists, InvalidInput
from engine.db.disk import disk_errors, sync
from engine.exchange.intake import CONTEXT_TAG, GREATEST, NAME_TAG, NOTE_TAG, PARENT_TAG
from engine.exchange.mlflow_export_store import MlflowWriter
from engine.exchange.prompts import prompt_tags, version_tags
from engine.registry.model import Stage
from engine.tracking.logged_model_importing import LoggedModelImports
from engine.tracking.logged_model_model import LoggedModelQuery, LoggedModelStatus
from engine.tracking.model import RunQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engine.api import Engine
    from engine.core.paging import Page
    from engine.registry.model import Model, Version
    from engine.tracking.logged_model_importing import LoggedModelImport
    from engine.tracking.model import RunImport

    Progress = Callable[[str, int, int], None]

T = TypeVar("T")

DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
_RUNS_PER_READ = 200
_PAGE = 1_000
_CHUNK_BYTES = 1 << 20
_PROMPT_SOURCE = "prompt-template"
_MODELS_PER_READ = 100
_STATUSES = {LoggedModelStatus.PENDING: 1, LoggedModelStatus.READY: 2, LoggedModelStatus.FAILED: 3}
_UNSTAGED = {Stage.REGISTERED: "None"}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote.

    Args:
        path: The folder.
        database: The MLflow database in it.
        counts: How many of each kind were written.
    """

    path: str
    database: str
    counts: Mapping[str, int]


def export_mlflow(engine: Engine, folder: Path, progress: Progress = lambda _what, _done, _total: None) -> ExportReport:
    """Write everything that MLflow knows too: experiments, runs, histories, inputs, files, models and versions.

    Args:
        engine: The workspace.
        folder: The folder to make; it appears when everything is in it.
        progress: Told how far it is.

    Returns:
        What was written.

    Raises:
        AlreadyExists: there is something at that place.
        InvalidInput: an artifact would be written outside of its folder.
        IntegrityError: stored bytes are missing or have changed.
        WorkspaceFull: no space is left.
        WorkspaceReadOnly: the file system does not let us write.
        WorkspaceError: the disk failed.
    """
    folder = folder.absolute()
    if folder.exists():
        raise AlreadyExists(f"There is something at {folder} already.", hint="Name a folder that is not there yet.")
    building = folder.with_name(f"{folder.name}.{os.urandom(4).hex()}.part")
    try:
        with disk_errors(folder, "the export"):
            building.mkdir(parents=True)
            try:
                counts = _Export(engine, building, folder, progress).run()
                sync(building)
                building.rename(folder)
                sync(folder.parent)
            finally:
                shutil.rmtree(building, ignore_errors=True)
    except sqlite3.Error as error:
        raise InvalidInput(f"The MLflow database cannot be written: {error}.", hint="Is there space left?") from error
    return ExportReport(str(folder), str(folder / DATABASE), counts)


class _Export:
    """One export.

    Args:
        engine: The workspace.
        building: Where it is written.
        final: Where it will be; addresses of artifacts name it.
        progress: Told how far it is.
    """

    def __init__(self, engine: Engine, building: Path, final: Path, progress: Progress) -> None:
        self._engine = engine
        self._building = building
        self._final = final
        self._progress = progress
        self._experiments: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._writer = MlflowWriter(building / DATABASE)

    def run(self) -> Mapping[str, int]:
        """Write everything."""
        try:
            self._add_experiments()
            self._add_runs()
            self._add_logged_models()
            self._add_models()
            self._add_prompts()
            self._writer.finish()
        finally:
            self._writer.close()
        with (self._building / DATABASE).open("rb+") as file:
            os.fsync(file.fileno())
        return self._counts

    def _add(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        self._writer.add(table, rows)
        if rows:
            self._counts[table] = self._counts.get(table, 0) + len(rows)

    def _add_experiments(self) -> None:
        for each in _all(partial(self._engine.experiments.page, include_deleted=True)):
            self._experiments[each.name] = each.id
            row = (each.id, each.name, self._address(str(each.id)), each.lifecycle, each.created_ms, each.updated_ms)
            self._add("experiments", [row])
            self._add("experiment_tags", [(key, value, each.id) for key, value in each.tags.items()])

    def _add_runs(self) -> None:
        total = self._engine.runs.count(RunQuery(lifecycle="all"))
        done = 0
        for run_ids in self._run_ids():
            for run in self._engine.runs.export_runs(run_ids):
                self._add_run(run)
            done += len(run_ids)
            self._progress("exporting", done, max(done, total))

    def _run_ids(self) -> Iterator[list[str]]:
        token: str | None = None
        while True:
            page = self._engine.runs.page(RunQuery(lifecycle="all", limit=_RUNS_PER_READ, page_token=token))
            yield [run.run_id for run in page.items]
            token = page.next_page_token
            if token is None:
                return

    def _add_run(self, run: RunImport) -> None:
        run_id = run.run_id or ""
        experiment = self._experiments[run.experiment]
        below = f"{experiment}/{run_id}/artifacts"
        lifecycle = "active" if run.deleted_ms is None else "deleted"
        row = (run_id, run.name, "UNKNOWN", "", "", run.user, run.status.value.upper(), run.start_ms, run.end_ms, "",
               lifecycle, self._address(below), experiment, run.deleted_ms)  # fmt: skip
        self._add("runs", [row])
        self._add("params", [(key, value, run_id) for key, value in run.params.items()])
        self._add("tags", [(key, value, run_id) for key, value in _tags(run).items()])
        self._add_points(run_id, run)
        for number, dataset in enumerate(run.inputs):
            key = f"{dataset.name}\0{dataset.digest}"
            dataset_id, input_id = _uuid(f"{experiment}\0{key}"), _uuid(f"{run_id}\0{number}")
            known = (dataset.source_type or "local", dataset.source or "{}", dataset.schema, dataset.profile or None)
            self._add("datasets", [(dataset_id, experiment, dataset.name, dataset.digest[:36], *known)])
            self._add("inputs", [(input_id, "DATASET", dataset_id, "RUN", run_id, 0)])
            tags = dict(dataset.tags) | ({CONTEXT_TAG: dataset.context} if dataset.context else {})
            self._add("input_tags", [(input_id, key, value) for key, value in tags.items()])
        for file in run.files:
            self._copy(file.digest, f"{below}/{file.path}")

    def _add_points(self, run_id: str, run: RunImport) -> None:
        rows = []
        latest: dict[str, tuple[Any, ...]] = {}
        for key, value, step, time_ms in run.metrics:
            number, is_nan = (0.0, 1) if isnan(value) else (max(-GREATEST, min(GREATEST, value)), 0)
            rows.append((key, number, time_ms, run_id, step, is_nan))
            place = (step, time_ms, is_nan, inf if is_nan else number)
            if key not in latest or place > latest[key][0]:
                latest[key] = (place, (key, number, time_ms, step, is_nan, run_id))
        self._add("metrics", rows)
        self._add("latest_metrics", [row for _, row in latest.values()])

    def _add_logged_models(self) -> None:
        imports = LoggedModelImports(self._engine.database, self._engine.access)
        token: str | None = None
        while True:
            query = LoggedModelQuery(lifecycle="all", limit=_MODELS_PER_READ, page_token=token)
            page = self._engine.logged_models.page(query)
            for model in imports.export_models([each.model_id for each in page.items]):
                self._add_logged_model(model)
            token = page.next_page_token
            if token is None:
                return

    def _add_logged_model(self, model: LoggedModelImport) -> None:
        key, experiment = model.model_id, self._experiments[model.experiment]
        below = f"{experiment}/models/{key}/artifacts"
        lifecycle = "active" if model.deleted_ms is None else "deleted"
        times = (model.created_ms, model.updated_ms)
        state = (
            _STATUSES[model.status],
            lifecycle,
            model.model_type or None,
            model.run_id,
            model.status_message or None,
        )
        self._add("logged_models", [(key, experiment, model.name, self._address(below), *times, *state)])
        self._add("logged_model_params", [(key, experiment, name, value) for name, value in model.params.items()])
        self._add("logged_model_tags", [(key, experiment, name, value) for name, value in model.tags.items()])
        for each in model.metrics:
            value = None if isnan(each.value) else max(-GREATEST, min(GREATEST, each.value))
            data = (each.data_name or None, each.data_digest or None)
            row = (key, each.key, each.time_ms, each.step, value, experiment, each.run_id, *data)
            self._add("logged_model_metrics", [row])
        for run_id, step in model.made_by:
            self._add("inputs", [(_uuid(f"{run_id}\0{key}"), "RUN_OUTPUT", run_id, "MODEL_OUTPUT", key, step)])
        for run_id in model.read_by:
            self._add("inputs", [(_uuid(f"{key}\0{run_id}"), "RUN_INPUT", run_id, "MODEL_INPUT", key, 0)])
        for file in model.files:
            self._copy(file.digest, f"{below}/{file.path}")

    def _add_models(self) -> None:
        for model in _all(self._engine.models.page):
            self._add_model(model)

    def _add_model(self, model: Model) -> None:
        name = model.name
        self._add("registered_models", [(name, model.created_ms, model.updated_ms, model.description)])
        self._add("registered_model_tags", [(key, value, name) for key, value in model.tags.items()])
        self._add("registered_model_aliases", [(alias, number, name) for alias, number in model.aliases.items()])
        for version in _all(partial(self._engine.models.versions, name)):
            self._add_version(model, version)

    def _add_version(self, model: Model, version: Version) -> None:
        below = f"registry/{model.row_id}/{version.version}"
        stage = _UNSTAGED.get(version.stage, version.stage.value)
        files = self._engine.models.files(model.name, version.version)
        root = self._address(below) if files else version.source
        times = (version.created_ms, version.updated_ms)
        source = version.source if version.model_id and version.source.startswith("models:/") else root
        made = (version.description, version.created_by, stage, source, version.run_id, "READY", None)
        row = (model.name, version.version, *times, *made, version.run_link or None, root)
        self._add("model_versions", [row])
        tags = [(key, value, model.name, version.version) for key, value in version.tags.items()]
        self._add("model_version_tags", tags)
        for file in files:
            self._copy(file.digest, f"{below}/{file.path}")

    def _add_prompts(self) -> None:
        for prompt in _all(self._engine.prompts.page):
            name = prompt.name
            self._add("registered_models", [(name, prompt.created_ms, prompt.updated_ms, prompt.description)])
            tags = prompt_tags(prompt.tags)
            self._add("registered_model_tags", [(key, value, name) for key, value in tags.items()])
            self._add("registered_model_aliases", [(alias, number, name) for alias, number in prompt.aliases.items()])
            for each in _all(partial(self._engine.prompts.versions, name)):
                told = (each.commit_message, each.created_by, "None", _PROMPT_SOURCE, None, "READY", None, None, None)
                self._add("model_versions", [(name, each.version, each.created_ms, each.updated_ms, *told)])
                own = [(key, value, name, each.version) for key, value in version_tags(each).items()]
                self._add("model_version_tags", own)

    def _address(self, below: str) -> str:
        return (self._final / ARTIFACTS / below).as_uri()

    def _copy(self, digest: str, below: str) -> None:
        """Write the checked bytes of an object below the folder of artifacts."""
        root = self._building / ARTIFACTS
        target = root / below
        if not target.resolve().is_relative_to(root.resolve()):
            raise InvalidInput(f"The artifact {below} would be written outside of the export.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._engine.artifacts.open(digest) as stream, target.open("wb") as file:
            shutil.copyfileobj(stream, file, _CHUNK_BYTES)
        self._counts["files"] = self._counts.get("files", 0) + 1


def _all(ask: Callable[..., Page[T]]) -> Iterator[T]:
    """The items of every page of a list."""
    token: str | None = None
    while True:
        page = ask(limit=_PAGE, page_token=token)
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _tags(run: RunImport) -> dict[str, str]:
    """The run's tags, with those in which MLflow keeps what is a field here."""
    own = {NAME_TAG: run.name, NOTE_TAG: run.note, PARENT_TAG: run.parent_run_id or ""}
    return dict(run.tags) | {key: value for key, value in own.items() if value}


def _uuid(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:32]
