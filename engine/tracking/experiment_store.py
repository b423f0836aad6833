"""SQL of experiments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db.transaction import Snapshot, Transaction

ExperimentRow = tuple[int, str, int, int, "int | None"]
"""id, name, created_ms, updated_ms, deleted_ms."""

_COLUMNS = "id, name, created_ms, updated_ms, deleted_ms"


def find(snapshot: Snapshot, name: str) -> ExperimentRow | None:
    """The experiment of that name, deleted or not."""
    row: ExperimentRow | None = snapshot.execute(
        f"SELECT {_COLUMNS} FROM experiment WHERE name = ?", (name,)
    ).fetchone()
    return row


def by_id(snapshot: Snapshot, experiment: int) -> ExperimentRow | None:
    """The experiment of that integer key, deleted or not."""
    row: ExperimentRow | None = snapshot.execute(
        f"SELECT {_COLUMNS} FROM experiment WHERE id = ?", (experiment,)
    ).fetchone()
    return row


def everything(snapshot: Snapshot) -> list[ExperimentRow]:
    """All experiments."""
    return snapshot.execute(f"SELECT {_COLUMNS} FROM experiment").fetchall()


def names(snapshot: Snapshot) -> list[str]:
    """The names of all experiments, the newest 1,000."""
    return [row[0] for row in snapshot.execute("SELECT name FROM experiment ORDER BY id DESC LIMIT 1000")]


def tags(snapshot: Snapshot, experiment: int) -> dict[str, str]:
    """One experiment's tags."""
    return dict(snapshot.execute("SELECT key, value FROM experiment_tag WHERE experiment = ?", (experiment,)))


def all_tags(snapshot: Snapshot) -> dict[int, dict[str, str]]:
    """The tags of every experiment that has any, by experiment id."""
    found: dict[int, dict[str, str]] = {}
    for experiment, key, value in snapshot.execute("SELECT experiment, key, value FROM experiment_tag"):
        found.setdefault(experiment, {})[key] = value
    return found


def tags_of(snapshot: Snapshot, experiments: Sequence[int]) -> dict[int, dict[str, str]]:
    """The tags of several experiments, by experiment id; those that have none are left out."""
    sql = """SELECT experiment, key, value FROM experiment_tag
             WHERE experiment IN (SELECT value FROM json_each(?)) ORDER BY experiment, key"""
    found: dict[int, dict[str, str]] = {}
    for experiment, key, value in snapshot.execute(sql, (json.dumps(list(experiments)),)):
        found.setdefault(experiment, {})[key] = value
    return found


def run_counts(snapshot: Snapshot, experiments: Sequence[int]) -> dict[int, int]:
    """How many runs that are not deleted each of these experiments has."""
    sql = """SELECT value, (SELECT count(*) FROM run INDEXED BY run_in_experiment
                            WHERE experiment = value AND deleted_ms IS NULL) FROM json_each(?)"""
    return dict(snapshot.execute(sql, (json.dumps(list(experiments)),)))


def insert(tx: Transaction, name: str, tags: Mapping[str, str], experiment_id: int | None = None) -> int:
    """Add an experiment, under that id or the next; its id."""
    sql = "INSERT INTO experiment (id, name, created_ms, updated_ms) VALUES (?, ?, ?, ?)"
    experiment = tx.execute(sql, (experiment_id, name, tx.now_ms, tx.now_ms)).lastrowid or 0
    rows = [(experiment, key, value) for key, value in tags.items()]
    tx.executemany("INSERT INTO experiment_tag VALUES (?, ?, ?)", rows)
    return experiment


def rename(tx: Transaction, experiment: int, name: str) -> None:
    """Give an experiment another name."""
    tx.execute("UPDATE experiment SET name = ?, updated_ms = ? WHERE id = ?", (name, tx.now_ms, experiment))


def set_tag(tx: Transaction, experiment: int, key: str, value: str | None) -> None:
    """Set a tag, or remove it when the value is `None`."""
    if value is None:
        tx.execute("DELETE FROM experiment_tag WHERE experiment = ? AND key = ?", (experiment, key))
    else:
        tx.execute("INSERT OR REPLACE INTO experiment_tag VALUES (?, ?, ?)", (experiment, key, value))
    tx.execute("UPDATE experiment SET updated_ms = ? WHERE id = ?", (tx.now_ms, experiment))


def delete(tx: Transaction, experiment: int) -> int:
    """Delete an experiment and its active runs with the same mark; how many runs."""
    sql = "UPDATE experiment SET deleted_ms = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (tx.now_ms, tx.now_ms, experiment))
    sql = "UPDATE run SET deleted_ms = ? WHERE experiment = ? AND deleted_ms IS NULL"
    return tx.execute(sql, (tx.now_ms, experiment)).rowcount


def restore(tx: Transaction, experiment: int, deleted_ms: int) -> int:
    """Bring an experiment back, with the runs deleted together with it; how many runs."""
    sql = "UPDATE experiment SET deleted_ms = NULL, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (tx.now_ms, experiment))
    sql = "UPDATE run SET deleted_ms = NULL WHERE experiment = ? AND deleted_ms = ?"
    return tx.execute(sql, (experiment, deleted_ms)).rowcount
