"""SQL that turns back what has a name, texts, tags, aliases and numbered versions: models and prompts."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from engine.core.query import number_of
from engine.past.facts import told
from engine.past.tables_store import below, called, copy, last_below, last_of, of_object, value
from engine.past.touched_store import Kinds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.past.model import Cut, Undone
    from engine.past.touched_store import End, Touched

    _Waiting = dict[tuple[str, str], dict[str, Any]]
    """What things were before, merged over their records, by kind and key; written once."""

    Restored = Callable[[Mapping[str, Any], int, str], Mapping[str, object]]
    """Columns of a thing that was deleted: from its facts, when it came, and who made it."""

_LAST = 2**63 - 1
"""Later than every record."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of named thing, and how it is stored.

    Args:
        name: Its kind in the audit log, which is its table too.
        version: The kind of its versions.
        table: The table of its versions.
        aliases: The table of its aliases.
        tags: The table of its tags.
        version_tags: The table of its versions' tags.
        texts: Its columns that are told as they are stored.
        version_texts: Those of its versions.
        made_by: Verbs that make one, or a version.
        silent: Verbs of versions that change nothing of the thing itself.
        row: Columns of one that was deleted.
        version_row: Columns of a version that was deleted.
    """

    name: str
    version: str
    table: str
    aliases: str
    tags: str
    version_tags: str
    texts: tuple[str, ...]
    version_texts: tuple[str, ...]
    made_by: tuple[str, ...]
    silent: tuple[str, ...]
    row: Restored
    version_row: Restored


def turn_back(connection: sqlite3.Connection, cut: Cut, family: Family, touched: Touched) -> None:
    """Turn back all things of a family and their versions.

    What was only changed is put back at once, field by field. What was deleted since, or had another name, is followed
    record by record.

    Args:
        connection: The reader whose temporary tables are made.
        cut: Where the past ends.
        family: The family.
        touched: What was touched since.
    """
    copy(connection, family.name, family.tags, family.table, family.version_tags, family.aliases)
    ends = touched.ends(cut)
    winding = {name for end in ends if end.gone or end.verb == "rename" for name in _names(family, end)}
    for end in ends:
        if _thing(family, end.kind, end.key) not in winding:
            _unmake(connection, family, end)
    waiting: _Waiting = {}
    for kind, key, field, part, was in touched.fields():
        if _thing(family, kind, key) not in winding:
            before = waiting.setdefault((kind, key), {})
            if part:
                before.setdefault(field, {})[part] = was
            else:
                before[field] = was
    _settle(connection, family, waiting)
    _wind_back(connection, cut, family, winding)
    if ends or waiting:
        _set_times(connection, cut, family, touched)


def kinds_of(family: Family) -> Kinds:
    """What a family's records are called in the audit log."""
    return Kinds((family.name, family.version), (*family.made_by, "rename"))


def _thing(family: Family, kind: str, key: str) -> str:
    return key if kind == family.name else key.rpartition("/")[0]


def _names(family: Family, end: End) -> Iterator[str]:
    yield _thing(family, end.kind, end.key)
    if end.became is not None:
        yield end.became


def _unmake(connection: sqlite3.Connection, family: Family, end: End) -> None:
    if not end.made or end.verb not in family.made_by:
        return
    if end.kind == family.name:
        own = _row_id(connection, family, end.key)
        if own is not None:
            _remove(connection, family, own)
    else:
        own = _version_id(connection, family, end.key)
        if own is not None:
            _remove_version(connection, family, own)


def _wind_back(connection: sqlite3.Connection, cut: Cut, family: Family, names: set[str]) -> None:
    """Follow the things of some names back, record by record."""
    waiting: dict[str, _Waiting] = {}
    for record in _records_of(connection, cut, family, names):
        name = _thing(family, record.kind, record.key)
        if record.verb != "rename" and record.before_text is not None and record.after_text is not None:
            _merge(waiting.setdefault(name, {}).setdefault((record.kind, record.key), {}), record.before)
            continue
        _settle(connection, family, waiting.pop(name, {}))
        if record.verb == "rename":
            _settle(connection, family, waiting.pop(record.after.get("name", name), {}))
        (_undo_thing if record.kind == family.name else _undo_version)(connection, family, record)
    for each in waiting.values():
        _settle(connection, family, each)


def _records_of(connection: sqlite3.Connection, cut: Cut, family: Family, names: set[str]) -> list[Undone]:
    """The later records of the things of some names and of their versions, the newest first."""
    found: list[Undone] = []
    for name in names:
        found += of_object(connection, family.name, name, _LAST, after=cut.seq)
        found += below(connection, family.version, name, after=cut.seq)
    return sorted(found, key=attrgetter("seq"), reverse=True)


def _merge(known: dict[str, Any], before: Mapping[str, Any]) -> None:
    """What was before counts for more, the longer ago."""
    for field, was in before.items():
        if isinstance(was, dict) and isinstance(known.get(field), dict):
            known[field] = known[field] | was
        else:
            known[field] = was


def _settle(connection: sqlite3.Connection, family: Family, waiting: _Waiting) -> None:
    """Put back what the things of one name were before, with their versions."""
    for (kind, key), before in waiting.items():
        if kind == family.name:
            own = _row_id(connection, family, key)
            if own is not None:
                _put_back(connection, family.name, own, family.texts, before)
                _tags_back(connection, family.tags, family.name, own, before.get("tags", {}))
                _aliases_back(connection, family, own, before.get("aliases", {}))
        else:
            own = _version_id(connection, family, key)
            if own is not None:
                _put_back(connection, family.table, own, family.version_texts, before)
                _tags_back(connection, family.version_tags, "version", own, before.get("tags", {}))


def _row_id(connection: sqlite3.Connection, family: Family, name: str) -> int | None:
    found: int | None = value(connection, f"SELECT id FROM temp.{family.name} WHERE name = ?", (name,))
    return found


def _version_id(connection: sqlite3.Connection, family: Family, key: str) -> int | None:
    name, _, number = key.rpartition("/")
    sql = f"""SELECT v.id FROM temp.{family.table} v JOIN temp.{family.name} m ON m.id = v.{family.name}
        WHERE m.name = ? AND v.number = ?"""
    found: int | None = value(connection, sql, (name, int(number) if number.isdigit() else 0))
    return found


def _undo_thing(connection: sqlite3.Connection, family: Family, record: Undone) -> None:
    if record.verb == "rename":
        sql = f"UPDATE temp.{family.name} SET name = ? WHERE name = ?"
        connection.execute(sql, (record.before.get("name", record.key), record.after.get("name", record.key)))
        return
    if record.deleted:
        _restore(connection, family, record)
        return
    own = _row_id(connection, family, record.key)
    if own is None:
        return
    if record.verb in family.made_by:
        _remove(connection, family, own)


def _undo_version(connection: sqlite3.Connection, family: Family, record: Undone) -> None:
    if record.deleted:
        name, _, number = record.key.rpartition("/")
        owner = _row_id(connection, family, name)
        if owner is not None and number.isdigit():
            _restore_version(connection, family, (owner, name, int(number)), record.seq - 1, record.before)
            targets = {alias: int(number) for alias in record.before.get("aliases", ())}
            _aliases_back(connection, family, owner, targets)
        return
    own = _version_id(connection, family, record.key)
    if own is None:
        return
    if record.verb in family.made_by:
        _remove_version(connection, family, own)


def _remove_version(connection: sqlite3.Connection, family: Family, own: int) -> None:
    connection.execute(f"DELETE FROM temp.{family.aliases} WHERE version = ?", (own,))
    connection.execute(f"DELETE FROM temp.{family.table} WHERE id = ?", (own,))


def _remove(connection: sqlite3.Connection, family: Family, own: int) -> None:
    connection.execute(f"DELETE FROM temp.{family.aliases} WHERE {family.name} = ?", (own,))
    connection.execute(f"DELETE FROM temp.{family.table} WHERE {family.name} = ?", (own,))
    connection.execute(f"DELETE FROM temp.{family.name} WHERE id = ?", (own,))


def _put_back(
    connection: sqlite3.Connection, table: str, own: int, columns: tuple[str, ...], before: Mapping[str, Any]
) -> None:
    known = [column for column in columns if isinstance(before.get(column), str)]
    if known:
        sets = ", ".join(f"{column} = ?" for column in known)
        connection.execute(f"UPDATE temp.{table} SET {sets} WHERE id = ?", (*(before[each] for each in known), own))


def _tags_back(
    connection: sqlite3.Connection, table: str, owner: str, own: int, tags: Mapping[str, str | None]
) -> None:
    for key, text in tags.items():
        if text is None:
            connection.execute(f"DELETE FROM temp.{table} WHERE {owner} = ? AND key = ?", (own, key))
        else:
            row = (own, key, text, number_of(text))
            connection.execute(f"INSERT OR REPLACE INTO temp.{table} VALUES (?, ?, ?, ?)", row)


def _aliases_back(connection: sqlite3.Connection, family: Family, own: int, aliases: Mapping[str, int | None]) -> None:
    for alias, number in aliases.items():
        if number is None:
            sql = f"DELETE FROM temp.{family.aliases} WHERE {family.name} = ? AND alias = ?"
            connection.execute(sql, (own, alias))
        else:
            sql = f"""INSERT OR REPLACE INTO temp.{family.aliases} SELECT ?1, ?2, id FROM temp.{family.table}
                WHERE {family.name} = ?1 AND number = ?3"""
            connection.execute(sql, (own, alias, number))


def _restore(connection: sqlite3.Connection, family: Family, record: Undone) -> None:
    """Bring a thing back that was deleted, with its versions, as far as its records tell of them."""
    upto = record.seq - 1
    names = called(connection, family.name, record.key, upto)
    known = {**told(_records(connection, family.name, names, "")), **record.before}
    came_ms, by = _came(connection, family, family.name, names, "")
    _insert(connection, family.name, {"id": -record.seq, "name": record.key, **family.row(known, came_ms, by)})
    _tags_back(connection, family.tags, family.name, -record.seq, known.get("tags", {}))
    for number in _numbers(connection, family, record):
        _restore_version(connection, family, (-record.seq, record.key, number), upto, {})
    _aliases_back(connection, family, -record.seq, record.before.get("aliases", {}))


def _numbers(connection: sqlite3.Connection, family: Family, record: Undone) -> list[int]:
    """The versions a thing had: as told, or where only their count was, those that were made and not deleted."""
    said = record.before.get("versions", ())
    if isinstance(said, list):
        return [int(number) for number in said]
    sql = """SELECT key, max(seq), after IS NULL FROM main.audit WHERE kind = ? AND key >= ? AND key < ? AND seq < ?
        AND (after IS NULL OR before IS NULL) AND seq > ifnull((SELECT max(seq) FROM main.audit WHERE kind = ?
        AND key = ? AND before IS NULL AND verb <> 'refuse' AND seq < ?), 0) GROUP BY key"""
    own = (family.name, record.key, record.seq)
    rows = connection.execute(sql, (family.version, f"{record.key}/", f"{record.key}0", record.seq, *own)).fetchall()
    numbers = (key.rpartition("/")[2] for key, _, gone in rows if not gone)
    return [int(number) for number in numbers if number.isdigit()]


def _restore_version(
    connection: sqlite3.Connection,
    family: Family,
    of: tuple[int, str, int],
    upto: int,
    last: Mapping[str, Any],
) -> None:
    owner, name, number = of
    names = called(connection, family.name, name, upto)
    known = {**told(_records(connection, family.version, names, f"/{number}")), **last}
    came_ms, by = _came(connection, family, family.version, names, f"/{number}")
    own = min(value(connection, f"SELECT ifnull(min(id), 0) FROM temp.{family.table}"), 0) - 1
    columns = family.version_row(known, came_ms, by)
    _insert(connection, family.table, {"id": own, family.name: owner, "number": number, **columns})
    _tags_back(connection, family.version_tags, "version", own, known.get("tags", {}))


def _records(
    connection: sqlite3.Connection, kind: str, names: Sequence[tuple[str, int, int]], suffix: str
) -> Iterator[Undone]:
    """The records of one thing under all its names, the oldest first."""
    for name, after, upto in names:
        yield from of_object(connection, kind, name + suffix, upto, after=after)


def _came(
    connection: sqlite3.Connection, family: Family, kind: str, names: Sequence[tuple[str, int, int]], suffix: str
) -> tuple[int, str]:
    """When a thing that is gone was made, and by whom."""
    verbs = ", ".join("?" * len(family.made_by))
    sql = f"""SELECT time_ms, actor FROM main.audit WHERE kind = ? AND key = ? AND seq > ? AND seq <= ?
        AND before IS NULL AND verb IN ({verbs}) ORDER BY seq DESC LIMIT 1"""
    for name, after, upto in reversed(names):
        row = connection.execute(sql, (kind, name + suffix, after, upto, *family.made_by)).fetchone()
        if row is not None:
            return int(row[0]), str(row[1])
    return 0, ""


def _insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, object]) -> None:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    connection.execute(f"INSERT OR REPLACE INTO temp.{table} ({names}) VALUES ({marks})", tuple(columns.values()))


def _set_times(connection: sqlite3.Connection, cut: Cut, family: Family, touched: Touched) -> None:
    """Say when each thing was last touched by then; its records tell it."""
    renamed = touched.renamed(cut)
    names = connection.execute(
        f"SELECT id, name FROM temp.{family.name} WHERE updated_ms > ? OR id < 0", (cut.time_ms,)
    )
    for own, name in names.fetchall():
        last = max(
            last_of(connection, family.name, name, cut.seq, family.silent),
            last_below(connection, family.version, name, cut.seq, family.silent),
            renamed.get(name, 0),
        )
        _touched_at(connection, family.name, own, last)
    sql = f"""SELECT v.id, m.name || '/' || v.number FROM temp.{family.table} v
        JOIN temp.{family.name} m ON m.id = v.{family.name} WHERE v.updated_ms > ? OR v.id < 0"""
    for own, key in connection.execute(sql, (cut.time_ms,)).fetchall():
        last = last_of(connection, family.version, key, cut.seq, family.silent)
        _touched_at(connection, family.table, own, last)


def _touched_at(connection: sqlite3.Connection, table: str, own: int, seq: int) -> None:
    """Say that something was last touched by a record; 0 for when it was made."""
    time_ms = value(connection, "SELECT time_ms FROM main.audit WHERE seq = ?", (seq,))
    connection.execute(f"UPDATE temp.{table} SET updated_ms = ifnull(?, created_ms) WHERE id = ?", (time_ms, own))
