"""SQL that reads an MLflow tracking database, of the newest schema or an older one: missing columns read as nothing."""

from __future__ import annotations

import json
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.exchange.intake import GREATEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Row = tuple[Any, ...]

_WANTED: Mapping[str, tuple[str, ...]] = {
    "experiments": ("experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time",
                    "last_update_time"),
    "runs": ("run_uuid", "experiment_id", "name", "status", "start_time", "end_time", "user_id", "lifecycle_stage",
             "deleted_time", "artifact_uri"),
    "registered_models": ("name", "creation_time", "last_updated_time", "description"),
    "model_versions": ("name", "version", "creation_time", "last_updated_time", "description", "user_id",
                       "current_stage", "source", "run_id", "storage_location", "run_link"),
    "registered_model_tags": ("name", "key", "value"),
    "registered_model_aliases": ("name", "alias", "version"),
    "model_version_tags": ("name", "version", "key", "value"),
    "experiment_tags": ("experiment_id", "key", "value"),
    "logged_models": ("model_id", "experiment_id", "name", "artifact_location", "creation_timestamp_ms",
                      "last_updated_timestamp_ms", "status", "lifecycle_stage", "model_type", "source_run_id",
                      "status_message"),
    "logged_model_params": ("model_id", "param_key", "param_value"),
    "logged_model_tags": ("model_id", "tag_key", "tag_value"),
    "logged_model_metrics": ("model_id", "metric_name", "metric_value", "metric_step", "metric_timestamp_ms", "run_id",
                             "dataset_name", "dataset_digest"),
    "inputs": ("source_type", "source_id", "destination_type", "destination_id", "step"),
}  # fmt: skip
_WAIT_S = 5.0
_OLD_VALUES = {"step": "0", "is_nan": "0"}


class MlflowTables:
    """The tables of an MLflow database, open for reading only.

    Every question is a transaction of its own: MLflow's own writers must not wait for an import.

    Args:
        path: The file.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT_S, isolation_level=None
        )
        # Whoever wrote the file may have written anything; one bad name must not end the import.
        self._connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        self._columns: dict[str, frozenset[str]] = {}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def columns(self, table: str) -> frozenset[str]:
        """The columns that a table has; none when there is no such table."""
        if table not in self._columns:
            rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            self._columns[table] = frozenset(name for (name,) in rows)
        return self._columns[table]

    def version(self) -> int:
        """A number that changes when another connection has changed the file."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def whole(self, table: str) -> list[dict[str, Any]]:
        """Every row of one of the small tables, by column; what the schema has not is `None`."""
        wanted = _WANTED[table]
        had = self.columns(table)
        if not had:
            return []
        return [dict(zip(wanted, row, strict=True)) for row in self._select(table, wanted, had)]

    def _select(self, table: str, wanted: Sequence[str], had: frozenset[str]) -> list[Row]:
        names = ", ".join(f'"{name}"' if name in had else "NULL" for name in wanted)
        return self._connection.execute(f'SELECT {names} FROM "{table}"').fetchall()

    def run_sizes(self) -> dict[str, int]:
        """How many metric points each run has, by run id; every run is there."""
        found = {run_id: 0 for (run_id,) in self._connection.execute("SELECT run_uuid FROM runs ORDER BY run_uuid")}
        rows = self._connection.execute("SELECT run_uuid, count(*) FROM metrics GROUP BY run_uuid")
        found.update((run_id, count) for run_id, count in rows if run_id in found)
        return found

    def runs(self, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of these runs, by column."""
        wanted, had = _WANTED["runs"], self.columns("runs")
        names = ", ".join(f'"{name}"' if name in had else "NULL" for name in wanted)
        sql = f"SELECT {names} FROM runs WHERE run_uuid IN (SELECT value FROM json_each(?))"
        return [dict(zip(wanted, row, strict=True)) for row in self._connection.execute(sql, (json.dumps(run_ids),))]

    def pairs(self, table: str, run_ids: Sequence[str]) -> Iterator[Row]:
        """Parameters or tags of these runs: run, key, value; `table` is `params` or `tags`."""
        sql = f"SELECT run_uuid, key, value FROM {table} WHERE run_uuid IN (SELECT value FROM json_each(?))"
        return self._connection.execute(sql, (json.dumps(run_ids),))

    def points(self, run_ids: Sequence[str]) -> list[Row]:
        """Metric points of these runs: run, key, value, step, time in ms, whether it is NaN."""
        return self._metrics("metrics", run_ids)

    def latest(self, run_ids: Sequence[str]) -> list[Row] | None:
        """Latest points of these runs, shaped as `points`; `None` where the schema keeps none."""
        return self._metrics("latest_metrics", run_ids) if self.columns("latest_metrics") else None

    def _metrics(self, table: str, run_ids: Sequence[str]) -> list[Row]:
        had = self.columns(table)
        step, is_nan = (name if name in had else instead for name, instead in _OLD_VALUES.items())
        sql = f"""SELECT run_uuid, key, CASE WHEN value = ?2 THEN 9e999 WHEN value = -?2 THEN -9e999 ELSE value END,
                         {step}, timestamp, {is_nan}
                  FROM {table} WHERE run_uuid IN (SELECT value FROM json_each(?1))"""
        return self._connection.execute(sql, (json.dumps(run_ids), GREATEST)).fetchall()

    def inputs(self, run_ids: Sequence[str]) -> list[Row]:
        """Datasets of these runs: run, name, digest, source type, source, schema, profile, tags as JSON."""
        if not (self.columns("datasets") and self.columns("inputs") and self.columns("input_tags")):
            return []
        sql = """SELECT i.destination_id, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema,
                        d.dataset_profile,
                        (SELECT json_group_array(json_array(t.name, t.value)) FROM input_tags t
                         WHERE t.input_uuid = i.input_uuid)
                 FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
                 WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN'
                   AND i.destination_id IN (SELECT value FROM json_each(?))"""
        return self._connection.execute(sql, (json.dumps(run_ids),)).fetchall()


def is_mlflow(tables: MlflowTables) -> bool:
    """Whether a database looks like MLflow's."""
    return {"experiment_id", "name"} <= tables.columns("experiments") and "run_uuid" in tables.columns("runs")
