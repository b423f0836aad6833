"""SQL of what belongs to one run: data inputs, artifacts and the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.model import DatasetInput, Environment

ArtifactRow = tuple[str, str, int]
"""path, digest, size in bytes."""


def add_input(tx: Transaction, run: int, dataset: DatasetInput) -> None:
    """Note that a run read a dataset; the first schema and row count of a (name, digest) are kept."""
    found = tx.execute(
        "SELECT id FROM dataset WHERE name = ? AND digest = ?", (dataset.name, dataset.digest)
    ).fetchone()
    if found is None:
        sql = "INSERT INTO dataset (name, digest, schema, rows) VALUES (?, ?, ?, ?)"
        row = (dataset.name, dataset.digest, dataset.schema, dataset.rows)
        found = (tx.execute(sql, row).lastrowid,)
    tx.execute("INSERT OR IGNORE INTO run_dataset VALUES (?, ?, ?)", (run, found[0], dataset.context))


def inputs(snapshot: Snapshot, run: int) -> tuple[DatasetInput, ...]:
    """The datasets a run read, in the order in which they were first seen in the workspace."""
    sql = """SELECT d.name, d.digest, d.schema, d.rows, u.context
             FROM run_dataset u JOIN dataset d ON d.id = u.dataset WHERE u.run = ? ORDER BY d.id, u.context"""
    from engine.tracking.model import DatasetInput  # a list does without

    return tuple(DatasetInput(*row) for row in snapshot.execute(sql, (run,)))


def add_artifacts(tx: Transaction, run: int, files: Iterable[ArtifactRow]) -> None:
    """Put files under a run's paths, replacing what was there."""
    rows = [(run, path, digest, size_bytes, tx.now_ms) for path, digest, size_bytes in files]
    tx.executemany("INSERT OR REPLACE INTO artifact VALUES (?, ?, ?, ?, ?)", rows)


def artifacts(snapshot: Snapshot, run: int) -> list[ArtifactRow]:
    """Every file of a run, by path."""
    sql = "SELECT path, digest, size_bytes FROM artifact WHERE run = ? ORDER BY path"
    return snapshot.execute(sql, (run,)).fetchall()


def artifacts_under(snapshot: Snapshot, run: int, path: str) -> list[ArtifactRow]:
    """The file of exactly that path, or the files of the folder of that name (`0` sorts right after `/`)."""
    sql = """SELECT path, digest, size_bytes FROM artifact
             WHERE run = ? AND (path = ? OR (path > ? AND path < ?)) ORDER BY path"""
    return snapshot.execute(sql, (run, path, f"{path}/", f"{path}0")).fetchall()


def occupied(snapshot: Snapshot, run: int, paths: Iterable[str]) -> str | None:
    """The first of these paths at which a run has a file."""
    sql = "SELECT path FROM artifact WHERE run = ? AND path IN (SELECT value FROM json_each(?)) LIMIT 1"
    row = snapshot.execute(sql, (run, json.dumps(list(paths)))).fetchone()
    return None if row is None else str(row[0])


def has_folder(snapshot: Snapshot, run: int, path: str) -> bool:
    """Whether a run has files below that path."""
    sql = "SELECT 1 FROM artifact WHERE run = ? AND path > ? AND path < ? LIMIT 1"
    return snapshot.execute(sql, (run, f"{path}/", f"{path}0")).fetchone() is not None


def insert_environment(tx: Transaction, run: int, environment: Environment) -> None:
    """Keep what is known of a run's environment at its start; packages come later."""
    sql = """INSERT INTO run_environment (run, git_commit, git_dirty, python, seed, host, command_line, pid)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
    known = environment
    row = (run, known.git_commit, known.git_dirty, known.python, known.seed, known.host, known.command_line, known.pid)
    tx.execute(sql, row)


def complete_environment(tx: Transaction, run_id: str, packages: Mapping[str, str], git_dirty: bool | None) -> None:
    """Add what takes long to find out; runs of the same packages share one list."""
    text = json.dumps(dict(sorted(packages.items())), separators=(",", ":"))
    from hashlib import sha256  # loads OpenSSL; a list of runs does without

    digest = sha256(text.encode()).hexdigest()
    tx.execute("INSERT OR IGNORE INTO package_set (digest, packages) VALUES (?, ?)", (digest, text))
    sql = """UPDATE run_environment SET git_dirty = ?, packages = (SELECT id FROM package_set WHERE digest = ?)
             WHERE run = (SELECT id FROM run WHERE run_id = ?)"""
    tx.execute(sql, (git_dirty, digest, run_id))


def environment(snapshot: Snapshot, run: int) -> Environment | None:
    """Where a run executed, if that was captured."""
    sql = """SELECT e.git_commit, e.git_dirty, e.python, p.packages, e.seed, e.host, e.command_line, e.pid
             FROM run_environment e LEFT JOIN package_set p ON p.id = e.packages WHERE e.run = ?"""
    row = snapshot.execute(sql, (run,)).fetchone()
    if row is None:
        return None
    commit, dirty, python, packages, seed, host, command_line, pid = row
    from engine.tracking.model import Environment  # a list does without

    return Environment(
        git_commit=commit,
        git_dirty=None if dirty is None else bool(dirty),
        python=python,
        packages=json.loads(packages) if packages else {},
        seed=seed,
        host=host,
        command_line=command_line,
        pid=pid,
    )
