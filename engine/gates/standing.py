"""Kept answers that stand for gates which take too long for now."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.gates.model import GateReport, GateResult, Status

if TYPE_CHECKING:
    from engine.policy.model import GateSpec
    from engine.registry.model import Version


class Standing:
    """Answers that were kept, in the place of gates that take too long for now.

    Args:
        kept: The newest report about the version and the stage, or `None`.
        version: The version as it is now.
        policy_digest: Digest of the policy as it is now.
        since_ms: How old they may be, for a dry run; `None` for a rollback, which takes any of the same bytes.
    """

    def __init__(self, kept: GateReport | None, version: Version, policy_digest: str, since_ms: int | None) -> None:
        self._dry = since_ms is not None
        fits = kept is not None and kept.digest == version.digest
        if kept is not None and since_ms is not None:
            fits = fits and kept.policy_digest == policy_digest
        self._report = kept if fits else None
        self._since_ms = since_ms or 0
        self._seen: Counter[str] = Counter()

    def answer(self, spec: GateSpec) -> GateResult:
        """What stands for a gate.

        Args:
            spec: The gate with its options.

        Returns:
            The kept answer, which names its report; else that it was skipped, or for a rollback an error.
        """
        place = self._seen[spec.gate]
        self._seen[spec.gate] += 1
        answers = [] if self._report is None else [each for each in self._report.results if each.gate == spec.gate]
        found = answers[place] if place < len(answers) else None
        if self._report is not None and found is not None and found.status is not Status.ERROR:
            measured_ms = found.evidence.get("measured_ms", self._report.time_ms)
            if isinstance(measured_ms, int) and measured_ms >= self._since_ms:
                number = found.evidence.get("report", self._report.id)
                evidence = {**found.evidence, "measured_ms": measured_ms, "report": number}
                return replace(found, evidence=evidence)
        if self._dry:
            message = "Not run in a dry run: it takes seconds. `qd models check` runs it, and so does the promotion."
            return GateResult(spec.gate, Status.SKIPPED, message)
        return GateResult(spec.gate, Status.ERROR, "Not run anew, since a rollback does not wait for it.")
