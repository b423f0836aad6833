"""SQL of alerts, what is remembered of windows, changes and silences. Functions take a transaction or a snapshot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.alerts.model import Alert, AlertChange, AlertRule, AlertState, Change, Severity, Silence
from engine.alerts.tracking import Track
from engine.core.query import ALERTS
from engine.db.listing import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction

ALERT_LIST = Subject(
    schema=ALERTS,
    row="a.id",
    source="alert a",
    attributes={
        "id": "a.id",
        "monitor": "a.monitor",
        "key": "a.key",
        "model": "a.model",
        "version": "a.version",
        "endpoint": "a.endpoint",
        "owner": "a.owner",
        "sentence": "a.sentence",
        "state": "a.state",
        "severity": "CASE a.severity WHEN 3 THEN 'critical' WHEN 2 THEN 'warning' ELSE 'info' END",
        "rank": "a.severity",
        "value": "a.value",
        "windows": "a.windows",
        "opened": "a.opened_ms",
        "updated": "a.updated_ms",
        "resolved": "a.resolved_ms",
        "resolved_by": "a.resolved_by",
    },
    nullable=frozenset({"version", "value", "resolved"}),
    tables={},
    owner="alert",
)
"""Alerts."""

_FACTS = """monitor, key, state, severity, sentence, next_step, value, model, version, endpoint, evidence, windows,
    window_start_ms, window_end_ms, opened_ms, updated_ms, owner, until_ms, escalated, silence, resolved_ms,
    resolved_by, resolution, rule"""
_FIELDS = tuple(_FACTS.replace("\n", " ").replace(" ", "").split(","))
_SEVERITIES = tuple(Severity)
_SILENCE = "id, monitor, key, model, endpoint, reason, created_ms, created_by, until_ms, ended_ms, ended_by"


def insert(tx: Transaction, alert: Alert) -> int:
    """Store a new alert; its number."""
    marks = ", ".join("?" * len(_FIELDS))
    return int(tx.execute(f"INSERT INTO alert ({_FACTS}) VALUES ({marks})", _row(alert)).lastrowid or 0)


def update(tx: Transaction, alert: Alert) -> None:
    """Store an alert as it is now."""
    sets = ", ".join(f"{field} = ?" for field in _FIELDS)
    tx.execute(f"UPDATE alert SET {sets} WHERE id = ?", (*_row(alert), alert.id))


def get(view: Snapshot, alert: int) -> Alert | None:
    """The alert of that number, or `None`."""
    row = view.execute(f"SELECT id, {_FACTS} FROM alert WHERE id = ?", (alert,)).fetchone()
    return None if row is None else _alert(row)


def active(view: Snapshot, monitor: str, key: str) -> Alert | None:
    """The alert of what is watched that is not resolved, or `None`."""
    sql = f"SELECT id, {_FACTS} FROM alert WHERE monitor = ? AND key = ? AND state <> 'resolved'"
    row = view.execute(sql, (monitor, key)).fetchone()
    return None if row is None else _alert(row)


def all_active(view: Snapshot) -> tuple[Alert, ...]:
    """Every alert that is not resolved, the oldest first."""
    rows = view.execute(f"SELECT id, {_FACTS} FROM alert WHERE state <> 'resolved' ORDER BY id")
    return tuple(map(_alert, rows))


def alerts(view: Snapshot, numbers: Sequence[int]) -> tuple[Alert, ...]:
    """Alerts by number, in the order asked for."""
    marks = ", ".join("?" * len(numbers))
    found = {
        row[0]: _alert(row) for row in view.execute(f"SELECT id, {_FACTS} FROM alert WHERE id IN ({marks})", numbers)
    }
    return tuple(found[number] for number in numbers)


def track(view: Snapshot, monitor: str, key: str) -> Track:
    """What is remembered of what is watched; nothing at first."""
    sql = "SELECT seen, last_ms, quiet_until_ms FROM alert_track WHERE monitor = ? AND key = ?"
    row = view.execute(sql, (monitor, key)).fetchone()
    return Track() if row is None else Track(*row)


def keep_track(tx: Transaction, monitor: str, key: str, kept: Track) -> None:
    """Remember it."""
    sql = """INSERT INTO alert_track (monitor, key, seen, last_ms, quiet_until_ms) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (monitor, key) DO UPDATE SET seen = excluded.seen, last_ms = excluded.last_ms,
        quiet_until_ms = excluded.quiet_until_ms"""
    tx.execute(sql, (monitor, key, kept.seen, kept.last_ms, kept.quiet_until_ms))


def forget_tracks(tx: Transaction, monitor: str) -> None:
    """Remember nothing of what a monitor watched."""
    tx.execute("DELETE FROM alert_track WHERE monitor = ?", (monitor,))


def add_change(tx: Transaction, alert: Alert, change: Change, sentence: str, *, quiet: bool) -> AlertChange:
    """Write down what happened to an alert, by the transaction's actor and at its time."""
    sql = """INSERT INTO alert_change (alert, time_ms, change, actor, sentence, severity, silenced)
        VALUES (?, ?, ?, ?, ?, ?, ?)"""
    row = (alert.id, tx.now_ms, change.value, tx.actor.name, sentence, alert.severity.rank, quiet)
    number = int(tx.execute(sql, row).lastrowid or 0)
    return AlertChange(number, alert.id, tx.now_ms, change, tx.actor.name, sentence, alert.severity, quiet)


def changes(view: Snapshot, alert: int) -> tuple[AlertChange, ...]:
    """What happened to an alert, in order."""
    sql = """SELECT id, alert, time_ms, change, actor, sentence, severity, silenced FROM alert_change
        WHERE alert = ? ORDER BY id"""
    return tuple(
        AlertChange(number, of, time_ms, Change(change), actor, sentence, _SEVERITIES[severity - 1], bool(silenced))
        for number, of, time_ms, change, actor, sentence, severity, silenced in view.execute(sql, (alert,))
    )


def add_silence(tx: Transaction, silence: Silence) -> int:
    """Store a silence; its number. Who made it, and when, are the transaction's."""
    sql = """INSERT INTO silence (monitor, key, model, endpoint, reason, created_ms, created_by, until_ms, ended_by)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')"""
    said = (silence.monitor, silence.key, silence.model, silence.endpoint, silence.reason)
    return int(tx.execute(sql, (*said, tx.now_ms, tx.actor.name, silence.until_ms)).lastrowid or 0)


def end_silence(tx: Transaction, silence: int) -> None:
    """End a silence now."""
    tx.execute("UPDATE silence SET ended_ms = ?, ended_by = ? WHERE id = ?", (tx.now_ms, tx.actor.name, silence))


def silence(view: Snapshot, number: int) -> Silence | None:
    """The silence of that number, or `None`."""
    row = view.execute(f"SELECT {_SILENCE} FROM silence WHERE id = ?", (number,)).fetchone()
    return None if row is None else Silence(*row)


def silences(view: Snapshot, *, now_ms: int | None, limit: int) -> tuple[Silence, ...]:
    """Silences, the newest first.

    Args:
        view: The caller's view.
        now_ms: Only those that hold then, in milliseconds since the epoch; `None` for all.
        limit: At most so many.
    """
    holds = "1" if now_ms is None else "created_ms <= :now AND until_ms > :now AND ended_ms IS NULL"
    sql = f"SELECT {_SILENCE} FROM silence WHERE {holds} ORDER BY id DESC LIMIT {limit:d}"
    rows = view.execute(sql) if now_ms is None else view.execute(sql.replace(":now", "?"), (now_ms, now_ms))
    return tuple(Silence(*row) for row in rows)


def _row(alert: Alert) -> tuple[object, ...]:
    return tuple(_stored(getattr(alert, field)) for field in _FIELDS)


def _stored(value: object) -> object:
    if isinstance(value, AlertRule):
        return json.dumps(asdict(value))
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    return value.rank if isinstance(value, Severity) else str(value) if isinstance(value, AlertState) else value


def _alert(row: Sequence[Any]) -> Alert:
    facts = dict(zip(("id", *_FIELDS), row, strict=True))
    return Alert(
        **facts
        | {
            "state": AlertState(facts["state"]),
            "severity": _SEVERITIES[facts["severity"] - 1],
            "evidence": json.loads(facts["evidence"]),
            "escalated": bool(facts["escalated"]),
            "rule": AlertRule(**json.loads(facts["rule"])),
        }
    )
