"""SQL of files below things: one shape of table, whatever they belong to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.artifacts.model import Artifact
    from engine.db.transaction import Snapshot, Transaction

FileRow = tuple[str, str, int]
"""path, digest, size in bytes."""


class FileTable(NamedTuple):
    """A table of files: its columns are the owner, `path`, `digest`, `size_bytes` and `time_ms`.

    Args:
        name: The table.
        owner: Its column of the owner's integer key.
    """

    name: str
    owner: str


RUN_FILES = FileTable("artifact", "run")
"""What runs left behind."""

MODEL_FILES = FileTable("logged_model_file", "model")
"""What logged models are made of."""

VERSION_FILES = FileTable("version_file", "version")
"""What registered versions are made of; it has no `time_ms`, and nothing is added to it or removed from it here."""


def add(tx: Transaction, table: FileTable, owner: int, files: Iterable[Artifact]) -> None:
    """Put files under paths, replacing what was there."""
    rows = [(owner, each.path, each.digest, each.size_bytes, tx.now_ms) for each in files]
    tx.executemany(f"INSERT OR REPLACE INTO {table.name} VALUES (?, ?, ?, ?, ?)", rows)


def remove(tx: Transaction, table: FileTable, owner: int, path: str) -> int:
    """Remove the file of exactly that path, or the files of the folder of that name; how many."""
    sql = f"DELETE FROM {table.name} WHERE {table.owner} = ? AND (path = ? OR (path > ? AND path < ?))"
    return tx.execute(sql, (owner, path, f"{path}/", f"{path}0")).rowcount


def files(snapshot: Snapshot, table: FileTable, owner: int) -> list[FileRow]:
    """Every file, by path."""
    sql = f"SELECT path, digest, size_bytes FROM {table.name} WHERE {table.owner} = ? ORDER BY path"
    return snapshot.execute(sql, (owner,)).fetchall()


def files_under(snapshot: Snapshot, table: FileTable, owner: int, path: str) -> list[FileRow]:
    """The file of exactly that path, or the files of the folder of that name (`0` sorts right after `/`)."""
    sql = f"""SELECT path, digest, size_bytes FROM {table.name}
              WHERE {table.owner} = ? AND (path = ? OR (path > ? AND path < ?)) ORDER BY path"""
    return snapshot.execute(sql, (owner, path, f"{path}/", f"{path}0")).fetchall()


def occupied(snapshot: Snapshot, table: FileTable, owner: int, paths: Iterable[str]) -> str | None:
    """The first of these paths at which there is a file."""
    sql = f"""SELECT path FROM {table.name}
              WHERE {table.owner} = ? AND path IN (SELECT value FROM json_each(?)) LIMIT 1"""
    row = snapshot.execute(sql, (owner, json.dumps(list(paths)))).fetchone()
    return None if row is None else str(row[0])


def has_folder(snapshot: Snapshot, table: FileTable, owner: int, path: str) -> bool:
    """Whether there are files below that path."""
    sql = f"SELECT 1 FROM {table.name} WHERE {table.owner} = ? AND path > ? AND path < ? LIMIT 1"
    return snapshot.execute(sql, (owner, f"{path}/", f"{path}0")).fetchone() is not None
