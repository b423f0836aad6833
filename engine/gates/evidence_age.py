"""The gate `evidence-age`: the measurements are young enough to be believed."""

from __future__ import annotations

from engine.core.timetext import format_age
from engine.gates.model import Facts, GateResult, Status, Unit
from engine.policy.model import EvidenceAgeGate

SKEW_MS = 60_000
"""How far ahead of ours a training machine's clock may run, in milliseconds."""


def run(spec: EvidenceAgeGate, facts: Facts) -> GateResult:
    """Hold the time since the run ended against the limit; the limit itself passes, a run from the future fails.

    Args:
        spec: The limit in milliseconds.
        facts: What is known of the version.

    Returns:
        The answer, in milliseconds.
    """
    age, limit = facts.now_ms - facts.evidence_ms, format_age(spec.max_age_ms)
    if age < -SKEW_MS:
        status, message = Status.FAIL, "The measurements are dated in the future; check the clocks."
    elif age > spec.max_age_ms:
        status = Status.FAIL
        message = f"The measurements are {format_age(age)} old, over the {limit} allowed: measure again."
    else:
        status = Status.PASS
        message = f"The measurements are {format_age(max(age, 0))} old; at most {limit} is allowed."
    return GateResult(
        spec.gate,
        status,
        message,
        value=age,
        threshold=spec.max_age_ms,
        margin=spec.max_age_ms - age if age >= -SKEW_MS else None,
        unit=Unit.MILLISECONDS,
    )
