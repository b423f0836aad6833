"""The gate `fields`: somebody has filled in what the policy wants to know."""

from __future__ import annotations

from engine.gates.model import Facts, GateResult, Status
from engine.policy.model import FieldsGate
from engine.registry.model import Version


def run(spec: FieldsGate, facts: Facts) -> GateResult:
    """Look for required fields that are empty or blank.

    Args:
        spec: Names of fields of a version.
        facts: What is known of the version.

    Returns:
        The answer: value and threshold count the fields filled in and asked for.
    """
    missing = [name for name in spec.required if not _filled(facts.version, name)]
    wanted, filled = len(spec.required), len(spec.required) - len(missing)
    status = Status.FAIL if missing else Status.PASS
    message = f"Not filled in: {', '.join(missing)}." if missing else f"Filled in: {', '.join(spec.required)}."
    return GateResult(
        spec.gate,
        status,
        message,
        value=filled,
        threshold=wanted,
        margin=filled - wanted,
        evidence={"missing": missing},
    )


def _filled(version: Version, name: str) -> bool:
    value = getattr(version, name)
    return bool(value.strip()) if isinstance(value, str) else value is not None
