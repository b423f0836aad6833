"""Is what comes in fit to be judged? Schema, types, nulls, duplicates, freshness, volume and late rows of a window.

What is usual is learned from the windows before (exponentially weighted, so that a slow change is followed); what a
baseline knows of types, ranges and levels is compared where there is one.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.alerts.model import Level
from engine.core.text import clean
from engine.core.timetext import format_duration
from engine.monitoring.looking import Finding, Watched
from engine.monitoring.model import Kind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.monitoring.batch import Batch
    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory

WEIGHT = 0.2
"""How much the newest window counts in what is usual."""

LEARNED_FROM = 3
"""Windows after which something counts as usual."""

Z = 4.0
"""How many standard errors are no chance: about once in 30,000 windows on both sides."""

LEAST_SHARE = 0.01
"""Shares of rows that differ by less are not told."""

MOST_LATE = 0.05
"""The share of a window's requests that may come after it was looked at."""

MOST_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of one column before a window.

    Args:
        kind: What its values are: `number`, `boolean` or `text`.
        nulls: Share of missing values.
        low: Least number; `None` for what is no number, or where it is not known.
        high: Greatest number.
        levels: The values there were; `None` where they are not counted one by one.
        rows: How many rows that is known from.
    """

    kind: str
    nulls: float = 0.0
    low: float | None = None
    high: float | None = None
    levels: frozenset[str] | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Args:
        check: `schema`, `types`, `nulls`, `ranges`, `levels`, `duplicates`, `freshness`, `volume` or `late`.
        column: The column; empty for what is of whole rows.
        share: How many of the rows, from 0 to 1; 1 for what is of the whole window.
        sentence: What is wrong.
    """

    check: str
    column: str
    share: float
    sentence: str


class Quality:
    """Looks at the quality of a window's rows.

    Args:
        expected: What the baseline of a window's version knows of its columns, by name; nothing when it has none.
    """

    def __init__(self, expected: Callable[[Look], Mapping[str, Expected]]) -> None:
        self._expected = expected

    def look(self, look: Look, memory: Memory) -> Iterator[Finding]:
        """Look at a window; one that is looked at again is told apart from what is usual no more.

        Args:
            look: The window.
            memory: Holds what is usual.

        Yields:
            One finding.

        Raises:
            QuarterdeckError: the baseline cannot be read.
        """
        part = f"quality {look.part}"
        usual: dict[str, Any] = memory.said(part, {"windows": 0, "columns": {}})
        expected = {**_learned(usual), **self._expected(look)}
        shapes = {name: shape_of(values) for name, values in look.batch.columns.items()}
        wanted = look.settings.columns
        if wanted:
            shapes = {name: shape for name, shape in shapes.items() if name in wanted}
            usual = {**usual, "columns": {name: each for name, each in usual["columns"].items() if name in wanted}}
            expected = {name: each for name, each in expected.items() if name in wanted}
        problems = [*_of_window(look, usual)]
        if len(look.batch):
            problems += [*_of_columns(shapes, expected, usual["columns"]), *_of_rows(look.batch, usual)]
        if not look.revised:
            memory.say(part, _extended(usual, look, shapes))
        yield _finding(look, problems, shapes)


@dataclass(frozen=True, slots=True)
class Shape:
    """A column in a window.

    Args:
        rows: Its rows.
        nulls: How many are missing.
        kinds: How many values are of which kind.
        low: Least finite number; `None` where there is none.
        high: Greatest finite number.
        levels: How often each text or truth occurs; only the most frequent 1,000.
    """

    rows: int
    nulls: int
    kinds: Mapping[str, int]
    low: float | None
    high: float | None
    levels: Mapping[str, int]

    @property
    def kind(self) -> str:
        """What most of its values are; empty when all are missing."""
        return max(self.kinds, key=lambda kind: self.kinds[kind], default="")


_KINDS: Mapping[type, str] = {bool: "boolean", int: "number", float: "number", str: "text"}


def shape_of(values: Sequence[Any]) -> Shape:
    """Count a column.

    Args:
        values: Its values; `None` and NaN are missing.
    """
    kinds: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    nulls, low, high = 0, math.inf, -math.inf
    for value in values:
        if value is None or value != value:  # noqa: PLR0124 NaN
            nulls += 1
            continue
        kind = _KINDS.get(type(value), "other")
        kinds[kind] += 1
        if kind == "number":
            if math.isfinite(value):
                low, high = min(low, value), max(high, value)
        else:
            levels[str(value)] += 1
    return Shape(
        rows=len(values),
        nulls=nulls,
        kinds=dict(kinds),
        low=low if low <= high else None,
        high=high if low <= high else None,
        levels=dict(levels.most_common(1_000)),
    )


def exceeds(found: float, usual: float, rows: int, known_rows: int) -> bool:
    """Whether a share is greater than usual beyond chance: by `LEAST_SHARE`, and by `Z` standard errors.

    Args:
        found: The share now, from 0 to 1.
        usual: The share before.
        rows: Rows it was found in.
        known_rows: Rows the usual one is known from.
    """
    if found - usual < LEAST_SHARE or not rows:
        return False
    pooled = (found * rows + usual * known_rows) / (rows + known_rows)
    error = math.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / max(1, known_rows)))
    return found - usual > Z * error


def _of_columns(
    shapes: Mapping[str, Shape], expected: Mapping[str, Expected], seen: Mapping[str, Any]
) -> Iterator[Problem]:
    """Columns that came before and are gone, or that neither the baseline nor any window had, and what is in the rest.

    A baseline may hold columns that the model is never given.
    """
    for name in seen:
        if name not in shapes:
            yield Problem("schema", name, 1.0, f"The column {_named(name)} is gone.")
    for name, shape in shapes.items():
        known = expected.get(name)
        if known is not None:
            yield from _of_column(name, shape, known)
        elif expected and name not in seen:
            yield Problem("schema", name, 1.0, f"The column {_named(name)} is new.")


def _of_column(name: str, shape: Shape, known: Expected) -> Iterator[Problem]:
    nulls, called = shape.nulls / max(1, shape.rows), _named(name)
    if exceeds(nulls, known.nulls, shape.rows, known.rows):
        yield Problem("nulls", name, nulls, f"{nulls:.1%} of {called} is missing; usual are {known.nulls:.1%}.")
    present = shape.rows - shape.nulls
    others = present - shape.kinds.get(known.kind, 0)
    if known.kind and present and others / present >= LEAST_SHARE:
        words = ", ".join(sorted(kind for kind in shape.kinds if kind != known.kind))
        yield Problem(
            "types", name, others / present, f"{others / present:.1%} of {called} is {words}: no {known.kind}."
        )
    yield from _out_of_range(name, shape, known)
    fresh = {} if known.levels is None else {k: n for k, n in shape.levels.items() if k not in known.levels}
    share = sum(fresh.values()) / max(1, present)
    if share >= LEAST_SHARE:
        first = ", ".join(_named(level) for level in list(fresh)[:MOST_LEVELS])
        yield Problem("levels", name, share, f"{share:.1%} of {called} has values never seen before: {first}.")


def _out_of_range(name: str, shape: Shape, known: Expected) -> Iterator[Problem]:
    """Numbers far outside of what was ever seen: by more than half of its range, for more rows have wider extremes."""
    if known.low is None or known.high is None or shape.low is None or shape.high is None:
        return
    slack = (known.high - known.low) / 2
    if shape.low < known.low - slack or shape.high > known.high + slack:
        sentence = (
            f"{_named(name)} goes from {shape.low:g} to {shape.high:g}; usual is {known.low:g} to {known.high:g}."
        )
        yield Problem("ranges", name, 1 / max(1, shape.rows), sentence)


def _of_rows(batch: Batch, usual: Mapping[str, Any]) -> Iterator[Problem]:
    share = _duplicates(batch)
    if usual["windows"] >= LEARNED_FROM and exceeds(share, usual["duplicates"], len(batch), int(usual["rows"])):
        yield Problem(
            "duplicates", "", share, f"{share:.1%} of the rows are repeated; usual are {usual['duplicates']:.1%}."
        )


def _duplicates(batch: Batch) -> float:
    """The share of rows that are the same as an earlier one."""
    rows = zip(*batch.columns.values(), strict=True)
    distinct = len({repr(row) for row in rows})
    return 1 - distinct / len(batch) if len(batch) else 0.0


def _of_window(look: Look, usual: Mapping[str, Any]) -> Iterator[Problem]:
    if look.requests and look.late / look.requests > MOST_LATE:
        share = look.late / look.requests
        yield Problem("late", "", share, f"{share:.1%} of the requests came after the window was looked at.")
    if usual["windows"] < LEARNED_FROM or look.window.last:
        return  # a window of rows has as many as it should, and comes when it is full
    mean, variance = usual["requests"], max(usual["variance"], usual["requests"])
    error = math.sqrt(variance * (1 + WEIGHT)) or 1.0
    if abs(look.requests - mean) > Z * error:
        word = "few" if look.requests < mean else "many"
        yield Problem("volume", "", 1.0, f"Unusually {word} requests: {look.requests}, where {mean:.0f} are usual.")
    if not look.window.file:  # whose rows have no times
        yield from _stale(look, mean)


def _stale(look: Look, mean: float) -> Iterator[Problem]:
    """Whether nothing has come for a long time at the window's end; the gap between requests is about exponential."""
    length_ms = look.window.end_ms - look.window.start_ms
    last_ms = int(look.batch.times.max()) if len(look.batch) else look.window.start_ms
    silent_ms = look.window.end_ms - last_ms
    if mean >= 1 and silent_ms > max(20 * length_ms / mean, length_ms / 2):
        yield Problem(
            "freshness", "", 1.0, f"Nothing has come for the last {format_duration(silent_ms)} of the window."
        )


def _extended(usual: Mapping[str, Any], look: Look, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """What is usual, with one more window."""
    first, requests = usual["windows"] == 0, float(look.requests)
    before = requests if first else usual["requests"]
    variance = 0.0 if first else usual["variance"]
    duplicates = _duplicates(look.batch)
    columns = dict(usual["columns"])
    for name, shape in shapes.items():
        nulls, known = shape.nulls / max(1, shape.rows), columns.get(name)
        columns[name] = {
            "kind": known["kind"] if known is not None and known["kind"] else shape.kind,
            "nulls": nulls if known is None else _towards(known["nulls"], nulls),
            "rows": shape.rows + (0 if known is None else int(known["rows"] * (1 - WEIGHT))),
            "windows": 1 + (0 if known is None else known["windows"]),
        }
    return {
        "windows": usual["windows"] + 1,
        "requests": _towards(before, requests),
        "variance": _towards(variance, (requests - before) ** 2),
        "duplicates": duplicates if first else _towards(usual["duplicates"], duplicates),
        "rows": len(look.batch) + (0 if first else int(usual["rows"] * (1 - WEIGHT))),
        "columns": columns,
    }


def _towards(usual: float, found: float) -> float:
    return usual + WEIGHT * (found - usual)


def _learned(usual: Mapping[str, Any]) -> dict[str, Expected]:
    """What windows have taught of columns that no baseline knows."""
    return {
        name: Expected(each["kind"], each["nulls"], rows=each["rows"])
        for name, each in usual["columns"].items()
        if each["windows"] >= LEARNED_FROM
    }


def _finding(look: Look, problems: Sequence[Problem], shapes: Mapping[str, Shape]) -> Finding:
    worst = max((each.share for each in problems), default=0.0)
    report = {
        "problems": [asdict(each) for each in sorted(problems, key=lambda each: -each.share)],
        "columns": {name: _told(shape) for name, shape in shapes.items()},
        "requests": look.requests,
        "late": look.late,
    }
    if not problems:
        sentence = f"{look.requests} requests, {len(shapes)} columns: nothing unusual."
        watched = Watched("quality", Level.GOOD, sentence, value=0.0)
        return Finding(Kind.QUALITY, Verdict.OK, sentence, value=0.0, report=report, watched=(watched,))
    sentence, step = _said(problems), "Look at what sends the requests; rows that are wrong make predictions wrong."
    evidence = {"problems": report["problems"]}
    watched = Watched("quality", Level.BAD, sentence, step, worst, evidence)
    return Finding(Kind.QUALITY, Verdict.DRIFT, sentence, step, worst, report, (watched,))


def _said(problems: Iterable[Problem]) -> str:
    ordered = sorted(problems, key=lambda each: -each.share)
    more = f" And {len(ordered) - 2} more." if len(ordered) > 2 else ""
    return " ".join(each.sentence for each in ordered[:2]) + more


def _told(shape: Shape) -> dict[str, object]:
    return {
        "rows": shape.rows,
        "nulls": shape.nulls,
        "kinds": dict(shape.kinds),
        "low": shape.low,
        "high": shape.high,
        "levels": len(shape.levels),
    }


def _named(name: str) -> str:
    return clean(name, limit=60)
