"""The gate `baseline`: there is something to compare production with, so that drift would be noticed."""

from __future__ import annotations

from engine.core.timetext import format_age
from engine.gates.model import Facts, GateResult, Status
from engine.policy.model import BaselineGate


def run(spec: BaselineGate, facts: Facts) -> GateResult:
    """Look at the baseline in force.

    Args:
        spec: How many rows it needs, and how old it may be.
        facts: What is known of the version.

    Returns:
        The answer, in rows.
    """
    found = facts.baseline
    if found is None:
        how = f"`qd drift baseline {facts.version.model} {facts.version.version} FILE` makes one."
        return GateResult(spec.gate, Status.FAIL, f"It has no baseline; {how}", value=0, threshold=spec.rows)
    age_ms = facts.now_ms - found.created_ms
    old = spec.max_age_ms is not None and age_ms > spec.max_age_ms
    status = Status.PASS
    message = f"Baseline {found.number} has {found.rows:,} rows of {found.features:,} columns."
    if found.rows < spec.rows:
        status, message = (
            Status.FAIL,
            f"Baseline {found.number} has {found.rows:,} rows; at least {spec.rows:,} are asked.",
        )
    elif old:
        status = Status.FAIL
        message = f"Baseline {found.number} is {format_age(age_ms)} old, over what is allowed: make another."
    return GateResult(
        spec.gate,
        status,
        message,
        value=found.rows,
        threshold=spec.rows,
        margin=found.rows - spec.rows,
        evidence={"baseline": found.number, "digest": found.digest, "kind": found.kind.value, "source": found.source},
    )
