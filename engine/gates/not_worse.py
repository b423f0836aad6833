"""The gate `not-worse`: a metric is not worse than that of what serves now, measured on the same data."""

from __future__ import annotations

from math import isfinite

from engine.gates.model import Facts, GateResult, Status
from engine.gates.numbers import difference, written_apart
from engine.policy.model import NotWorseGate
from engine.registry.model import Version


def run(spec: NotWorseGate, facts: Facts) -> GateResult:
    """Compare with every version in Production; the hardest to beat decides.

    A comparison means something on the same data only, so a baseline with another data digest (or none) fails the gate.

    Args:
        spec: The metric, which way it improves, and how much worse still passes.
        facts: What is known of the version and of Production.

    Returns:
        The answer; it passes when nothing is in Production.
    """
    if not facts.production:
        message = "Nothing is in Production to compare with."
        return GateResult(spec.gate, Status.PASS, message, subject=spec.metric, value=_finite(spec, facts.version))
    answers = [_against(spec, facts.version, baseline) for baseline in facts.production]
    return min(answers, key=lambda answer: (answer.passed, answer.margin is not None, answer.margin or 0.0))


def _against(spec: NotWorseGate, version: Version, baseline: Version) -> GateResult:
    value, other = _finite(spec, version), _finite(spec, baseline)
    evidence = {"baseline": baseline.version, "data_digest": version.data_digest}
    problem = _incomparable(spec, version, baseline)
    if problem or value is None or other is None:
        return GateResult(
            spec.gate, Status.FAIL, problem, subject=spec.metric, value=value, threshold=other, evidence=evidence
        )
    higher = spec.better == "higher"
    allowance = spec.margin
    margin = difference(value, other, allowance) if higher else difference(other, value, allowance)
    threshold = difference(other, allowance) if higher else difference(other, 0.0, allowance)
    status = Status.PASS if margin >= 0 else Status.FAIL
    verdict = "is not worse than" if status is Status.PASS else "is worse than"
    signed = allowance if higher else -allowance
    shown, shown_other, shown_allowance = written_apart(value, other, signed)
    message = (
        f"{spec.metric} = {shown} {verdict} version {baseline.version} in Production "
        f"({shown_other}, margin {shown_allowance.removeprefix('-')})."
    )
    return GateResult(
        spec.gate,
        status,
        message,
        subject=spec.metric,
        value=value,
        threshold=threshold,
        margin=margin,
        evidence=evidence,
    )


def _incomparable(spec: NotWorseGate, version: Version, baseline: Version) -> str:
    """Why the two cannot be compared; empty when they can."""
    if not version.data_digest or not baseline.data_digest:
        blind = version if not version.data_digest else baseline
        return f"Version {blind.version} does not say which data it was measured on, so nothing can be compared."
    if version.data_digest != baseline.data_digest:
        return (
            f"Version {version.version} and version {baseline.version} in Production were measured on different data; "
            f"measure both on the same."
        )
    for measured in (version, baseline):
        if _finite(spec, measured) is None:
            found = measured.metrics.get(spec.metric)
            state = "was not recorded" if found is None else f"is {found}"
            return f"{spec.metric} {state} for version {measured.version}, so nothing can be compared."
    return ""


def _finite(spec: NotWorseGate, version: Version) -> float | None:
    value = version.metrics.get(spec.metric)
    return value if value is not None and isfinite(value) else None
