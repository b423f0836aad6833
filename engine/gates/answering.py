"""Which gate answers for which options; whatever breaks in it never counts as a pass."""

from __future__ import annotations

from engine.core.errors import NotServable, PredictionFailed, QuarterdeckError
from engine.gates import baseline, evidence_age, fields, integrity, metric, not_worse, signature, size
from engine.gates.model import Facts, GateResult, Status
from engine.policy.model import (
    BaselineGate,
    EvidenceAgeGate,
    FieldsGate,
    GateSpec,
    IntegrityGate,
    MetricGate,
    NotWorseGate,
    SignatureGate,
    SizeGate,
)
from engine.policy.served import LatencyGate, ParityGate, ReplayGate, ResourcesGate, ScanGate, ServedSpec


def guarded(spec: GateSpec, facts: Facts) -> GateResult:
    """Run one gate. A model that cannot serve or answer fails; one that breaks otherwise is an error in the report.

    Args:
        spec: The gate with its options.
        facts: What is known of the version.

    Returns:
        The gate's answer.
    """
    try:
        return _answer(spec, facts)
    except (NotServable, PredictionFailed) as error:
        return GateResult(spec.gate, Status.FAIL, str(error))
    except QuarterdeckError as error:
        return GateResult(spec.gate, Status.ERROR, str(error))
    except Exception as error:  # noqa: BLE001 whatever goes wrong inside a gate must count as a failure, never as a pass
        return GateResult(spec.gate, Status.ERROR, f"The gate broke: {type(error).__name__}: {error}")


def _answer(spec: GateSpec, facts: Facts) -> GateResult:  # noqa: PLR0911 one line a gate
    match spec:
        case MetricGate():
            return metric.run(spec, facts)
        case NotWorseGate():
            return not_worse.run(spec, facts)
        case IntegrityGate():
            return integrity.run(spec, facts)
        case SizeGate():
            return size.run(spec, facts)
        case SignatureGate():
            return signature.run(spec, facts)
        case FieldsGate():
            return fields.run(spec, facts)
        case EvidenceAgeGate():
            return evidence_age.run(spec, facts)
        case BaselineGate():
            return baseline.run(spec, facts)
        case _:
            return _tried(spec, facts)


def _tried(spec: ServedSpec, facts: Facts) -> GateResult:
    from engine.gates import latency, parity, replay, resources, scan  # most policies have none of them

    match spec:
        case LatencyGate():
            return latency.run(spec, facts)
        case ParityGate():
            return parity.run(spec, facts)
        case ScanGate():
            return scan.run(spec, facts)
        case ReplayGate():
            return replay.run(spec, facts)
        case ResourcesGate():
            return resources.run(spec, facts)
