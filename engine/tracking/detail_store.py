"""SQL of what belongs to a run: the data and models it read and made, and the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.model import DatasetInput, Environment, ModelUse

ModelUseKind = Literal["input", "output"]
"""Whether a run read a logged model or made it."""


def add_input(tx: Transaction, run: int, dataset: DatasetInput) -> None:
    """Note that a run read a dataset; what was first told of a (name, digest), and of its use, is kept."""
    found = tx.execute(
        "SELECT id FROM dataset WHERE name = ? AND digest = ?", (dataset.name, dataset.digest)
    ).fetchone()
    if found is None:
        sql = "INSERT INTO dataset (name, digest, schema, rows, profile) VALUES (?, ?, ?, ?, ?)"
        row = (dataset.name, dataset.digest, dataset.schema, dataset.rows, dataset.profile)
        found = (tx.execute(sql, row).lastrowid,)
    use = (run, found[0], dataset.context)
    tx.execute("INSERT OR IGNORE INTO run_dataset VALUES (?, ?, ?, ?)", (*use, _source(tx, dataset)))
    tags = [(*use, key, value) for key, value in dataset.tags.items()]
    tx.executemany("INSERT OR IGNORE INTO run_dataset_tag VALUES (?, ?, ?, ?, ?)", tags)


def _source(tx: Transaction, dataset: DatasetInput) -> int | None:
    """The integer key of where a dataset came from; `None` when that was not said."""
    if not dataset.source_type and not dataset.source:
        return None
    from hashlib import sha256  # loads OpenSSL; a list of runs does without

    digest = sha256(f"{dataset.source_type}\0{dataset.source}".encode()).hexdigest()
    row = (digest, dataset.source_type, dataset.source)
    tx.execute("INSERT OR IGNORE INTO data_source (digest, type, location) VALUES (?, ?, ?)", row)
    return int(tx.execute("SELECT id FROM data_source WHERE digest = ?", (digest,)).fetchone()[0])


def inputs(snapshot: Snapshot, run: int) -> tuple[DatasetInput, ...]:
    """The datasets a run read, in the order in which they were first seen in the workspace."""
    return inputs_of(snapshot, [run]).get(run, ())


def inputs_of(snapshot: Snapshot, runs: Sequence[int]) -> dict[int, tuple[DatasetInput, ...]]:
    """The same of several runs at once; those that read none are left out."""
    sql = """SELECT u.run, d.id, u.context, d.name, d.digest, d.schema, d.rows, coalesce(s.type, ''),
                    coalesce(s.location, ''), d.profile
             FROM run_dataset u JOIN dataset d ON d.id = u.dataset LEFT JOIN data_source s ON s.id = u.source
             WHERE u.run IN (SELECT value FROM json_each(?)) ORDER BY u.run, d.id, u.context"""
    wanted = json.dumps(list(runs))
    rows = snapshot.execute(sql, (wanted,)).fetchall()
    if not rows:
        return {}
    tags: dict[tuple[int, int, str], dict[str, str]] = {}
    sql = """SELECT run, dataset, context, key, value FROM run_dataset_tag
             WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, dataset, context, key"""
    for run, dataset, context, key, value in snapshot.execute(sql, (wanted,)):
        tags.setdefault((run, dataset, context), {})[key] = value
    from engine.tracking.model import DatasetInput  # a list does without

    found: dict[int, tuple[DatasetInput, ...]] = {}
    for run, dataset, context, name, digest, schema, count, source_type, source, profile in rows:
        read = DatasetInput(
            name=name,
            digest=digest,
            schema=schema,
            rows=count,
            context=context,
            source_type=source_type,
            source=source,
            profile=profile,
            tags=tags.get((run, dataset, context), {}),
        )
        found[run] = (*found.get(run, ()), read)
    return found


def add_models(tx: Transaction, run: int, kind: ModelUseKind, models: Iterable[ModelUse]) -> None:
    """Note logged models that a run read (`input`) or made (`output`); the first step told of each is kept."""
    rows = [(run, kind, model.model_id, model.step) for model in models]
    tx.executemany("INSERT OR IGNORE INTO run_model VALUES (?, ?, ?, ?)", rows)


def models_of(snapshot: Snapshot, runs: Sequence[int]) -> dict[tuple[int, str], tuple[ModelUse, ...]]:
    """The logged models of several runs, by run and kind (`input`, `output`), each by step; empty ones left out."""
    sql = """SELECT run, kind, model_id, step FROM run_model
             WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, kind, step, model_id"""
    from engine.tracking.model import ModelUse  # a list does without

    found: dict[tuple[int, str], tuple[ModelUse, ...]] = {}
    for run, kind, model_id, step in snapshot.execute(sql, (json.dumps(list(runs)),)):
        found[run, kind] = (*found.get((run, kind), ()), ModelUse(model_id, step))
    return found


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
