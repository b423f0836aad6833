"""The gate `metric`: a metric recorded at registration lies within bounds."""

from __future__ import annotations

from math import isfinite

from engine.gates.model import Facts, GateResult, Status
from engine.gates.numbers import difference, written_apart
from engine.policy.model import MetricGate


def run(spec: MetricGate, facts: Facts) -> GateResult:
    """Hold a metric against its bounds; a bound itself passes, a missing or non-finite value fails.

    Args:
        spec: The metric and its bounds, at least one of them given.
        facts: What is known of the version.

    Returns:
        The answer; with two bounds, value and margin are held against the nearer one.
    """
    value = facts.version.metrics.get(spec.metric)
    if value is None:
        message = f"{spec.metric} was not recorded when the version was registered."
        return GateResult(spec.gate, Status.FAIL, message, subject=spec.metric, threshold=_first_bound(spec))
    if not isfinite(value):
        message = f"{spec.metric} is {value}, which no bound can judge."
        return GateResult(spec.gate, Status.FAIL, message, subject=spec.metric, threshold=_first_bound(spec))
    margin, bound, word = min(_rooms(spec, value))
    status = Status.PASS if margin >= 0 else Status.FAIL
    verb = "keeps" if status is Status.PASS else "breaks"
    shown, shown_bound = written_apart(value, bound)
    return GateResult(
        spec.gate,
        status,
        f"{spec.metric} = {shown} {verb} the {word} {shown_bound}.",
        subject=spec.metric,
        value=value,
        threshold=bound,
        margin=margin,
    )


def _first_bound(spec: MetricGate) -> float | None:
    return spec.min if spec.min is not None else spec.max


def _rooms(spec: MetricGate, value: float) -> list[tuple[float, float, str]]:
    rooms = []
    if spec.min is not None:
        rooms.append((difference(value, spec.min), spec.min, "minimum"))
    if spec.max is not None:
        rooms.append((difference(spec.max, value), spec.max, "maximum"))
    return rooms
