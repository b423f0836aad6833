"""Looking at the windows of one target in order, and again at those of which more has become known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.monitoring import captured_store as store
from engine.monitoring.batch import Batch, gathered
from engine.monitoring.looking import Finding, Look, attempted
from engine.monitoring.memory import SINCE
from engine.monitoring.model import Kind, Window
from engine.monitoring.planning import (
    Known,
    again,
    begun,
    is_settled,
    new_windows,
    progress_from,
)
from engine.monitoring.steps import summed
from engine.monitoring.windows import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.db.transaction import Snapshot
    from engine.monitoring.captured_store import Range
    from engine.monitoring.looking import Test
    from engine.monitoring.memory import Memory
    from engine.monitoring.planning import Progress
    from engine.monitoring.targets import Followed
    from engine.policy.monitors import MonitorSettings
    from engine.profiles.profile import Profile
    from engine.profiles.reference import Reference

MOST_REQUESTS = 20_000
"""Requests that are read one by one of a window; of more a fair sample is. Profiles take in all of them."""

MOST_LABELS = 20_000
"""Labels that one look takes in; the rest waits for the next one."""

_Told = tuple[int, int]
"""Numbers of labels: those above the first, up to the second one."""

_MOST_COUNTED = 200_000
_PROGRESS = "progress"
_TOLD = "told"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a window has shown.

    Args:
        window: The window.
        revised: Whether it was looked at before.
        found: What each test found of each version, with what it was shown.
    """

    window: Window
    revised: bool
    found: tuple[tuple[Look, Finding], ...]


class Watcher:
    """Looks at a target's windows, each once, and again when more has become known.

    Args:
        name: The monitor's name.
        settings: How it looks.
        since_ms: When it was made, in milliseconds since the epoch.
        tests: What looks, by kind.
        memory: What it remembers; changed in place. It is consistent whenever a window has been yielded.
    """

    def __init__(
        self, name: str, settings: MonitorSettings, since_ms: int, tests: Mapping[Kind, Test], memory: Memory
    ) -> None:
        self._name = name
        self._settings = settings
        self._since_ms = since_ms
        self._tests = tests
        self._memory = memory

    def look(self, view: Snapshot, followed: Sequence[Followed], now_ms: int) -> Iterator[Seen]:
        """Look at what is new.

        Args:
            view: Of the telemetry database.
            followed: The versions, with what is known of them.
            now_ms: The time, in milliseconds since the epoch.

        Yields:
            What each window has shown: new ones first, in order.
        """
        if not followed:
            return
        whole = _together(followed)
        progress = progress_from(self._memory.said(_PROGRESS, None))
        if progress.next is None:
            first = self._begin(view, whole)
            if first is None:
                return
            progress = replace(progress, next=first, seen=whole.upto, labels=0)
        before = progress
        windows, following = self._new(view, whole, progress, now_ms)
        for place, window in enumerate(windows):
            upto = self._following(windows, place, following)
            told = self._told(view, whole)
            seen, known = self._seen(view, followed, Known(window), now_ms, told=told)
            progress = replace(progress.looked(known), next=upto)
            self._memory.say(_TOLD, told[1])
            self._memory.say(_PROGRESS, progress.to_json())
            yield seen
        progress = self._noted(view, whole, progress, before)
        self._memory.say(_PROGRESS, progress.to_json())
        for known in again(self._settings, progress, now_ms):
            seen, looked = self._seen(view, followed, known, now_ms)
            progress = progress.looked(looked)
            self._memory.say(_PROGRESS, progress.to_json())
            yield seen

    def _begin(self, view: Snapshot, whole: Range) -> int | None:
        earliest_ms = store.earliest_ms(view, whole)
        if earliest_ms is None:
            return None
        since_ms = int(self._memory.said(SINCE, self._since_ms))
        if self._settings.window.rows:
            return store.last_rows(view, whole, self._settings.window.rows, since_ms)
        return begun(self._settings, since_ms, earliest_ms)

    def _new(self, view: Snapshot, whole: Range, progress: Progress, now_ms: int) -> tuple[tuple[Window, ...], int]:
        """New windows, and where the one after them begins."""
        settings, start = self._settings, progress.next or 0
        if settings.window.ms:
            return new_windows(settings, progress, now_ms)
        requests = list(store.counted(view, whole, start, _MOST_COUNTED))
        windows, following = cut(requests, settings.window, settings.step, progress.end_ms)
        due = tuple(each for each in windows if each.end_ms <= now_ms)
        if len(due) < len(windows):
            following = windows[len(due)].first
        return due, following or whole.upto + 1

    def _following(self, windows: Sequence[Window], place: int, last: int) -> int:
        """Where the window after one begins, so that a look that is broken off there goes on there."""
        if place + 1 == len(windows):
            return last
        following = windows[place + 1]
        return following.start_ms if self._settings.window.ms else following.first

    def _told(self, view: Snapshot, whole: Range) -> _Told:
        """Which labels the next new window is told of."""
        after = int(self._memory.said(_TOLD, 0))
        fresh = store.newly_labelled(view, whole, after, MOST_LABELS)
        return after, fresh[-1][2] if len(fresh) == MOST_LABELS else max(whole.labels, after)

    def _noted(self, view: Snapshot, whole: Range, progress: Progress, before: Progress) -> Progress:
        """Count what came late since the last look for the windows that were known then."""
        late: list[tuple[int, int]] = []
        if self._settings.window.ms:
            late = store.late(view, whole, before.seen, before.end_ms, MOST_LABELS)
        scored = Kind.PERFORMANCE in self._tests
        labels = store.newly_labelled(view, whole, before.labels, MOST_LABELS) if scored else []
        fresh = {each.window for each in progress.known} - {each.window for each in before.known}
        counted = replace(progress, known=tuple(each for each in progress.known if each.window not in fresh))
        counted = counted.noted(late, [(number, time_ms) for number, time_ms, _ in labels])
        for each in progress.known:
            if each.window in fresh:
                counted = counted.looked(each)
        labels_upto = labels[-1][2] if len(labels) == MOST_LABELS else whole.labels
        return replace(counted, seen=whole.upto, labels=labels_upto)

    def _seen(
        self, view: Snapshot, followed: Sequence[Followed], known: Known, now_ms: int, *, told: _Told | None = None
    ) -> tuple[Seen, Known]:
        """Look at one window of every version, and say what is known of it from now on."""
        settled = known.settled or is_settled(self._settings, known.window, now_ms)
        found: list[tuple[Look, Finding]] = []
        rows = labelled = 0
        for each in followed:
            batch, requests = _read(view, each.range, known.window, _names(followed))
            rows, labelled = rows + requests, labelled + batch.labelled
            if not requests and len(followed) > 1:
                continue  # a version that answers no more, or not yet
            look = Look(
                monitor=self._name,
                settings=self._settings,
                subject=each.subject,
                window=known.window,
                batch=batch,
                told=_labelled(view, each.range, told, _names(followed)),
                requests=requests,
                late=known.late,
                revised=told is None,
                settled=settled,
                now_ms=now_ms,
                read=_reader(view, each.range, _names(followed)),
                stored=_summer(view, each, known.window),
            )
            found += [(look, finding) for finding in self._findings(look)]
        return Seen(known.window, told is None, tuple(found)), Known(known.window, rows, labelled, settled=settled)

    def _findings(self, look: Look) -> Iterator[Finding]:
        for kind, test in self._tests.items():
            if look.revised and not look.late and kind is not Kind.PERFORMANCE:
                continue  # labels alone have come, of which nothing else knows
            yield from attempted(kind, test, look, self._memory)


def _together(followed: Sequence[Followed]) -> store.Range:
    """All requests of a target."""
    ranges = [each.range for each in followed]
    endpoints = tuple(sorted({number for each in ranges for number in each.endpoints}))
    origins = tuple(number for each in ranges for number in each.origins)
    return store.Range(endpoints, origins, ranges[0].upto, ranges[0].labels)


def _names(followed: Sequence[Followed]) -> Mapping[int, tuple[str, ...]]:
    return {number: names for each in followed for number, names in each.names.items()}


def _read(
    view: Snapshot, where: store.Range, window: Window, names: Mapping[int, tuple[str, ...]]
) -> tuple[Batch, int]:
    """A window's rows, a fair sample of them where there are many, and how many requests it holds."""
    if window.last:
        requests = store.how_many_numbered(view, where, window.first, window.last)
        every = -(-requests // MOST_REQUESTS) or 1
        rows = store.numbered(view, where, window.first, window.last, every=every)
    else:
        requests = store.how_many(view, where, window.start_ms, window.end_ms)
        every = -(-requests // MOST_REQUESTS) or 1
        rows = store.between(view, where, window.start_ms, window.end_ms, every=every)
    return gathered(rows, names.__getitem__), requests


def _reader(view: Snapshot, where: store.Range, names: Mapping[int, tuple[str, ...]]) -> Callable[[Window], Batch]:
    """What reads another window of a version."""
    return lambda window: _read(view, where, window, names)[0]


def _summer(view: Snapshot, followed: Followed, window: Window) -> Callable[[Reference], Profile | None]:
    """What sums stored profiles of a window."""
    return lambda reference: summed(view, followed, window, reference)


def _labelled(view: Snapshot, where: store.Range, told: _Told | None, names: Mapping[int, tuple[str, ...]]) -> Batch:
    """Rows whose labels came since the window before, in the order they came."""
    if told is None:
        return gathered((), names.__getitem__)
    after, upto = told
    fresh = store.newly_labelled(view, where._replace(labels=upto), after, MOST_LABELS)
    numbers = list(dict.fromkeys(number for number, _, _ in fresh))
    return gathered(store.chosen(view, where, numbers), names.__getitem__)
