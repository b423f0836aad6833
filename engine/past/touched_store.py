"""SQL that finds what was touched after a moment, and what it was: of each field the oldest record tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from engine.past.model import Cut

_MOST_STEPPED = 100
"""Objects that a step towards the present looks at one by one; beyond, everything is looked at anew."""

_TABLES = """
CREATE TEMP TABLE IF NOT EXISTS past_was (kind TEXT, key TEXT, field TEXT, part TEXT, value, seq INTEGER,
    PRIMARY KEY (kind, key, field, part)) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS past_end (seq INTEGER PRIMARY KEY, kind TEXT, key TEXT, verb TEXT, made INTEGER,
    gone INTEGER, became TEXT)
"""
_KEPT = "past_"
"""What the names of tables begin with that hold for several moments."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Kinds of objects that are turned back together.

    Args:
        names: The kinds in the audit log.
        ends: Verbs by which they come, go or change their names; what else has a state before and after is a change of
            fields.
        flat_tags: Whether records of tags hold nothing but the tags, not under `tags`.
    """

    names: tuple[str, ...]
    ends: tuple[str, ...]
    flat_tags: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """A record by which an object came, went or changed its name.

    Args:
        seq: Its number.
        kind: The kind of object.
        key: The object's name then.
        verb: What was done.
        made: Whether it names no state before.
        gone: Whether it names no state after.
        became: Its new name; `None` where it kept the old one.
    """

    seq: int
    kind: str
    key: str
    verb: str
    made: bool
    gone: bool
    became: str | None


class Touched:
    """What was touched since a moment, on one connection. The log is read once; steps to other moments read the steps.

    Args:
        connection: A reader; its temporary tables are made here.
        kinds: What is looked for.
    """

    def __init__(self, connection: sqlite3.Connection, kinds: Kinds) -> None:
        self._connection = connection
        self._kinds = kinds
        self._after: int | None = None
        self._upto = 0

    def move(self, cut: Cut, size: int) -> None:
        """Look at what came after a moment.

        Args:
            cut: Where the past ends.
            size: How many records the log has.

        Raises:
            sqlite3.Error: the log cannot be read.
        """
        for statement in _TABLES.split(";"):
            self._connection.execute(statement)
        if self._after is None or size < self._upto or not self._forth(cut.seq):
            self._forget()
            self._renames(cut.seq)
            self._look("IGNORE", cut.seq, size)
        else:
            if size > self._upto:
                self._look("IGNORE", self._upto, size)
            if cut.seq < self._after:
                self._look("REPLACE", cut.seq, self._after)
        self._after, self._upto = cut.seq, size

    def fields(self) -> Iterator[tuple[str, str, str, str, Any]]:
        """Kind, key, field, part (the key of a tag, an alias) and what it was, of everything that was touched."""
        sql = f"""SELECT kind, key, field, part, value FROM temp.past_was
            WHERE kind IN ({self._marks}) AND (part <> '') = (field IN {_PARTED!r})"""
        yield from self._connection.execute(sql, self._kinds.names).fetchall()

    def ends(self, cut: Cut) -> list[End]:
        """The records after a moment by which objects came, went or changed their names, the newest first."""
        sql = f"""SELECT seq, kind, key, verb, made, gone, became FROM temp.past_end
            WHERE seq > ? AND kind IN ({self._marks}) ORDER BY seq DESC"""
        return [End(*row) for row in self._connection.execute(sql, (cut.seq, *self._kinds.names))]

    def renamed(self, cut: Cut) -> dict[str, int]:
        """The last record by which something got each name until a moment."""
        sql = f"""SELECT became, max(seq) FROM temp.past_end WHERE seq <= ? AND verb = 'rename'
            AND kind IN ({self._marks}) GROUP BY became"""
        return dict(self._connection.execute(sql, (cut.seq, *self._kinds.names)).fetchall())

    @property
    def _marks(self) -> str:
        return ", ".join("?" * len(self._kinds.names))

    def _forget(self) -> None:
        for table in ("past_was", "past_end"):
            self._connection.execute(f"DELETE FROM temp.{table} WHERE kind IN ({self._marks})", self._kinds.names)

    def _look(self, conflict: str, after: int, upto: int) -> None:
        """Look at a stretch of the log as it lies: by an index each record costs fifteen times as much."""
        where = f"a.seq > ? AND a.seq <= ? AND a.kind IN ({self._marks})"
        source = f"NOT INDEXED {{parts}} WHERE {where}"
        self._note(conflict, source, (after, upto, *self._kinds.names))
        ends = ", ".join(f"'{verb}'" for verb in self._kinds.ends)
        sql = f"""INSERT OR IGNORE INTO temp.past_end {_END} FROM main.audit a NOT INDEXED WHERE {where}
            AND a.verb <> 'refuse' AND (a.verb IN ({ends}) OR a.after IS NULL)"""
        self._connection.execute(sql, (after, upto, *self._kinds.names))

    def _renames(self, upto: int) -> None:
        if "rename" in self._kinds.ends:
            sql = f"""INSERT OR IGNORE INTO temp.past_end {_END} FROM main.audit a NOT INDEXED
                WHERE a.seq <= ? AND a.kind IN ({self._marks}) AND a.verb = 'rename'"""
            self._connection.execute(sql, (upto, *self._kinds.names))

    def _note(self, conflict: str, source: str, values: tuple[object, ...]) -> None:
        """Note what fields were, and the parts of those that have parts; every condition is paid for each record."""
        if self._kinds.flat_tags:
            columns = "iif(a.verb = 'tag', 'tags', j.key), iif(a.verb = 'tag', j.key, '')"
            self._insert(conflict, columns, "a.before", source, values)
            return
        self._insert(conflict, "j.key, ''", "a.before", source, values)
        for field in _PARTED:
            has = f"""{source} AND instr(a.before, '"{field}":{{{{')"""
            self._insert(conflict, f"'{field}', j.key", f"a.before, '$.{field}'", has, values)

    def _insert(self, conflict: str, columns: str, of: str, source: str, values: tuple[object, ...]) -> None:
        ends = ", ".join(f"'{verb}'" for verb in ("refuse", *self._kinds.ends))
        sql = f"""INSERT OR {conflict} INTO temp.past_was SELECT a.kind, a.key, {columns}, j.value, a.seq
            FROM main.audit a {source.format(parts=f"CROSS JOIN json_each({of}) j")}
            AND a.verb NOT IN ({ends}) AND j.key IS NOT NULL ORDER BY a.seq {"DESC" if conflict == "REPLACE" else ""}"""
        self._connection.execute(sql, values)

    def _forth(self, to: int) -> bool:
        """Leave out what had happened by a later moment; false where too much had."""
        if self._after is None or to <= self._after:
            return True
        sql = f"""SELECT DISTINCT kind, key FROM main.audit WHERE seq > ? AND seq <= ? AND kind IN ({self._marks})
            LIMIT {_MOST_STEPPED + 1}"""
        touched = self._connection.execute(sql, (self._after, to, *self._kinds.names)).fetchall()
        if len(touched) > _MOST_STEPPED:
            return False
        for kind, key in touched:
            sql = "DELETE FROM temp.past_was WHERE kind = ? AND key = ? AND seq <= ?"
            self._connection.execute(sql, (kind, key, to))
            source = "{parts} WHERE a.kind = ? AND a.key = ? AND a.seq > ? AND a.seq <= ?"
            self._note("IGNORE", source, (kind, key, to, self._upto))
        return True


_PARTED = ("tags", "aliases")
"""Fields that are put back part by part."""

_END = """SELECT a.seq, a.kind, a.key, a.verb, a.before IS NULL, a.after IS NULL,
    CASE a.verb WHEN 'rename' THEN ifnull(json_extract(a.after, '$.name'), a.key) END"""


def forget_moment(connection: sqlite3.Connection) -> None:
    """Drop what was made for one moment; what holds for several stays.

    Args:
        connection: The reader with the temporary tables.

    Raises:
        sqlite3.Error: they cannot be dropped.
    """
    sql = f"""SELECT type, name FROM sqlite_temp_master WHERE type IN ('table', 'view')
        AND substr(name, 1, {len(_KEPT)}) <> '{_KEPT}' AND substr(name, 1, 7) <> 'sqlite_'"""
    for kind, name in connection.execute(sql).fetchall():
        connection.execute(f"DROP {kind} temp.{name}")
