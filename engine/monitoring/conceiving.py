"""Has the concept drifted? Detectors watch errors, scores and latency value by value, from window to window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.alerts.model import Level
from engine.monitoring.looking import Finding, Watched
from engine.monitoring.model import Kind, Verdict
from engine.monitoring.scoring import Task, judged
from engine.monitoring.spending import length_ms, window_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from engine.monitoring.batch import Batch
    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory
    from engine.monitoring.model import Subject
    from engine.monitoring.scoring import Judged

SCALED_FROM = 30
"""Values from which a stream without a natural span takes its unit: their mean."""

SPAN = 10.0
"""Values beyond so many units are cut off, so that one of them is no drift."""

_LEAST_DELTA, _MOST_DELTA = 1e-6, 0.002
_WORSE = {"errors": "more errors", "latency": "slower answers"}
"""Streams of which only a rise is bad, and what it is."""


class Detector(Protocol):
    """Watches one stream."""

    def update(self, values: NDArray[Any]) -> tuple[int, ...]:
        """Look at further values; places at which a change was detected."""
        ...

    def to_bytes(self) -> bytes:
        """The state, bit for bit."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What a window has added to a stream.

    Args:
        stream: `errors`, `scores` or `latency`.
        values: How many values.
        mean: Of them, in the stream's unit; 0 of none.
        before: Mean of the stream since it last changed; `None` when nothing came before.
        detections: Places among the values, from 0, at which a change was detected.
    """

    stream: str
    values: int
    mean: float
    before: float | None
    detections: tuple[int, ...]

    @property
    def worse(self) -> bool:
        """Whether a change was detected that is bad: any of scores, a rise of errors and latency."""
        rose = self.before is None or self.mean > self.before
        return bool(self.detections) and (self.stream not in _WORSE or rose)


class Conceiving:
    """Watches streams of a version's answers.

    Args:
        classes: A version's classes in the order of its probabilities; empty where they are not known.
    """

    def __init__(self, classes: Callable[[Subject], tuple[Any, ...]]) -> None:
        self._classes = classes

    def look(self, look: Look, memory: Memory) -> Iterator[Finding]:
        """Add a window to its streams; one that is looked at again adds nothing, for each value is heard once.

        Args:
            look: The window.
            memory: Holds the detectors' states.

        Yields:
            One finding, none for a window that is looked at again.

        Raises:
            QuarterdeckError: the version's classes cannot be read.
        """
        if look.revised:
            return
        fresh = look.batch.where(_unheard(look, memory))
        heard = []
        for stream in look.settings.streams:
            values = self._values(look, fresh, stream)
            if values is not None:
                heard.append(_heard(look, memory, stream, values))
        memory.say(f"heard {look.part}", [look.window.end_ms, look.window.last])
        yield _finding(look, heard)

    def _values(self, look: Look, fresh: Batch, stream: str) -> NDArray[np.float64] | None:
        """What a window adds to a stream; `None` where the version has no such stream."""
        import numpy as np

        if stream == "latency":
            slow: NDArray[np.float64] = np.log10(np.maximum(fresh.latency_us, 1.0))
            return slow
        batch = look.told if stream == "errors" else fresh
        if not len(batch):
            return np.empty(0)
        rows = judged(batch, self._classes(look.subject), look.settings.metric)
        if rows is None:
            return None
        return _errors(rows) if stream == "errors" else _scores(rows)


def _errors(rows: Judged) -> NDArray[np.float64]:
    """How wrong the labelled rows are: 0 or 1 of classes, the distance of numbers."""
    import numpy as np

    known = rows.of(rows.known)
    wrong: NDArray[np.float64]
    if rows.task is Task.NUMBERS:
        wrong = np.abs(known.said - known.truth)
    else:
        wrong = (known.said != known.truth).astype(np.float64)
    return wrong


def _scores(rows: Judged) -> NDArray[np.float64] | None:
    import numpy as np

    if rows.task is not Task.NUMBERS:
        return rows.score
    numbers: NDArray[np.float64] = rows.said[np.isfinite(rows.said)]
    return numbers


def _unheard(look: Look, memory: Memory) -> NDArray[np.bool_]:
    """Which rows of a window no earlier, overlapping one had."""
    end_ms, last = memory.said(f"heard {look.part}", [0, 0])
    mask: NDArray[np.bool_] = look.batch.ids > last if look.window.last else look.batch.times >= end_ms
    return mask


def _heard(look: Look, memory: Memory, stream: str, values: NDArray[np.float64]) -> Heard:
    part = f"{stream} {look.part}"
    total, count = memory.said(f"mean {part}", [0.0, 0])
    scaled, span = _scaled(memory, part, stream, values)
    detector = _restored(look, stream, span, memory.get(f"detector {part}"))
    found = detector.update(scaled)
    memory.put(f"detector {part}", detector.to_bytes())
    size, mean = len(values), float(values.mean()) if len(values) else 0.0
    before = total / count if count else None
    kept = [mean * size, size] if found else [total + mean * size, count + size]
    memory.say(f"mean {part}", kept)
    return Heard(stream, size, mean, before, found)


def _scaled(memory: Memory, part: str, stream: str, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Values within a span that is known beforehand: errors and scores of classes lie in [0, 1] already."""
    import numpy as np

    if stream == "latency":
        return np.clip(values, 0.0, SPAN), SPAN
    unit = memory.said(f"unit {part}", None)
    if unit is None and len(values):
        within = bool(((values >= 0) & (values <= 1)).all())
        unit = 1.0 if within else float(np.abs(values[:SCALED_FROM]).mean()) or 1.0
        memory.say(f"unit {part}", unit if not within else 0.0)
        unit = 0.0 if within else unit
    if not unit:
        return np.clip(values, 0.0, 1.0), 1.0
    return np.clip(values / unit, -SPAN, SPAN), 2 * SPAN


def _restored(look: Look, stream: str, span: float, state: bytes | None) -> Detector:
    """The detector of a stream as it was left; Ddm knows right and wrong only, so other streams have Adwin."""
    from engine.stats.adwin import Adwin
    from engine.stats.cusum import Cusum
    from engine.stats.ddm import Ddm
    from engine.stats.hddm_a import HddmA
    from engine.stats.page_hinkley import PageHinkley

    wanted = look.settings.detector
    detector: Adwin | Cusum | Ddm | HddmA | PageHinkley
    if wanted == "page_hinkley":
        detector = PageHinkley()
    elif wanted == "cusum":
        detector = Cusum()
    elif wanted == "hddm_a" and span == 1.0:
        detector = HddmA()
    elif wanted == "ddm" and stream == "errors" and span == 1.0:
        detector = Ddm()
    else:
        detector = Adwin(min(_MOST_DELTA, max(_LEAST_DELTA, window_level(look.settings, length_ms(look)))), span)
    return detector if state is None else detector.restore(state)


def _finding(look: Look, heard: list[Heard]) -> Finding:
    bad = [each for each in heard if each.worse]
    report = {
        "detector": look.settings.detector,
        "streams": [
            {
                "stream": each.stream,
                "values": each.values,
                "mean": each.mean,
                "before": each.before,
                "detections": list(each.detections),
            }
            for each in heard
        ],
    }
    watched = tuple(_watched(look, each) for each in heard)
    if not any(each.values for each in heard):
        return Finding(Kind.CONCEPT, Verdict.WAITING, "No values came.", report=report, watched=watched)
    found = sum(len(each.detections) for each in heard)
    if not bad:
        sentence = f"{sum(each.values for each in heard)} values, no change for the worse."
        return Finding(Kind.CONCEPT, Verdict.OK, sentence, value=float(found), report=report, watched=watched)
    said = " ".join(_sentence(each) for each in bad)
    return Finding(Kind.CONCEPT, Verdict.DRIFT, said, _step(look), float(found), report, watched)


def _watched(look: Look, heard: Heard) -> Watched:
    level = Level.BAD if heard.worse else Level.GOOD if heard.values else Level.UNKNOWN
    evidence = {"stream": heard.stream, "mean": heard.mean, "before": heard.before, "values": heard.values}
    step = _step(look) if heard.worse else ""
    return Watched(f"concept {heard.stream}", level, _sentence(heard), step, heard.mean, evidence)


def _sentence(heard: Heard) -> str:
    before = "" if heard.before is None else f", before {heard.before:.4g}"
    unit = "log10 of latency in us" if heard.stream == "latency" else heard.stream
    if not heard.detections:
        return f"Mean of {unit}: {heard.mean:.4g}{before}."
    what = _WORSE.get(heard.stream, "other scores") if heard.worse else "a change for the better"
    return f"A change was detected, {what}: mean of {unit} is {heard.mean:.4g}{before}."


def _step(look: Look) -> str:
    return f"Look at what {look.subject.key} was asked since {look.monitor} last found it in order, and at its labels."
