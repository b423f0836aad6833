"""Back-tests: a monitor looks at the past under a virtual clock, and nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.alerts.tracking import Track, observed
from engine.monitoring.looking import result_of, signals
from engine.monitoring.memory import FILES_SINCE, Memory
from engine.monitoring.model import Backtest
from engine.monitoring.rounds import opened
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.alerts.model import Alert
    from engine.db.database import Database
    from engine.monitoring.model import Monitor, MonitorResult
    from engine.monitoring.rounds import Sight
    from engine.monitoring.watching import Seen


class Pager:
    """Alerts as they would have been: the same pure rules, in memory."""

    def __init__(self) -> None:
        self._tracks: dict[str, tuple[Track, Alert | None]] = {}
        self._revisions: dict[object, int] = {}

    def told(self, seen: Seen, now_ms: int) -> Iterator[MonitorResult]:
        """What a window would have left, with what it would have told people.

        Args:
            seen: What it has shown.
            now_ms: The time, in milliseconds since the epoch.
        """
        for look, finding in seen.found:
            paged = []
            for signal in signals(look, finding):
                track, alert = self._tracks.get(signal.key, (Track(), None))
                after, alert, change = observed(track, alert, signal, now_ms)
                self._tracks[signal.key] = after, None if alert is None or alert.resolved_ms is not None else alert
                paged += [] if change is None else [change.value]
            key = (finding.kind, look.window, look.subject)
            revision = self._revisions.get(key, -1) + 1
            self._revisions[key] = revision
            yield replace(result_of(look, finding), revision=revision, paged=tuple(paged), made_ms=now_ms)


def replayed(
    sight: Sight,
    telemetry: Database,
    monitor: Monitor,
    span: tuple[int, int],
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Replay a monitor.

    Args:
        sight: How it sees.
        telemetry: The telemetry database.
        monitor: The monitor.
        span: From when and until when, in milliseconds since the epoch.
        progress: Told how many milliseconds were looked at, and of how many.

    Returns:
        What it would have found.

    Raises:
        QuarterdeckError: the telemetry database cannot be read.
    """
    since_ms, until_ms = span
    memory, pager, tests = Memory(), Pager(), sight.tests(monitor.settings)
    memory.say(FILES_SINCE, since_ms)
    results: list[MonitorResult] = []
    windows, first_ms = 0, None
    with looking(telemetry) as view:
        for now_ms in sight.moments(view, monitor, since_ms, until_ms):
            first_ms = now_ms if first_ms is None else first_ms
            if progress is not None:
                progress(now_ms - first_ms, max(until_ms - first_ms, 1))
            lead_ms = monitor.settings.lateness_ms + monitor.settings.window.ms
            begun = replace(monitor, created_ms=since_ms + lead_ms)  # the first window begins then
            for seen in sight.seen(view, begun, tests, memory, now_ms):
                windows += not seen.revised
                results += pager.told(seen, now_ms)
    covered_ms = max(0, until_ms - max(since_ms, min((each.window.start_ms for each in results), default=until_ms)))
    budget = monitor.settings.budget
    return Backtest(
        monitor=monitor.name,
        since_ms=since_ms,
        until_ms=until_ms,
        results=tuple(results),
        pages=tuple(each for each in results if opened(each)),
        windows=windows,
        budget=budget.pages * covered_ms / budget.period_ms,
    )
