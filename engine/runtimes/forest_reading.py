"""Reads fitted scikit-learn trees into a `Forest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.core.errors import NotServable
from engine.runtimes.forest import Forest, Link, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.columns import Prepared

MOST_NODES = 4_000_000
"""Most nodes of a forest that is taken apart; what is larger stays as it is."""


class _Tree(NamedTuple):
    """One tree's arrays, its nodes numbered from 0; children are -1 at leaves."""

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: NDArray[np.float64]


class _Grown(NamedTuple):
    """What an estimator is made of."""

    trees: Sequence[_Tree]
    targets: Sequence[int]
    start: Sequence[float]
    divisor: float
    link: Link
    single_precision: bool = True


def read_forest(prepared: Prepared, positions: Mapping[int, int], codes: Mapping[str, int]) -> Forest:
    """Read the trees of a fitted estimator and fold the preprocessing into them.

    Args:
        prepared: The preprocessing and the estimator.
        positions: The column of the matrix in which each input stands, by the input's place.
        codes: The number that stands for each text.

    Returns:
        The forest.

    Raises:
        NotServable: the estimator is none of trees that can be read.
    """
    grown = _grown(prepared.estimator)
    sizes = [len(tree.left) for tree in grown.trees]
    if sum(sizes) > MOST_NODES:
        raise NotServable(f"It has {sum(sizes)} nodes; at most {MOST_NODES} are taken apart.")
    return _joined(grown, sizes, prepared, positions, codes)


def _grown(estimator: Any) -> _Grown:
    """An estimator, taken apart."""
    readers: dict[str, Callable[[Any], _Grown]] = {
        "DecisionTree": _single,
        "ExtraTree": _single,
        "RandomForest": _bagged,
        "ExtraTrees": _bagged,
        "GradientBoosting": _boosted,
        "HistGradientBoosting": _binned,
    }
    kind = type(estimator).__name__.removesuffix("Classifier").removesuffix("Regressor")
    if kind not in readers:
        raise NotServable(f"{type(estimator).__name__} is not made of trees.")
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise NotServable("It predicts several things at once.")
    return readers[kind](estimator)


def _joined(
    grown: _Grown, sizes: list[int], prepared: Prepared, positions: Mapping[int, int], codes: Mapping[str, int]
) -> Forest:
    """The trees one after the other, over the inputs themselves."""
    import numpy as np

    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    feature, threshold, missing = (
        np.concatenate([getattr(tree, name) for tree in grown.trees])
        for name in ("feature", "threshold", "missing_left")
    )
    source, folded, unequal, missing, asked = fold(
        feature, threshold, missing, prepared.columns, single_precision=grown.single_precision
    )
    for node in np.flatnonzero(unequal).tolist():
        category = asked[node]
        folded[node] = codes[category] if isinstance(category, str) else float(category or 0.0)
    own = np.arange(len(feature), dtype=np.int32)
    left, right = (
        np.concatenate(
            [np.where(part < 0, part, part + root) for part, root in zip(sides, roots.tolist(), strict=True)]
        )
        for sides in ([tree.left for tree in grown.trees], [tree.right for tree in grown.trees])
    )
    position = np.array([positions[place] for place in range(len(positions))], np.int32)
    return Forest(
        feature=np.where(feature < 0, 0, position[source]).astype(np.int32),
        threshold=folded,
        unequal=unequal,
        missing_left=missing,
        left=np.where(left < 0, own, left).astype(np.int32),
        right=np.where(right < 0, own, right).astype(np.int32),
        values=np.concatenate([tree.values for tree in grown.trees]),
        roots=roots,
        targets=np.asarray(grown.targets, np.int32),
        start=np.asarray(grown.start, np.float64),
        divisor=grown.divisor,
        link=grown.link,
    )


def _tree(estimator: Any, factor: float = 1.0) -> _Tree:
    import numpy as np

    tree = estimator.tree_
    inner = tree.children_left >= 0
    missing = getattr(tree, "missing_go_to_left", None)
    return _Tree(
        np.where(inner, tree.feature, -1).astype(np.int32),
        np.asarray(tree.threshold, np.float64),
        np.zeros(len(inner), bool) if missing is None else np.asarray(missing, bool),
        np.asarray(tree.children_left, np.int32),
        np.asarray(tree.children_right, np.int32),
        factor * np.asarray(tree.value[:, 0, :], np.float64),
    )


def _single(estimator: Any) -> _Grown:
    tree = _tree(estimator)
    link = Link.SHARES if hasattr(estimator, "classes_") else Link.NUMBER
    return _Grown([tree], [0], [0.0] * tree.values.shape[1], 1.0, link)


def _bagged(estimator: Any) -> _Grown:
    trees = [_tree(each) for each in estimator.estimators_]
    link = Link.SHARES if hasattr(estimator, "classes_") else Link.NUMBER
    return _Grown(trees, [0] * len(trees), [0.0] * trees[0].values.shape[1], float(len(trees)), link)


def _boosted(estimator: Any) -> _Grown:
    import numpy as np

    stages = estimator.estimators_
    if type(estimator.init_).__name__ not in ("DummyClassifier", "DummyRegressor", "str"):
        raise NotServable("It starts from another model's answers.")
    if estimator.loss == "exponential":
        raise NotServable("Boosting with exponential loss is not taken apart.")
    start = _start(estimator, np.zeros((1, estimator.n_features_in_)))
    trees = [_tree(each, estimator.learning_rate) for stage in stages for each in stage]
    targets = [target for stage in stages for target in range(len(stage))]
    link = Link.NUMBER
    if hasattr(estimator, "classes_"):
        link = Link.SOFTMAX if stages.shape[1] > 1 else Link.LOGISTIC_UP
    return _Grown(trees, targets, start, 1.0, link)


def _start(estimator: Any, row: NDArray[np.float64]) -> list[float]:
    """What boosting starts from, told by the estimator itself."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = estimator._raw_predict_init(row)  # noqa: SLF001 no public name; the parity report would show a change
    return [float(value) for value in raw[0]]


def _binned(estimator: Any) -> _Grown:
    import numpy as np

    if estimator.is_categorical_ is not None and np.any(estimator.is_categorical_):
        raise NotServable("Histogram boosting over categories is not taken apart.")
    classifier = hasattr(estimator, "classes_")
    several = len(estimator._predictors[0]) > 1  # noqa: SLF001 no public name; the parity report would show a change
    link = Link.NUMBER
    if classifier:
        link = Link.SOFTMAX if several else Link.LOGISTIC
    elif estimator.loss in ("poisson", "gamma"):
        link = Link.EXPONENTIAL
    start = np.asarray(estimator._baseline_prediction).reshape(-1)  # noqa: SLF001 the same
    stages = estimator._predictors  # noqa: SLF001 the same
    trees = [_binned_tree(each.nodes) for stage in stages for each in stage]
    targets = [target for stage in stages for target in range(len(stage))]
    return _Grown(trees, targets, start.tolist(), 1.0, link, single_precision=False)


def _binned_tree(nodes: Any) -> _Tree:
    import numpy as np

    leaf = nodes["is_leaf"].astype(bool)
    return _Tree(
        np.where(leaf, -1, nodes["feature_idx"]).astype(np.int32),
        np.asarray(nodes["num_threshold"], np.float64),
        nodes["missing_go_to_left"].astype(bool),
        np.where(leaf, -1, nodes["left"].astype(np.int64)).astype(np.int32),
        np.where(leaf, -1, nodes["right"].astype(np.int64)).astype(np.int32),
        np.asarray(nodes["value"], np.float64).reshape(-1, 1),
    )
