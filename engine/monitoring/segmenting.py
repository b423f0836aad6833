"""Performance within each segment of a window, each held against how it was there at first."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.monitoring.batch import segment_word
from engine.monitoring.scoring import LESS_IS_BETTER, Scored, Task, estimated, realised, worse_by
from engine.monitoring.standards import features_of, one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory
    from engine.monitoring.scoring import Judged
    from engine.monitoring.standards import Standard

LEAST_ROWS = 30
"""Rows below which a segment is not scored: labelled ones for a realised number."""

MOST_SEGMENTS = 20
"""Values of a column that are looked at one by one: those with the most rows."""

FALSE_ALARM = 0.05
"""How likely any segment of a window is named though none got worse; each gets its part (Bonferroni)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Performance within one segment.

    Args:
        name: Column and value.
        rows: Its rows in the window.
        known: What its labels say; `None` where there are too few.
        guessed: What is expected without labels; `None` where nothing can be.
        first: What its labels said in its first window that had enough; `None` before that window is over.
        p: The p-value of "not worse than at first by more than the tolerance"; `None` where it cannot be asked.
    """

    name: str
    rows: int
    known: Scored | None
    guessed: Scored | None
    first: Scored | None
    p: float | None

    @property
    def best(self) -> Scored | None:
        """The number to go by: a realised one where there is one."""
        return self.known or self.guessed


def by_segment(
    look: Look, memory: Memory, rows: Judged, metric: str, standard: Standard | None
) -> list[dict[str, object]]:
    """Score the window within each segment, realised where enough labels are there, else estimated.

    Args:
        look: The window.
        memory: Holds each segment's first realised number.
        rows: The same rows as scores need them.
        metric: What is measured.
        standard: What estimates rest on; `None` before enough rows have labels.

    Returns:
        The worst first, each with `segment`, `rows`, `drifted` (the metric's name where it got worse by more than the
        tolerance), `sentence`, `metric`, `value`, `error`, `basis`, `realised`, `estimated`, `reference` and `p`.
    """
    found = [each for each in _scored(look, memory, rows, metric, standard) if each.best is not None]
    asked = sum(each.p is not None for each in found) or 1
    told = [_told(each, metric, worse=each.p is not None and each.p <= FALSE_ALARM / asked) for each in found]
    sign = -1.0 if metric in LESS_IS_BETTER else 1.0
    return sorted(told, key=lambda each: (not each["drifted"], sign * float(str(each["value"]))))


def worst_of(segments: Sequence[Mapping[str, object]]) -> str:
    """The worst segment in words, to stand behind another sentence; empty where no two can be compared.

    Args:
        segments: What `by_segment` gave.
    """
    if not segments or (len(segments) == 1 and not segments[0]["drifted"]):
        return ""
    word = "Worst" if segments[0]["drifted"] else "Weakest"
    return f" {word} in {segments[0]['segment']}: {segments[0]['sentence']}"


def expected(
    rows: Judged, features: NDArray[np.float64] | None, metric: str, standard: Standard | None
) -> Scored | None:
    """What a score is expected to be without labels.

    Args:
        rows: The rows.
        features: Their columns as numbers, shape (rows, columns); only numbers need them.
        metric: A metric of the task.
        standard: What estimates rest on; `None` before enough rows have labels.

    Returns:
        The estimate; `None` for what cannot be estimated.
    """
    if rows.task is not Task.NUMBERS:
        return estimated(rows, metric, None if standard is None else standard.cbpe)
    if standard is None or features is None or metric not in standard.dle:
        return None
    with one_thread():
        guess = standard.dle[metric].estimate(features, rows.said)
    return Scored(guess.value, guess.error, len(rows.said))


def _scored(look: Look, memory: Memory, rows: Judged, metric: str, standard: Standard | None) -> Iterator[Segment]:
    wanted = [each for each in look.settings.segments if each in look.batch.columns]
    features = features_of(look.batch) if wanted and rows.task is Task.NUMBERS else None
    for column in wanted:
        for value, mask in _masks(look.batch.columns[column]):
            part = rows.of(mask)
            known = _enough(realised(part, metric))
            guessed = _enough(expected(part, None if features is None else features[mask], metric, standard))
            first = _first(look, memory, f"{metric} of {column}={value}", known)
            name = clean(f"{column} = {value}", limit=100)
            p = _p(metric, known or guessed, first, look.settings.tolerance)
            yield Segment(name, int(mask.sum()), known, guessed, first, p)


def _masks(values: list[object]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Where the values with the most rows stand, shape (rows,) each."""
    from collections import Counter

    import numpy as np

    words = np.array([segment_word(each) for each in values], object)
    for value, count in Counter(words.tolist()).most_common(MOST_SEGMENTS):
        if count >= LEAST_ROWS:
            yield value, words == value


def _enough(found: Scored | None) -> Scored | None:
    return found if found is not None and found.rows >= LEAST_ROWS and found.value is not None else None


def _first(look: Look, memory: Memory, name: str, known: Scored | None) -> Scored | None:
    """The first realised number of a segment: labels that come late still count towards the window it is of."""
    part = f"performed segment {look.subject.key} {look.part} {name}"
    kept = memory.said(part, None)
    if kept is not None and look.window.end_ms > kept[0]:
        return Scored(*kept[1:])
    if known is not None and (kept is None or known.rows > kept[3]):
        memory.say(part, [look.window.end_ms, known.value, known.error, known.rows])
    return None


def _p(metric: str, now: Scored | None, first: Scored | None, tolerance: float) -> float | None:
    if now is None or first is None or now.value is None or first.value is None:
        return None
    if now.error is None or first.error is None:
        return None
    spread = sqrt(now.error**2 + first.error**2)
    gap = worse_by(metric, now.value, first.value) - tolerance
    return erfc(gap / spread / sqrt(2)) / 2 if spread else float(gap <= 0)


def _told(segment: Segment, metric: str, *, worse: bool) -> dict[str, object]:
    best = segment.best or Scored(None, None, 0)
    basis = "realised" if segment.known is not None else "estimated"
    sentence = f"{metric} is {best.value:.3f} ({basis}, {best.rows} rows)"
    if segment.first is not None:
        sentence += f"; at first it was {segment.first.value:.3f}"
    return {
        "segment": segment.name,
        "rows": segment.rows,
        "drifted": [metric] if worse else [],
        "sentence": f"{sentence}.",
        "metric": metric,
        "value": best.value,
        "error": best.error,
        "basis": basis,
        "realised": _number(segment.known),
        "estimated": _number(segment.guessed),
        "reference": _number(segment.first),
        "p": segment.p,
    }


def _number(found: Scored | None) -> dict[str, object] | None:
    return None if found is None else {"value": found.value, "error": found.error, "rows": found.rows}
