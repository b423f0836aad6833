"""SQL that finds where a past ends, and which changes concern what a screen shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import NotFound
from engine.past.model import Cut

if TYPE_CHECKING:
    import sqlite3

    from engine.core.moment import Moment
    from engine.db.transaction import Snapshot
    from engine.past.model import Subject


def cut(connection: sqlite3.Connection, moment: Moment) -> Cut:
    """Where the past of a moment ends.

    The order of the records is what happened; their times come from clocks, which are set forward and back. The past is
    therefore cut where the fewest records contradict it.

    Args:
        connection: A reader.
        moment: The moment.

    Returns:
        The last record that had happened, and the time.

    Raises:
        NotFound: there is no change of that number.
    """
    if moment.time_ms is None:
        row = connection.execute("SELECT time_ms FROM main.audit WHERE seq = ?", (moment.change,)).fetchone()
        if row is None:
            raise NotFound(f"There is no change {moment.change}.", hint="`qd audit list` shows them.")
        return Cut(int(moment.change or 0), int(row[0]))
    sql = """SELECT
        (SELECT ifnull(min(seq) - 1, (SELECT size FROM main.audit_head)) FROM main.audit WHERE time_ms > ?1),
        (SELECT ifnull(max(seq), 0) FROM main.audit WHERE time_ms <= ?1)"""
    sure, last = connection.execute(sql, (moment.time_ms,)).fetchone()
    if sure < last:  # clocks were set: the most records that speak for it less those that do not
        sql = """SELECT seq FROM (SELECT seq, sum(iif(time_ms <= ?1, 1, -1)) OVER (ORDER BY seq) AS score
            FROM main.audit WHERE seq > ?2 AND seq <= ?3
            UNION ALL SELECT ?2, 0) ORDER BY score DESC, seq DESC LIMIT 1"""
        sure = connection.execute(sql, (moment.time_ms, sure, last)).fetchone()[0]
    return Cut(int(sure), moment.time_ms)


def neighbour(view: Snapshot, subject: Subject, seq: int | None, *, back: bool) -> int | None:
    """The number of the change before or after another that concerns a subject.

    Args:
        view: The present.
        subject: What it must concern.
        seq: The change to step from; `None` for the present.
        back: Whether to step back.

    Returns:
        Its number; `None` when there is none.
    """
    best, beyond = ("max", "<") if back else ("min", ">")
    parts: list[str] = []
    values: list[object] = []
    for kind in subject.kinds or (None,):
        for named, names in _named(subject):  # each by the index of objects alone
            of_kind = "1" if kind is None else "kind = ?"
            then = "1" if seq is None else f"seq {beyond} ?"
            parts.append(f"SELECT {best}(seq) AS seq FROM audit WHERE {of_kind} AND {named} AND {then}")
            values += [each for each in (kind, *names, seq) if each is not None]
    row = view.execute(f"SELECT {best}(seq) FROM ({' UNION ALL '.join(parts)})", values).fetchone()
    return None if row[0] is None else int(row[0])


def _named(subject: Subject) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not subject.key:
        return (("1", ()),)
    under = (f"{subject.key}/", f"{subject.key}0")  # 0 follows the stroke
    return (("key = ?", (subject.key,)), ("key >= ? AND key < ?", under))
