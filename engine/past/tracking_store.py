"""SQL that turns back experiments and runs: what was audited, and what carries its own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.query import number_of
from engine.past.model import Undone
from engine.past.tables_store import called, copy, later, show, until, value
from engine.past.touched_store import Kinds

if TYPE_CHECKING:
    import sqlite3

    from engine.past.model import Cut
    from engine.past.touched_store import Touched

_OVER = """(SELECT p.value FROM temp.past_was p
    WHERE p.kind = 'run' AND p.key = r.run_id AND p.field = '{field}' AND p.part = '')"""
_ACTIVE = 0
"""Stands for a run that was not deleted."""


def experiments(connection: sqlite3.Connection, cut: Cut) -> None:
    """Turn back experiments."""
    copy(connection, "experiment", "experiment_tag")
    for record in later(connection, cut, ("experiment",)):
        _undo_experiment(connection, record)
    sql = "SELECT max(time_ms) FROM main.audit WHERE kind = 'experiment' AND key = ? AND seq <= ?"
    late = connection.execute("SELECT id, name FROM temp.experiment WHERE updated_ms > ?", (cut.time_ms,)).fetchall()
    for own, name in late:
        row = (value(connection, sql, (name, cut.seq)), own)
        connection.execute("UPDATE temp.experiment SET updated_ms = ifnull(?, created_ms) WHERE id = ?", row)


def _undo_experiment(connection: sqlite3.Connection, record: Undone) -> None:
    if record.verb == "rename":
        sql = "UPDATE temp.experiment SET name = ? WHERE name = ?"
        connection.execute(sql, (record.before.get("name", record.key), record.key))
        return
    own = value(connection, "SELECT id FROM temp.experiment WHERE name = ?", (record.key,))
    if own is None:
        return
    if record.verb == "create":
        connection.execute("DELETE FROM temp.experiment WHERE id = ?", (own,))
    elif record.verb in ("delete", "restore"):
        time_ms = _deletion(connection, "experiment", record)[1] if record.verb == "restore" else None
        connection.execute("UPDATE temp.experiment SET deleted_ms = ? WHERE id = ?", (time_ms, own))
    elif record.verb == "tag":
        for key, text in record.before.items():
            connection.execute("DELETE FROM temp.experiment_tag WHERE experiment = ? AND key = ?", (own, key))
            if text is not None:
                connection.execute("INSERT INTO temp.experiment_tag VALUES (?, ?, ?)", (own, key, text))


def _deletion(connection: sqlite3.Connection, kind: str, record: Undone) -> tuple[int, int]:
    """The number and the time of the record by which what is restored had been deleted."""
    sql = """SELECT seq, time_ms FROM main.audit WHERE kind = ? AND key = ? AND verb = 'delete' AND seq > ? AND seq <= ?
        ORDER BY seq DESC LIMIT 1"""
    upto = record.seq - 1
    names = [(record.key, 0, upto)] if kind == "run" else called(connection, kind, record.key, upto)
    for name, after, upto in reversed(names):
        row = connection.execute(sql, (kind, name, after, upto)).fetchone()
        if row is not None:
            return int(row[0]), int(row[1])
    return record.seq, record.time_ms


RUNS = Kinds(("run", "experiment"), ("delete", "restore"), flat_tags=True)
"""What records of runs are called; experiments go and come back with theirs."""


def runs(connection: sqlite3.Connection, cut: Cut, touched: Touched) -> None:
    """Turn back runs; where several records touch a field, the oldest tells what was before.

    Args:
        connection: The reader whose temporary tables are made.
        cut: Where the past ends.
        touched: What was touched since.
    """
    for table in ("past_tag", "past_life"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
    connection.create_function("past_number", 1, _number, deterministic=True)
    connection.execute("CREATE TEMP TABLE past_life (run INTEGER PRIMARY KEY, deleted_ms INTEGER)")
    sql = """CREATE TEMP TABLE past_tag (run INTEGER, key INTEGER, value TEXT, number REAL,
        PRIMARY KEY (run, key)) WITHOUT ROWID"""
    connection.execute(sql)
    sql = """INSERT OR IGNORE INTO temp.past_tag SELECT r.id, k.id, w.value, past_number(w.value) FROM temp.past_was w
        CROSS JOIN main.run r ON r.run_id = w.key CROSS JOIN main.run_key k ON k.kind = 'tag' AND k.name = w.part
        WHERE w.kind = 'run' AND w.field = 'tags'"""
    connection.execute(sql)
    for end in reversed(touched.ends(cut)):
        record = Undone(end.seq, _time_of(connection, end.seq), end.verb, end.kind, end.key, None, None)
        (_note_run if end.kind == "run" else _note_experiment)(connection, record)
    _show_runs(connection, cut)


def _number(text: str | None) -> float | None:
    return None if text is None else number_of(text)


def _time_of(connection: sqlite3.Connection, seq: int) -> int:
    return int(value(connection, "SELECT time_ms FROM main.audit WHERE seq = ?", (seq,)))


def _note_run(connection: sqlite3.Connection, record: Undone) -> None:
    was = _ACTIVE if record.verb == "delete" else _deletion(connection, "run", record)[1]
    sql = "INSERT OR IGNORE INTO temp.past_life SELECT id, ? FROM main.run WHERE run_id = ?"
    connection.execute(sql, (was, record.key))


def _note_experiment(connection: sqlite3.Connection, record: Undone) -> None:
    """The runs that went or came back with their experiment: those that had begun, and were not deleted one by one."""
    deleting = record.verb == "delete"
    seq, gone_ms = (record.seq, record.time_ms) if deleting else _deletion(connection, "experiment", record)
    one = "FROM main.audit a WHERE a.kind = 'run' AND a.key = r.run_id AND a.verb IN ('delete', 'restore')"
    sql = f"""INSERT OR IGNORE INTO temp.past_life SELECT r.id, ? FROM main.run r
        WHERE r.experiment = ? AND r.start_ms <= ?
        AND ifnull((SELECT a.verb {one} AND a.seq < ? ORDER BY a.seq DESC LIMIT 1), '') <> 'delete'
        AND NOT EXISTS (SELECT 1 {one} AND a.seq > ? AND a.seq < ?)"""
    was = _ACTIVE if deleting else gone_ms
    connection.execute(sql, (was, _experiment_id(connection, record), gone_ms, seq, seq, record.seq))


def _experiment_id(connection: sqlite3.Connection, record: Undone) -> int | None:
    """The experiment of a record, whatever it is called now."""
    name, seq = record.key, record.seq
    sql = """SELECT seq, key FROM main.audit WHERE kind = 'experiment' AND verb = 'rename' AND seq > ?
        AND json_extract(before, '$.name') = ? ORDER BY seq LIMIT 1"""
    row = connection.execute(sql, (seq, name)).fetchone()
    while row is not None:
        seq, name = row
        row = connection.execute(sql, (seq, name)).fetchone()
    found: int | None = value(connection, "SELECT id FROM main.experiment WHERE name = ?", (name,))
    return found


def _show_runs(connection: sqlite3.Connection, cut: Cut) -> None:
    now = f"{cut.time_ms:d}"
    status = _OVER.format(field="status")
    deleted = "(SELECT p.deleted_ms FROM temp.past_life p WHERE p.run = r.id)"
    ended = f"(r.end_ms > {now} OR {status} IS NOT NULL)"
    show(
        connection,
        "run",
        f"""SELECT r.id, r.run_id, r.experiment, ifnull({_OVER.format(field="name")}, r.name) AS name,
        iif({ended}, 'running', r.status) AS status, r.start_ms, iif({ended}, NULL, r.end_ms) AS end_ms,
        iif(r.heartbeat_ms > {now}, {now}, r.heartbeat_ms) AS heartbeat_ms,
        CASE WHEN {deleted} IS NULL THEN iif(r.deleted_ms > {now}, NULL, r.deleted_ms)
             ELSE nullif({deleted}, {_ACTIVE}) END AS deleted_ms,
        r.user, r.parent, ifnull({_OVER.format(field="note")}, r.note) AS note
        FROM main.run r WHERE r.start_ms <= {now}""",
    )
    show(
        connection,
        "tag",
        """SELECT t.run, t.key, t.value, t.number FROM main.tag t
        WHERE NOT EXISTS (SELECT 1 FROM temp.past_tag p WHERE p.run = t.run AND p.key = t.key)
        UNION ALL SELECT run, key, value, number FROM temp.past_tag WHERE value IS NOT NULL""",
    )


def logged(connection: sqlite3.Connection, cut: Cut) -> None:
    """Show the points, files and models that had been logged by then; the latest point of each key among them."""
    until(connection, cut, {"metric": "time_ms", "artifact": "time_ms"})
    _logged_models(connection, cut)
    now = f"{cut.time_ms:d}"
    point = f"""(SELECT {{column}} FROM main.metric m WHERE m.run = l.run AND m.key = l.key AND m.time_ms <= {now}
        ORDER BY m.step DESC, m.time_ms DESC, m.value DESC LIMIT 1)"""
    columns = ", ".join(
        f"iif(l.time_ms <= {now}, l.{column}, {point.format(column='m.' + column)}) AS {column}"
        for column in ("value", "step", "time_ms")
    )
    had = f"EXISTS (SELECT 1 FROM main.metric m WHERE m.run = l.run AND m.key = l.key AND m.time_ms <= {now})"
    show(
        connection,
        "latest_metric",
        f"SELECT l.run, l.key, {columns} FROM main.latest_metric l WHERE l.time_ms <= {now} OR {had}",
    )


def _logged_models(connection: sqlite3.Connection, cut: Cut) -> None:
    """Show the models that had been logged by then, deleted or not as the first later record tells."""
    of = "FROM main.audit a WHERE a.kind = 'logged_model' AND a.key = m.model_id"
    deleted = f"""CASE (SELECT a.verb {of} AND a.seq > {cut.seq:d} AND a.verb IN ('delete', 'restore')
        ORDER BY a.seq LIMIT 1) WHEN 'delete' THEN NULL
        WHEN 'restore' THEN (SELECT max(a.time_ms) {of} AND a.seq <= {cut.seq:d} AND a.verb = 'delete')
        ELSE m.deleted_ms END AS deleted_ms"""
    columns = [row[1] for row in connection.execute("PRAGMA main.table_info(logged_model)")]
    listed = ", ".join(deleted if column == "deleted_ms" else f"m.{column}" for column in columns)
    show(connection, "logged_model", f"SELECT {listed} FROM main.logged_model m WHERE m.created_ms <= {cut.time_ms:d}")


def traces(connection: sqlite3.Connection, cut: Cut) -> None:
    """Show the traces that had begun, and what had been said of them."""
    until(connection, cut, {"trace": "start_ms", "assessment": "created_ms"})


def telemetry(connection: sqlite3.Connection, cut: Cut) -> None:
    """Show the traffic, captured predictions, labels and probes of by then; what was let go since is not among them."""
    until(connection, cut, {"prediction": "time_ms", "label": "received_ms", "probe": "time_ms"})
    now = f"{cut.time_ms:d}"
    over = (
        "(start_s + iif(step_s = 1, 0, step_s)) * 1000"  # of a longer window that had not ended nobody can tell a part
    )
    show(connection, "traffic", f"SELECT * FROM main.traffic WHERE {over} <= {now}")
    show(connection, "profile_step", f"SELECT * FROM main.profile_step WHERE (start_s + step_s) * 1000 <= {now}")
    show(connection, "probe_hour", f"SELECT * FROM main.probe_hour WHERE start_ms + 3600000 <= {now}")
