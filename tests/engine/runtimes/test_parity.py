"""Whatever a model answers, what is built of it answers the same; also on the edges of its decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from engine.runtimes.building import _WAYS, Truth, ask_model
from engine.runtimes.model import RuntimeKind
from tests.engine.runtimes.trained import Numbers, ask, assert_same, built, loaded, some_rows, with_classes

TREES: dict[str, Any] = {
    "tree": tree.DecisionTreeClassifier(max_depth=4, random_state=0),
    "extra tree": tree.ExtraTreeClassifier(max_depth=4, random_state=0),
    "forest": ensemble.RandomForestClassifier(7, max_depth=4, random_state=0),
    "full forest": ensemble.RandomForestClassifier(10, random_state=0),
    "extra forest": ensemble.ExtraTreesClassifier(6, max_depth=5, random_state=0),
    "boosting": ensemble.GradientBoostingClassifier(n_estimators=6, random_state=0),
    "boosting from zero": ensemble.GradientBoostingClassifier(n_estimators=4, init="zero", random_state=0),
    "histogram boosting": ensemble.HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=3, random_state=0),
}
TREE_REGRESSORS: dict[str, Any] = {
    "tree": tree.DecisionTreeRegressor(max_depth=4, random_state=0),
    "forest": ensemble.RandomForestRegressor(7, random_state=0),
    "extra forest": ensemble.ExtraTreesRegressor(6, random_state=0),
    "boosting": ensemble.GradientBoostingRegressor(n_estimators=8, random_state=0),
    "huber": ensemble.GradientBoostingRegressor(loss="huber", n_estimators=5, random_state=0),
    "histogram boosting": ensemble.HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=3, random_state=0),
    "poisson": ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=5, min_samples_leaf=3, random_state=0),
}
LINEAR: dict[str, Any] = {
    "logistic": linear_model.LogisticRegression(),
    "sgd": linear_model.SGDClassifier(loss="log_loss", random_state=0),
    "hinge": linear_model.SGDClassifier(loss="hinge", random_state=0),
    "ridge": linear_model.RidgeClassifier(),
    "perceptron": linear_model.Perceptron(random_state=0),
    "svc": svm.LinearSVC(random_state=0),
}
LINEAR_REGRESSORS: dict[str, Any] = {
    "least squares": linear_model.LinearRegression(),
    "ridge": linear_model.Ridge(),
    "lasso": linear_model.Lasso(alpha=0.01),
    "sgd": linear_model.SGDRegressor(random_state=0),
    "poisson": linear_model.PoissonRegressor(),
    "svr": svm.LinearSVR(random_state=0),
}
CLASSES: dict[str, list[Any]] = {
    "whole numbers": [0, 1],
    "other whole numbers": [-3, 40],
    "texts": ["no", "yes"],
    "truth": [False, True],
    "three": [1, 2, 3],
    "three texts": ["low", "mid", "high"],
}
SCALERS = {
    "none": None,
    "standard": StandardScaler(),
    "min max": MinMaxScaler(),
    "max abs": MaxAbsScaler(),
    "robust": RobustScaler(),
}


def edges(model: Any, scaler: Any, features: int) -> Numbers:
    """Rows at each threshold of a model of trees, one step below and above, in the units of the inputs."""
    found: list[tuple[int, float]] = []
    for each in np.ravel(getattr(model, "estimators_", [model])):
        if hasattr(each, "tree_"):
            inner = each.tree_.children_left >= 0
            found += zip(each.tree_.feature[inner].tolist(), each.tree_.threshold[inner].tolist(), strict=True)
    rows = np.zeros((len(found), features))
    for row, (feature, threshold) in enumerate(found):
        rows[row, feature] = threshold
    if scaler is not None and len(rows):
        rows = scaler.inverse_transform(rows)
    single = rows.astype(np.float32)
    near = [rows, np.nextafter(rows, np.inf), np.nextafter(rows, -np.inf), single.astype(float)]
    near += [np.nextafter(single, np.float32(side)).astype(float) for side in (np.inf, -np.inf)]
    return np.concatenate(near)


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("name", TREES)
def test_a_classifier_of_trees_gets_a_twin_with_the_same_labels_at_every_threshold(name: str, scaler: str) -> None:
    rows = some_rows(150, 4)
    scaling = SCALERS[scaler]
    model = TREES[name] if scaling is None else make_pipeline(scaling, TREES[name])
    model.fit(rows, with_classes(rows, [0, 1]))
    made = built(model)
    assert made.kind is RuntimeKind.TWIN
    at = np.concatenate([rows, edges(TREES[name], scaling, 4), 3 * some_rows(200, 4, seed=1)])
    assert_same(model, ask(loaded(made), at), at)


@pytest.mark.parametrize("name", TREE_REGRESSORS)
def test_a_regressor_of_trees_gets_a_twin_with_the_same_numbers(name: str) -> None:
    rows = some_rows(150, 3)
    model = make_pipeline(StandardScaler(), TREE_REGRESSORS[name])
    model.fit(rows, np.abs(rows[:, 0] * 2 + rows[:, 1] ** 2))
    made = built(model)
    assert made.kind is RuntimeKind.TWIN
    at = np.concatenate([rows, edges(TREE_REGRESSORS[name], model.steps[0][1], 3)])
    assert_same(model, ask(loaded(made), at), at)


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("name", TREES)
def test_labels_of_a_twin_are_the_labels_that_were_learned(name: str, classes: str) -> None:
    rows = some_rows(120, 3)
    model = TREES[name].fit(rows, with_classes(rows, CLASSES[classes]))
    made = built(model)
    assert made.interface.classes == tuple(sorted(CLASSES[classes]))
    assert made.kind is RuntimeKind.TWIN
    found = ask(loaded(made), rows)
    assert_same(model, found, rows)
    assert {type(label) for label in found["predict"].tolist()} == {type(CLASSES[classes][0])}


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_classifier_is_folded_into_one_product(name: str, classes: str) -> None:
    rows = 100 + 7 * some_rows(120, 5)
    model = make_pipeline(StandardScaler(), LINEAR[name]).fit(rows, with_classes(rows, CLASSES[classes]))
    made = built(model)
    assert made.kind is RuntimeKind.LINEAR
    found = ask(loaded(made), rows)
    assert_same(model, found, rows)
    assert {type(label) for label in found["predict"].tolist()} == {type(CLASSES[classes][0])}


@pytest.mark.parametrize("scaler", SCALERS)
@pytest.mark.parametrize("name", LINEAR_REGRESSORS)
def test_a_linear_regressor_is_folded_into_one_product(name: str, scaler: str) -> None:
    rows = some_rows(120, 5)
    model = LINEAR_REGRESSORS[name]
    if SCALERS[scaler] is not None:
        model = make_pipeline(SCALERS[scaler], MinMaxScaler(), model)
    model.fit(rows, np.abs(rows[:, 0]))
    made = built(model)
    assert made.kind is RuntimeKind.LINEAR
    assert_same(model, ask(loaded(made), rows), rows)


@pytest.mark.parametrize(
    "model",
    [
        neural_network.MLPClassifier((8,), max_iter=20, random_state=0),
        naive_bayes.GaussianNB(),
        neighbors.KNeighborsClassifier(3),
        ensemble.AdaBoostClassifier(n_estimators=5, random_state=0),
        svm.SVC(random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_models_are_converted_or_served_as_they_are(model: Any) -> None:
    rows = some_rows(100, 4)
    pipeline = make_pipeline(StandardScaler(), model).fit(rows, with_classes(rows, ["a", "b", "c"]))
    made = built(pipeline)
    assert made.kind in (RuntimeKind.TWIN, RuntimeKind.SKLEARN)
    assert [report.kind for report in made.parity][:2] == [RuntimeKind.LINEAR, RuntimeKind.TWIN]
    assert all(report.accepted or report.reason for report in made.parity)
    assert made.parity[-1].accepted
    if made.kind is RuntimeKind.TWIN:
        found = ask(loaded(made), rows)
        assert found["predict"].tolist() == pipeline.predict(rows).tolist()


def test_a_single_feature_is_enough() -> None:
    rows = some_rows(60, 1)
    for model in (*TREES.values(), *LINEAR.values()):
        model.fit(rows, with_classes(rows, [0, 1]))
        assert_same(model, ask(loaded(built(model)), rows), rows)


def test_a_tree_of_one_leaf_answers_always_the_same() -> None:
    rows = some_rows(20, 2)
    for model in (tree.DecisionTreeClassifier(), ensemble.GradientBoostingClassifier(n_estimators=2)):
        model.fit(np.zeros((20, 2)), np.arange(20) % 2)
        made = built(model)
        assert made.kind is RuntimeKind.TWIN
        assert_same(model, ask(loaded(made), rows), rows)


def test_what_is_built_of_the_same_bytes_is_the_same() -> None:
    rows = some_rows(80, 3)
    model = TREES["boosting"].fit(rows, with_classes(rows, [0, 1]))
    first, second = built(model), built(model)
    assert (first.data, first.parity) == (second.data, second.parity)


WHOLE = st.integers(-4, 4).map(float)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Numbers, list[int], Numbers, int]:
    """Few rows of few values, so that votes tie and thresholds are met: rows, labels, rows to ask, a seed."""
    features = draw(st.integers(1, 4))
    size = draw(st.integers(6, 40))
    cells = st.lists(WHOLE, min_size=size * features, max_size=size * features)
    rows = np.array(draw(cells)).reshape(size, features)
    labels = [index % 2 for index in range(size)] if draw(st.booleans()) else [index % 3 for index in range(size)]
    asked = np.array(draw(st.lists(WHOLE, min_size=12 * features, max_size=12 * features))).reshape(12, features)
    halves = asked + draw(st.sampled_from([0.0, 0.5, 1e-9, 0.25]))
    return rows, labels, np.concatenate([rows, asked, halves]), draw(st.integers(0, 9))


FAMILIES = ("tree", "forest", "full forest", "extra forest", "boosting", "histogram boosting")


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problem=problems())
def test_equal_votes_go_to_the_same_class(family: str, problem: tuple[Numbers, list[int], Numbers, int]) -> None:
    rows, labels, asked, seed = problem
    model = make_pipeline(StandardScaler(), TREES[family].set_params(random_state=seed)).fit(rows, labels)
    truth = truth_of(model)
    at = np.concatenate([asked, edges(TREES[family], model.steps[0][1], rows.shape[1])])
    for kind in (RuntimeKind.TWIN, RuntimeKind.TREES):
        assert_same(model, ask(of_kind(truth, kind), at), at)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problem=problems(), name=st.sampled_from(["logistic", "sgd", "ridge"]))
def test_folded_weights_give_the_same_labels(problem: tuple[Numbers, list[int], Numbers, int], name: str) -> None:
    rows, labels, asked, _ = problem
    model = make_pipeline(MinMaxScaler(), LINEAR[name]).fit(rows + some_rows(*rows.shape), labels)
    asked = asked + 0.1234567
    assert_same(model, ask(of_kind(truth_of(model), RuntimeKind.LINEAR), asked), asked)


@pytest.mark.parametrize("name", ["tree", "forest", "histogram boosting"])
def test_missing_numbers_go_the_way_that_was_learned(name: str) -> None:
    rows = some_rows(150, 4)
    labels = with_classes(rows, [0, 1, 2])
    holes = np.random.default_rng(5).random(rows.shape) < 0.3
    rows[holes] = np.nan
    model = TREES[name].fit(rows, labels)
    truth = truth_of(model)
    assert truth.interface.missing
    for kind in (RuntimeKind.TWIN, RuntimeKind.TREES):
        assert_same(model, ask(of_kind(truth, kind), rows), rows)


def truth_of(model: Any) -> Truth:
    import skops.io

    return ask_model(skops.io.dumps(model), {}, (), lambda _what, _done, _all: None)


def of_kind(truth: Truth, kind: RuntimeKind) -> Any:
    from engine.runtimes.building import BuiltRuntime

    data, file_format = _WAYS[kind](truth)
    return loaded(BuiltRuntime(kind, truth.interface, file_format, data, "", ()))


def test_iris_answers_alike_in_every_way() -> None:
    rows, labels = load_iris(return_X_y=True)
    model = TREES["boosting"].fit(rows, labels)
    truth = truth_of(model)
    for kind in (RuntimeKind.TWIN, RuntimeKind.TREES):
        assert_same(model, ask(of_kind(truth, kind), rows), rows)
