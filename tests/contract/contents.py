"""All that is in a database, as another process reads it; equal files are read once."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from contextlib import closing
from pathlib import Path
from typing import Any

Contents = dict[str, list[Any]]
Pages = tuple[bytes, tuple[tuple[bytes, bytes], ...]]

_CONNECT = sqlite3.connect
_LOG_HEADER, _FRAME_HEADER = 32, 24
_MOST = 16

_known: OrderedDict[Pages, Contents] = OrderedDict()


def contents(path: Path) -> Contents:
    """Every table of a database and its rows, and what is told about them; not to be changed.

    Args:
        path: The file, which others may have open.
    """
    pages = _pages(path)
    found = _known.get(pages) if pages is not None else None
    if found is None:
        with closing(_CONNECT(path)) as reader:
            found = _read(reader)
    if pages is not None:
        _known[pages] = found
        _known.move_to_end(pages)
        if len(_known) > _MOST:
            _known.popitem(last=False)
    return dict(found)


def _read(reader: sqlite3.Connection) -> Contents:
    names = [name for (name,) in reader.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {name: sorted(reader.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    found["schema"] = reader.execute(schema).fetchall()
    found["problems"] = reader.execute("PRAGMA foreign_key_check").fetchall()
    if "upload_part" in found:
        parts = "SELECT upload_id, number, digest FROM upload_part JOIN upload ON upload.id = upload"
        found["part files"] = reader.execute(parts).fetchall()
        kept = ("artifact", "version_file", "baseline")
        objects = " UNION ".join(f"SELECT digest, size_bytes FROM {table}" for table in kept)
        found["object files"] = reader.execute(objects).fetchall()
    return found


def _pages(path: Path) -> Pages | None:
    """What decides what is in a database: its pages, and those that its log has in their place.

    `None` when the log is not a plain row of commits, so that only SQLite can tell what counts.
    """
    log = path.with_name(f"{path.name}-wal")
    data = log.read_bytes() if log.exists() else b""
    if not data:
        return path.read_bytes(), ()
    step = _FRAME_HEADER + int.from_bytes(data[8:12], "big")
    starts = range(_LOG_HEADER, len(data), step)
    salts = data[16:24]
    if (len(data) - _LOG_HEADER) % step or not starts or any(data[at + 8 : at + 16] != salts for at in starts):
        return None
    if not any(data[starts[-1] + 4 : starts[-1] + 8]):  # the last frame ends no transaction
        return None
    newest = {data[at : at + 4]: data[at + _FRAME_HEADER : at + step] for at in starts}
    return path.read_bytes(), tuple(sorted(newest.items()))
