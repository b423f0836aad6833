"""Scores of a window: estimated without labels, realised with them, each with its error by sampling. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from engine.monitoring.batch import Batch
    from engine.stats.cbpe import Cbpe

LESS_IS_BETTER = frozenset(("log_loss", "brier", "calibration", "mae", "rmse"))
"""Metrics that fall as a model gets better."""


class Task(StrEnum):
    """What a model does."""

    BINARY = "binary"
    CLASSES = "classes"
    NUMBERS = "numbers"


METRICS: Mapping[Task, tuple[str, ...]] = {
    Task.BINARY: ("auc", "accuracy", "f1", "log_loss", "brier", "calibration"),
    Task.CLASSES: ("accuracy", "f1", "log_loss"),
    Task.NUMBERS: ("mae", "rmse"),
}
"""What is measured, the usual one first."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A number of performance.

    Args:
        value: The number; `None` where it does not exist, such as the area under the curve of one class.
        error: Its standard error by sampling; `None` where it is not known.
        rows: Rows it rests on.
    """

    value: float | None
    error: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows as scores need them.

    Args:
        task: What the model does.
        said: What it said: classes as words, or numbers; shape (rows,).
        score: The probability of the positive class, shape (rows,); `None` but for binary tasks with probabilities.
        chances: Probabilities of all classes, shape (rows, classes); `None` where there are none.
        truth: What turned out to be true, as `said`; shape (rows,). Means nothing where `known` is false.
        known: Where there is a label that can be compared, shape (rows,).
        classes: Classes in the order of `chances`, as words.
    """

    task: Task
    said: NDArray[Any]
    score: NDArray[np.float64] | None
    chances: NDArray[np.float64] | None
    truth: NDArray[Any]
    known: NDArray[np.bool_]
    classes: tuple[str, ...]

    @property
    def positive(self) -> str:
        """The class that is looked for, as a word; empty where there is none."""
        return self.classes[1] if self.task is Task.BINARY and len(self.classes) == 2 else ""

    def of(self, mask: NDArray[np.bool_]) -> Judged:
        """Some of the rows. mask: shape (rows,)."""
        return Judged(
            self.task,
            self.said[mask],
            None if self.score is None else self.score[mask],
            None if self.chances is None else self.chances[mask],
            self.truth[mask],
            self.known[mask],
            self.classes,
        )


def word(value: object) -> str:
    """A class as a word: the same for 1, 1.0, true and their texts."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def judged(batch: Batch, classes: tuple[Any, ...], metric: str) -> Judged | None:
    """Rows as scores need them.

    Args:
        batch: The rows.
        classes: The version's classes in the order of its probabilities; empty where they are not known.
        metric: What is asked for; tells numbers from classes where nothing else does.

    Returns:
        The rows; `None` when the model says nothing that can be scored.
    """
    import numpy as np

    if not batch.answers or len(batch.answers) != len(batch):
        return None
    if _is_numbers(batch, classes, metric):
        said, truth = _numbers(batch.answers), _numbers(batch.truths)
        return Judged(Task.NUMBERS, said, None, None, truth, np.isfinite(truth) & np.isfinite(said), ())
    words = np.array([word(each) for each in batch.answers], object)
    truths = np.array(["" if each is None else word(each) for each in batch.truths], object)
    known = np.array([each is not None for each in batch.truths], bool)
    named = tuple(word(each) for each in classes)
    if batch.chances is not None and len(named) != batch.chances.shape[1]:
        named = _guessed(words, batch.chances, {*truths[known].tolist(), *words.tolist()})
    binary = batch.chances is not None and len(named) == 2
    score = batch.chances[:, 1] if binary and batch.chances is not None else None
    return Judged(Task.BINARY if binary else Task.CLASSES, words, score, batch.chances, truths, known, named)


def _is_numbers(batch: Batch, classes: tuple[Any, ...], metric: str) -> bool:
    if classes or batch.chances is not None:
        return False
    if metric:
        return metric in METRICS[Task.NUMBERS]
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in batch.answers) and any(
        isinstance(each, float) and not each.is_integer() for each in batch.answers
    )


def _numbers(values: list[Any]) -> NDArray[np.float64]:
    import numpy as np

    numeric = (float(each) if isinstance(each, int | float) else np.nan for each in values)
    return np.fromiter(numeric, np.float64, len(values))


def _guessed(words: NDArray[Any], chances: NDArray[np.float64], heard: set[str]) -> tuple[str, ...]:
    """Classes from what was answered where each probability was the greatest; none where that does not tell all.

    Of two classes, the one that was never answered is the other word that was heard; of 0 and 1 the other number.
    """
    from collections import Counter

    greatest = chances.argmax(axis=1)
    found: list[str | None] = []
    for place in range(chances.shape[1]):
        named = Counter(words[greatest == place].tolist())
        found.append(named.most_common(1)[0][0] if named else None)
    if len(found) == 2 and found.count(None) == 1:
        one = next(each for each in found if each is not None)
        others = heard - {one} or ({"0", "1"} - {one} if one in ("0", "1") else set())
        if len(others) == 1:
            found = [each if each is not None else next(iter(others)) for each in found]
    return tuple(each for each in found if each is not None) if None not in found else ()


def realised(rows: Judged, metric: str) -> Scored:
    """Score the rows that have a label.

    Args:
        rows: The rows.
        metric: A metric of the task.

    Returns:
        The score; without a value when there is no label.
    """
    known = rows.of(rows.known)
    count = len(known.said)
    if not count:
        return Scored(None, None, 0)
    if rows.task is Task.NUMBERS:
        return _of_numbers(known, metric)
    return _of_classes(known, metric)


def _of_numbers(rows: Judged, metric: str) -> Scored:
    import numpy as np

    from engine.stats import scores

    count = len(rows.said)
    losses = np.abs(rows.said - rows.truth)
    if metric == "rmse":
        value = scores.rmse(rows.truth, rows.said)
        error = float((losses**2).std()) / sqrt(count) / (2 * value) if value else 0.0
        return Scored(value, error, count)
    return Scored(scores.mae(rows.truth, rows.said), float(losses.std()) / sqrt(count), count)


def _of_classes(rows: Judged, metric: str) -> Scored:
    from engine.stats import scores

    count = len(rows.said)
    if metric == "accuracy":
        value = scores.accuracy(rows.truth, rows.said)
        return Scored(value, sqrt(value * (1 - value) / count), count)
    if metric == "f1":
        found = scores.f1(rows.truth, rows.said, positive=rows.positive or None)
        return Scored(found, _by_confidence(rows, metric), count)
    if rows.task is Task.BINARY and rows.score is not None and rows.positive:
        return _of_scores(rows, metric, count)
    return _of_chances(rows, metric, count)


def _of_scores(rows: Judged, metric: str, count: int) -> Scored:
    from engine.stats import scores
    from engine.stats.calibration import expected_error

    assert rows.score is not None  # noqa: S101 asked before
    happened = rows.truth == rows.positive
    value: float | None
    if metric == "auc":
        value = scores.auc(happened, rows.score)
    elif metric == "brier":
        value = scores.brier(happened, rows.score)
    elif metric == "calibration":
        return Scored(expected_error(rows.score, happened), None, count)
    else:
        value = scores.log_loss(happened, rows.score)
    return Scored(value, _by_confidence(rows, metric), count)


def _of_chances(rows: Judged, metric: str, count: int) -> Scored:
    """Log-loss over several classes; rows of a class that the model does not know are left out."""
    import numpy as np

    from engine.stats import scores

    if metric != "log_loss" or rows.chances is None or not rows.classes:
        return Scored(None, None, count)
    places = {name: place for place, name in enumerate(rows.classes)}
    columns = np.array([places.get(each, -1) for each in rows.truth.tolist()])
    fit = columns >= 0
    if not fit.any():
        return Scored(None, None, 0)
    value = scores.log_loss(columns[fit], rows.chances[fit])
    losses = -np.log(np.clip(rows.chances[fit, columns[fit]], 1e-15, 1))
    return Scored(value, float(losses.std()) / sqrt(int(fit.sum())), int(fit.sum()))


def _by_confidence(rows: Judged, metric: str) -> float | None:
    """The sampling error that such probabilities imply."""
    from engine.stats.cbpe import METRICS as ESTIMATED
    from engine.stats.cbpe import Cbpe

    if rows.score is None or metric not in ESTIMATED or not rows.positive:
        return None
    return Cbpe(None, 0, 0.0, 0.0).estimate(metric, rows.score, rows.said == rows.positive).error


def estimated(rows: Judged, metric: str, cbpe: Cbpe | None) -> Scored | None:
    """Estimate a score of a classifier without labels.

    Args:
        rows: The rows.
        metric: A metric of the task.
        cbpe: What a reference with labels says of the probabilities; `None` takes them for calibrated.

    Returns:
        The estimate; `None` for what cannot be estimated.
    """
    from engine.stats.cbpe import METRICS as ESTIMATED
    from engine.stats.cbpe import Cbpe

    count = len(rows.said)
    if not count or rows.chances is None:
        return None
    if rows.task is Task.CLASSES:
        if metric != "accuracy":
            return None
        best = rows.chances.max(axis=1)
        return Scored(float(best.mean()), sqrt(float((best * (1 - best)).sum())) / count, count)
    if metric not in ESTIMATED or rows.score is None or not rows.positive:
        return None
    found = (cbpe or Cbpe(None, 0, 0.0, 0.0)).estimate(metric, rows.score, rows.said == rows.positive)
    return Scored(found.value, found.error, count)


def worse_by(metric: str, value: float, reference: float) -> float:
    """How much worse a value is than another one, in the metric's unit; negative when it is better."""
    return value - reference if metric in LESS_IS_BETTER else reference - value
