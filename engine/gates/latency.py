"""The gate `latency`: the built model answers quickly, in little memory, and not slower than what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.gates.budget import Limit, judge, shown
from engine.gates.model import Facts, GateResult, Status, Unit
from engine.gates.trial_model import Load, Measured, Timing

if TYPE_CHECKING:
    from engine.policy.served import LatencyGate


def load_of(spec: LatencyGate) -> Load:
    """How the gate's options have a version called."""
    return Load(spec.rows, spec.duration_ms, compare=spec.not_slower is not None)


def run(spec: LatencyGate, facts: Facts) -> GateResult:
    """Call the built runtime in a process of its own and hold what was measured against the limits.

    Args:
        spec: The limits, at least one of them given, and how to call it.
        facts: What is known of the version.

    Returns:
        The answer; value and threshold are of the first limit that is broken, else of the first.

    Raises:
        QuarterdeckError: the version cannot be built, or does not answer.
    """
    return verdict(spec, facts.tried.measured(load_of(spec)))


def verdict(spec: LatencyGate, measured: Measured) -> GateResult:
    """Hold what was measured against the limits; a limit itself passes.

    Args:
        spec: The limits, at least one of them given.
        measured: What was measured; with the live version, where the limit against it is given and something is live.

    Returns:
        The answer. A limit against the live version is kept when nothing is live.
    """
    candidate = measured.candidate
    limits = []
    if spec.p95_us is not None:
        limits.append(Limit("the p95", candidate.p95_us, spec.p95_us, Unit.MICROSECONDS))
    if spec.memory_bytes is not None:
        limits.append(Limit("the memory", candidate.weight.model_bytes, spec.memory_bytes, Unit.BYTES))
    if spec.not_slower is not None and measured.ratio is not None:
        limits.append(Limit(_ratio_words(measured), measured.ratio, spec.not_slower, Unit.NUMBER))
    subject = "" if spec.rows == 1 else f"{spec.rows} rows"
    evidence = _evidence(spec, measured)
    note = _note(spec, measured)
    if not limits:
        message = f"Nothing is live to compare with. {note}"
        return GateResult(
            spec.gate,
            Status.PASS,
            message,
            subject=subject,
            value=candidate.p95_us,
            unit=Unit.MICROSECONDS,
            evidence=evidence,
        )
    return judge(spec.gate, subject, limits, evidence, note)


def _ratio_words(measured: Measured) -> str:
    live = measured.live
    beside = "" if live is None else f" ({shown(live.p95_us, Unit.MICROSECONDS)} at version {live.version})"
    return f"the ratio to what is live{beside}"


def _note(spec: LatencyGate, measured: Measured) -> str:
    of = "1 row" if spec.rows == 1 else f"{spec.rows} rows"
    calls = f"{measured.candidate.calls:,} calls of {of}"
    runtime = measured.candidate.weight.runtime
    return f"Measured on the runtime {runtime} in a process of its own, not over HTTP: {calls}, {measured.rows_from}."


def _evidence(spec: LatencyGate, measured: Measured) -> dict[str, object]:
    live = None if measured.live is None else _plain(measured.live)
    return {
        "candidate": _plain(measured.candidate),
        "live": live,
        "ratio": measured.ratio,
        "rows": spec.rows,
        "rows_from": measured.rows_from,
        "duration_ms": spec.duration_ms,
        "machine": measured.machine,
    }


def _plain(timing: Timing) -> dict[str, object]:
    weight = timing.weight
    return {
        "version": timing.version,
        "runtime": weight.runtime,
        "calls": timing.calls,
        "p50_us": timing.p50_us,
        "p95_us": timing.p95_us,
        "p99_us": timing.p99_us,
        "slowest_us": timing.slowest_us,
        "rounds_p95_us": list(timing.rounds_us),
        "model_bytes": weight.model_bytes,
        "imports_bytes": weight.imports_bytes,
        "resident_bytes": weight.resident_bytes,
        "load_ms": weight.load_ms,
    }
