"""The gate `integrity`: the stored bytes are the registered bytes."""

from __future__ import annotations

from engine.gates.model import Facts, GateResult, Status
from engine.policy.model import IntegrityGate


def run(spec: IntegrityGate, facts: Facts) -> GateResult:
    """Report what reading every file of the version found.

    Args:
        spec: Nothing to set.
        facts: What is known of the version.

    Returns:
        The answer, with the digest in the evidence.
    """
    evidence = {"digest": facts.version.digest}
    if facts.damage:
        return GateResult(spec.gate, Status.FAIL, facts.damage, evidence=evidence)
    return GateResult(spec.gate, Status.PASS, "Every stored file has its registered digest.", evidence=evidence)
