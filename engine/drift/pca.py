"""PCA reconstruction: rows whose numbers are no longer related as they were are badly put together again.

One half of the reference says how numbers go together; errors of the other half and of the current data are compared,
and dealing them anew says how great a difference chance makes.

Source: W. J. Krzanowski, "Between-groups comparison of principal components", Journal of the American Statistical
Association 74 (1979) 703-707 (comparing structures); J. Edward Jackson and G. S. Mudholkar, "Control procedures for
residuals associated with principal component analysis", Technometrics 21 (1979) 341-349 (the residual as statistic).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.drift.matrix import Matrix, above_chance, p_value
from engine.drift.model import DatasetResult, Decision, Telling
from engine.drift.words import effect, probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "pca reconstruction"

LEAST_ROWS = 100
"""Rows that the current data and each half of the reference need."""

TELLING_RATIO = 1.1
"""Ratio of errors, either way, from which on a difference is worth telling."""

_KEPT = 0.8
_DRAWS = 499
_SEED = 20_262
_MOST_TOLD = 5
_GREATEST = 1e150


def reconstruct(matrix: Matrix, level: float) -> DatasetResult:
    """Compare how well rows of both sides are put together again.

    Args:
        matrix: Rows of both.
        level: Greatest p-value that is drift, in (0, 1).

    Returns:
        The answer: the ratio of the mean errors, 1 where nothing has changed.
    """
    import numpy as np

    reference, current, names = _numbers(matrix)
    rows = min(len(reference) // 2, len(current))
    if len(names) < 2:
        return DatasetResult(NAME, Decision.LEFT_OUT, reason="There are no two columns of numbers to relate.")
    if rows < LEAST_ROWS:
        reason = f"Fewer than {LEAST_ROWS} rows in the current data or in half of the reference."
        return DatasetResult(NAME, Decision.NOT_ENOUGH, rows=rows, reason=reason)
    learned, held = reference[: len(reference) // 2], reference[len(reference) // 2 :]
    centre, scale = learned.mean(axis=0), learned.std(axis=0)
    scale[scale == 0] = 1.0
    directions = _directions((learned - centre) / scale)
    before, now = (_residuals((side - centre) / scale, directions) for side in (held, current))
    # Roots of errors, since single great errors would drown everything else.
    scores = np.sqrt(np.concatenate([before.sum(axis=1), now.sum(axis=1)]))
    by_chance = np.abs(above_chance(scores, len(held), _SEED, _DRAWS))
    means = scores[: len(held)].mean(), scores[len(held) :].mean()
    p = p_value(abs(means[1] - means[0]), by_chance)
    ratio = float(means[1] / means[0]) if means[0] > 0 else 1.0
    found = p <= level and not 1 / TELLING_RATIO < ratio < TELLING_RATIO
    return DatasetResult(
        NAME,
        Decision.DRIFT if found else Decision.STABLE,
        value=ratio,
        threshold=TELLING_RATIO,
        p=p,
        rows=rows,
        telling=_telling(before, now, names) if found else (),
        reason=f"Errors are {effect(ratio)} times those of the reference, p {probability(p)}: "
        f"the numbers are {'no longer' if found else 'still'} related as they were.",
    )


def _numbers(matrix: Matrix) -> tuple[NDArray[Any], NDArray[Any], list[str]]:
    """The columns of numbers that vary; what is missing or infinite is the reference's mean."""
    import numpy as np

    places = [place for place, numeric in enumerate(matrix.numeric) if numeric]
    sides = [np.where(np.isfinite(side[:, places]), side[:, places], np.nan) for side in _sides(matrix)]
    sides = [np.clip(side, -_GREATEST, _GREATEST) for side in sides]  # squares of greater ones are no numbers
    known = np.isfinite(sides[0])
    often = known.sum(axis=0)
    mean = np.where(known, sides[0], 0.0).sum(axis=0) / np.maximum(often, 1)
    filled = [np.where(np.isfinite(side), side, mean) for side in sides]
    varies = (often > 0) & (filled[0].std(axis=0) > 0) if len(filled[0]) else np.zeros(len(places), bool)
    source = np.random.default_rng(_SEED)
    dealt = filled[0][source.permutation(len(filled[0]))]
    return dealt[:, varies], filled[1][:, varies], [matrix.names[places[at]] for at in np.flatnonzero(varies)]


def _sides(matrix: Matrix) -> tuple[NDArray[Any], NDArray[Any]]:
    return matrix.reference, matrix.current


def _directions(standard: NDArray[Any]) -> NDArray[Any]:
    """The main directions, shape (columns, kept): as many as hold most of the variance, at least one fewer than all."""
    import numpy as np

    values, vectors = np.linalg.eigh(standard.T @ standard)
    shares = values[::-1].cumsum() / max(values.sum(), np.finfo(float).tiny)
    kept = min(int(np.searchsorted(shares, _KEPT)) + 1, standard.shape[1] - 1)
    return np.asarray(vectors[:, ::-1][:, :kept])


def _residuals(standard: NDArray[Any], directions: NDArray[Any]) -> NDArray[Any]:
    rest: NDArray[Any] = standard - (standard @ directions) @ directions.T
    return rest**2


def _telling(before: NDArray[Any], now: NDArray[Any], names: list[str]) -> tuple[Telling, ...]:
    change = abs(now.mean(axis=0) - before.mean(axis=0))
    order = change.argsort()[::-1][:_MOST_TOLD]
    return tuple(Telling(names[place], float(change[place])) for place in order if change[place] > 0)
