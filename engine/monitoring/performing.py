"""How good are predictions? Estimated before labels come, realised once they have, both kept as they were known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import erfc, sqrt
from typing import TYPE_CHECKING, Any

from engine.alerts.model import Level
from engine.monitoring.looking import Finding, Point, Watched
from engine.monitoring.model import Basis, Kind, Verdict
from engine.monitoring.scoring import (
    LESS_IS_BETTER,
    METRICS,
    Scored,
    Task,
    judged,
    realised,
    worse_by,
)
from engine.monitoring.segmenting import by_segment, expected, worst_of
from engine.monitoring.spending import spend
from engine.monitoring.standards import LEARNED_FROM, Standards, features_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory
    from engine.monitoring.model import Subject
    from engine.monitoring.scoring import Judged
    from engine.monitoring.spending import Spent
    from engine.monitoring.standards import Standard

LEAST_ROWS = 30
"""Rows below which no number of performance is judged."""

LABELLED_SHARE = 0.5
"""The share of a window's rows that must have labels, unless the time to wait for them is stated and over."""

SHOWN = 0.05
"""The level at which a window that pages nobody is still said to be worse."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Performance of a window on one basis.

    Args:
        basis: How it came about.
        scores: By metric.
    """

    basis: Basis
    scores: Mapping[str, Scored]

    def points(self) -> Iterator[Point]:
        """The numbers as they are kept."""
        for metric, found in self.scores.items():
            yield Point(self.basis, metric, found.value, found.error, found.rows)


class Performing:
    """Measures a version's performance window by window.

    Args:
        classes: A version's classes in the order of its probabilities; empty where they are not known.
    """

    def __init__(self, classes: Callable[[Subject], tuple[Any, ...]]) -> None:
        self._classes = classes
        self._standards = Standards()

    def look(self, look: Look, memory: Memory) -> Iterator[Finding]:
        """Measure a window; of one that is looked at again, what labels say now.

        Args:
            look: The window.
            memory: Holds the version's standard, and what was spent of the budget.

        Yields:
            One finding.

        Raises:
            QuarterdeckError: the version's classes cannot be read.
        """
        rows = judged(look.batch, self._classes(look.subject), look.settings.metric)
        if rows is None:
            yield _waiting("There are no answers to measure.", len(look.batch))
            return
        metric = look.settings.metric or METRICS[rows.task][0]
        if metric not in METRICS[rows.task]:
            known = ", ".join(METRICS[rows.task])
            yield _waiting(f"{metric} does not fit what this model answers.", len(rows.said), f"Set metric to {known}.")
            return
        self._standards.learn(memory, look.subject.key, look.batch, rows)
        standard = self._standards.read(memory, look.subject.key, rows.classes)
        yield _Measuring(look, memory, rows, metric, standard).finding()


class _Measuring:
    """One window."""

    def __init__(self, look: Look, memory: Memory, rows: Judged, metric: str, standard: Standard | None) -> None:
        self._look, self._memory, self._rows = look, memory, rows
        self._metric, self._standard = metric, standard

    def finding(self) -> Finding:
        guessed, known = self._estimated(), self._realised()
        watched = self._told_alerts(guessed, known)
        best = known if self._enough() else guessed
        number = None if best is None else best.scores.get(self._metric)
        segments = by_segment(self._look, self._memory, self._rows, self._metric, self._standard)
        worst = worst_of(segments)
        watched = [_with_worst(each, worst) for each in watched]
        verdict = _verdict(watched)
        said = next((each for each in reversed(watched) if each.level in (Level.BAD, Level.BETWEEN)), None)
        sentence = said.sentence if said is not None else self._sentence(best, number) + worst
        return Finding(
            kind=Kind.PERFORMANCE,
            verdict=verdict,
            sentence=sentence,
            next_step="" if said is None else said.next_step,
            value=None if number is None else number.value,
            report=self._report(guessed, known, segments),
            watched=tuple(watched),
            points=tuple(point for each in (guessed, known) if each is not None for point in each.points()),
        )

    def _told_alerts(self, guessed: Measured | None, known: Measured | None) -> list[Watched]:
        """What both say to alerts; where enough labels are there at once, the estimate pages nobody a second time."""
        found = [] if known is None else [self._watched(known)]
        if guessed is None:
            return found
        if known is None or not self._enough():
            return [self._watched(guessed), *found]
        level = Level.GOOD if found[0].level is Level.GOOD else Level.UNKNOWN
        return [Watched("performance estimate", level, "Labels have come."), *found]

    def _estimated(self) -> Measured | None:
        """What is expected of the rows, labelled or not; once a window, since labels do not change it."""
        rows, standard = self._rows, self._standard
        if self._look.revised or len(rows.said) < LEAST_ROWS:
            return None
        found: dict[str, Scored] = {}
        features = features_of(self._look.batch) if rows.task is Task.NUMBERS else None
        for metric in METRICS[rows.task]:
            guess = expected(rows, features, metric, standard)
            if guess is not None:
                found[metric] = guess
        return Measured(Basis.ESTIMATED, found) if found else None

    def _realised(self) -> Measured | None:
        if not self._rows.known.any():
            return None
        return Measured(Basis.REALISED, {metric: realised(self._rows, metric) for metric in METRICS[self._rows.task]})

    def _enough(self) -> bool:
        """Whether enough labels are there for a verdict."""
        labelled, rows = int(self._rows.known.sum()), len(self._rows.said)
        waited = self._look.settled and self._look.settings.label_delay_ms > 0
        return labelled >= LEAST_ROWS and (waited or labelled >= LABELLED_SHARE * rows)

    def _watched(self, measured: Measured) -> Watched:
        """What one basis says to alerts: estimates and realised numbers are watched apart."""
        key = "performance" if measured.basis is Basis.REALISED else "performance estimate"
        number = measured.scores.get(self._metric)
        if number is None or number.value is None:
            return Watched(key, Level.UNKNOWN, f"{self._metric} cannot be told here.")
        if measured.basis is Basis.REALISED and not self._enough():
            return Watched(key, Level.UNKNOWN, f"{number.rows} of {len(self._rows.said)} rows have labels.")
        p, reference = self._worse(number)
        spent = self._spend(measured.basis, p)
        beyond = self._beyond(number.value)
        level = _level(p, spent, beyond=beyond)
        sentence, step = self._said(measured.basis, number, reference, beyond=beyond)
        evidence = self._evidence(measured, number, p, spent)
        return Watched(key, level, sentence, step, number.value, evidence)

    def _worse(self, number: Scored) -> tuple[float | None, Scored | None]:
        """The p-value of "not worse than the standard by more than the tolerance", and the standard's number."""
        reference = None if self._standard is None else self._standard.scores.get(self._metric)
        if reference is None or reference.value is None or number.value is None:
            return None, reference
        spread = sqrt((number.error or 0.0) ** 2 + (reference.error or 0.0) ** 2)
        gap = worse_by(self._metric, number.value, reference.value) - self._look.settings.tolerance
        if not spread:
            return (0.0 if gap > 0 else 1.0), reference
        return erfc(gap / spread / sqrt(2)) / 2, reference

    def _spend(self, basis: Basis, p: float | None) -> Spent | None:
        """Hold the p-value against the budget: each window once a basis, in order."""
        part = f"performed {basis.value} {self._look.part}"
        if p is None or self._look.window.end_ms <= int(self._memory.said(part, -1)):
            return None
        self._memory.say(part, self._look.window.end_ms)
        return spend(self._look, self._memory, f"performance {basis.value}", p)

    def _beyond(self, value: float) -> bool:
        least = self._look.settings.least
        if least is None:
            return False
        return value > least if self._metric in LESS_IS_BETTER else value < least

    def _said(self, basis: Basis, number: Scored, reference: Scored | None, *, beyond: bool) -> tuple[str, str]:
        told = f"{self._metric} is {_with_error(number)} ({basis.value}, {number.rows} rows)"
        if beyond:
            told += f", beyond the bound of {self._look.settings.least:g}"
        if reference is not None and reference.value is not None:
            told += f"; at first it was {_with_error(reference)}"
        version = self._look.subject.key
        if basis is Basis.ESTIMATED:
            return f"{told}.", f"Labels will tell; until then look at what drifted in the answers of {version}."
        return f"{told}.", f"Roll {version} back or retrain it: `qd endpoints rollback` undoes the last change."

    def _sentence(self, best: Measured | None, number: Scored | None) -> str:
        if best is None or number is None or number.value is None:
            return f"{int(self._rows.known.sum())} of {len(self._rows.said)} rows have labels; no number yet."
        told = f"{self._metric} is {_with_error(number)} ({best.basis.value}, {number.rows} rows)."
        if self._standard is None:
            return f"{told} Nothing to hold it against before {LEARNED_FROM} rows have labels."
        return told

    def _evidence(self, measured: Measured, number: Scored, p: float | None, spent: Spent | None) -> dict[str, object]:
        reference = None if self._standard is None else self._standard.scores.get(self._metric)
        return {
            "metric": self._metric,
            "basis": measured.basis.value,
            "value": number.value,
            "error": number.error,
            "rows": number.rows,
            "reference": None if reference is None else reference.value,
            "tolerance": self._look.settings.tolerance,
            "p": p,
            "pages": spent is not None and spent.pages,
        }

    def _report(
        self, guessed: Measured | None, known: Measured | None, segments: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        standard = self._standard
        cbpe = None if standard is None else standard.cbpe
        return {
            "task": self._rows.task.value,
            "metric": self._metric,
            "rows": len(self._rows.said),
            "labelled": int(self._rows.known.sum()),
            "estimated": None if guessed is None else _told(guessed.scores),
            "realised": None if known is None else _told(known.scores),
            "reference": None if standard is None else {"rows": standard.rows, "scores": _told(standard.scores)},
            "calibration": None if cbpe is None else {"before": cbpe.raw_error, "after": cbpe.error, "rows": cbpe.rows},
            "by_segment": segments,
        }


def _level(p: float | None, spent: Spent | None, *, beyond: bool) -> Level:
    if beyond or (spent is not None and spent.pages):
        return Level.BAD
    if p is None:
        return Level.UNKNOWN
    return Level.BETWEEN if p <= SHOWN else Level.GOOD


def _verdict(watched: list[Watched]) -> Verdict:
    levels = {each.level for each in watched}
    if levels & {Level.BAD, Level.BETWEEN}:
        return Verdict.DRIFT
    return Verdict.OK if Level.GOOD in levels else Verdict.WAITING


def _with_worst(watched: Watched, worst: str) -> Watched:
    """What pages somebody says where to look first."""
    bad = watched.level in (Level.BAD, Level.BETWEEN)
    return replace(watched, sentence=watched.sentence + worst) if bad and worst else watched


def _told(scores: Mapping[str, Scored]) -> dict[str, object]:
    return {metric: {"value": each.value, "error": each.error, "rows": each.rows} for metric, each in scores.items()}


def _with_error(number: Scored) -> str:
    around = "" if number.error is None else f" ± {1.96 * number.error:.2g}"
    return f"{number.value:.3f}{around}"


def _waiting(why: str, rows: int, step: str = "") -> Finding:
    report = {"rows": rows, "labelled": 0}
    return Finding(Kind.PERFORMANCE, Verdict.WAITING, why, step, report=report)
