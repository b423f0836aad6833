"""What a gate is told, what it answers, and the report that keeps the answers as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from engine.core.frozen import frozen
from engine.drift.baseline_model import Baseline
from engine.gates.trial_model import Measured, Trials
from engine.policy.model import IntegrityGate
from engine.registry.model import Stage, Version


class Status(StrEnum):
    """How a gate ended. Only `pass` lets a version through: an error is a failure."""

    PASS = "pass"  # noqa: S105 the word of a verdict, no password
    FAIL = "fail"
    ERROR = "error"
    SKIPPED = "skipped"
    """A dry run left it out, since it takes seconds and processes; what is kept as evidence never says so."""


class Trying(StrEnum):
    """When gates run that build, load or call the model, or look into its files."""

    ANEW = "anew"
    """Each time."""
    UNLESS_KNOWN = "unless known"
    """When nothing young is kept of these bytes, this policy and these competitors."""
    NEVER = "never"
    """Not now: whatever was kept of these bytes stands for them, however old, or an error. A rollback does not wait."""


class Unit(StrEnum):
    """What a gate's value and threshold count."""

    NUMBER = ""
    BYTES = "bytes"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"


@frozen
class Facts:
    """All that a gate may look at: collected before the gates run; but what is built or measured, a gate asks for.

    Args:
        version: The version that wants to move.
        production: The other versions of its model that are in Production now.
        damage: What is wrong with its stored bytes; empty when each file was just read and has its digest.
        evidence_ms: When the run that made it ended (its registration, when there is no run), in ms since the epoch.
        now_ms: The time of the check, in milliseconds since the epoch.
        trials: Builds, loads and calls the version when it is asked to; `None` where no gate needs that.
        baseline: What production of the version is compared with; `None` where there is nothing, or no gate asks.
    """

    version: Version
    production: tuple[Version, ...]
    damage: str
    evidence_ms: int
    now_ms: int
    trials: Trials | None = None
    baseline: Baseline | None = None

    @property
    def tried(self) -> Trials:
        """What builds, loads and calls the version.

        Raises:
            RuntimeError: nobody has given it; a mistake of ours.
        """
        if self.trials is None:
            raise RuntimeError("these facts were collected without trials")
        return self.trials


@frozen
class GateResult:
    """The answer of one gate.

    Args:
        gate: The gate's name in the policy, such as `not-worse`.
        status: How it ended.
        message: One sentence for the operator: what was found, and why it fails.
        subject: What it looked at where a policy may name several, such as a metric; else empty.
        value: What was measured, in `unit`.
        threshold: What it was held against, in `unit`.
        margin: How far the value lies on the good side of the threshold, in `unit`; negative when on the bad side.
        unit: The unit of the three numbers.
        evidence: Further facts it relied on (JSON values only), such as the version it was compared with.
    """

    gate: str
    status: Status
    message: str
    subject: str = ""
    value: float | None = None
    threshold: float | None = None
    margin: float | None = None
    unit: Unit = Unit.NUMBER
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether it lets the version through."""
        return self.status is Status.PASS

    @property
    def label(self) -> str:
        """The gate with its subject, such as `metric auc`."""
        return f"{self.gate} {self.subject}".rstrip()


@frozen
class LatencyReport:
    """How quick a version is, for whoever asks; it is no evidence and is not kept.

    Args:
        model: The model's name.
        version: The version's number.
        digest: Digest of the version's bytes, 64 hex digits.
        time_ms: When it was measured, in milliseconds since the epoch.
        actor: Who had it measured.
        rows: Rows of a call.
        duration_ms: How long each version was called, in milliseconds.
        measured: What was found.
        verdict: What the latency gate of Production says to it; `None` where the policy has none.
    """

    model: str
    version: int
    digest: str
    time_ms: int
    actor: str
    rows: int
    duration_ms: int
    measured: Measured
    verdict: GateResult | None


@frozen
class GateReport:
    """The answers of all gates for one version and target: evidence, bound to the bytes and to the policy.

    Args:
        id: Its number; 0 when it was a dry run that left nothing behind.
        model: The model's name.
        version: The version's number.
        digest: Digest of the version's bytes that were judged, 64 hex digits.
        target: The stage it wants to enter.
        time_ms: When the gates ran, in milliseconds since the epoch.
        actor: Who had them run.
        policy_digest: Digest of the policy they were run by, 64 hex digits.
        baseline: Versions that were in Production and were compared with, ascending.
        passed: Whether every gate lets the version through; not, when a dry run left one out.
        results: The answers, in the policy's order.
    """

    id: int
    model: str
    version: int
    digest: str
    target: Stage
    time_ms: int
    actor: str
    policy_digest: str
    baseline: tuple[int, ...]
    passed: bool
    results: tuple[GateResult, ...]

    @property
    def failures(self) -> tuple[GateResult, ...]:
        """The gates that do not let the version through; what a dry run left out is none of them."""
        return tuple(result for result in self.results if not result.passed and result.status is not Status.SKIPPED)

    @property
    def skipped(self) -> tuple[GateResult, ...]:
        """The gates that a dry run left out."""
        return tuple(result for result in self.results if result.status is Status.SKIPPED)

    @property
    def sound(self) -> bool:
        """Whether the stored bytes were read for it and every file had its digest."""
        return any(result.gate == IntegrityGate.gate and result.passed for result in self.results)
