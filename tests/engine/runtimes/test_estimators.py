"""Estimators that answer themselves: as their `predict` and `predict_proba` do, though one of them may be enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from engine.runtimes.estimator import EstimatorRuntime, chooses_greatest
from engine.runtimes.model import LABELS, PROBABILITIES, Field, Interface, Rows

ONCE = [
    BaggingClassifier(n_estimators=4, random_state=0),
    DecisionTreeClassifier(max_depth=2, random_state=0),
    ExtraTreeClassifier(max_depth=2, random_state=0),
    ExtraTreesClassifier(4, max_depth=2, random_state=0),
    LabelPropagation(kernel="knn", n_neighbors=4),
    LabelSpreading(kernel="knn", n_neighbors=4),
    RandomForestClassifier(4, max_depth=2, random_state=0),
    make_pipeline(StandardScaler(), RandomForestClassifier(4, max_depth=2, random_state=0)),
]
TWICE = [GaussianNB(), KNeighborsClassifier(4)]


def name(model: Any) -> str:
    return type(model).__name__


CASES = [
    (model, texts)
    for model in ONCE + TWICE
    for texts in (False, True)
    if not (texts and name(model).startswith("Label"))  # these take numbers alone
]


class Own(RandomForestClassifier):  # type: ignore[misc] # scikit-learn has no types
    """Somebody's own, which may do as it likes."""


def data(classes: int, *, texts: bool) -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    rows = random.integers(0, 3, (120, 4)).astype(float)  # few values: many ties
    labels = random.integers(0, classes, 120)
    return rows, np.array([f"c{each}" for each in labels]) if texts else labels


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("model", "texts"), CASES, ids=lambda each: each if isinstance(each, bool) else name(each))
def test_it_answers_as_the_estimator_does(model: Any, classes: int, *, texts: bool) -> None:
    rows, labels = data(classes, texts=texts)
    model.fit(rows, labels)
    label = Field(LABELS, "str" if texts else "int64")
    outputs = (label, Field(PROBABILITIES, "float64", (classes,)))
    inputs = tuple(Field(each, "float64") for each in "abcd")
    found = EstimatorRuntime(Interface(inputs, outputs, tuple(model.classes_.tolist())), model).predict(
        Rows(len(rows), rows)
    )
    assert found[LABELS].tolist() == model.predict(rows).tolist()
    np.testing.assert_array_equal(found[PROBABILITIES], model.predict_proba(rows))


@pytest.mark.parametrize("model", ONCE, ids=name)
def test_whose_labels_are_the_greatest_probabilities_computes_them_once(model: Any) -> None:
    assert chooses_greatest(model)


@pytest.mark.parametrize("model", [*TWICE, Own()], ids=name)
def test_of_others_nothing_is_supposed(model: Any) -> None:
    assert not chooses_greatest(model)


def test_several_outputs_are_not_taken_for_one() -> None:
    rows, labels = data(2, texts=False)
    assert not chooses_greatest(RandomForestClassifier(2).fit(rows, np.column_stack([labels, 1 - labels])))
