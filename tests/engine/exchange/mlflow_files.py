"""MLflow sources made without MLflow: its database's tables and its folder's files, as far as an import reads them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT,
    creation_time BIGINT, last_update_time BIGINT, workspace TEXT DEFAULT 'default');
CREATE TABLE experiment_tags (key TEXT, value TEXT, experiment_id INTEGER);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT,
    lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER, deleted_time BIGINT);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE TABLE latest_metrics (key TEXT, value FLOAT, timestamp BIGINT, step BIGINT, is_nan BOOLEAN, run_uuid TEXT,
    PRIMARY KEY (key, run_uuid));
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE datasets (dataset_uuid TEXT, experiment_id INTEGER, name TEXT, digest TEXT, dataset_source_type TEXT,
    dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT,
    step BIGINT DEFAULT 0);
CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT);
CREATE TABLE registered_models (name TEXT, creation_time BIGINT, last_updated_time BIGINT, description TEXT);
CREATE TABLE registered_model_tags (key TEXT, value TEXT, name TEXT);
CREATE TABLE registered_model_aliases (alias TEXT, version INTEGER, name TEXT);
CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time BIGINT, last_updated_time BIGINT,
    description TEXT, user_id TEXT, current_stage TEXT, source TEXT, run_id TEXT, storage_location TEXT, run_link TEXT);
CREATE TABLE model_version_tags (key TEXT, value TEXT, name TEXT, version INTEGER);
CREATE TABLE logged_models (model_id TEXT, experiment_id INTEGER, name TEXT, artifact_location TEXT,
    creation_timestamp_ms BIGINT, last_updated_timestamp_ms BIGINT, status INTEGER, lifecycle_stage TEXT,
    model_type TEXT, source_run_id TEXT, status_message TEXT);
CREATE TABLE logged_model_params (model_id TEXT, param_key TEXT, param_value TEXT);
CREATE TABLE logged_model_tags (model_id TEXT, tag_key TEXT, tag_value TEXT);
CREATE TABLE logged_model_metrics (model_id TEXT, metric_name TEXT, metric_timestamp_ms BIGINT, metric_step BIGINT,
    metric_value FLOAT, run_id TEXT, dataset_name TEXT, dataset_digest TEXT);
"""

Points = Sequence[tuple[str, object, object, object]]
"""Key, value, step, time in ms; None for a value is NaN."""

RUN = "a" * 32
CHILD = "b" * 32
MODEL = f"m-{'c' * 32}"


@dataclass
class MlflowFile:
    """An MLflow database in the making.

    Args:
        path: The file.
        schema: Its tables; those of an older MLflow have fewer columns.
    """

    path: Path
    schema: str = TABLES
    _next: int = field(default=1, init=False)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(self.schema)

    def insert(self, table: str, **values: object) -> None:
        """Add a row; columns that the schema has not are left out."""
        with closing(sqlite3.connect(self.path)) as connection:
            had = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            kept = {key: value for key, value in values.items() if key in had}
            marks = ", ".join("?" * len(kept))
            connection.execute(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})", tuple(kept.values()))
            connection.commit()

    def run_sql(self, sql: str, *values: object) -> None:
        """Change what is there, as MLflow's own writer would."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute(sql, values)
            connection.commit()

    def experiment(self, name: object = "sweep", *, key: int = 1, deleted: bool = False, **tags: str) -> int:
        """Add an experiment; its id."""
        stage = "deleted" if deleted else "active"
        root = self.path.parent / "mlartifacts" / str(key)
        self.insert("experiments", experiment_id=key, name=name, artifact_location=str(root), lifecycle_stage=stage,
                    creation_time=1_000, last_update_time=2_000)  # fmt: skip
        for tag, value in tags.items():
            self.insert("experiment_tags", key=tag, value=value, experiment_id=key)
        return key

    def run(self, run_id: str = RUN, *, experiment: int = 1, points: Points = (), **given: Any) -> Path:
        """Add a run; the folder of its artifacts, which is not made."""
        params: Mapping[str, object] = given.pop("params", {})
        tags: Mapping[str, object] = given.pop("tags", {})
        root = self.path.parent / "mlartifacts" / str(experiment) / run_id / "artifacts"
        row = {"name": "first", "user_id": "grace", "status": "FINISHED", "start_time": 5_000, "end_time": 9_000,
               "lifecycle_stage": "active", "artifact_uri": root.as_uri()} | given  # fmt: skip
        self.insert("runs", run_uuid=run_id, experiment_id=experiment, **row)
        for table, pairs in (("params", params), ("tags", tags)):
            for key, value in pairs.items():
                self.insert(table, key=key, value=value, run_uuid=run_id)
        self.log(run_id, points)
        return root

    def log(self, run_id: str, points: Points) -> None:
        """Add metric points, and keep the latest of each key up."""
        latest: dict[str, tuple[Any, ...]] = {}
        with closing(sqlite3.connect(self.path)) as connection:
            for key, value, step, time_ms in points:
                row = (key, 0.0 if value is None else value, time_ms, run_id, step, value is None)
                connection.execute("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)"
                                   " VALUES (?, ?, ?, ?, ?, ?)", row)  # fmt: skip
                place = (step or 0, time_ms, value is None, row[1])
                if isinstance(row[1], float) and (key not in latest or place > latest[key]):
                    latest[key] = place
            for key, (step, time_ms, is_nan, value) in latest.items():
                connection.execute("INSERT OR REPLACE INTO latest_metrics (key, value, timestamp, step, is_nan,"
                                   " run_uuid) VALUES (?, ?, ?, ?, ?, ?)",
                                   (key, value, time_ms, step, is_nan, run_id))  # fmt: skip
            connection.commit()

    def dataset(self, run_id: str, name: str, digest: str, context: str, rows: int = 3) -> None:
        """Note that a run read a dataset."""
        number, self._next = self._next, self._next + 1
        self.insert("datasets", dataset_uuid=f"d{number}", experiment_id=1, name=name, digest=digest,
                    dataset_source_type="local", dataset_source='{"uri": "x.csv"}', dataset_schema='{"c": "long"}',
                    dataset_profile=json.dumps({"num_rows": rows}))  # fmt: skip
        self.insert("inputs", input_uuid=f"i{number}", source_type="DATASET", source_id=f"d{number}",
                    destination_type="RUN", destination_id=run_id)  # fmt: skip
        self.insert("input_tags", input_uuid=f"i{number}", name="mlflow.data.context", value=context)

    def logged_model(self, model_id: str = MODEL, run_id: str = RUN, **given: Any) -> Path:
        """Add a logged model; the folder of its files, which is not made."""
        root = self.path.parent / "mlartifacts" / "1" / "models" / model_id / "artifacts"
        row = {"experiment_id": 1, "name": "trees", "artifact_location": root.as_uri(), "creation_timestamp_ms": 6_000,
               "last_updated_timestamp_ms": 6_100, "status": 2, "lifecycle_stage": "active",
               "source_run_id": run_id} | given  # fmt: skip
        self.insert("logged_models", model_id=model_id, **row)
        self.insert("logged_model_params", model_id=model_id, param_key="depth", param_value="3")
        self.insert("logged_model_tags", model_id=model_id, tag_key="kind", tag_value="forest")
        measured = {"metric_name": "auc", "metric_timestamp_ms": 6_050, "metric_step": 1, "metric_value": 0.75}
        data = {"dataset_name": "cars", "dataset_digest": "d1"}
        self.insert("logged_model_metrics", model_id=model_id, run_id=run_id, **measured, **data)
        self.insert("inputs", input_uuid=model_id, source_type="RUN_OUTPUT", source_id=run_id,
                    destination_type="MODEL_OUTPUT", destination_id=model_id, step=4)  # fmt: skip
        return root

    def model(self, name: str = "churn", **tags: str) -> None:
        """Add a registered model."""
        self.insert("registered_models", name=name, creation_time=6_000, last_updated_time=7_000, description="who")
        for key, value in tags.items():
            self.insert("registered_model_tags", key=key, value=value, name=name)

    def version(self, number: object, name: str = "churn", **given: Any) -> None:
        """Add a version of it."""
        tags: Mapping[str, str] = given.pop("tags", {})
        row = {"creation_time": 6_500, "last_updated_time": 6_900, "description": "", "user_id": "grace",
               "current_stage": "None", "run_link": "http://x/1", "source": f"runs:/{RUN}/model",
               "run_id": RUN} | given  # fmt: skip
        self.insert("model_versions", name=name, version=number, **row)
        for key, value in tags.items():
            self.insert("model_version_tags", key=key, value=value, name=name, version=number)

    def alias(self, alias: str, number: int, name: str = "churn") -> None:
        """Add an alias."""
        self.insert("registered_model_aliases", alias=alias, version=number, name=name)


def write(path: Path, text: str) -> Path:
    """A file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def everything(path: Path) -> MlflowFile:
    """A database with one of each thing."""
    made = MlflowFile(path)
    made.experiment("sweep", team="risk")
    made.experiment("old", key=2, deleted=True)
    points = [("loss", 2.0, 0, 5_100), ("loss", 1.0, 1, 5_200), ("odd", None, 0, 5_100),
              ("up", 1.7976931348623157e308, 0, 5_100), ("down", -1.7976931348623157e308, 0, 5_100)]  # fmt: skip
    tags = {"mlflow.note.content": "a note", "mlflow.user": "grace", "team": "risk"}
    root = made.run(RUN, points=points, params={"lr": "0.1"}, tags=tags)
    write(root / "model" / "MLmodel", "flavors: {}\n")
    write(root / "plots" / "roc.txt", "curve")
    made.run(CHILD, name="second", status="RUNNING", end_time=None, tags={"mlflow.parentRunId": RUN})
    made.run("c" * 32, experiment=2, name="gone", lifecycle_stage="deleted", deleted_time=9_500)
    made.dataset(RUN, "cars", "d1", "training")
    write(made.logged_model() / "MLmodel", "flavors: {trees: {}}\n")
    made.model(owner="ada")
    made.version(1, current_stage="Archived")
    made.version(2, current_stage="Production", tags={"checked": "yes"})
    made.alias("champion", 2)
    return made


def folder_run(root: Path, run_id: str = RUN, **given: Any) -> Path:
    """A run in an `mlruns` folder; its folder. The experiment `7` is made with it."""
    write(root / "7" / "meta.yaml", "experiment_id: '7'\nname: sweep\nlifecycle_stage: active\ncreation_time: 1000\n"
                                    "last_update_time: 2000\n")  # fmt: skip
    folder = root / "7" / run_id
    meta = {"run_id": run_id, "run_name": "first", "status": 3, "start_time": 5_000, "end_time": 9_000,
            "user_id": "grace", "lifecycle_stage": "active",
            "artifact_uri": (folder / "artifacts").as_uri()} | given  # fmt: skip
    write(folder / "meta.yaml", json.dumps(meta))  # JSON is YAML
    return folder
