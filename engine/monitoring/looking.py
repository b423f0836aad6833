"""What a test of a monitor is shown, and what it answers."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from engine.alerts.model import AlertRule, Level, Severity, Signal
from engine.core.complaints import Complaints
from engine.core.errors import Busy, QuarterdeckError, WorkspaceError
from engine.core.frozen import frozen
from engine.monitoring.model import Kind, MonitorResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engine.monitoring.batch import Batch
    from engine.monitoring.memory import Memory
    from engine.monitoring.model import Basis, Subject, Window
    from engine.policy.monitors import MonitorSettings
    from engine.profiles.profile import Profile
    from engine.profiles.reference import Reference


@frozen
class Look:
    """One window of one version.

    Args:
        monitor: The monitor's name.
        settings: How it looks.
        subject: The version.
        window: The window.
        batch: Its rows, or a fair sample where there are very many.
        told: Rows of any window whose labels came since the window before, in the order they came.
        requests: How many requests it holds, of which the batch may be a sample.
        late: How many of them came too late.
        revised: Whether the window was looked at before: what tests remember must not count it again.
        settled: Whether its labels have been waited for.
        now_ms: The time, in milliseconds since the epoch.
        read: Reads another window of the same version; `None` for files.
        stored: Sums profiles that were kept of all requests; `None` where there are none.
    """

    monitor: str
    settings: MonitorSettings
    subject: Subject
    window: Window
    batch: Batch
    told: Batch
    requests: int
    late: int
    revised: bool
    settled: bool
    now_ms: int
    read: Callable[[Window], Batch] | None = None
    stored: Callable[[Reference], Profile | None] | None = None

    @property
    def part(self) -> str:
        """Under which name memory keeps what belongs to this version's share: it outlives the version."""
        return f"{self.subject.endpoint}:{self.subject.share}"


@frozen
class Point:
    """One number of performance.

    Args:
        basis: How it came about.
        metric: What was measured.
        value: The number; `None` when it could not be told.
        error: Its standard error by sampling; `None` when it could not be told.
        rows: Rows it rests on.
    """

    basis: Basis
    metric: str
    value: float | None
    error: float | None
    rows: int


@frozen
class Watched:
    """What one window says of one thing; alerts are raised by these.

    Args:
        key: What is watched, such as `drift` or `performance`.
        level: What the window says.
        sentence: What was found.
        next_step: What to do about it.
        value: The number that decided.
        evidence: The numbers behind it (JSON values).
        critical: Whether it is worse than the monitor's severity says.
    """

    key: str
    level: Level
    sentence: str
    next_step: str = ""
    value: float | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    critical: bool = False


@frozen
class Finding:
    """What one test has found.

    Args:
        kind: What it is about.
        verdict: What was found.
        sentence: The same for people.
        next_step: What to do about it; empty when nothing is.
        value: The number that decided.
        report: All numbers behind it (JSON values).
        watched: What may raise alerts.
        points: Numbers of performance.
    """

    kind: Kind
    verdict: Verdict
    sentence: str
    next_step: str = ""
    value: float | None = None
    report: Mapping[str, object] = field(default_factory=dict)
    watched: tuple[Watched, ...] = ()
    points: tuple[Point, ...] = ()


class Test(Protocol):
    """Looks at windows in order. What it must know of earlier ones it keeps in the memory it is given."""

    def look(self, look: Look, memory: Memory) -> Iterable[Finding]:
        """Look at a window.

        Args:
            look: The window.
            memory: What was remembered; changed in place, and kept together with the findings.

        Raises:
            QuarterdeckError: it cannot be looked at.
        """
        ...


def attempted(kind: Kind, test: Test, look: Look, memory: Memory) -> Iterator[Finding]:
    """What a test finds; one that cannot look, or breaks, says so, and the others go on.

    Args:
        kind: What it is about.
        test: The test.
        look: The window.
        memory: What was remembered.

    Yields:
        Its findings.

    Raises:
        Busy: a database is held by another process: the window is looked at later.
        WorkspaceError: the disk failed: same.
    """
    try:
        yield from test.look(look, memory)
    except (Busy, WorkspaceError):
        raise
    except QuarterdeckError as error:
        yield Finding(kind, Verdict.FAILED, error.message, error.hint)
    except Exception as error:  # noqa: BLE001 data nobody thought of must not end the process that looks
        Complaints().say(f"the test of {kind.value} of {look.monitor}", error)
        yield Finding(kind, Verdict.FAILED, f"The test broke: {type(error).__name__}.", "Its log says more; report it.")


def rule_of(settings: MonitorSettings) -> AlertRule:
    """When what a monitor finds becomes an alert."""
    return AlertRule(
        raise_k=settings.raise_k,
        raise_m=settings.raise_m,
        clear_k=settings.clear_k,
        cool_down_ms=settings.cool_down_ms,
        escalate_after_ms=settings.escalate_after_ms,
        auto_resolve=settings.auto_resolve,
    )


def signals(look: Look, finding: Finding) -> tuple[Signal, ...]:
    """What a finding says to alerts.

    Args:
        look: The window.
        finding: What was found in it.
    """
    usual = Severity[look.settings.severity.upper()]
    subject, rule = look.subject, rule_of(look.settings)
    place = "" if subject.share == "live" else f" {subject.share}"
    return tuple(
        Signal(
            monitor=look.monitor,
            key=f"{each.key}{place}",
            level=each.level,
            window_start_ms=look.window.start_ms,
            window_end_ms=look.window.end_ms,
            severity=Severity.CRITICAL if each.critical else usual,
            sentence=each.sentence,
            next_step=each.next_step,
            value=each.value,
            model=subject.model,
            version=subject.version,
            endpoint=subject.endpoint,
            evidence=each.evidence,
            rule=rule,
        )
        for each in finding.watched
    )


def result_of(look: Look, finding: Finding) -> MonitorResult:
    """A finding as it is stored; number, revision and pages come with that.

    Args:
        look: The window.
        finding: What was found in it.
    """
    return MonitorResult(
        id=0,
        monitor=look.monitor,
        kind=finding.kind,
        window=look.window,
        subject=look.subject,
        revision=0,
        verdict=finding.verdict,
        sentence=finding.sentence,
        next_step=finding.next_step,
        value=finding.value,
        rows=len(look.batch),
        report=finding.report,
        made_ms=look.now_ms,
    )
