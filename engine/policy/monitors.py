"""What a monitor is asked: the settings of `[monitors.NAME]` as values, read by the same rules from commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen
from engine.core.timetext import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, exact_duration, parse_duration
from engine.policy.reader import Problem, Table

TESTS = ("drift", "quality", "performance", "concept")
"""What a monitor can look at."""

SEVERITIES = ("info", "warning", "critical")
"""How bad what it finds is."""

ACTIONS = ("pause rollout", "request rollback")
"""What it may do when an alert opens, beside telling people."""

METRICS = ("accuracy", "f1", "auc", "log_loss", "brier", "calibration", "mae", "rmse")
"""Measures of performance; of the last five less is better."""

REFERENCES = ("baseline", "previous", "season")
"""What a window is compared with: the version's baseline, the window before, or the same window a season ago."""

METHODS = ("margin", "psi", "ks", "chi2", "wasserstein", "js", "hellinger", "kl", "linf")
"""How features can be decided: those of `qd drift check --method` that need no values, but counts."""

STREAMS = ("errors", "scores", "latency")
"""What detectors of concept drift can watch."""

DETECTORS = ("adwin", "ddm", "hddm_a", "page_hinkley", "cusum")
"""Detectors of concept drift."""

MOST_ROWS, MOST_WINDOWS = 1_000_000, 100
LEAST_SPAN_MS, MOST_SPAN_MS = SECOND_MS, 366 * DAY_MS

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_ROWS = re.compile(r"([0-9]{1,7})\s*rows?")
_OF = re.compile(r"([0-9]{1,3})\s*of\s*([0-9]{1,3})")
_VERSION = re.compile(r"[^/]{1,250}/[0-9]{1,9}")
_LIMIT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_BUDGET = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?)\s*(?:per|in|/)\s*(\S{1,20})")


@frozen
class Span:
    """How much a window holds: time or rows, exactly one of them.

    Args:
        ms: Milliseconds; 0 when it is of rows.
        rows: Rows; 0 when it is of time.
    """

    ms: int = 0
    rows: int = 0

    def __str__(self) -> str:
        return f"{self.rows} rows" if self.rows else exact_duration(self.ms)


@frozen
class Budget:
    """How many false pages are bearable.

    Args:
        pages: So many at most, on average.
        period_ms: In so long, in milliseconds.
    """

    pages: float = 1.0
    period_ms: int = 30 * DAY_MS

    def __str__(self) -> str:
        return f"{self.pages:g} per {exact_duration(self.period_ms)}"


@frozen
class MonitorSettings:
    """What a monitor looks at, how often, and what it does about what it finds.

    Args:
        target: `endpoint NAME`, `MODEL@production` or `files GLOB`.
        window: How much one look takes in.
        step: How far one window begins after the other; the same as `window` where they do not overlap.
        lateness_ms: How long after its end a window of time waits for rows that come late, in milliseconds.
        every_ms: How often the monitor looks whether a window is over, in milliseconds.
        tests: What it looks at, of `TESTS`.
        columns: Input columns; empty for all.
        segments: Columns whose values are looked at one by one, too.
        reference: What windows are compared with, of `REFERENCES`.
        against: Whose baseline that is, as `MODEL/VERSION`, or `files GLOB`; empty for the version that answers.
        season_ms: How long a season is, in milliseconds.
        method: How features are decided, of `METHODS`; `psi>0.25` sets the threshold, too.
        threshold: The fixed threshold of that method; `None` for its usual rule. The margin test has none.
        delta: The greatest PSI that is no drift, for the margin test; `None` for the usual one.
        metric: What performance is held against; empty for the usual one of the task.
        tolerance: How much worse than the reference performance may be, in the metric's unit.
        least: Performance below which (beyond which, where less is better) a window is bad whatever the reference says.
        label_delay_ms: After how long labels count as late, in milliseconds: before, a window waits for them.
        streams: What detectors watch, of `STREAMS`.
        detector: Which detector watches, of `DETECTORS`.
        budget: How many false pages are bearable.
        severity: How bad what it finds is.
        raise_k: So many bad windows of the last `raise_m` open an alert.
        raise_m: How many windows are looked back on.
        clear_k: So many good windows in a row end it.
        cool_down_ms: For how long nothing opens it again, in milliseconds.
        escalate_after_ms: After how long an alert that nobody took on is critical, in milliseconds; 0 for never.
        auto_resolve: Whether good windows end an alert; else a person must.
        actions: What else it does, of `ACTIONS`.
    """

    target: str
    window: Span = Span(ms=HOUR_MS)
    step: Span = Span(ms=HOUR_MS)
    lateness_ms: int = 10 * SECOND_MS
    every_ms: int = MINUTE_MS
    tests: tuple[str, ...] = ("drift", "quality")
    columns: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    reference: str = "baseline"
    against: str = ""
    season_ms: int = 365 * DAY_MS
    method: str = "margin"
    threshold: float | None = None
    delta: float | None = None
    metric: str = ""
    tolerance: float = 0.02
    least: float | None = None
    label_delay_ms: int = 0
    streams: tuple[str, ...] = ("errors", "scores")
    detector: str = "adwin"
    budget: Budget = field(default_factory=Budget)
    severity: str = "warning"
    raise_k: int = 1
    raise_m: int = 1
    clear_k: int = 2
    cool_down_ms: int = 0
    escalate_after_ms: int = 0
    auto_resolve: bool = True
    actions: tuple[str, ...] = ()


def read_monitors(top: Table) -> Mapping[str, MonitorSettings]:
    """Read `[monitors]`.

    Args:
        top: The whole file.

    Returns:
        Settings by the monitor's name; what is wrong is among the table's problems.
    """
    found = {}
    for name, table in top.table("monitors").each_table():
        problem = monitor_name_problem(name)
        if problem:
            table.refuse(None, problem)
        found[name] = read_monitor(table)
    return found


def monitor_name_problem(name: str) -> str:
    """What is wrong with a monitor's name, as a sentence; empty when nothing is."""
    if _NAME.fullmatch(name):
        return ""
    return "is no name of a monitor: up to 63 letters, digits, dots, underscores and hyphens."


def checked_settings(given: Mapping[str, Any]) -> MonitorSettings:
    """Read settings that a command gives.

    Args:
        given: What `[monitors.NAME]` would say: the same keys and values.

    Returns:
        The settings.

    Raises:
        InvalidInput: something is wrong; the message names the first problem, the details all of them.
    """
    problems: list[Problem] = []
    found = read_monitor(Table((), given, problems))
    if problems:
        said = [" ".join((*map(str, each.path), each.message)) for each in problems]
        raise InvalidInput(f"The monitor's settings are wrong: {said[0]}", hint=problems[0].hint, details={"all": said})
    return found


def written_settings(settings: MonitorSettings) -> dict[str, Any]:
    """Settings as `[monitors.NAME]` would say them; `checked_settings` reads back the same.

    Args:
        settings: The settings.
    """
    written: dict[str, Any] = {
        "target": settings.target,
        "window": str(settings.window),
        "step": str(settings.step),
        "lateness": exact_duration(settings.lateness_ms),
        "every": exact_duration(settings.every_ms),
        "tests": list(settings.tests),
        "columns": list(settings.columns),
        "segments": list(settings.segments),
        "reference": settings.reference,
        "against": settings.against,
        "season": exact_duration(settings.season_ms),
        "method": settings.method,
        "threshold": settings.threshold,
        "delta": settings.delta,
        "metric": settings.metric,
        "tolerance": settings.tolerance,
        "least": settings.least,
        "label_delay": exact_duration(settings.label_delay_ms),
        "streams": list(settings.streams),
        "detector": settings.detector,
        "budget": str(settings.budget),
        "severity": settings.severity,
        "raise": f"{settings.raise_k} of {settings.raise_m}",
        "clear": settings.clear_k,
        "cool_down": exact_duration(settings.cool_down_ms),
        "escalate_after": exact_duration(settings.escalate_after_ms),
        "auto_resolve": settings.auto_resolve,
        "actions": list(settings.actions),
    }
    return {key: value for key, value in written.items() if value not in (None, "")}


def read_monitor(table: Table) -> MonitorSettings:
    """Read the settings of one monitor.

    Args:
        table: What it says; problems are added to the table's.

    Returns:
        The settings, which must not be used when there are problems.
    """
    if "target" not in table:
        table.refuse(None, "needs target.", 'Write target = "endpoint NAME".')
    usual = MonitorSettings("")
    window = table.read("window", usual.window, _span)
    step = table.read("step", window, _span)
    if bool(step.rows) != bool(window.rows) or step.ms > window.ms or step.rows > window.rows:
        table.refuse("step", f"must be of the window's kind, and not longer: {window}.")
    method, threshold = table.read("method", (usual.method, usual.threshold), _method)
    if method == usual.method and table.number("threshold", None) is not None:
        table.refuse("threshold", "is of no use to the margin test.", "Set delta, or another method.")
    raise_k, raise_m = table.read("raise", (usual.raise_k, usual.raise_m), _of)
    found = MonitorSettings(
        target=table.read("target", usual.target, _target),
        window=window,
        step=step,
        lateness_ms=table.read("lateness", usual.lateness_ms, _length),
        every_ms=table.duration("every", usual.every_ms, least=SECOND_MS // 10),
        tests=_some(table, "tests", usual.tests, TESTS),
        columns=table.words("columns"),
        segments=table.words("segments"),
        reference=table.text("reference", usual.reference, choices=REFERENCES),
        against=table.read("against", usual.against, _against),
        season_ms=table.duration("season", usual.season_ms),
        method=method,
        threshold=table.number("threshold", threshold, least=0),
        delta=table.number("delta", usual.delta, least=0, most=10),
        metric=table.text("metric", usual.metric, choices=METRICS),
        tolerance=table.number("tolerance", usual.tolerance, least=0),
        least=table.number("least", None),
        label_delay_ms=table.read("label_delay", usual.label_delay_ms, _length),
        streams=_some(table, "streams", usual.streams, STREAMS),
        detector=table.text("detector", usual.detector, choices=DETECTORS),
        budget=table.read("budget", usual.budget, _budget),
        severity=table.text("severity", usual.severity, choices=SEVERITIES),
        raise_k=raise_k,
        raise_m=raise_m,
        clear_k=table.read("clear", usual.clear_k, _windows),
        cool_down_ms=table.read("cool_down", usual.cool_down_ms, _length),
        escalate_after_ms=table.read("escalate_after", usual.escalate_after_ms, _length),
        auto_resolve=table.flag("auto_resolve", fallback=usual.auto_resolve),
        actions=table.words("actions", choices=ACTIONS),
    )
    table.finish()
    return found


def _some(table: Table, key: str, fallback: tuple[str, ...], choices: tuple[str, ...]) -> tuple[str, ...]:
    found = table.words(key, fallback, choices=choices)
    if not found:
        table.refuse(key, "is empty, so there is nothing to do.", f"Known: {', '.join(choices)}.")
    return found


def _text(value: Any, example: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("must be a text.", hint=f'Write "{example}".')
    return value.strip()


def _target(value: Any) -> str:
    text = _text(value, "endpoint NAME")
    kind, _, rest = text.partition(" ")
    if kind in ("endpoint", "files") and rest.strip():
        return f"{kind} {rest.strip()}"
    model, at, stage = text.rpartition("@")
    if at and model and " " not in text and stage.lower() == "production":
        return f"{model}@production"
    raise InvalidInput("is no target.", hint='Write "endpoint NAME", "MODEL@production" or "files GLOB".')


def _method(value: Any) -> tuple[str, float | None]:
    name, sign, limit = _text(value, "psi>0.25").replace(" ", "").partition(">")
    if name not in METHODS or (sign and not _LIMIT.fullmatch(limit)):
        raise InvalidInput("is no method.", hint=f"Known: {', '.join(METHODS)}; psi>0.25 sets a threshold.")
    if sign and name == METHODS[0]:
        raise InvalidInput("has no fixed threshold.", hint="Set delta, or write psi>0.25.")
    return name, float(limit) if sign else None


def _against(value: Any) -> str:
    text = _text(value, "churn/7")
    if _VERSION.fullmatch(text) or (text.startswith("files ") and text[6:].strip()):
        return text
    raise InvalidInput("names no baseline.", hint='Write "MODEL/VERSION" or "files GLOB".')


def _span(value: Any) -> Span:
    text = _text(value, "1h")
    rows = _ROWS.fullmatch(text)
    if rows is not None:
        if not 1 <= int(rows[1]) <= MOST_ROWS:
            raise InvalidInput(f"must be from 1 to {MOST_ROWS} rows.")
        return Span(rows=int(rows[1]))
    found = parse_duration(text)
    if not LEAST_SPAN_MS <= found <= MOST_SPAN_MS:
        raise InvalidInput("must be from 1s to 366d.", hint='Write "1h", or "500 rows".')
    return Span(ms=found)


def _length(value: Any) -> int:
    return parse_duration(_text(value, "10s"))


def _of(value: Any) -> tuple[int, int]:
    found = _OF.fullmatch(_text(value, "2 of 3"))
    if found is None or not 1 <= int(found[1]) <= int(found[2]) <= MOST_WINDOWS:
        raise InvalidInput(f"must be windows of windows, at most {MOST_WINDOWS}.", hint='Write "2 of 3".')
    return int(found[1]), int(found[2])


def _windows(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_WINDOWS:
        raise InvalidInput(f"must be a whole number from 1 to {MOST_WINDOWS}.")
    return value


def _budget(value: Any) -> Budget:
    found = _BUDGET.fullmatch(_text(value, "1 per 30d"))
    pages = float(found[1]) if found else 0.0
    period_ms = parse_duration(found[2]) if found else 0
    if pages <= 0 or period_ms < HOUR_MS:
        raise InvalidInput("must say how many false pages in how long are bearable.", hint='Write "1 per 30d".')
    return Budget(pages, period_ms)
