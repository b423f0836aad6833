"""SQL of approval requests and the decisions on them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.core.frozen import frozen
from engine.db.transaction import Snapshot, Transaction
from engine.policy.model import NO_FILE_DIGEST
from engine.registry.approval_model import ApprovalState, Binding, Decision, Person, Verdict
from engine.registry.model import Stage


@frozen
class StoredRequest:
    """A request as stored; where it stands is computed from it, the policy and the clock.

    Args:
        id: Its number.
        version_row: Integer key of the version.
        model: The model's name.
        version: The version's number.
        to: The stage asked for.
        override: Whether it asks for an override.
        bound: What the approvers were shown.
        report_id: The gate report they were shown.
        requested_by: Who asks.
        reason: Why.
        created_ms: When it was made, in milliseconds since the epoch.
        expires_ms: When it stops being usable, in milliseconds since the epoch.
        closed: The final state it was put into, or `None` while it is not closed.
        problem: Why it was closed as stale; empty otherwise.
        promotion_id: The promotion that used it.
    """

    id: int
    version_row: int
    model: str
    version: int
    to: Stage
    override: bool
    bound: Binding
    report_id: int
    requested_by: Person
    reason: str
    created_ms: int
    expires_ms: int
    closed: ApprovalState | None
    problem: str
    promotion_id: int | None


_SELECT = (
    "SELECT r.id, r.version, m.name, v.number, r.target, r.override, r.digest, r.demands, r.production, r.report, "
    "r.requested_by, r.on_behalf_of, r.reason, r.created_ms, r.expires_ms, r.closed, r.problem, r.promotion "
    "FROM approval_request r JOIN model_version v ON v.id = r.version JOIN model m ON m.id = v.model "
)


def insert(tx: Transaction, request: StoredRequest) -> int:
    """Store a new request; its `id` is ignored.

    Args:
        tx: The transaction.
        request: What to store.

    Returns:
        Its number.

    Raises:
        sqlite3.IntegrityError: the version has a request for that stage that is not closed.
    """
    bound = request.bound
    cursor = tx.execute(
        "INSERT INTO approval_request (version, target, override, digest, demands, production, report, requested_by, "
        "on_behalf_of, reason, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            request.version_row,
            request.to.value,
            int(request.override),
            bound.digest,
            bound.demands,
            json.dumps(bound.production),
            request.report_id,
            request.requested_by.name,
            request.requested_by.on_behalf_of,
            request.reason,
            request.created_ms,
            request.expires_ms,
        ),
    )
    return int(cursor.lastrowid or 0)


def get(snapshot: Snapshot, request_id: int) -> StoredRequest | None:
    """One request; `None` when there is none of that number."""
    row = snapshot.execute(f"{_SELECT} WHERE r.id = ?", (request_id,)).fetchone()
    return None if row is None else _request(row)


def pending(snapshot: Snapshot, version_row: int, to: Stage, *, override: bool) -> StoredRequest | None:
    """The request of a version for a stage that is not closed; `None` when there is none."""
    sql = f"{_SELECT} WHERE r.version = ? AND r.target = ? AND r.override = ? AND r.closed IS NULL"
    row = snapshot.execute(sql, (version_row, to.value, int(override))).fetchone()
    return None if row is None else _request(row)


def pending_of_model(snapshot: Snapshot, model: str) -> list[StoredRequest]:
    """The requests of all versions of a model that are not closed, oldest first."""
    sql = f"{_SELECT} WHERE m.name = ? AND r.closed IS NULL ORDER BY r.id"
    return [_request(row) for row in snapshot.execute(sql, (model,))]


def newest(snapshot: Snapshot, *, below: int | None, limit: int, pending_only: bool = False) -> list[StoredRequest]:
    """Requests, newest first.

    Args:
        snapshot: The view.
        below: Only numbers smaller than this.
        limit: At most so many.
        pending_only: Only those that are not closed.

    Returns:
        The requests.
    """
    conditions, values = ["1"], []
    if below is not None:
        conditions.append("r.id < ?")
        values.append(below)
    if pending_only:
        conditions.append("r.closed IS NULL")
    sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY r.id DESC LIMIT ?"
    return [_request(row) for row in snapshot.execute(sql, (*values, limit))]


def add_decision(tx: Transaction, request_id: int, decision: Decision) -> None:
    """Store what an approver said."""
    tx.execute(
        "INSERT INTO approval_decision (request, verdict, actor, on_behalf_of, reason, time_ms) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            request_id,
            decision.verdict.value,
            decision.by.name,
            decision.by.on_behalf_of,
            decision.reason,
            decision.time_ms,
        ),
    )


def decisions(snapshot: Snapshot, request_id: int) -> tuple[Decision, ...]:
    """Everything that was said on a request, oldest first."""
    rows = snapshot.execute(
        "SELECT verdict, actor, on_behalf_of, reason, time_ms FROM approval_decision WHERE request = ? ORDER BY id",
        (request_id,),
    )
    return tuple(Decision(Verdict(row[0]), Person(row[1], row[2]), row[3], row[4]) for row in rows)


def close(
    tx: Transaction, request_id: int, state: ApprovalState, *, problem: str = "", promotion_id: int | None = None
) -> bool:
    """Put a request into a final state.

    Args:
        tx: The transaction.
        request_id: Its number.
        state: A final state.
        problem: Why, for a stale one.
        promotion_id: What used it up.

    Returns:
        False when it was closed already, and then nothing is changed.
    """
    cursor = tx.execute(
        "UPDATE approval_request SET closed = ?, problem = ?, promotion = ? WHERE id = ? AND closed IS NULL",
        (state.value, problem, promotion_id, request_id),
    )
    return cursor.rowcount == 1


def _request(row: Sequence[object]) -> StoredRequest:
    (number, version_row, model, version, to, override, digest, demands, production, report, *rest) = row
    by, on_behalf_of, reason, created_ms, expires_ms, closed, problem, promotion = rest
    return StoredRequest(
        id=_int(number),
        version_row=_int(version_row),
        model=str(model),
        version=_int(version),
        to=Stage(str(to)),
        override=bool(override),
        bound=Binding(str(digest), str(demands), tuple(json.loads(str(production)))),
        report_id=_int(report),
        requested_by=Person(str(by), str(on_behalf_of)),
        reason=str(reason),
        created_ms=_int(created_ms),
        expires_ms=_int(expires_ms),
        closed=None if closed is None else ApprovalState(str(closed)),
        problem=str(problem),
        promotion_id=None if promotion is None else _int(promotion),
    )


def _int(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 the column's declared type
    return value


def judged_by_file(view: Snapshot) -> bool:
    """Whether any gate report or promotion relied on a policy file; the audit log remembers those of deleted models."""
    row = view.execute(
        "SELECT EXISTS (SELECT 1 FROM gate_report WHERE policy_digest <> ?1) OR EXISTS (SELECT 1 FROM audit "
        "WHERE kind = 'promotion' AND json_valid(after) AND json_extract(after, '$.policy') <> ?1)",
        (NO_FILE_DIGEST,),
    ).fetchone()
    return bool(row[0])


def outlived(view: Snapshot, request: StoredRequest) -> bool:
    """Whether anything was recorded after a request was made and after it had expired, whatever the clock says now."""
    row = view.execute(
        "SELECT EXISTS (SELECT 1 FROM audit INDEXED BY audit_time WHERE time_ms >= ? AND seq > "
        "(SELECT min(seq) FROM audit WHERE kind = 'approval' AND key = ?))",
        (request.expires_ms, str(request.id)),
    ).fetchone()
    return bool(row[0])
