"""SQL of promotions: what moved, by which right, relying on what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from engine.db.transaction import Snapshot, Transaction
from engine.deployment.model import Kind, Move, Promotion
from engine.deployment.succession import Turn
from engine.registry.approval_model import Person
from engine.registry.model import Stage

_SELECT = (
    "SELECT p.id, m.name, p.version, p.kind, p.from_stage, p.to_stage, p.digest, p.report, p.request, p.overridden, "
    "p.rolled_back_from, p.reason, p.actor, p.on_behalf_of, p.time_ms "
    "FROM promotion p JOIN model m ON m.id = p.model"
)


def insert(tx: Transaction, promotion: Promotion, *, changes_production: bool) -> int:
    """Store a promotion; its `id` is not looked at.

    Args:
        tx: The caller's transaction.
        promotion: What happened.
        changes_production: Whether it changed what is in Production: it is then the model's new generation.

    Returns:
        Its number.
    """
    cursor = tx.execute(
        "INSERT INTO promotion (model, version, kind, from_stage, to_stage, digest, report, request, overridden, "
        "rolled_back_from, changes_production, reason, actor, on_behalf_of, time_ms) "
        "SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM model WHERE name = ?",
        (
            promotion.version,
            promotion.kind.value,
            promotion.from_stage.value,
            promotion.to_stage.value,
            promotion.digest,
            promotion.report_id,
            promotion.request_id,
            json.dumps(promotion.overridden),
            promotion.rolled_back_from,
            int(changes_production),
            promotion.reason,
            promotion.by.name,
            promotion.by.on_behalf_of,
            promotion.time_ms,
            promotion.model,
        ),
    )
    promotion_id = int(cursor.lastrowid or 0)
    tx.executemany(
        "INSERT INTO promotion_move VALUES (?, ?, ?, ?)",
        [(promotion_id, move.version, move.from_stage.value, move.to_stage.value) for move in promotion.replaced],
    )
    return promotion_id


def generation(view: Snapshot, model: str) -> int:
    """Number of the last promotion that changed what is in Production of a model; 0 when there was none."""
    sql = (
        "SELECT max(p.id) FROM promotion p JOIN model m ON m.id = p.model WHERE m.name = ? AND p.changes_production = 1"
    )
    return int(view.execute(sql, (model,)).fetchone()[0] or 0)


def turns(view: Snapshot, model: str) -> tuple[Turn, ...]:
    """Every change of a model's Production, oldest first."""
    rows = view.execute(
        "SELECT p.version, p.to_stage, p.digest, p.rolled_back_from FROM promotion p JOIN model m ON m.id = p.model "
        "WHERE m.name = ? AND p.changes_production = 1 ORDER BY p.id",
        (model,),
    )
    return tuple(
        Turn(version, to_stage == Stage.PRODUCTION.value, digest, gone) for version, to_stage, digest, gone in rows
    )


def newest(view: Snapshot, model: str | None, *, below: int | None, limit: int) -> tuple[Promotion, ...]:
    """Promotions, newest first.

    Args:
        view: The caller's view.
        model: Only those of this model.
        below: Only numbers smaller than this.
        limit: At most so many.

    Returns:
        The promotions.
    """
    conditions: list[str] = ["1"]
    values: list[object] = []
    for condition, value in (("m.name = ?", model), ("p.id < ?", below)):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    sql = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY p.id DESC LIMIT ?"
    return tuple(_promotion(view, row) for row in view.execute(sql, (*values, limit)).fetchall())


def _promotion(view: Snapshot, row: Sequence[Any]) -> Promotion:
    number, model, version, kind, from_stage, to_stage, digest, report, request, overridden, gone, *rest = row
    reason, actor, on_behalf_of, time_ms = rest
    moves = view.execute(
        "SELECT version, from_stage, to_stage FROM promotion_move WHERE promotion = ? ORDER BY version", (number,)
    )
    return Promotion(
        id=number,
        model=model,
        version=version,
        kind=Kind(kind),
        from_stage=Stage(from_stage),
        to_stage=Stage(to_stage),
        digest=digest,
        report_id=report,
        request_id=request,
        overridden=tuple(json.loads(overridden)),
        rolled_back_from=gone,
        replaced=tuple(Move(each[0], Stage(each[1]), Stage(each[2])) for each in moves),
        reason=reason,
        by=Person(actor, on_behalf_of),
        time_ms=time_ms,
    )
