"""SQL of rollouts: how they stand, and what each step showed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.deployment.analysis import Judgement, Verdict, evidence_from_json
from engine.deployment.rollout_model import Rollout, RolloutState, StepVerdict
from engine.policy.rollout import RolloutPolicy, RolloutStep
from engine.registry.approval_model import Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction

_SELECT = (
    "SELECT r.id, e.name, m.name, c.number, r.candidate, r.live, l.number, r.policy, r.promotes, r.state, r.step, "
    "r.generation, r.step_since_ms, r.evidence, r.note, r.reason, r.actor, r.on_behalf_of, r.created_ms, r.updated_ms, "
    "r.ended_ms FROM rollout r JOIN endpoint e ON e.id = r.endpoint JOIN model m ON m.id = e.model "
    "JOIN deployment c ON c.id = r.candidate JOIN deployment l ON l.id = r.live"
)


def insert(tx: Transaction, rollout: Rollout) -> int:
    """Store a rollout that begins; its `id` is not looked at.

    Args:
        tx: The caller's transaction.
        rollout: The rollout.

    Returns:
        Its number.
    """
    cursor = tx.execute(
        "INSERT INTO rollout (endpoint, candidate, live, policy, promotes, state, step, generation, step_since_ms, "
        "evidence, note, reason, actor, on_behalf_of, created_ms, updated_ms) "
        "SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM endpoint WHERE name = ?",
        (
            rollout.candidate,
            rollout.live,
            json.dumps(asdict(rollout.policy)),
            int(rollout.promotes),
            rollout.state.value,
            rollout.step,
            rollout.generation,
            rollout.step_since_ms,
            rollout.evidence.to_json(),
            rollout.note,
            rollout.reason,
            rollout.by.name,
            rollout.by.on_behalf_of,
            rollout.created_ms,
            rollout.updated_ms,
            rollout.endpoint,
        ),
    )
    return int(cursor.lastrowid or 0)


def update(tx: Transaction, rollout: Rollout) -> None:
    """Store what has changed about a rollout.

    Args:
        tx: The caller's transaction.
        rollout: As it is now.
    """
    tx.execute(
        "UPDATE rollout SET live = ?, state = ?, step = ?, generation = ?, step_since_ms = ?, evidence = ?, note = ?, "
        "updated_ms = ?, ended_ms = ? WHERE id = ?",
        (
            rollout.live,
            rollout.state.value,
            rollout.step,
            rollout.generation,
            rollout.step_since_ms,
            rollout.evidence.to_json(),
            rollout.note,
            rollout.updated_ms,
            rollout.ended_ms,
            rollout.id,
        ),
    )


def get(view: Snapshot, number: int) -> Rollout | None:
    """The rollout of that number, or `None`."""
    row = view.execute(f"{_SELECT} WHERE r.id = ?", (number,)).fetchone()
    return None if row is None else _rollout(row)


def open_of(view: Snapshot, endpoint: str) -> Rollout | None:
    """The rollout of an endpoint that has not ended, or `None`."""
    row = view.execute(f"{_SELECT} WHERE e.name = ? AND r.ended_ms IS NULL", (endpoint,)).fetchone()
    return None if row is None else _rollout(row)


def running(view: Snapshot) -> tuple[Rollout, ...]:
    """The rollouts that run now, oldest first."""
    rows = view.execute(f"{_SELECT} WHERE r.ended_ms IS NULL AND r.state = 'running' ORDER BY r.id")
    return tuple(map(_rollout, rows))


def newest(view: Snapshot, endpoint: str | None, *, below: int | None, limit: int) -> tuple[Rollout, ...]:
    """Rollouts, newest first.

    Args:
        view: The caller's view.
        endpoint: Only those of this endpoint.
        below: Only numbers smaller than this.
        limit: At most so many.
    """
    rows = view.execute(
        f"{_SELECT} WHERE (? IS NULL OR e.name = ?) AND (? IS NULL OR r.id < ?) ORDER BY r.id DESC LIMIT ?",
        (endpoint, endpoint, below, below, limit),
    )
    return tuple(map(_rollout, rows))


def add_verdict(tx: Transaction, rollout: Rollout, judgement: Judgement) -> None:
    """Keep what was decided about the step a rollout is in.

    Args:
        tx: The caller's transaction.
        rollout: The rollout, as it was decided about.
        judgement: What was decided.
    """
    row = (rollout.id, rollout.step, judgement.verdict.value, judgement.sentence, rollout.evidence.to_json(), tx.now_ms)
    tx.execute(
        "INSERT INTO rollout_verdict (rollout, step, verdict, sentence, evidence, time_ms) VALUES (?, ?, ?, ?, ?, ?)",
        row,
    )


def verdicts(view: Snapshot, number: int) -> tuple[StepVerdict, ...]:
    """What was decided about the steps of a rollout, oldest first."""
    rows = view.execute(
        "SELECT id, rollout, step, verdict, sentence, evidence, time_ms FROM rollout_verdict WHERE rollout = ? "
        "ORDER BY id",
        (number,),
    )
    return tuple(
        StepVerdict(id_, rollout, step, Verdict(verdict), sentence, evidence_from_json(evidence), time_ms)
        for id_, rollout, step, verdict, sentence, evidence, time_ms in rows
    )


def _rollout(row: Sequence[Any]) -> Rollout:
    number, endpoint, model, version, candidate, live, live_version, policy, promotes, state, *rest = row
    step, generation, since_ms, evidence, note, reason, actor, on_behalf_of, created_ms, updated_ms, ended_ms = rest
    return Rollout(
        id=number,
        endpoint=endpoint,
        model=model,
        version=version,
        candidate=candidate,
        live=live,
        live_version=live_version,
        policy=_policy(policy),
        promotes=bool(promotes),
        state=RolloutState(state),
        step=step,
        generation=generation,
        step_since_ms=since_ms,
        evidence=evidence_from_json(evidence),
        note=note,
        reason=reason,
        by=Person(actor, on_behalf_of),
        created_ms=created_ms,
        updated_ms=updated_ms,
        ended_ms=ended_ms,
    )


def _policy(text: str) -> RolloutPolicy:
    value = json.loads(text)
    return RolloutPolicy(**(value | {"steps": tuple(RolloutStep(**step) for step in value["steps"])}))
