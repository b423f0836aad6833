"""The gate `parity`: a runtime serves the version that provably answers as the model does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.gates.model import Facts, GateResult, Status

if TYPE_CHECKING:
    from engine.policy.served import ParityGate
    from engine.runtimes.model import ParityReport


def run(spec: ParityGate, facts: Facts) -> GateResult:
    """Hold the build's own parity report against what the policy allows; a difference equal to the limit passes.

    Args:
        spec: The runtimes that pass, and the greatest difference.
        facts: What is known of the version.

    Returns:
        The answer: value and threshold are the greatest difference of a probability or number, where there are any.

    Raises:
        QuarterdeckError: the version cannot be built.
    """
    build = facts.tried.build()
    kind = build.kind.value
    accepted = next((each for each in build.parity if each.kind is build.kind and each.accepted), None)
    difference = _difference(accepted)
    limit = spec.max_difference
    status, message = Status.FAIL, ""
    if accepted is None:
        message = f"No report shows that {kind} answers as the model does; build it again."
    elif kind not in spec.runtimes:
        message = f"It is served by {kind}; the policy allows {', '.join(spec.runtimes)}.{_why_not(build.parity, spec)}"
    elif limit is not None and difference is not None and not difference <= limit:
        message = f"{kind} differs from the model by up to {difference:.3g}; {limit:.3g} is allowed."
    else:
        status, message = Status.PASS, _agreement(accepted, difference)
    evidence = {
        "runtime": kind,
        "file_digest": build.file_digest,
        "reports": [_plain(each) for each in build.parity],
    }
    margin = limit - difference if limit is not None and difference is not None else None
    return GateResult(spec.gate, status, message, value=difference, threshold=limit, margin=margin, evidence=evidence)


def _difference(report: ParityReport | None) -> float | None:
    return max((each.greatest_difference for each in report.checks), default=None) if report is not None else None


def _agreement(report: ParityReport, difference: float | None) -> str:
    if difference is None:
        return f"It is served as it is by {report.kind.value}."
    rows = sum(each.rows for each in report.checks)
    return f"{report.kind.value} answers as the model does on {rows:,} rows, within {difference:.3g}."


def _why_not(reports: tuple[ParityReport, ...], spec: ParityGate) -> str:
    """Why the runtimes that the policy allows were refused."""
    told = [
        f" {each.kind.value}: {each.reason}" for each in reports if each.kind.value in spec.runtimes and each.reason
    ]
    return "".join(told[:2])


def _plain(report: ParityReport) -> dict[str, object]:
    checks = [
        {
            "rows_from": each.rows_from,
            "rows": each.rows,
            "labels_differ": each.labels_differ,
            "greatest_difference": _finite(each.greatest_difference),
        }
        for each in report.checks
    ]
    return {"runtime": report.kind.value, "accepted": report.accepted, "reason": report.reason, "checks": checks}


def _finite(value: float) -> float | None:
    """JSON has no infinity; a refused runtime may differ by that much."""
    return value if value < float("inf") else None
