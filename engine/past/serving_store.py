"""SQL that turns back endpoints, what was routed to them, rollouts, and endpoints that somebody else serves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.core.query import number_of
from engine.past.facts import told
from engine.past.tables_store import called, copy, later, of_object, until, value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from engine.past.model import Cut, Undone

_SAID = ("description", "owner", "key", "capture")
_EXTERNAL = (
    "url",
    "protocol",
    "model",
    "interval_ms",
    "timeout_ms",
    "expected_status",
    "headers",
    "description",
    "owner",
    "tags",
)


def endpoints(connection: sqlite3.Connection, cut: Cut) -> None:
    """Turn back endpoints, deployments, generations and rollouts; models must have been turned back before."""
    copy(connection, "endpoint", "endpoint_tag", "deployment", "generation", "rollout")
    until(connection, cut, {"rollout_verdict": "time_ms", "acknowledgement": "time_ms"})
    _allowances(connection, cut)
    for record in later(connection, cut, ("endpoint", "rollout")):
        if record.kind == "rollout":
            _undo_rollout(connection, record)
        elif record.deleted:
            _restore_endpoint(connection, cut, record)
        else:
            _undo_endpoint(connection, record)
    _end_deployments(connection, cut)
    _set_times(connection, cut)


def _allowances(connection: sqlite3.Connection, cut: Cut) -> None:
    """Tell from the log alone who answered for which pickles: a word that is taken back leaves no row."""
    copy(connection, "allowance", only="0")
    sql = """INSERT INTO temp.allowance SELECT digest, actor, on_behalf_of, reason, time_ms FROM
        (SELECT json_extract(after, '$.digest') AS digest, actor, on_behalf_of, reason, time_ms, verb, max(seq)
        FROM main.audit NOT INDEXED WHERE seq <= ? AND kind = 'version' AND verb IN ('allow pickle', 'forbid pickle')
        GROUP BY digest) WHERE verb = 'allow pickle'"""
    connection.execute(sql, (cut.seq,))


def _endpoint_id(connection: sqlite3.Connection, name: str) -> int | None:
    found: int | None = value(connection, "SELECT id FROM temp.endpoint WHERE name = ?", (name,))
    return found


def _undo_endpoint(connection: sqlite3.Connection, record: Undone) -> None:
    own = _endpoint_id(connection, record.key)
    if own is None:
        return
    if "generation" in record.after:
        sql = "DELETE FROM temp.generation WHERE endpoint = ? AND number = ?"
        connection.execute(sql, (own, record.after["generation"]))
    elif record.created and record.verb == "create":
        connection.execute("DELETE FROM temp.deployment WHERE endpoint = ?", (own,))
        connection.execute("DELETE FROM temp.endpoint WHERE id = ?", (own,))
    else:
        _endpoint_back(connection, own, record.before)


def _endpoint_back(connection: sqlite3.Connection, own: int, before: Mapping[str, Any]) -> None:
    for column in _SAID:
        if column in before:
            connection.execute(f"UPDATE temp.endpoint SET {column} = ? WHERE id = ?", (before[column], own))
    for key, text in before.get("tags", {}).items():
        connection.execute("DELETE FROM temp.endpoint_tag WHERE endpoint = ? AND key = ?", (own, key))
        if text is not None:
            row = (own, key, text, number_of(text))
            connection.execute("INSERT INTO temp.endpoint_tag VALUES (?, ?, ?, ?)", row)


def _restore_endpoint(connection: sqlite3.Connection, cut: Cut, record: Undone) -> None:
    """Bring an endpoint back that was deleted; what was routed to it went with it, and the audit log tells it."""
    records = of_object(connection, "endpoint", record.key, record.seq - 1)
    known = {**told(records), **record.before}
    names = called(connection, "model", str(known.get("model")), record.seq)
    then = next((name for name, after, upto in names if after <= cut.seq < upto), names[-1][0])
    model = value(connection, "SELECT id FROM temp.model WHERE name = ?", (then,))
    if model is None:
        return
    came = next((each for each in reversed(records) if each.created and each.verb == "create"), record)
    row = (-record.seq, record.key, model, known.get("description", ""), known.get("owner", ""))
    rest = (known.get("key", "client"), "", known.get("capture", 0.0), came.time_ms, came.time_ms, "")
    connection.execute("INSERT INTO temp.endpoint VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *rest))
    _endpoint_back(connection, -record.seq, {"tags": known.get("tags", {})})


def _undo_rollout(connection: sqlite3.Connection, record: Undone) -> None:
    if not record.key.isdigit():
        return
    own = int(record.key)
    if record.created:
        connection.execute("DELETE FROM temp.rollout WHERE id = ?", (own,))
        return
    before = record.before
    row = (before.get("state", "running"), before.get("generation", 0), before.get("note", ""), own)
    connection.execute("UPDATE temp.rollout SET state = ?, generation = ?, note = ? WHERE id = ?", row)
    if before.get("state") in ("running", "paused"):
        connection.execute("UPDATE temp.rollout SET ended_ms = NULL WHERE id = ?", (own,))


_ROUTED = """SELECT json_extract(r.value, '$[1]') FROM temp.generation g, json_each(g.routes) r
    WHERE g.id = (SELECT max(id) FROM temp.generation WHERE endpoint = d.endpoint)
    AND json_extract(r.value, '$[0]') = d.id"""


def _end_deployments(connection: sqlite3.Connection, cut: Cut) -> None:
    """Say how deployments had ended by then: what was routed had not, unless it only stood by."""
    connection.execute("DELETE FROM temp.deployment WHERE created_ms > ?", (cut.time_ms,))
    sql = "SELECT d.id, d.ended, d.created_ms, ({routed}) FROM temp.deployment d WHERE d.updated_ms > ?"
    for own, ended, created_ms, share in connection.execute(sql.format(routed=_ROUTED), (cut.time_ms,)).fetchall():
        then = (ended or "retired") if share is None else ended if share == "standby" else ""
        row = (then, created_ms, own)
        connection.execute("UPDATE temp.deployment SET ended = ?, paused = '', updated_ms = ? WHERE id = ?", row)


def _set_times(connection: sqlite3.Connection, cut: Cut) -> None:
    sql = "SELECT max(time_ms) FROM main.audit WHERE kind = 'endpoint' AND key = ? AND seq <= ? AND verb <> 'refuse'"
    late = connection.execute("SELECT id, name FROM temp.endpoint WHERE updated_ms > ? OR id < 0", (cut.time_ms,))
    for own, name in late.fetchall():
        row = (value(connection, sql, (name, cut.seq)), own)
        connection.execute("UPDATE temp.endpoint SET updated_ms = ifnull(?, created_ms) WHERE id = ?", row)
    sql = "SELECT max(time_ms) FROM main.audit WHERE kind = 'rollout' AND key = ? AND seq <= ?"
    late = connection.execute("SELECT id FROM temp.rollout WHERE updated_ms > ?", (cut.time_ms,))
    for (own,) in late.fetchall():
        row = (value(connection, sql, (str(own), cut.seq)), own)
        connection.execute("UPDATE temp.rollout SET updated_ms = ifnull(?, created_ms) WHERE id = ?", row)


def external(connection: sqlite3.Connection, cut: Cut) -> None:
    """Turn back endpoints that somebody else serves."""
    copy(connection, "external_endpoint")
    for record in later(connection, cut, ("external endpoint",)):
        if record.created:
            connection.execute("DELETE FROM temp.external_endpoint WHERE name = ?", (record.key,))
            continue
        if record.deleted:
            came = of_object(connection, "external endpoint", record.key, record.seq)
            made_ms = next((each.time_ms for each in reversed(came) if each.created), 0)
            blank = (-record.seq, record.key, "", "http", "", 1, 1, 200, "{}", "", "", "{}", made_ms, made_ms, "")
            marks = ", ".join("?" * len(blank))
            connection.execute(f"INSERT INTO temp.external_endpoint VALUES ({marks})", blank)
        for column in _EXTERNAL:
            if column in record.before:
                was = record.before[column]
                row = (json.dumps(was) if isinstance(was, dict) else was, record.key)
                connection.execute(f"UPDATE temp.external_endpoint SET {column} = ? WHERE name = ?", row)
    sql = """SELECT max(time_ms) FROM main.audit WHERE kind = 'external endpoint' AND key = ? AND seq <= ?"""
    found = connection.execute("SELECT name FROM temp.external_endpoint WHERE updated_ms > ? OR id < 0", (cut.time_ms,))
    for (name,) in found.fetchall():
        row = (value(connection, sql, (name, cut.seq)), name)
        connection.execute("UPDATE temp.external_endpoint SET updated_ms = ifnull(?, created_ms) WHERE name = ?", row)
