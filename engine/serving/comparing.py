"""How a shadow's answers stand to those that were given to the same requests."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from engine.runtimes.model import LABELS, PROBABILITIES
from engine.serving.batcher import predicted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from engine.runtimes.model import Outputs, Rows, Runtime

_FARTHEST = 1e100
"""Scores that are farther apart than this count as this far: their squares are added up."""


class Copy(NamedTuple):
    """One request, and the answer that was given.

    Args:
        rows: The rows.
        outputs: The answer.
    """

    rows: Rows
    outputs: Outputs


class Comparison(NamedTuple):
    """How a shadow answered what somebody else has answered too.

    Args:
        requests: How many it was asked.
        latency_us: How long each took it, in microseconds: its part of a call that they shared.
        failed: Of those, how many it could not answer.
        rows: How many rows were compared.
        agreed: Of those, how many got the same label.
        delta: The sum of the absolute differences of the scores.
        delta_squares: The sum of the squares of those.
    """

    requests: int = 0
    latency_us: float = 0.0
    failed: int = 0
    rows: int = 0
    agreed: int = 0
    delta: float = 0.0
    delta_squares: float = 0.0


def compare(runtime: Runtime, copies: Sequence[Copy]) -> Comparison:
    """Have a shadow answer requests, and compare its answers with those that were given.

    Args:
        runtime: The shadow.
        copies: At least one.
    """
    import numpy as np

    began_s = perf_counter()
    found = predicted(runtime, [each.rows for each in copies])
    latency_us = (perf_counter() - began_s) * 1e6 / len(copies)
    good = [(answer, each.outputs) for answer, each in zip(found, copies, strict=True) if isinstance(answer, dict)]
    failed = len(copies) - len(good)
    pairs = [(theirs, ours) for theirs, ours in good if _comparable(theirs, ours)]
    agreed = sum(_same(theirs[LABELS], ours[LABELS]) for theirs, ours in pairs)
    with np.errstate(all="ignore"):
        differences = [np.abs(_scores(theirs) - _scores(ours)) for theirs, ours in pairs]
    # A score that is no number says nothing of how far apart two versions are, and would spoil every sum that it is in.
    apart = np.nan_to_num(np.concatenate([[], *differences]), nan=0.0, posinf=0.0).clip(0.0, _FARTHEST)
    sums = len(apart), agreed, float(apart.sum()), float((apart**2).sum())
    return Comparison(len(copies), latency_us, failed, *sums)


def _comparable(theirs: Outputs, ours: Outputs) -> bool:
    """Whether two answers to one request have labels of one shape."""
    return LABELS in theirs and LABELS in ours and theirs[LABELS].shape == ours[LABELS].shape


def _same(theirs: np.ndarray, ours: np.ndarray) -> int:
    """Of how many rows the labels are all alike."""
    alike = theirs == ours
    return int((alike if alike.ndim == 1 else alike.reshape(len(alike), -1).all(axis=1)).sum())


def _scores(outputs: Outputs) -> np.ndarray:
    """One number a row: the probability of the last class, or the number predicted; labels without either count 0."""
    import numpy as np

    values = np.asarray(outputs.get(PROBABILITIES, outputs[LABELS]))
    rows = len(outputs[LABELS])
    if values.dtype.kind not in "fiub" or not values.size:
        return np.zeros(rows)
    return values.reshape(rows, -1)[:, -1].astype(np.float64)
