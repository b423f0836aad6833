"""SQL of prompts and their versions. Functions take a transaction or a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.core.query import PROMPT_VERSIONS, PROMPTS, Entity, number_of
from engine.db.listing import Subject
from engine.db.transaction import Snapshot, Transaction
from engine.prompts.model import NewPrompt, Prompt, PromptKind, PromptVersion

PROMPT_LIST = Subject(
    schema=PROMPTS,
    row="p.id",
    source="prompt p",
    attributes={
        "name": "p.name",
        "description": "p.description",
        "creation_timestamp": "p.created_ms",
        "last_updated_timestamp": "p.updated_ms",
    },
    nullable=frozenset(),
    tables={Entity.TAG: "prompt_tag"},
    owner="prompt",
)
"""Prompts."""

VERSION_LIST = Subject(
    schema=PROMPT_VERSIONS,
    row="v.id",
    source="prompt_version v JOIN prompt p ON p.id = v.prompt",
    attributes={
        "name": "p.name",
        "kind": "v.kind",
        "template": "v.template",
        "commit_message": "v.commit_message",
        "user_id": "v.created_by",
        "version_number": "v.number",
        "creation_timestamp": "v.created_ms",
        "last_updated_timestamp": "v.updated_ms",
    },
    nullable=frozenset(),
    tables={Entity.TAG: "prompt_version_tag"},
    owner="version",
)
"""Versions of prompts."""

_PROMPT = "p.id, p.name, p.description, p.created_ms, p.updated_ms"
_VERSION = """v.id, p.name, v.number, v.kind, v.template, v.response_format, v.model_config, v.commit_message,
    v.created_ms, v.updated_ms, v.created_by"""
_KIND = 3  # its place among the columns
_FROM = "FROM prompt_version v JOIN prompt p ON p.id = v.prompt"
_CHUNK = 500  # parameters a statement; far below SQLite's limit


def insert_prompt(tx: Transaction, name: str, description: str) -> int:
    """Store a new prompt; its integer key."""
    sql = "INSERT INTO prompt (name, description, created_ms, updated_ms) VALUES (?, ?, ?, ?)"
    return int(tx.execute(sql, (name, description, tx.now_ms, tx.now_ms)).lastrowid or 0)


def insert_version(tx: Transaction, prompt: Prompt, new: NewPrompt) -> int:
    """Store the next version of a prompt; its number, which is never given again."""
    sql = """INSERT INTO prompt_counter (name, last) VALUES (?, 1)
        ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last"""
    number = int(tx.execute(sql, (prompt.name,)).fetchone()[0])
    sql = """INSERT INTO prompt_version (prompt, number, kind, template, response_format, model_config, commit_message,
        created_ms, updated_ms, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
    facts = (new.kind.value, new.template, new.response_format, new.model_config, new.commit_message)
    row = (prompt.row_id, number, *facts, tx.now_ms, tx.now_ms, tx.actor.name)
    row_id = int(tx.execute(sql, row).lastrowid or 0)
    tags = [(row_id, key, value, number_of(value)) for key, value in new.tags.items()]
    tx.executemany("INSERT INTO prompt_version_tag VALUES (?, ?, ?, ?)", tags)
    return number


def prompt(view: Snapshot, name: str) -> Prompt | None:
    """The prompt of that name, or `None`."""
    rows = view.execute(f"SELECT {_PROMPT} FROM prompt p WHERE p.name = ?", (name,)).fetchall()
    return _prompts(view, rows)[0] if rows else None


def exists(view: Snapshot, name: str) -> bool:
    """Whether a prompt has the name."""
    return view.execute("SELECT 1 FROM prompt WHERE name = ?", (name,)).fetchone() is not None


def names(view: Snapshot) -> tuple[str, ...]:
    """The names of all prompts, for suggestions."""
    return tuple(name for (name,) in view.execute("SELECT name FROM prompt ORDER BY name"))


def prompts(view: Snapshot, row_ids: Sequence[int]) -> tuple[Prompt, ...]:
    """The prompts of these integer keys, in their order."""
    found: dict[int, Prompt] = {}
    for chunk in _chunks(row_ids):
        rows = view.execute(f"SELECT {_PROMPT} FROM prompt p WHERE p.id IN ({_marks(chunk)})", chunk).fetchall()
        found.update((each.row_id, each) for each in _prompts(view, rows))
    return tuple(found[row_id] for row_id in row_ids if row_id in found)


def version(view: Snapshot, name: str, number: int) -> PromptVersion | None:
    """The version of that number, or `None`."""
    sql = f"SELECT {_VERSION} {_FROM} WHERE p.name = ? AND v.number = ?"
    rows = view.execute(sql, (name, number)).fetchall()
    return _versions(view, rows)[0] if rows else None


def versions(view: Snapshot, row_ids: Sequence[int]) -> tuple[PromptVersion, ...]:
    """The versions of these integer keys, in their order."""
    found: dict[int, PromptVersion] = {}
    for chunk in _chunks(row_ids):
        rows = view.execute(f"SELECT {_VERSION} {_FROM} WHERE v.id IN ({_marks(chunk)})", chunk).fetchall()
        found.update((each.row_id, each) for each in _versions(view, rows))
    return tuple(found[row_id] for row_id in row_ids if row_id in found)


def update_text(tx: Transaction, row_id: int, description: str) -> None:
    """Change a prompt's description."""
    sql = "UPDATE prompt SET description = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (description, tx.now_ms, row_id))


def update_version(tx: Transaction, row_id: int, *, commit_message: str, model_config: str) -> None:
    """Change a version's commit message and its model's settings."""
    sql = "UPDATE prompt_version SET commit_message = ?, model_config = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (commit_message, model_config, tx.now_ms, row_id))


def set_times(tx: Transaction, row_id: int, created_ms: int, updated_ms: int) -> None:
    """Say when a prompt was made and last changed."""
    tx.execute("UPDATE prompt SET created_ms = ?, updated_ms = ? WHERE id = ?", (created_ms, updated_ms, row_id))


def set_version_times(tx: Transaction, row_id: int, created_ms: int, updated_ms: int) -> None:
    """Say when a version was registered and last changed."""
    sql = "UPDATE prompt_version SET created_ms = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (created_ms, updated_ms, row_id))


def touch(tx: Transaction, name: str) -> None:
    """Note that something of a prompt changed."""
    tx.execute("UPDATE prompt SET updated_ms = ? WHERE name = ?", (tx.now_ms, name))


def set_tag(tx: Transaction, row_id: int, key: str, value: str | None) -> None:
    """Set a prompt's tag, or remove it when `value` is `None`."""
    if value is None:
        tx.execute("DELETE FROM prompt_tag WHERE prompt = ? AND key = ?", (row_id, key))
        return
    sql = """INSERT INTO prompt_tag VALUES (?, ?, ?, ?)
        ON CONFLICT (prompt, key) DO UPDATE SET value = excluded.value, number = excluded.number"""
    tx.execute(sql, (row_id, key, value, number_of(value)))


def set_version_tag(tx: Transaction, row_id: int, key: str, value: str | None) -> None:
    """Set a version's tag, or remove it when `value` is `None`."""
    if value is None:
        tx.execute("DELETE FROM prompt_version_tag WHERE version = ? AND key = ?", (row_id, key))
    else:
        sql = """INSERT INTO prompt_version_tag VALUES (?, ?, ?, ?)
            ON CONFLICT (version, key) DO UPDATE SET value = excluded.value, number = excluded.number"""
        tx.execute(sql, (row_id, key, value, number_of(value)))
    tx.execute("UPDATE prompt_version SET updated_ms = ? WHERE id = ?", (tx.now_ms, row_id))


def point_alias(tx: Transaction, prompt_id: int, alias: str, version_id: int | None) -> None:
    """Let an alias point to the version of that integer key, or remove it when `None`."""
    if version_id is None:
        tx.execute("DELETE FROM prompt_alias WHERE prompt = ? AND alias = ?", (prompt_id, alias))
        return
    sql = """INSERT INTO prompt_alias (prompt, alias, version) VALUES (?, ?, ?)
        ON CONFLICT (prompt, alias) DO UPDATE SET version = excluded.version"""
    tx.execute(sql, (prompt_id, alias, version_id))


def delete(tx: Transaction, row_id: int) -> None:
    """Remove a prompt and all it owns; the numbers given out under its name stay used."""
    tx.execute("DELETE FROM prompt WHERE id = ?", (row_id,))


def delete_version(tx: Transaction, row_id: int) -> None:
    """Remove a version and all it owns, the aliases that point to it included."""
    tx.execute("DELETE FROM prompt_version WHERE id = ?", (row_id,))


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]


def _marks(ids: Sequence[object]) -> str:
    return ",".join("?" * len(ids))


def _prompts(view: Snapshot, rows: Sequence[tuple[Any, ...]]) -> tuple[Prompt, ...]:
    """Add to prompt rows what other tables hold."""
    ids = [row[0] for row in rows]
    marks = _marks(ids)
    tags = _grouped(view, f"SELECT prompt, key, value FROM prompt_tag WHERE prompt IN ({marks})", ids)
    sql = f"""SELECT a.prompt, a.alias, v.number FROM prompt_alias a JOIN prompt_version v ON v.id = a.version
        WHERE a.prompt IN ({marks}) ORDER BY a.alias"""
    aliases = _grouped(view, sql, ids)
    sql = f"SELECT prompt, count(*), max(number) FROM prompt_version WHERE prompt IN ({marks}) GROUP BY prompt"
    counts = {row_id: (count, latest) for row_id, count, latest in view.execute(sql, ids)}
    found: list[Prompt] = []
    for row in rows:
        count, latest = counts.get(row[0], (0, None))
        bare = replace(Prompt(*row), versions=count, latest=latest)
        found.append(replace(bare, tags=tags.get(row[0], {}), aliases=aliases.get(row[0], {})))
    return tuple(found)


def _versions(view: Snapshot, rows: Sequence[tuple[Any, ...]]) -> tuple[PromptVersion, ...]:
    """Add to version rows what other tables hold."""
    ids = [row[0] for row in rows]
    marks = _marks(ids)
    tags = _grouped(view, f"SELECT version, key, value FROM prompt_version_tag WHERE version IN ({marks})", ids)
    aliases = _grouped(view, f"SELECT version, alias, 1 FROM prompt_alias WHERE version IN ({marks})", ids)
    return tuple(
        replace(_bare(row), tags=tags.get(row[0], {}), aliases=tuple(sorted(aliases.get(row[0], ())))) for row in rows
    )


def _bare(row: Sequence[Any]) -> PromptVersion:
    fields = list(row)
    fields[_KIND] = PromptKind(row[_KIND])
    return PromptVersion(*fields)


def _grouped(view: Snapshot, sql: str, ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    grouped: dict[int, dict[str, Any]] = {}
    for row_id, key, value in view.execute(sql, ids):
        grouped.setdefault(row_id, {})[key] = value
    return dict(grouped)
