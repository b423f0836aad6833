"""The gate `replay`: the version takes what the live one was asked in production, and answers much the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.gates.model import Facts, GateResult, Status

if TYPE_CHECKING:
    from engine.gates.trial_model import Replayed
    from engine.policy.served import ReplayGate

_SHOWN = 3


def run(spec: ReplayGate, facts: Facts) -> GateResult:
    """Ask the version again what was captured at the endpoints where the live version answers.

    Args:
        spec: How many rows, and how many may be refused or answered differently.
        facts: What is known of the version.

    Returns:
        The answer: value and threshold count the refused rows, or are the shares of other answers where that decides.
        It passes where nothing is live behind an endpoint, since nobody is asked anything there.

    Raises:
        QuarterdeckError: the version cannot be built, or does not answer at all.
    """
    found = facts.tried.replayed(spec.rows)
    evidence = _evidence(found)
    if not found.live:
        return GateResult(spec.gate, Status.PASS, "Nothing is live behind an endpoint of the model.", evidence=evidence)
    if found.rows < spec.needed:
        return GateResult(
            spec.gate,
            Status.FAIL,
            f"{_count(found.rows, 'captured row')} of {_live(found)} found, and {spec.needed} are needed: capture more "
            "at the endpoint, or set needed in the policy.",
            value=found.rows,
            threshold=spec.needed,
            margin=found.rows - spec.needed,
            evidence=evidence,
        )
    if found.refused > spec.max_refused:
        return _refused(spec, found, evidence)
    return _compared(spec, found, evidence)


def _refused(spec: ReplayGate, found: Replayed, evidence: dict[str, object]) -> GateResult:
    reasons = [f"{count} x {reason}" for reason, count in list(found.reasons.items())[:_SHOWN]]
    more = f" And {len(found.reasons) - _SHOWN} more reasons." if len(found.reasons) > _SHOWN else ""
    message = (
        f"{found.refused} of {_count(found.rows, 'captured row')} of {_live(found)} refused: {' '.join(reasons)}{more}"
    )
    return GateResult(
        spec.gate,
        Status.FAIL,
        message,
        value=found.refused,
        threshold=spec.max_refused,
        margin=spec.max_refused - found.refused,
        evidence=evidence,
    )


def _compared(spec: ReplayGate, found: Replayed, evidence: dict[str, object]) -> GateResult:
    most = spec.max_disagreement
    taken = f"{_count(found.rows - found.refused, 'captured row')} of {_live(found)} taken"
    share = found.disagreed / found.compared if found.compared else None
    if most is None or (share is None and not found.rows):
        also = "" if share is None else f", {share:.1%} of them answered differently"
        return GateResult(
            spec.gate,
            Status.PASS,
            f"{taken}, {found.refused} refused{also}.",
            value=found.refused,
            threshold=spec.max_refused,
            margin=spec.max_refused - found.refused,
            evidence=evidence,
        )
    if share is None:
        message = f"{taken}, but no captured answer can be compared with the version's."
        return GateResult(spec.gate, Status.FAIL, message, threshold=most, evidence=evidence)
    verdict, word = (Status.PASS, "at most") if share <= most else (Status.FAIL, "and only")
    message = f"{taken}; {share:.1%} of them answered differently, {word} {most:.1%} allowed."
    return GateResult(spec.gate, verdict, message, value=share, threshold=most, margin=most - share, evidence=evidence)


def _live(found: Replayed) -> str:
    return f"version {', '.join(map(str, found.live))}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _evidence(found: Replayed) -> dict[str, object]:
    return {
        "live": list(found.live),
        "endpoints": list(found.endpoints),
        "rows": found.rows,
        "refused": found.refused,
        "reasons": dict(found.reasons),
        "compared": found.compared,
        "disagreed": found.disagreed,
    }
