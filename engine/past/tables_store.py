"""SQL that puts tables of the past before those of the present: a name means the temporary one first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.past.model import Undone

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from engine.past.model import Cut

_TABLE = re.compile(r"^CREATE TABLE", re.IGNORECASE)
_INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX ", re.IGNORECASE)
_RECORD = "SELECT seq, time_ms, verb, kind, key, before, after FROM main.audit"
_DEARER = 15
"""What a record costs that an index finds, where one costs 1 that is come by in the order of the log."""

REFUSED = "refuse"
"""The verb of records that changed nothing."""


def copy(connection: sqlite3.Connection, *tables: str, only: str = "1") -> None:
    """Copy tables with their indexes, or only the rows of a condition: those that are changed on the way back."""
    for table in tables:
        sql = "SELECT type, sql FROM main.sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL AND type <> 'trigger'"
        made = connection.execute(f"{sql} ORDER BY type DESC", (table,)).fetchall()
        for kind, text in made:
            if kind == "table":
                connection.execute(_TABLE.sub("CREATE TEMP TABLE", text))
                connection.execute(f"INSERT INTO temp.{table} SELECT * FROM main.{table} WHERE {only}")
            else:
                connection.execute(_INDEX.sub(r"CREATE \1INDEX temp.", text))


def born(connection: sqlite3.Connection, cut: Cut, kind: str, verb: str) -> str:
    """Find the objects of a kind that came later, for kinds whose names are never given again.

    Returns:
        A query for their names; all their records may be left out with them.
    """
    table = f"born_{kind}"
    connection.execute(f"CREATE TEMP TABLE {table} (key TEXT PRIMARY KEY) WITHOUT ROWID")
    sql = f"""INSERT OR IGNORE INTO temp.{table} SELECT key FROM main.audit NOT INDEXED
        WHERE seq > ? AND kind = ? AND verb = ? AND before IS NULL"""
    connection.execute(sql, (cut.seq, kind, verb))
    return f"SELECT key FROM temp.{table}"


def show(connection: sqlite3.Connection, table: str, select: str) -> None:
    """Put a view before a table, in place of an earlier one: for tables whose rows only come, or carry their times."""
    connection.execute(f"DROP VIEW IF EXISTS temp.{table}")
    connection.execute(f"CREATE TEMP VIEW {table} AS {select}")


def until(connection: sqlite3.Connection, cut: Cut, tables: Mapping[str, str]) -> None:
    """Show only the rows of tables whose time has come; `tables` names the column of each."""
    for table, column in tables.items():
        show(connection, table, f"SELECT * FROM main.{table} WHERE {column} <= {cut.time_ms:d}")


def later(connection: sqlite3.Connection, cut: Cut, kinds: Sequence[str], *, unless: str = "0") -> Iterator[Undone]:
    """The records of some kinds that had not happened, the newest first, but for those of a condition."""
    found = value(
        connection, f"SELECT count(*) FROM main.audit WHERE seq > ? AND kind IN ({_marks(kinds)})", (cut.seq, *kinds)
    )
    by = "NOT INDEXED" if found * _DEARER > size(connection) - cut.seq else ""
    sql = (
        f"{_RECORD} {by} WHERE seq > ? AND kind IN ({_marks(kinds)}) AND verb <> ? AND NOT ({unless}) ORDER BY seq DESC"
    )
    return map(Undone._make, connection.execute(sql, (cut.seq, *kinds, REFUSED)))


def of_object(connection: sqlite3.Connection, kind: str, key: str, upto: int, *, after: int = 0) -> list[Undone]:
    """The records of one object after a number and up to another, the oldest first."""
    sql = f"{_RECORD} WHERE kind = ? AND key = ? AND seq > ? AND seq <= ? AND verb <> ? ORDER BY seq"
    return [Undone(*row) for row in connection.execute(sql, (kind, key, after, upto, REFUSED))]


def below(connection: sqlite3.Connection, kind: str, name: str, *, after: int) -> list[Undone]:
    """The records after a number of what is named under something (`churn/7`), the oldest first of each."""
    sql = f"{_RECORD} WHERE kind = ? AND key >= ? AND key < ? AND seq > ? AND verb <> ?"
    return [Undone(*row) for row in connection.execute(sql, (kind, *_under(name), after, REFUSED))]


def last_of(connection: sqlite3.Connection, kind: str, key: str, upto: int, silent: Sequence[str]) -> int:
    """The last record of an object up to a number, but for those of some verbs; 0 for none."""
    sql = f"""SELECT seq FROM main.audit WHERE kind = ? AND key = ? AND seq <= ? AND verb NOT IN ({_marks(silent)})
        ORDER BY seq DESC LIMIT 1"""
    return int(value(connection, sql, (kind, key, upto, *silent)) or 0)


def last_below(connection: sqlite3.Connection, kind: str, name: str, upto: int, silent: Sequence[str]) -> int:
    """The last record of what is named under something, up to a number, but for those of some verbs; 0 for none."""
    sql = "SELECT max(seq) FROM main.audit WHERE kind = ? AND key >= ? AND key < ? AND seq <= ?"
    last = int(value(connection, sql, (kind, *_under(name), upto)) or 0)  # by the index alone
    if value(connection, "SELECT verb FROM main.audit WHERE seq = ?", (last,)) not in silent:
        return last
    sql = f"{sql} AND verb NOT IN ({_marks(silent)})"
    return int(value(connection, sql, (kind, *_under(name), upto, *silent)) or 0)


def _under(name: str) -> tuple[str, str]:
    return f"{name}/", f"{name}0"  # 0 follows the stroke


def called(connection: sqlite3.Connection, kind: str, name: str, upto: int) -> list[tuple[str, int, int]]:
    """What something was called that has a name at a record.

    Returns:
        Each of its names, the oldest first, with the numbers of the records after which and up to which it had it.
    """
    sql = """SELECT seq, json_extract(before, '$.name') FROM main.audit WHERE kind = ? AND verb = 'rename' AND seq <= ?
        AND json_extract(after, '$.name') = ? ORDER BY seq DESC LIMIT 1"""
    names: list[tuple[str, int, int]] = []
    row = connection.execute(sql, (kind, upto, name)).fetchone()
    while row is not None:
        names.insert(0, (name, row[0], upto))
        name, upto = str(row[1]), row[0]
        row = connection.execute(sql, (kind, upto - 1, name)).fetchone()
    return [(name, 0, upto), *names]


def size(connection: sqlite3.Connection) -> int:
    """How many records the log has."""
    return int(connection.execute("SELECT size FROM main.audit_head").fetchone()[0])


def value(connection: sqlite3.Connection, sql: str, parameters: Sequence[object] = ()) -> Any:
    """The first column of the first row; `None` without one."""
    row = connection.execute(sql, parameters).fetchone()
    return None if row is None else row[0]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
