"""SQL of models, their tags and aliases. Functions take a transaction or a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.core.query import number_of
from engine.db.transaction import Snapshot, Transaction
from engine.registry.model import Model

_COLUMNS = "m.id, m.name, m.description, m.owner, m.created_ms, m.updated_ms"
_CHUNK = 500


def insert_model(tx: Transaction, *, name: str, description: str, owner: str) -> int:
    """Store a new model.

    Returns:
        Its integer key.

    Raises:
        sqlite3.IntegrityError: the name is taken.
    """
    sql = "INSERT INTO model (name, description, owner, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?)"
    return int(tx.execute(sql, (name, description, owner, tx.now_ms, tx.now_ms)).lastrowid or 0)


def model(view: Snapshot, name: str) -> Model | None:
    """The model of that name, or `None`."""
    row = view.execute(f"SELECT {_COLUMNS} FROM model m WHERE m.name = ?", (name,)).fetchone()
    return None if row is None else _hydrated(view, [row])[0]


def models(view: Snapshot, row_ids: Sequence[int]) -> tuple[Model, ...]:
    """The models of these integer keys, in their order; those that do not exist are left out."""
    found: dict[int, Model] = {}
    for start in range(0, len(row_ids), _CHUNK):
        chunk = row_ids[start : start + _CHUNK]
        rows = view.execute(f"SELECT {_COLUMNS} FROM model m WHERE m.id IN ({_marks(len(chunk))})", chunk).fetchall()
        found.update((each.row_id, each) for each in _hydrated(view, rows))
    return tuple(found[row_id] for row_id in row_ids if row_id in found)


def names(view: Snapshot) -> tuple[str, ...]:
    """The names of all models, for suggestions."""
    return tuple(name for (name,) in view.execute("SELECT name FROM model ORDER BY name"))


def holder(view: Snapshot, name: str) -> str | None:
    """What has a name: `model`, `prompt`, or `None`; they share one space of names."""
    sql = """SELECT 'model' FROM model WHERE name = ?1 UNION ALL SELECT 'prompt' FROM prompt WHERE name = ?1"""
    row = view.execute(sql, (name,)).fetchone()
    return None if row is None else str(row[0])


def update_text(tx: Transaction, row_id: int, *, description: str, owner: str) -> None:
    """Change a model's description and owner."""
    sql = "UPDATE model SET description = ?, owner = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (description, owner, tx.now_ms, row_id))


def rename(tx: Transaction, row_id: int, name: str) -> None:
    """Give a model another name.

    Raises:
        sqlite3.IntegrityError: the name is taken.
    """
    tx.execute("UPDATE model SET name = ?, updated_ms = ? WHERE id = ?", (name, tx.now_ms, row_id))


def touch(tx: Transaction, name: str) -> None:
    """Note that something of a model changed."""
    tx.execute("UPDATE model SET updated_ms = ? WHERE name = ?", (tx.now_ms, name))


def delete(tx: Transaction, row_id: int) -> None:
    """Remove a model and all it owns; the numbers given out under its name stay used."""
    tx.execute("DELETE FROM model WHERE id = ?", (row_id,))


def set_tag(tx: Transaction, row_id: int, key: str, value: str | None) -> None:
    """Set a model's tag, or remove it when `value` is `None`."""
    if value is None:
        tx.execute("DELETE FROM model_tag WHERE model = ? AND key = ?", (row_id, key))
    else:
        sql = """INSERT INTO model_tag VALUES (?, ?, ?, ?)
            ON CONFLICT (model, key) DO UPDATE SET value = excluded.value, number = excluded.number"""
        tx.execute(sql, (row_id, key, value, number_of(value)))
    tx.execute("UPDATE model SET updated_ms = ? WHERE id = ?", (tx.now_ms, row_id))


def alias_target(view: Snapshot, name: str, alias: str) -> int | None:
    """The number of the version that an alias points to, or `None`."""
    sql = """SELECT v.number FROM model_alias a JOIN model m ON m.id = a.model JOIN model_version v ON v.id = a.version
        WHERE m.name = ? AND a.alias = ?"""
    row = view.execute(sql, (name, alias)).fetchone()
    return None if row is None else int(row[0])


def point_alias(tx: Transaction, name: str, alias: str, version_id: int | None) -> None:
    """Let an alias point to the version of that integer key, or remove it when `None`."""
    if version_id is None:
        tx.execute(
            "DELETE FROM model_alias WHERE model = (SELECT id FROM model WHERE name = ?) AND alias = ?", (name, alias)
        )
        return
    sql = """INSERT INTO model_alias (model, alias, version) SELECT id, ?, ? FROM model WHERE name = ?
        ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version"""
    tx.execute(sql, (alias, version_id, name))


def _marks(count: int) -> str:
    return ",".join("?" * count)


def _hydrated(view: Snapshot, rows: Sequence[tuple[Any, ...]]) -> tuple[Model, ...]:
    """Add to model rows what other tables hold."""
    ids = [row[0] for row in rows]
    marks = _marks(len(ids))
    tags: dict[int, dict[str, str]] = {}
    for row_id, key, value in view.execute(f"SELECT model, key, value FROM model_tag WHERE model IN ({marks})", ids):
        tags.setdefault(row_id, {})[key] = value
    aliases: dict[int, dict[str, int]] = {}
    sql = f"""SELECT a.model, a.alias, v.number FROM model_alias a JOIN model_version v ON v.id = a.version
        WHERE a.model IN ({marks}) ORDER BY a.alias"""
    for row_id, alias, number in view.execute(sql, ids):
        aliases.setdefault(row_id, {})[alias] = number
    counts = _counts(view, ids)
    staged = _staged(view, ids)
    return tuple(
        replace(
            Model(*row),
            versions=counts.get(row[0], (0, None))[0],
            latest=counts.get(row[0], (0, None))[1],
            production=staged.get((row[0], "Production"), ()),
            staging=staged.get((row[0], "Staging"), ()),
            tags=tags.get(row[0], {}),
            aliases=aliases.get(row[0], {}),
        )
        for row in rows
    )


def _counts(view: Snapshot, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    sql = f"SELECT model, count(*), max(number) FROM model_version WHERE model IN ({_marks(len(ids))}) GROUP BY model"
    return {row_id: (count, greatest) for row_id, count, greatest in view.execute(sql, ids)}


def _staged(view: Snapshot, ids: Sequence[int]) -> dict[tuple[int, str], tuple[int, ...]]:
    staged: dict[tuple[int, str], tuple[int, ...]] = {}
    sql = f"""SELECT model, stage, number FROM model_version
        WHERE stage IN ('Production', 'Staging') AND model IN ({_marks(len(ids))}) ORDER BY number"""
    for row_id, stage, number in view.execute(sql, ids):
        staged[row_id, stage] = (*staged.get((row_id, stage), ()), number)
    return staged
