from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from engine.stats import scores

ROWS = st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0])), min_size=1)
NUMBERS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1)


@settings(max_examples=60)
@given(rows=ROWS)
def test_scores_of_classes_are_those_of_the_oracle(rows: list[tuple[bool, bool, float]]) -> None:
    truth, predicted, probability = (np.array(column) for column in zip(*rows, strict=True))
    assert scores.accuracy(truth, predicted) == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert scores.brier(truth, probability) == pytest.approx(np.mean((probability - truth) ** 2))
    assert scores.log_loss(truth, probability) == pytest.approx(
        metrics.log_loss(truth, probability, labels=[False, True]), rel=1e-9
    )
    found = scores.f1(truth, predicted, positive=True)
    if found is None:
        assert not truth.any()
        assert not predicted.any()
    else:
        assert found == pytest.approx(metrics.f1_score(truth, predicted, zero_division=0.0))
    area = scores.auc(truth, probability)
    if area is None:
        assert truth.all() or not truth.any()
    else:
        assert area == pytest.approx(metrics.roc_auc_score(truth, probability))


@settings(max_examples=60)
@given(rows=NUMBERS)
def test_scores_of_numbers_are_those_of_the_oracle(rows: list[tuple[float, float]]) -> None:
    truth, predicted = (np.array(column) for column in zip(*rows, strict=True))
    assert scores.mae(truth, predicted) == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert scores.rmse(truth, predicted) == pytest.approx(metrics.root_mean_squared_error(truth, predicted))


def test_many_classes_are_scored_too() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    chances = rng.dirichlet(np.ones(4), 500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert scores.log_loss(truth, chances) == pytest.approx(metrics.log_loss(truth, chances))
    assert scores.f1(truth, predicted) == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    names = np.array(["a", "b", "c", "d"])
    assert scores.accuracy(names[truth], names[predicted]) == scores.accuracy(truth, predicted)


def test_errors_of_any_size_have_a_root() -> None:
    assert scores.rmse(np.array([0.0, 0.0]), np.array([1e200, -1e200])) == pytest.approx(1e200)
    assert scores.rmse(np.array([0.0]), np.array([1e-200])) == pytest.approx(1e-200)
    assert scores.rmse(np.array([3.0]), np.array([3.0])) == 0


@pytest.mark.parametrize("score", [scores.accuracy, scores.f1, scores.auc, scores.log_loss, scores.brier, scores.mae])
@pytest.mark.parametrize("other", [[], [1.0, 0.0]])
def test_what_does_not_match_is_refused(score: object, other: list[float]) -> None:
    assert callable(score)
    with pytest.raises(ValueError, match="as many"):
        score(np.array(other[:1]), np.array(other))
