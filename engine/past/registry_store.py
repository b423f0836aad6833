"""SQL that turns back models and their versions, what was judged of them, and prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.past.named_store import Family, turn_back
from engine.past.tables_store import copy, later, show, until, value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from engine.past.model import Cut
    from engine.past.touched_store import Touched

_CLOSED = ("rejected", "withdrawn", "used", "expired", "stale")


def _model_row(known: Mapping[str, Any], came_ms: int, _by: str) -> Mapping[str, object]:
    texts = {name: known.get(name) or "" for name in ("description", "owner")}
    return {**texts, "created_ms": came_ms, "updated_ms": came_ms}


def _version_row(known: Mapping[str, Any], came_ms: int, by: str) -> Mapping[str, object]:
    texts = ("artifact_path", "digest", "data_digest", "owner", "description", "source", "flavor", "format")
    return {
        **{name: known.get(name) or "" for name in texts},
        "data_name": "",
        "stage": known.get("stage") or "Registered",
        "stage_ms": came_ms,
        "run_id": known.get("run_id"),
        "model_id": known.get("model_id"),
        "size_bytes": known.get("size_bytes") or 0,
        "created_ms": came_ms,
        "updated_ms": came_ms,
        "created_by": by,
    }


def _prompt_row(known: Mapping[str, Any], came_ms: int, _by: str) -> Mapping[str, object]:
    return {"description": known.get("description") or "", "created_ms": came_ms, "updated_ms": came_ms}


def _prompt_version_row(known: Mapping[str, Any], came_ms: int, by: str) -> Mapping[str, object]:
    return {
        "kind": known.get("kind") or "text",
        "template": "",  # its words were deleted, and are nowhere
        "response_format": "",
        "model_config": known.get("model_config") or "{}",
        "commit_message": known.get("commit_message") or "",
        "created_ms": came_ms,
        "updated_ms": came_ms,
        "created_by": by,
    }


MODELS = Family(
    name="model",
    version="version",
    table="model_version",
    aliases="model_alias",
    tags="model_tag",
    version_tags="version_tag",
    texts=("description", "owner"),
    version_texts=("stage", "description", "owner", "digest"),
    made_by=("create", "register", "import"),
    silent=("predict", "baseline", "refuse", "ask retraining"),
    row=_model_row,
    version_row=_version_row,
)

PROMPTS = Family(
    name="prompt",
    version="prompt version",
    table="prompt_version",
    aliases="prompt_alias",
    tags="prompt_tag",
    version_tags="prompt_version_tag",
    texts=("description",),
    version_texts=("commit_message", "model_config"),
    made_by=("create", "register", "import"),
    silent=("refuse",),
    row=_prompt_row,
    version_row=_prompt_version_row,
)


def registry(connection: sqlite3.Connection, cut: Cut, touched: Touched) -> None:
    """Turn back models, versions, aliases and tags."""
    turn_back(connection, cut, MODELS, touched)
    late = """SELECT v.id, m.name || '/' || v.number FROM temp.model_version v JOIN temp.model m ON m.id = v.model
        WHERE v.stage_ms > ? OR v.id < 0"""
    sql = """SELECT time_ms FROM main.audit WHERE kind = 'version' AND key = ? AND seq <= ?
        AND json_type(after, '$.stage') IS NOT NULL ORDER BY seq DESC LIMIT 1"""
    for own, key in connection.execute(late, (cut.time_ms,)).fetchall():
        time_ms = value(connection, sql, (key, cut.seq))
        connection.execute(
            "UPDATE temp.model_version SET stage_ms = ifnull(?, created_ms) WHERE id = ?", (time_ms, own)
        )


def prompts(connection: sqlite3.Connection, cut: Cut, touched: Touched) -> None:
    """Turn back prompts, their versions, aliases and tags."""
    turn_back(connection, cut, PROMPTS, touched)


def judged(connection: sqlite3.Connection, cut: Cut) -> None:
    """Turn back promotions, requests for approval, gate reports, baselines and batches of predictions."""
    until(connection, cut, {"gate_report": "time_ms", "approval_decision": "time_ms", "baseline": "created_ms"})
    copy(connection, "promotion", "approval_request")
    for record in later(connection, cut, ("promotion", "approval")):
        if not record.key.isdigit():
            continue
        if record.kind == "promotion":
            connection.execute("DELETE FROM temp.promotion WHERE id = ?", (int(record.key),))
        elif record.created:
            connection.execute("DELETE FROM temp.approval_request WHERE id = ?", (int(record.key),))
        else:
            state = record.before.get("state")
            row = (state if state in _CLOSED else None, record.before.get("promotion"), int(record.key))
            connection.execute("UPDATE temp.approval_request SET closed = ?, promotion = ? WHERE id = ?", row)
            connection.execute("UPDATE temp.approval_request SET problem = '' WHERE closed IS NOT 'stale'")
    columns = [row[1] for row in connection.execute("PRAGMA main.table_info(scoring)")]
    then = {
        "state": f"iif(ended_ms > {cut.time_ms:d}, 'running', state) AS state",
        "ended_ms": f"iif(ended_ms > {cut.time_ms:d}, NULL, ended_ms) AS ended_ms",
    }
    listed = ", ".join(then.get(column, column) for column in columns)
    show(connection, "scoring", f"SELECT {listed} FROM main.scoring WHERE began_ms <= {cut.time_ms:d}")
