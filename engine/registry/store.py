"""SQL of versions: rows, files, metrics, parameters, tags. Functions take a transaction or a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.artifacts.model import ManifestEntry
from engine.core.query import number_of
from engine.db.transaction import Snapshot, Transaction
from engine.registry.model import Signature, Stage, Version

_COLUMNS = """v.id, m.name, v.number, v.stage, v.stage_ms, v.run_id, v.artifact_path, v.digest, v.size_bytes, v.flavor,
    v.format, v.signature, v.data_name, v.data_digest, v.owner, v.description, v.created_ms, v.updated_ms,
    v.created_by, v.source, v.model_id, v.run_link"""
_STAGE, _SIGNATURE = 3, 11  # their places among the columns
_FROM = "FROM model_version v JOIN model m ON m.id = v.model"
_CHUNK = 500  # parameters a statement; far below SQLite's limit


def next_number(tx: Transaction, model: str) -> int:
    """Take the next version number under a name; it is never given out again."""
    sql = """INSERT INTO version_counter (name, last) VALUES (?, 1)
        ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last"""
    return int(tx.execute(sql, (model,)).fetchone()[0])


def carry_counter(tx: Transaction, old: str, new: str) -> None:
    """Let a new name go on counting where the old one was, or where it was itself if that is further."""
    sql = """INSERT INTO version_counter (name, last)
        SELECT ?, last FROM version_counter WHERE name = ?
        ON CONFLICT (name) DO UPDATE SET last = max(last, excluded.last)"""
    tx.execute(sql, (new, old))


def insert_version(tx: Transaction, model_id: int, version: Version, files: Iterable[ManifestEntry]) -> int:
    """Store a new version and all it owns.

    Args:
        tx: The caller's transaction.
        model_id: The model's integer key.
        version: What to store; its `row_id` and `aliases` are not looked at.
        files: Its files; paths differ.

    Returns:
        Its integer key.
    """
    signature = None if version.signature is None else json.dumps(version.signature.to_json())
    row = (
        model_id,
        version.version,
        version.stage.value,
        version.stage_ms,
        version.run_id,
        version.artifact_path,
        version.digest,
        version.size_bytes,
        version.flavor,
        version.format,
        signature,
        version.data_name,
        version.data_digest,
        version.owner,
        version.description,
        version.created_ms,
        version.updated_ms,
        version.created_by,
        version.source,
        version.model_id,
        version.run_link,
    )
    sql = """INSERT INTO model_version (model, number, stage, stage_ms, run_id, artifact_path, digest, size_bytes,
        flavor, format, signature, data_name, data_digest, owner, description, created_ms, updated_ms, created_by,
        source, model_id, run_link) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
    row_id = int(tx.execute(sql, row).lastrowid or 0)
    tx.executemany(
        "INSERT INTO version_file VALUES (?, ?, ?, ?)",
        [(row_id, each.path, each.digest, each.size_bytes) for each in files],
    )
    metrics = [(row_id, key, _from_float(value)) for key, value in version.metrics.items()]
    tx.executemany("INSERT INTO version_metric VALUES (?, ?, ?)", metrics)
    tx.executemany("INSERT INTO version_param VALUES (?, ?, ?, ?)", _texts(row_id, version.params))
    tx.executemany("INSERT INTO version_tag VALUES (?, ?, ?, ?)", _texts(row_id, version.tags))
    return row_id


def _texts(row_id: int, texts: Mapping[str, str]) -> list[tuple[int, str, str, float | None]]:
    return [(row_id, key, value, number_of(value)) for key, value in texts.items()]


def _from_float(value: float) -> float | str:
    return value if value == value else "NaN"  # noqa: PLR0124 NaN is what differs from itself


def version(view: Snapshot, model: str, number: int) -> Version | None:
    """The version of that number, or `None`."""
    row = view.execute(f"SELECT {_COLUMNS} {_FROM} WHERE m.name = ? AND v.number = ?", (model, number)).fetchone()
    return None if row is None else _hydrated(view, [row])[0]


def in_stage(view: Snapshot, model: str, stage: Stage) -> tuple[Version, ...]:
    """The versions of a model in a stage, the one that entered last first."""
    sql = f"""SELECT {_COLUMNS} {_FROM} WHERE m.name = ? AND v.stage = ?
        ORDER BY v.stage_ms DESC, v.number DESC"""
    return _hydrated(view, view.execute(sql, (model, stage.value)).fetchall())


def numbers(view: Snapshot, model: str, stages: Sequence[Stage]) -> tuple[int, ...]:
    """The numbers of a model's versions in any of the stages, ascending."""
    marks = _marks(len(stages))
    sql = f"SELECT v.number {_FROM} WHERE m.name = ? AND v.stage IN ({marks}) ORDER BY v.number"
    return tuple(number for (number,) in view.execute(sql, (model, *(stage.value for stage in stages))))


def newest_per_stage(view: Snapshot, names: Sequence[str]) -> dict[str, tuple[Version, ...]]:
    """The version of the greatest number in every stage, ascending, by the name of its model."""
    row_ids: list[int] = []
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        sql = f"""SELECT id FROM (SELECT v.id AS id, max(v.number) {_FROM} WHERE m.name IN ({_marks(len(chunk))})
            GROUP BY v.model, v.stage)"""
        row_ids += [row_id for (row_id,) in view.execute(sql, chunk)]
    found: dict[str, list[Version]] = {}
    for each in versions(view, row_ids):
        found.setdefault(each.model, []).append(each)
    return {name: tuple(sorted(each, key=lambda version: version.version)) for name, each in found.items()}


def latest(view: Snapshot, model: str) -> int | None:
    """The greatest version number that exists, or `None`."""
    number = view.execute(f"SELECT max(v.number) {_FROM} WHERE m.name = ?", (model,)).fetchone()[0]
    return None if number is None else int(number)


def versions(view: Snapshot, row_ids: Sequence[int]) -> tuple[Version, ...]:
    """The versions of these integer keys, in their order; those that do not exist are left out."""
    found: dict[int, Version] = {}
    for start in range(0, len(row_ids), _CHUNK):
        chunk = row_ids[start : start + _CHUNK]
        rows = view.execute(f"SELECT {_COLUMNS} {_FROM} WHERE v.id IN ({_marks(len(chunk))})", chunk).fetchall()
        found.update((each.row_id, each) for each in _hydrated(view, rows))
    return tuple(found[row_id] for row_id in row_ids if row_id in found)


def exists(view: Snapshot, row_id: int) -> bool:
    """Whether there is a version of that integer key."""
    return view.execute("SELECT 1 FROM model_version WHERE id = ?", (row_id,)).fetchone() is not None


def keys_of_run(view: Snapshot, run_id: str) -> tuple[tuple[str, int], ...]:
    """The (model, number) of every version that a run made."""
    sql = f"SELECT m.name, v.number {_FROM} WHERE v.run_id = ? ORDER BY m.name, v.number"
    return tuple(view.execute(sql, (run_id,)).fetchall())


def keys_of_data(view: Snapshot, data_digest: str) -> tuple[tuple[str, int], ...]:
    """The (model, number) of every version that names this training data."""
    sql = f"SELECT m.name, v.number {_FROM} WHERE v.data_digest = ? AND v.data_digest <> '' ORDER BY m.name, v.number"
    return tuple(view.execute(sql, (data_digest,)).fetchall())


def files(view: Snapshot, row_id: int) -> tuple[ManifestEntry, ...]:
    """The files of a version, by path."""
    sql = "SELECT path, digest, size_bytes FROM version_file WHERE version = ? ORDER BY path"
    return tuple(ManifestEntry(*row) for row in view.execute(sql, (row_id,)))


def set_stage(tx: Transaction, row_id: int, stage: Stage) -> None:
    """Put a version into a stage, from the transaction's time on."""
    sql = "UPDATE model_version SET stage = ?, stage_ms = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (stage.value, tx.now_ms, tx.now_ms, row_id))


def update_text(tx: Transaction, row_id: int, *, description: str, owner: str) -> None:
    """Change a version's description and owner."""
    sql = "UPDATE model_version SET description = ?, owner = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (description, owner, tx.now_ms, row_id))


def set_tag(tx: Transaction, row_id: int, key: str, value: str | None) -> None:
    """Set a version's tag, or remove it when `value` is `None`."""
    if value is None:
        tx.execute("DELETE FROM version_tag WHERE version = ? AND key = ?", (row_id, key))
    else:
        sql = """INSERT INTO version_tag VALUES (?, ?, ?, ?)
            ON CONFLICT (version, key) DO UPDATE SET value = excluded.value, number = excluded.number"""
        tx.execute(sql, (row_id, key, value, number_of(value)))
    tx.execute("UPDATE model_version SET updated_ms = ? WHERE id = ?", (tx.now_ms, row_id))


def delete_version(tx: Transaction, row_id: int) -> None:
    """Remove a version and all it owns, the aliases that point to it included."""
    tx.execute("DELETE FROM model_version WHERE id = ?", (row_id,))


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _hydrated(view: Snapshot, rows: Sequence[tuple[Any, ...]]) -> tuple[Version, ...]:
    """Add to version rows what other tables hold."""
    ids = [row[0] for row in rows]
    marks = _marks(len(ids))
    metrics = _grouped(view, f"SELECT version, key, value FROM version_metric WHERE version IN ({marks})", ids)
    params = _grouped(view, f"SELECT version, key, value FROM version_param WHERE version IN ({marks})", ids)
    tags = _grouped(view, f"SELECT version, key, value FROM version_tag WHERE version IN ({marks})", ids)
    aliases = _grouped(view, f"SELECT version, alias, 1 FROM model_alias WHERE version IN ({marks})", ids)
    return tuple(
        replace(
            _bare(row),
            params=params.get(row[0], {}),
            metrics={key: float(value) for key, value in metrics.get(row[0], {}).items()},
            tags=tags.get(row[0], {}),
            aliases=tuple(sorted(aliases.get(row[0], ()))),
        )
        for row in rows
    )


def _bare(row: Sequence[Any]) -> Version:
    fields = list(row)
    fields[_STAGE] = Stage(row[_STAGE])
    if row[_SIGNATURE] is not None:
        fields[_SIGNATURE] = Signature.from_json(json.loads(row[_SIGNATURE]))
    return Version(*fields)


def _grouped(view: Snapshot, sql: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    grouped: dict[int, dict[str, Any]] = {}
    for row_id, key, value in view.execute(sql, ids):
        grouped.setdefault(row_id, {})[key] = value
    return grouped
