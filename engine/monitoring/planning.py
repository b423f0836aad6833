"""Which windows to look at now: those that are over, and those of which more has become known. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.core.frozen import frozen
from engine.monitoring.model import Window
from engine.monitoring.windows import closed, first_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.policy.monitors import MonitorSettings

MOST_WINDOWS = 200
"""Windows that one look takes in at most; what is left waits for the next one."""

KEPT_WINDOWS = 500
"""How many windows are known well enough to be looked at again when labels or rows come late."""

MORE_LABELS, MORE_ROWS = 0.1, 0.01
"""By what share the labels, or rows, of a window must have grown for another look."""

FEWEST_LABELS = 0.05
"""The share of a window's rows that must have been labelled since: none is looked at more than 20 times for labels."""


@frozen
class Known:
    """A window that has been looked at.

    Args:
        window: Which.
        rows: Requests it held then.
        labelled: Of those, how many were labelled.
        labels: Labels that came since.
        late: Requests that came since, too late.
        settled: Whether its labels have been waited for.
    """

    window: Window
    rows: int = 0
    labelled: int = 0
    labels: int = 0
    late: int = 0
    settled: bool = False

    def holds(self, number: int, time_ms: int) -> bool:
        """Whether a request is one of the window's.

        Args:
            number: The request's.
            time_ms: When it arrived, in milliseconds since the epoch.
        """
        if self.window.last:
            return self.window.first <= number <= self.window.last
        return self.window.start_ms <= time_ms < self.window.end_ms

    @property
    def grown(self) -> bool:
        """Whether so much has become known since that another look is worth it."""
        everything = self.labels > 0 and self.labelled + self.labels >= self.rows
        enough = self.labels > max(MORE_LABELS * self.labelled, FEWEST_LABELS * self.rows)
        return everything or enough or self.late > MORE_ROWS * self.rows

    def to_json(self) -> list[Any]:
        """The window as JSON; `known_from` reads it back."""
        window = self.window
        return [
            *(window.start_ms, window.end_ms, window.first, window.last, window.file),
            *(self.rows, self.labelled, self.labels, self.late, self.settled),
        ]


def known_from(value: Sequence[Any]) -> Known:
    """What `Known.to_json` wrote."""
    return Known(Window(*value[:5]), *value[5:])


@frozen
class Progress:
    """How far a monitor has come.

    Args:
        next: Where the next window begins: a time in milliseconds since the epoch, or the number of a request; `None`
            before the first row.
        end_ms: Where the last one ended.
        seen: The greatest number of a request that was known at the last look.
        labels: The greatest number of a label that was.
        known: The newest windows that were looked at, oldest first.
    """

    next: int | None = None
    end_ms: int = 0
    seen: int = 0
    labels: int = 0
    known: tuple[Known, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The progress as JSON; `progress_from` reads it back."""
        known = [each.to_json() for each in self.known]
        return {"next": self.next, "end_ms": self.end_ms, "seen": self.seen, "labels": self.labels, "known": known}

    def noted(self, requests: Iterable[tuple[int, int]], labels: Iterable[tuple[int, int]]) -> Progress:
        """Count what has become known late.

        Args:
            requests: Numbers and times of requests that came after their windows.
            labels: Numbers and times of requests that have a label now.
        """
        counts = {each.window: [each.late, each.labels] for each in self.known}
        for place, found in enumerate((requests, labels)):
            for number, time_ms in found:
                for each in self.known:
                    if each.holds(number, time_ms):
                        counts[each.window][place] += 1
        known = (replace(each, late=counts[each.window][0], labels=counts[each.window][1]) for each in self.known)
        return replace(self, known=tuple(known))

    def looked(self, known: Known) -> Progress:
        """Note that a window was looked at; it takes the place of what was known of it."""
        others = [each for each in self.known if each.window != known.window]
        kept = sorted([*others, known], key=lambda each: (each.window.end_ms, each.window.file))
        return replace(self, known=tuple(kept[-KEPT_WINDOWS:]), end_ms=max(self.end_ms, known.window.end_ms))


def progress_from(value: Mapping[str, Any] | None) -> Progress:
    """What `Progress.to_json` wrote; the beginning when nothing was kept."""
    if value is None:
        return Progress()
    known = tuple(map(known_from, value["known"]))
    return Progress(value["next"], value["end_ms"], value["seen"], value["labels"], known)


def begun(settings: MonitorSettings, since_ms: int, earliest_ms: int) -> int:
    """Where the first window of time begins: the one that was over when the monitor was made, if it had rows.

    Args:
        settings: Of the monitor.
        since_ms: When it was made, in milliseconds since the epoch.
        earliest_ms: When the first row came.
    """
    back = since_ms - settings.lateness_ms - settings.window.ms
    return max(first_start(settings.step, max(back, 0)), first_start(settings.step, earliest_ms))


def new_windows(settings: MonitorSettings, progress: Progress, now_ms: int) -> tuple[tuple[Window, ...], int]:
    """Windows of time that are over and were never looked at.

    Args:
        settings: Of the monitor.
        progress: How far it has come; it has begun.
        now_ms: The time, in milliseconds since the epoch.

    Returns:
        At most `MOST_WINDOWS` of them, in order, and where the next one begins.
    """
    start_ms = progress.next or 0
    found: list[Window] = []
    for window in closed(settings.window, settings.step, start_ms, now_ms - settings.lateness_ms):
        if len(found) == MOST_WINDOWS:
            break
        found.append(window)
    return tuple(found), start_ms + len(found) * settings.step.ms


def again(settings: MonitorSettings, progress: Progress, now_ms: int) -> tuple[Known, ...]:
    """Windows of which enough more has become known, and those whose labels have now been waited for.

    Args:
        settings: Of the monitor.
        progress: With what came late counted.
        now_ms: The time, in milliseconds since the epoch.

    Returns:
        At most `MOST_WINDOWS` of them, in order; `settled` as it is from now on.
    """
    found = []
    for each in progress.known:
        settled = each.settled or is_settled(settings, each.window, now_ms)
        if each.grown or settled != each.settled:
            found.append(replace(each, settled=settled))
    return tuple(found[:MOST_WINDOWS])


def is_settled(settings: MonitorSettings, window: Window, now_ms: int) -> bool:
    """Whether a window's labels have been waited for: the watermark of labels is past it, or nobody waits.

    Args:
        settings: Of the monitor.
        window: The window.
        now_ms: The time, in milliseconds since the epoch.
    """
    delay_ms = settings.label_delay_ms
    return not delay_ms or now_ms >= window.end_ms + settings.lateness_ms + delay_ms
