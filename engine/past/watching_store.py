"""SQL that turns back monitors, what they found, alerts and silences."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.past.facts import told
from engine.past.tables_store import born, copy, later, of_object, until, value

if TYPE_CHECKING:
    import sqlite3

    from engine.past.model import Cut, Undone

_HUSH = """UPDATE temp.alert AS a SET silence = (SELECT s.id FROM temp.silence s
    WHERE s.until_ms > ? AND s.ended_ms IS NULL AND s.monitor IN ('', a.monitor) AND s.key IN ('', a.key)
    AND s.model IN ('', a.model) AND s.endpoint IN ('', a.endpoint)
    ORDER BY s.id DESC LIMIT 1) WHERE a.state <> 'resolved'"""
"""Which silence covers an alert is written in no record."""

_RANKS = {"info": 1, "warning": 2, "critical": 3}


def alerts(connection: sqlite3.Connection, cut: Cut) -> None:
    """Turn back alerts, their changes, and silences."""
    until(connection, cut, {"alert_change": "time_ms"})
    new = born(connection, cut, "alert", "open")
    copy(connection, "silence")
    copy(connection, "alert", only=f"CAST(id AS TEXT) NOT IN ({new})")
    touched: set[str] = set()
    for record in later(connection, cut, ("alert", "silence"), unless=f"kind = 'alert' AND key IN ({new})"):
        if record.kind == "silence":
            _undo_unsilence(connection, record)
        elif record.key.startswith("silence "):
            connection.execute("DELETE FROM temp.silence WHERE id = ?", (record.key.removeprefix("silence "),))
        else:
            touched.add(record.key)
            _undo_alert(connection, record)
    for key in touched:
        _retell(connection, cut, key)
    connection.execute(_HUSH, (cut.time_ms,))


def _undo_unsilence(connection: sqlite3.Connection, record: Undone) -> None:
    connection.execute("UPDATE temp.silence SET ended_ms = NULL, ended_by = '' WHERE id = ?", (record.key,))


def _undo_alert(connection: sqlite3.Connection, record: Undone) -> None:
    state = record.before.get("state", "open")
    rank = _RANKS.get(str(record.before.get("severity")))
    row = (state, rank, record.before.get("owner", ""), record.key)
    sql = "UPDATE OR REPLACE temp.alert SET state = ?, severity = ifnull(?, severity), owner = ? WHERE id = ?"
    connection.execute(sql, row)
    if state != "resolved":
        sql = "UPDATE temp.alert SET resolved_ms = NULL, resolved_by = '', resolution = '' WHERE id = ?"
        connection.execute(sql, (record.key,))
    if state != "acknowledged":
        connection.execute("UPDATE temp.alert SET until_ms = NULL WHERE id = ?", (record.key,))


def _retell(connection: sqlite3.Connection, cut: Cut, key: str) -> None:
    """Say of an alert what its last record by then said; windows it has seen since have not come."""
    records = of_object(connection, "alert", key, cut.seq)
    known: dict[str, Any] = told(records)
    if not records:
        return
    row = (known.get("value"), known.get("next_step", ""), records[-1].time_ms, cut.time_ms, key)
    sql = """UPDATE temp.alert SET value = ?, next_step = ?, updated_ms = ?, window_end_ms = min(window_end_ms, ?)
        WHERE id = ?"""
    connection.execute(sql, row)
    found = [each.after["sentence"] for each in records if each.verb in ("open", "worsen") and "sentence" in each.after]
    if found:
        connection.execute("UPDATE temp.alert SET sentence = ? WHERE id = ?", (found[-1], key))
    escalated = any(each.verb == "escalate" for each in records)
    connection.execute("UPDATE temp.alert SET escalated = ? WHERE id = ?", (int(escalated), key))


def monitors(connection: sqlite3.Connection, cut: Cut) -> None:
    """Turn back monitors and what they have found."""
    until(connection, cut, {"monitor_result": "made_ms"})
    copy(connection, "monitor")
    for record in later(connection, cut, ("monitor",)):
        if record.created:
            connection.execute("DELETE FROM temp.monitor WHERE name = ?", (record.key,))
            continue
        if record.deleted:
            _restore_monitor(connection, record)
        if "paused" in record.before:
            sql = "UPDATE temp.monitor SET paused = ? WHERE name = ?"
            connection.execute(sql, (record.before["paused"], record.key))
        if "settings" in record.before:
            sql = "UPDATE temp.monitor SET settings = ? WHERE name = ?"
            connection.execute(sql, (json.dumps(record.before["settings"], separators=(",", ":")), record.key))
    _looked(connection, cut)


def _restore_monitor(connection: sqlite3.Connection, record: Undone) -> None:
    came = [each for each in of_object(connection, "monitor", record.key, record.seq) if each.created]
    made_ms = came[-1].time_ms if came else record.time_ms
    sql = """INSERT INTO temp.monitor (id, name, source, settings, paused, created_ms, created_by, verdict, sentence,
        problem) VALUES (?, ?, 'command', '{}', '', ?, '', '', '', '')"""
    connection.execute(sql, (-record.seq, record.key, made_ms))


def _looked(connection: sqlite3.Connection, cut: Cut) -> None:
    """Say of monitors that have looked since what the newest window by then had shown."""
    connection.execute("DELETE FROM temp.monitor WHERE created_ms > ? AND source = 'file'", (cut.time_ms,))
    late = connection.execute("SELECT id FROM temp.monitor WHERE last_ms > ?", (cut.time_ms,)).fetchall()
    newest = """SELECT made_ms, verdict, sentence FROM temp.monitor_result WHERE monitor = ?
        ORDER BY window_end_ms DESC, id DESC LIMIT 1"""
    for (own,) in late:
        made_ms, verdict, sentence = connection.execute(newest, (own,)).fetchone() or (None, "", "")
        sql = (
            "UPDATE temp.monitor SET last_ms = ?, next_ms = NULL, verdict = ?, sentence = ?, problem = '' WHERE id = ?"
        )
        connection.execute(sql, (made_ms, verdict, sentence, own))


def access(connection: sqlite3.Connection, cut: Cut) -> None:
    """Turn back tokens and webhooks, without what the audit log keeps to itself: secrets, and paths of addresses."""
    copy(connection, "token", "webhook")
    until(connection, cut, {"webhook_delivery": "created_ms"})
    for record in later(connection, cut, ("token", "webhook")):
        table, column = ("token", "id") if record.kind == "token" else ("webhook", "webhook_id")
        if record.created:
            connection.execute(f"DELETE FROM temp.{table} WHERE {column} = ?", (record.key,))
        elif record.kind == "token":
            connection.execute("UPDATE temp.token SET revoked_ms = NULL WHERE id = ?", (record.key,))
        else:
            _webhook_back(connection, record)
    sql = "UPDATE temp.token SET last_used_ms = NULL WHERE last_used_ms > ?"
    connection.execute(sql, (cut.time_ms,))
    last = "SELECT max(time_ms) FROM main.audit WHERE kind = 'webhook' AND key = ? AND seq <= ?"
    for (key,) in connection.execute(
        "SELECT webhook_id FROM temp.webhook WHERE updated_ms > ?", (cut.time_ms,)
    ).fetchall():
        row = (value(connection, last, (key, cut.seq)), key)
        connection.execute("UPDATE temp.webhook SET updated_ms = ifnull(?, created_ms) WHERE webhook_id = ?", row)


def _webhook_back(connection: sqlite3.Connection, record: Undone) -> None:
    before = record.before
    events = json.dumps(before.get("events", []))
    said = (before.get("name", ""), events, int(bool(before.get("active"))))
    if record.deleted:
        came = [each for each in of_object(connection, "webhook", record.key, record.seq) if each.created]
        made_ms = came[-1].time_ms if came else record.time_ms
        sql = """INSERT INTO temp.webhook (id, webhook_id, name, description, url, events, secret, active, created_ms,
            created_by, updated_ms) VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, '', ?)"""
        secret = "*" if before.get("signed") else ""
        row = (before.get("name", ""), before.get("place", ""), events, secret, said[2])
        connection.execute(sql, (-record.seq, record.key, *row, made_ms, made_ms))
        return
    connection.execute(
        "UPDATE temp.webhook SET name = ?, events = ?, active = ? WHERE webhook_id = ?", (*said, record.key)
    )
    changed = before.get("place") != record.after.get("place")
    if changed:
        connection.execute(
            "UPDATE temp.webhook SET url = ? WHERE webhook_id = ?", (before.get("place", ""), record.key)
        )
