"""The gate `size`: the version's files are not too large."""

from __future__ import annotations

from engine.gates.model import Facts, GateResult, Status, Unit
from engine.policy.model import SizeGate


def run(spec: SizeGate, facts: Facts) -> GateResult:
    """Hold the sum of the file sizes against the limit; the limit itself passes.

    Args:
        spec: The limit in bytes.
        facts: What is known of the version.

    Returns:
        The answer, in bytes.
    """
    size = facts.version.size_bytes
    status = Status.PASS if size <= spec.max_bytes else Status.FAIL
    verb = "within" if status is Status.PASS else "over"
    return GateResult(
        spec.gate,
        status,
        f"{size:,} bytes are {verb} the limit of {spec.max_bytes:,}.",
        value=size,
        threshold=spec.max_bytes,
        margin=spec.max_bytes - size,
        unit=Unit.BYTES,
    )
