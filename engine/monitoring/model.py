"""Monitors, the windows they look at, and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from engine.core.frozen import frozen
from engine.policy.monitors import MonitorSettings, written_settings


class Kind(StrEnum):
    """What a result is about; the words are those of `tests` in a monitor's settings."""

    DRIFT = "drift"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    CONCEPT = "concept"


class Verdict(StrEnum):
    """What a window has shown."""

    OK = "ok"
    DRIFT = "drift"
    """Something has changed for the worse, of whatever kind the result is."""
    WAITING = "waiting"
    """Too few rows or labels, or nothing to compare with."""
    FAILED = "failed"
    """Nobody could look."""


class Basis(StrEnum):
    """How a number of performance came about."""

    ESTIMATED = "estimated"
    """Without labels, from what the model said."""
    REALISED = "realised"
    """With labels."""


class Source(StrEnum):
    """Where a monitor is declared."""

    FILE = "file"
    COMMAND = "command"


@frozen
class Window:
    """What one look takes in.

    Args:
        start_ms: When it begins, in milliseconds since the epoch.
        end_ms: The first moment after it; for windows of rows, after the last row and after the window before.
        first: For windows of rows, the number of the first prediction; else 0.
        last: The number of the last one; else 0.
        file: For windows of files, the file; else empty.
    """

    start_ms: int
    end_ms: int
    first: int = 0
    last: int = 0
    file: str = ""


@frozen
class Subject:
    """What a result is about.

    Args:
        model: The model's name; empty for files.
        version: The version's number; `None` for files.
        endpoint: The endpoint's name; empty when it is of none, or of several.
        share: What the version gets of the endpoint: `live` or `canary`.
    """

    model: str = ""
    version: int | None = None
    endpoint: str = ""
    share: str = "live"

    @property
    def key(self) -> str:
        """The version's public name, such as `churn/7`; empty for files."""
        return "" if self.version is None else f"{self.model}/{self.version}"


@frozen
class MonitorResult:
    """What one window has shown of one version.

    Args:
        id: Its number; 0 before it is stored.
        monitor: The monitor's name.
        kind: What it is about.
        window: The window.
        subject: The version.
        revision: 0 at first; each later look at the same window, when labels or rows came late, is one more.
        verdict: What was found.
        sentence: What was found, for people.
        next_step: What to do about it; empty when nothing is.
        value: The number that decided: the smallest corrected p-value of drift, the metric of performance, the worst
            share of quality, detections of concept drift; `None` when there is none.
        rows: Rows that were looked at.
        report: All numbers behind it (JSON values).
        paged: What it opened, made worse or ended: `opened`, `worsened`, `resolved`.
        made_ms: When somebody looked, in milliseconds since the epoch.
    """

    id: int
    monitor: str
    kind: Kind
    window: Window
    subject: Subject
    revision: int
    verdict: Verdict
    sentence: str
    next_step: str = ""
    value: float | None = None
    rows: int = 0
    report: Mapping[str, object] = field(default_factory=dict)
    paged: tuple[str, ...] = ()
    made_ms: int = 0


@frozen
class Monitor:
    """Something that looks at windows of a target, one after the other.

    Args:
        name: Its name.
        settings: What it looks at, and how.
        source: Where it is declared.
        paused: Why it does not look at the moment, in the words of whoever paused it; empty when it looks.
        created_ms: When it was made, in milliseconds since the epoch; 0 for one of the file that never ran.
        created_by: Who made it; empty for one of the file.
        last_ms: When it last looked; `None` when it never has.
        next_ms: When it looks again; `None` when it has never looked, or is paused.
        verdict: The worst verdict of its newest window; `None` before the first.
        sentence: What it found then.
        problem: Why it could not look the last time; empty when it could.
        runner: Which process looks, such as `gate-1:4711`; empty when none holds its lease.
    """

    name: str
    settings: MonitorSettings
    source: Source
    paused: str = ""
    created_ms: int = 0
    created_by: str = ""
    last_ms: int | None = None
    next_ms: int | None = None
    verdict: Verdict | None = None
    sentence: str = ""
    problem: str = ""
    runner: str = ""

    @property
    def enabled(self) -> bool:
        """Whether it looks."""
        return not self.paused

    @property
    def written(self) -> Mapping[str, Any]:
        """Its settings as `[monitors.NAME]` would say them."""
        return written_settings(self.settings)

    @property
    def unusual(self) -> frozenset[str]:
        """The settings that are other than what they are where nobody says anything."""
        usual = written_settings(MonitorSettings(self.settings.target))
        return frozenset(key for key, value in self.written.items() if value != usual.get(key))


@frozen
class ResultQuery:
    """Which results to list, the newest first.

    Args:
        monitor: The monitor's name; empty for all.
        kind: Of this kind: `drift`, `quality`, `performance` or `concept`; empty for all.
        verdict: With this verdict; empty for all.
        model: Of this model; empty for all.
        endpoint: Of this endpoint; empty for all.
        latest: Only the newest revision of each window.
        since_ms: Of windows that end then or later, in milliseconds since the epoch.
        limit: At most so many, 1 to 1,000.
        page_token: Continues an earlier page.
        reports: With the numbers behind each; without, they are empty, and thousands are read in no time.
    """

    monitor: str = ""
    kind: str = ""
    verdict: str = ""
    model: str = ""
    endpoint: str = ""
    latest: bool = False
    since_ms: int = 0
    limit: int = 100
    page_token: str | None = None
    reports: bool = True


@frozen
class PerformancePoint:
    """Performance in one window as it was known at one time.

    Args:
        window_start_ms: When the window begins, in milliseconds since the epoch.
        window_end_ms: The first moment after it.
        basis: How the number came about.
        metric: What was measured.
        value: The number; `None` when it could not be told.
        error: Its standard error by sampling; `None` when it could not be told.
        rows: Rows it rests on; labelled ones for a realised number.
        revision: Of the window.
        made_ms: When it was known, in milliseconds since the epoch.
        model: The model's name.
        version: The version's number.
    """

    window_start_ms: int
    window_end_ms: int
    basis: Basis
    metric: str
    value: float | None
    error: float | None
    rows: int
    revision: int
    made_ms: int
    model: str
    version: int | None


@frozen
class Backtest:
    """What a monitor would have found in the past.

    Args:
        monitor: The monitor's name.
        since_ms: From when, in milliseconds since the epoch.
        until_ms: Until when.
        results: What it would have found, in order.
        pages: What it would have told people: one entry an alert that was opened or made worse.
        windows: How many windows it would have looked at.
        budget: How many pages would have been bearable in that time.
    """

    monitor: str
    since_ms: int
    until_ms: int
    results: tuple[MonitorResult, ...]
    pages: tuple[MonitorResult, ...]
    windows: int
    budget: float
