"""The domain classifier: if a model can tell today's rows from the reference's, their joint distribution differs.

One half of each side trains, the other is asked. The answers to rows that were not trained on are independent of which
side they come from if both come from one world, so that dealing the sides anew gives an exact p-value without training
again. What tells the sides apart is what the answers get worse without: permutation importance on the held-out rows.

Sources: D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017; I. Kim, A. Ramdas, A. Singh and
L. Wasserman, "Classification accuracy as a proxy for two-sample testing", Annals of Statistics 49 (2021) 411-434;
L. Breiman, "Random forests", Machine Learning 45 (2001) 5-32 (permutation importance).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.drift.matrix import Matrix, above_chance, p_value
from engine.drift.model import DatasetResult, Decision, Telling
from engine.drift.words import effect, named, probability

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "domain classifier"

LEAST_ROWS = 100
"""Rows a side needs."""

TELLING_AUC = 0.55
"""ROC-AUC that a difference must reach to be worth telling, however certain it is."""

_DRAWS = 499
_SEED = 20_261
_MOST_SHUFFLED = 40
_MOST_TOLD = 5
_GREATEST = 1e300


def classify(matrix: Matrix, level: float) -> DatasetResult:
    """Ask a classifier to tell the two sides apart.

    Args:
        matrix: Rows of both.
        level: Greatest p-value that is drift, in (0, 1).

    Returns:
        The answer; ROC-AUC 0.5 is chance.
    """
    rows = min(len(matrix.reference), len(matrix.current))
    if rows < LEAST_ROWS or not matrix.names:
        reason = f"Fewer than {LEAST_ROWS} rows on one side." if matrix.names else "There is no column to look at."
        return DatasetResult(NAME, Decision.NOT_ENOUGH, rows=rows, reason=reason)
    from threadpoolctl import threadpool_limits

    # Several threads would wait for each other longer than such a small forest takes.
    with threadpool_limits(1):
        return _classified(matrix, rows, level)


def _classified(matrix: Matrix, rows: int, level: float) -> DatasetResult:
    import numpy as np

    source = np.random.default_rng(_SEED)
    sides = [side[source.permutation(len(side))[:rows]] for side in (matrix.reference, matrix.current)]
    half = rows // 2
    classifier = _trained(np.concatenate([side[:half] for side in sides]), half)
    asked = np.concatenate([side[half:] for side in sides])
    ranks = _ranks(classifier.predict_proba(asked)[:, 1])
    firsts = rows - half
    difference = ranks[firsts:].mean() - ranks[:firsts].mean()
    by_chance = above_chance(ranks, firsts, _SEED, _DRAWS)
    auc, p = _auc(float(difference), firsts), p_value(difference, by_chance)
    decision = Decision.DRIFT if p <= level and auc >= TELLING_AUC else Decision.STABLE
    telling = _telling(classifier, asked, matrix.names, auc) if decision is Decision.DRIFT else ()
    return DatasetResult(
        NAME,
        decision,
        value=auc,
        threshold=max(TELLING_AUC, _auc(float(np.quantile(by_chance, 1 - level)), firsts)),
        p=p,
        rows=rows,
        telling=telling,
        reason=_reason(auc, p, decision, telling),
    )


def _trained(rows: NDArray[Any], firsts: int) -> Any:
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier

    sides = np.repeat([0, 1], [firsts, len(rows) - firsts])
    # The library trips over a column without any value, and over means of the greatest numbers.
    rows = np.where(np.isnan(rows).all(axis=0), 0.0, np.clip(rows, -_GREATEST, _GREATEST))
    classifier = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=0)
    return classifier.fit(rows, sides)


def _ranks(scores: NDArray[Any]) -> NDArray[Any]:
    """Mid-ranks, from 1."""
    import numpy as np

    _, places, often = np.unique(scores, return_inverse=True, return_counts=True)
    ends = often.cumsum()
    return np.asarray((ends - (often - 1) / 2)[places])


def _auc(difference: float, firsts: int) -> float:
    """ROC-AUC of two groups of equal size, from the difference of their mean ranks."""
    return 0.5 + difference / (2 * firsts)


def _telling(classifier: Any, asked: NDArray[Any], names: tuple[str, ...], auc: float) -> tuple[Telling, ...]:
    import numpy as np

    source = np.random.default_rng(_SEED)
    firsts = len(asked) // 2
    found = []
    for place in _candidates(asked, firsts):
        shuffled = asked.copy()
        shuffled[:, place] = source.permutation(shuffled[:, place])
        ranks = _ranks(classifier.predict_proba(shuffled)[:, 1])
        found.append(Telling(names[place], auc - _auc(float(ranks[firsts:].mean() - ranks[:firsts].mean()), firsts)))
    found.sort(key=lambda each: -each.weight)
    return tuple(each for each in found[:_MOST_TOLD] if each.weight > 0)


def _candidates(asked: NDArray[Any], firsts: int) -> list[int]:
    """The columns worth shuffling: all, or those that alone tell most where they are many."""
    import numpy as np

    columns = asked.shape[1]
    if columns <= _MOST_SHUFFLED:
        return list(range(columns))
    alone = []
    for place in range(columns):
        ranks = _ranks(np.nan_to_num(asked[:, place], nan=-np.inf))
        alone.append(abs(ranks[firsts:].mean() - ranks[:firsts].mean()))
    return [int(place) for place in np.argsort(alone)[::-1][:_MOST_SHUFFLED]]


def _reason(auc: float, p: float, decision: Decision, telling: tuple[Telling, ...]) -> str:
    told = f"ROC-AUC {effect(auc)} on rows it was not trained on, p {probability(p)}"
    if decision is Decision.DRIFT:
        by = f", mostly by {named([each.name for each in telling])}" if telling else ""
        return f"{told}: the two sides can be told apart{by}."
    return f"{told}: the two sides cannot be told apart."
