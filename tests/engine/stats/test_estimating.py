from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from engine.stats import calibration, cbpe, dle, scores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PAIRS = st.lists(st.tuples(st.integers(0, 20).map(lambda each: each / 20), st.booleans()), min_size=1, max_size=80)


@settings(max_examples=60)
@given(pairs=PAIRS)
def test_the_isotonic_curve_is_that_of_the_oracle(pairs: list[tuple[float, bool]]) -> None:
    said, truth = (np.array(column) for column in zip(*pairs, strict=True))
    curve = calibration.isotonic(said, truth)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(said, truth.astype(float))
    asked = np.linspace(-0.2, 1.2, 57)
    assert curve.applied(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)
    assert calibration.Isotonic.from_json(json.loads(json.dumps(curve.to_json()))) == curve


def test_the_calibration_error_is_that_of_its_definition() -> None:
    said, truth = np.array([0.1, 0.1, 0.9, 0.9, 1.0]), np.array([0, 1, 1, 1, 1])
    assert calibration.expected_error(said, truth) == pytest.approx((2 * 0.4 + 2 * 0.1 + 0.1 - 0.1) / 5)
    assert calibration.expected_error(np.array([0.0, 1.0]), np.array([0, 1])) == 0


def reference(rows: int, seed: int, twist: float = 1.0) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    chance = rng.beta(0.7, 0.7, rows)
    return chance**twist, rng.random(rows) < chance


def realised(metric: str, said: NDArray[Any], truth: NDArray[Any]) -> float:
    chosen = said >= 0.5
    found: dict[str, Callable[[], float | None]] = {
        "accuracy": lambda: scores.accuracy(truth, chosen),
        "precision": lambda: float(truth[chosen].mean()),
        "recall": lambda: float(chosen[truth].mean()),
        "f1": lambda: scores.f1(truth, chosen, positive=True),
        "auc": lambda: scores.auc(truth, said),
        "log_loss": lambda: scores.log_loss(truth, said),
        "brier": lambda: scores.brier(truth, said),
    }
    value = found[metric]()
    assert value is not None
    return value


@pytest.mark.parametrize("metric", sorted(cbpe.METRICS))
@pytest.mark.parametrize("twist", [1.0, 1.6])
def test_the_realised_score_lies_where_the_estimate_says(metric: str, twist: float) -> None:
    learned = cbpe.learned(*reference(20_000, 0, twist))
    off = []
    for seed in range(1, 41):
        said, truth = reference(400, seed, twist)
        estimate = learned.estimate(metric, said)
        assert estimate.value is not None
        off.append((estimate.value - realised(metric, said, truth)) / estimate.error)
    assert abs(np.mean(off)) < 0.6
    assert 0.6 < np.std(off) < 1.5


def test_calibrated_scores_are_left_as_they_are_and_others_bent() -> None:
    straight, bent = cbpe.learned(*reference(5_000, 0)), cbpe.learned(*reference(5_000, 0, 2.0))
    assert straight.raw_error < 0.03
    assert bent.raw_error > 0.05
    assert bent.error < bent.raw_error / 2
    assert bent.curve is not None


def test_what_was_learned_survives_being_stored() -> None:
    learned = cbpe.learned(*reference(500, 0, 2.0))
    assert cbpe.Cbpe.from_json(json.loads(json.dumps(learned.to_json()))) == learned


@settings(max_examples=60)
@given(said=st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=1, max_size=9), data=st.data())
def test_every_window_has_an_estimate_or_says_that_there_is_none(said: list[float], data: st.DataObject) -> None:
    metric = data.draw(st.sampled_from(sorted(cbpe.METRICS)))
    estimate = cbpe.Cbpe(None, 1, 0.0, 0.0).estimate(metric, np.array(said))
    assert np.isfinite(estimate.error)
    assert estimate.error >= 0
    assert estimate.value is None or 0 <= estimate.value < np.inf


def test_an_estimate_of_nothing_is_refused() -> None:
    learned = cbpe.Cbpe(None, 1, 0.0, 0.0)
    with pytest.raises(ValueError, match="at least one"):
        learned.estimate("auc", np.array([]))
    with pytest.raises(ValueError, match="cannot be estimated"):
        learned.estimate("nothing", np.array([0.5]))
    with pytest.raises(ValueError, match="at least one"):
        cbpe.learned(np.array([]), np.array([]))


@pytest.mark.parametrize("metric", dle.METRICS)
def test_losses_are_estimated_where_the_inputs_have_moved(metric: str) -> None:
    rng = np.random.default_rng(0)

    def rows(count: int, centre: float) -> tuple[NDArray[Any], NDArray[Any]]:
        features = rng.normal(centre, 1, (count, 2))
        return features, features.sum(axis=1) + rng.normal(0, 0.5 + np.abs(features[:, 0]), count)

    features, truth = rows(3_000, 0.0)
    learned = dle.learned(metric, features, features.sum(axis=1), truth)
    for centre in (0.0, 1.0):
        features, truth = rows(2_000, centre)
        estimate = learned.estimate(features, features.sum(axis=1))
        found = {"mae": scores.mae, "rmse": scores.rmse}[metric](truth, features.sum(axis=1))
        assert estimate.value == pytest.approx(found, rel=0.1)
        assert 0 < estimate.error < 0.1


def test_too_few_rows_to_learn_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="20 rows"):
        dle.learned("mae", np.zeros((5, 1)), np.zeros(5), np.zeros(5))
    with pytest.raises(ValueError, match="at least one"):
        dle.learned("mae", np.zeros((0, 1)), np.zeros(0), np.zeros(0))
