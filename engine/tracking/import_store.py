"""SQL of importing: what is known of many runs at once, and bringing a known run up to what another place says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from engine.tracking.model import DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.model import ExperimentImport
    from engine.tracking.rules import StoredValue

PointRow = tuple[int, str, "StoredValue", int, int]
"""run, key, value, step, time_ms."""


class KnownRun(NamedTuple):
    """A run that is here already.

    Args:
        row_id: Its integer key.
        deleted_ms: When it was deleted, if it is.
    """

    row_id: int
    deleted_ms: int | None


class RunState(NamedTuple):
    """What an import may change of a run's own row; fields as the columns of `run`."""

    name: str
    status: str
    start_ms: int
    end_ms: int | None
    user: str
    note: str
    deleted_ms: int | None


def known(snapshot: Snapshot, run_ids: Iterable[str]) -> dict[str, KnownRun]:
    """Those of the runs that are here, by public id."""
    sql = "SELECT run_id, id, deleted_ms FROM run WHERE run_id IN (SELECT value FROM json_each(?))"
    rows = snapshot.execute(sql, (json.dumps(list(run_ids)),))
    return {run_id: KnownRun(row_id, deleted_ms) for run_id, row_id, deleted_ms in rows}


def update(tx: Transaction, row_id: int, state: RunState) -> bool:
    """Bring a run's row up; whether anything was different."""
    sql = """UPDATE run SET name = ?1, status = ?2, start_ms = ?3, end_ms = ?4, user = ?5, note = ?6, deleted_ms = ?7
             WHERE id = ?8 AND (name, status, start_ms, end_ms, user, note, deleted_ms)
                           IS NOT (?1, ?2, ?3, ?4, ?5, ?6, ?7)"""
    return tx.execute(sql, (*state, row_id)).rowcount == 1


def param_keys(snapshot: Snapshot, row_ids: Sequence[int]) -> dict[int, set[str]]:
    """The parameter keys of these runs, by integer key."""
    sql = """SELECT v.run, k.name FROM param v JOIN run_key k ON k.id = v.key
             WHERE v.run IN (SELECT value FROM json_each(?))"""
    found: dict[int, set[str]] = {row_id: set() for row_id in row_ids}
    for row_id, name in snapshot.execute(sql, (json.dumps(row_ids),)):
        found[row_id].add(name)
    return found


def points(snapshot: Snapshot, row_ids: Sequence[int]) -> list[PointRow]:
    """Every metric point of these runs, run by run."""
    sql = """SELECT m.run, k.name, m.value, m.step, m.time_ms FROM metric m JOIN run_key k ON k.id = m.key
             WHERE m.run IN (SELECT value FROM json_each(?))"""
    return snapshot.execute(sql, (json.dumps(row_ids),)).fetchall()


def link(tx: Transaction, parents: Iterable[tuple[str, str]]) -> int:
    """Put runs below their parents where both are here: (child, parent) each; how many were put elsewhere."""
    sql = """UPDATE run SET parent = (SELECT id FROM run WHERE run_id = ?2)
             WHERE run_id = ?1 AND EXISTS (SELECT 1 FROM run p WHERE p.run_id = ?2 AND p.id IS NOT run.parent)"""
    return max(0, tx.executemany(sql, parents).rowcount)


def insert_experiment(tx: Transaction, found: ExperimentImport) -> int:
    """Add an experiment with its times and tags; its integer key."""
    sql = """INSERT INTO experiment (id, name, created_ms, updated_ms, deleted_ms)
             SELECT iif(?1 = ?2 AND NOT EXISTS (SELECT 1 FROM experiment WHERE id = ?3), ?3, NULL), ?1, ?4, ?5, ?6"""
    default = (DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_ID)
    row = (found.name, *default, found.created_ms, found.updated_ms, found.deleted_ms)
    experiment = tx.execute(sql, row).lastrowid or 0
    set_experiment_tags(tx, experiment, found.tags)
    return experiment


def set_experiment_tags(tx: Transaction, experiment: int, tags: Mapping[str, str]) -> None:
    """Add and replace tags of an experiment, and leave its times alone."""
    rows = [(experiment, key, value) for key, value in tags.items()]
    tx.executemany("INSERT OR REPLACE INTO experiment_tag VALUES (?, ?, ?)", rows)


def mark_experiment(tx: Transaction, experiment: int, deleted_ms: int | None) -> None:
    """Delete an experiment, or bring it back with `None`; its runs come with their own marks."""
    tx.execute("UPDATE experiment SET deleted_ms = ? WHERE id = ?", (deleted_ms, experiment))


def set_model_state(tx: Transaction, row_id: int, state: tuple[str, str, int, int, int | None]) -> None:
    """Give a logged model its status, status message, and when it was made, changed and deleted."""
    sql = """UPDATE logged_model SET status = ?, status_message = ?, created_ms = ?, updated_ms = ?, deleted_ms = ?
             WHERE id = ?"""
    tx.execute(sql, (*state, row_id))


def model_uses(snapshot: Snapshot, model_ids: Iterable[str]) -> dict[str, list[tuple[str, str, int]]]:
    """The runs beside logged models: run id, `input` or `output`, and step each, by model id."""
    sql = """SELECT u.model_id, r.run_id, u.kind, u.step FROM run_model u JOIN run r ON r.id = u.run
             WHERE u.model_id IN (SELECT value FROM json_each(?)) ORDER BY r.run_id, u.kind"""
    found: dict[str, list[tuple[str, str, int]]] = {}
    for model_id, run_id, kind, step in snapshot.execute(sql, (json.dumps(list(model_ids)),)):
        found.setdefault(model_id, []).append((run_id, kind, step))
    return found
