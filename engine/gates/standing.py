"""Kept answers that stand for gates which take seconds, where those do not run anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.gates.model import Facts, GateReport, GateResult, Status, Trying

if TYPE_CHECKING:
    from engine.policy.model import GateSpec, Policy

_DRY = (Status.SKIPPED, "Not run in a dry run: it takes seconds. `qd models check` runs it, and so does the promotion.")
_NEVER = (Status.ERROR, "Not run, since a rollback does not wait for it, and nothing is kept of these bytes.")


class Standing:
    """Finds what stands for a gate.

    Args:
        report: The report whose answers stand, or `None` when none does.
        since_ms: The earliest moment at which they may have been found, in milliseconds since the epoch.
        otherwise: The status and message of a gate for which nothing stands; `None` has it run.
    """

    def __init__(self, report: GateReport | None, since_ms: int, otherwise: tuple[Status, str] | None) -> None:
        self._report = report
        self._since_ms = since_ms
        self._otherwise = otherwise
        self._seen: Counter[str] = Counter()

    def answer(self, spec: GateSpec) -> GateResult | None:
        """What stands for a gate; to be asked once for each gate of the policy, in order.

        Args:
            spec: The gate with its options.

        Returns:
            The kept answer, which names its report; or that it did not run; `None` when it has to.
        """
        place = self._seen[spec.gate]
        self._seen[spec.gate] += 1
        if self._report is not None:
            answers = [each for each in self._report.results if each.gate == spec.gate]
            found = self._kept(answers[place], self._report) if place < len(answers) else None
            if found is not None:
                return found
        return None if self._otherwise is None else GateResult(spec.gate, *self._otherwise)

    def _kept(self, result: GateResult, report: GateReport) -> GateResult | None:
        found_ms = result.evidence.get("found_ms", report.time_ms)
        if result.status is Status.ERROR or not isinstance(found_ms, int) or found_ms < self._since_ms:
            return None
        if "report" in result.evidence:  # it stood for a gate in that report already
            return result
        evidence = {**result.evidence, "found_ms": found_ms, "report": report.id}
        return replace(result, message=f"{result.message} (Found in report {report.id}.)", evidence=evidence)


def standing_answers(trying: Trying, kept: GateReport | None, facts: Facts, policy: Policy, *, dry: bool) -> Standing:
    """What stands for gates in one run of them.

    Args:
        trying: When gates run that take seconds.
        kept: The newest report about the version and the stage, or `None`.
        facts: What is known of the version.
        policy: The policy.
        dry: Whether the report is not to be kept: then none of them runs.

    Returns:
        The kept answers as far as they hold. A rollback takes any about the same bytes; else the policy and what is in
        Production must be the same too, and the answers young enough to be evidence.
    """
    report = kept if kept is not None and kept.digest == facts.version.digest else None
    if trying is Trying.NEVER and not dry:
        return Standing(report, 0, _NEVER)
    others = tuple(sorted(each.version for each in facts.production))
    if report is not None and (report.policy_digest != policy.digest or report.baseline != others):
        report = None
    since_ms = facts.now_ms - policy.evidence_max_age_ms
    if dry:
        return Standing(report, since_ms, _DRY)
    return Standing(report if trying is Trying.UNLESS_KNOWN else None, since_ms, None)
