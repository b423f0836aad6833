"""SQL of batches of predictions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.scoring.model import InputFile, Scoring, State
from engine.tables.model import FileKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.scoring.manifest import Manifest

KEPT_INPUTS = 100
"""Inputs that the workspace names; the manifest names all."""

_COLUMNS = """id, model, number, digest, runtime, inputs, input_files, output, format, rows, refused, parts, parts_done,
    state, problem, actor, began_ms, ended_ms"""


def add(tx: Transaction, manifest: Manifest, version: int, output: str) -> int:
    """Write down that a run begins.

    Args:
        tx: The transaction.
        manifest: The run.
        version: The version's row.
        output: The folder.

    Returns:
        Its number.
    """
    row = (
        version,
        manifest.model,
        manifest.version,
        manifest.digest,
        manifest.runtime,
        json.dumps([asdict(each) for each in manifest.inputs[:KEPT_INPUTS]]),
        len(manifest.inputs),
        output,
        manifest.format.value,
        len(manifest.parts),
        tx.actor.name,
        tx.actor.on_behalf_of,
        tx.now_ms,
    )
    sql = """INSERT INTO scoring (version, model, number, digest, runtime, inputs, input_files, output, format, rows,
             refused, parts, parts_done, state, problem, actor, on_behalf_of, began_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 'running', '', ?, ?, ?)"""
    return tx.execute(sql, row).lastrowid or 0


def stand(tx: Transaction, scoring: int, totals: dict[str, int], state: State, problem: str) -> bool:
    """Write down how a run stands; whether there is such a run."""
    ended = None if state is State.RUNNING else tx.now_ms
    sql = "UPDATE scoring SET rows = ?, refused = ?, parts_done = ?, state = ?, problem = ?, ended_ms = ? WHERE id = ?"
    row = (totals["rows_read"], totals["refused"], totals["parts_done"], state.value, problem, ended, scoring)
    return tx.execute(sql, row).rowcount == 1


def is_of(view: Snapshot, scoring: int, output: str, digest: str) -> bool:
    """Whether a run of that number is the one that writes there with that version."""
    sql = "SELECT 1 FROM scoring WHERE id = ? AND output = ? AND digest = ?"
    return view.execute(sql, (scoring, output, digest)).fetchone() is not None


def get(view: Snapshot, scoring: int) -> Scoring | None:
    """A run, or `None`."""
    row = view.execute(f"SELECT {_COLUMNS} FROM scoring WHERE id = ?", (scoring,)).fetchone()
    return None if row is None else _scoring(row)


def page(view: Snapshot, *, version: int | None, limit: int, before: int | None) -> list[Scoring]:
    """Runs, the newest first; of one version's row, or all."""
    conditions, values = ["1"], list[Any]()
    if version is not None:
        conditions.append("version = ?")
        values.append(version)
    if before is not None:
        conditions.append("id < ?")
        values.append(before)
    sql = f"SELECT {_COLUMNS} FROM scoring WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"
    return [_scoring(row) for row in view.execute(sql, (*values, limit))]


def by_version(view: Snapshot, model: str, number: int, *, limit: int) -> list[Scoring]:
    """The newest runs of a version that exists."""
    sql = f"""SELECT {_COLUMNS} FROM scoring WHERE version = (
                SELECT v.id FROM model_version v JOIN model m ON m.id = v.model WHERE m.name = ? AND v.number = ?)
              ORDER BY id DESC LIMIT ?"""
    return [_scoring(row) for row in view.execute(sql, (model, number, limit))]


def by_input(view: Snapshot, digest: str, *, limit: int) -> list[Scoring]:
    """The newest runs that name a file of that digest; reads all runs, since only a lineage asks."""
    sql = f"""SELECT {_COLUMNS} FROM scoring WHERE EXISTS (
                SELECT 1 FROM json_each(inputs) WHERE json_extract(value, '$.digest') = ?)
              ORDER BY id DESC LIMIT ?"""
    return [_scoring(row) for row in view.execute(sql, (digest, limit))]


def _scoring(row: Sequence[Any]) -> Scoring:
    number, model, version, digest, runtime, inputs, files, *rest = row
    output, fmt, rows, refused, parts, parts_done, state, problem, actor, began_ms, ended_ms = rest
    told = tuple(InputFile(**{**each, "kind": FileKind(each["kind"])}) for each in json.loads(inputs))
    return Scoring(
        number,
        model,
        version,
        digest,
        runtime,
        told,
        files,
        output,
        fmt,
        rows,
        refused,
        parts,
        parts_done,
        State(state),
        problem,
        actor,
        began_ms,
        ended_ms,
    )
