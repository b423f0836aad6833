from __future__ import annotations

import json
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.stats import budget
from engine.stats.lord import Lord
from engine.stats.saffron import Saffron

Stream = Lord | Saffron
EVERY = [Lord(0.1), Saffron(0.1)]


def run(stream: Stream, p: list[float]) -> tuple[Stream, list[bool]]:
    found = []
    for each in p:
        stream, discovery, threshold = stream.step(each)
        assert 0 < threshold <= 0.5
        found.append(discovery)
    return stream, found


@pytest.mark.parametrize("stream", EVERY)
def test_of_all_discoveries_few_are_false(stream: Stream) -> None:
    shares, powers = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        true = rng.random(400) < 0.1
        p = np.where(true, rng.random(400) ** 12, rng.random(400))
        found = np.array(run(stream, p.tolist())[1])
        shares.append((found & ~true).sum() / max(1, found.sum()))
        powers.append((found & true).sum() / true.sum())
    assert np.mean(shares) <= 0.1
    assert np.mean(powers) >= 0.3


@pytest.mark.parametrize("stream", EVERY)
def test_without_any_change_a_discovery_is_rare(stream: Stream) -> None:
    rng = np.random.default_rng(1)
    assert sum(any(run(stream, rng.random(500).tolist())[1]) for _ in range(40)) <= 0.1 * 40


@pytest.mark.parametrize("stream", EVERY)
def test_a_discovery_pays_for_those_after_it(stream: Stream) -> None:
    quiet, _ = run(stream, [0.9] * 50)
    found, _ = run(stream, [0.9] * 49 + [0.0])
    assert found.threshold > 5 * quiet.threshold


@pytest.mark.parametrize("stream", EVERY)
@given(p=st.lists(st.floats(0, 1), max_size=30), cut=st.integers(0, 30))
def test_a_stream_that_is_stored_goes_on_as_if_it_had_not_been(stream: Stream, p: list[float], cut: int) -> None:
    whole, _ = run(stream, p)
    half, _ = run(stream, p[:cut])
    again = type(stream).from_json(json.loads(json.dumps(half.to_json())))
    assert again == half
    assert run(again, p[cut:])[0] == whole


@pytest.mark.parametrize("stream", EVERY)
def test_a_state_stays_small_and_its_thresholds_valid(stream: Stream) -> None:
    long, _ = run(stream, [0.0] * 700)
    assert len(long.discoveries) == 500
    assert 0 < long.threshold <= 0.5


@pytest.mark.parametrize("stream", EVERY)
@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(stream: Stream, bad: float) -> None:
    with pytest.raises(ValueError, match="p-value"):
        stream.step(bad)


@pytest.mark.parametrize(("k", "m"), [(1, 1), (2, 2), (2, 3), (3, 5)])
def test_false_pages_keep_to_the_budget(k: int, m: int) -> None:
    level = budget.level(1, 30, 24, raise_k=k, raise_m=m)
    rng = np.random.default_rng(2)
    bad = rng.random((400, 24 * 30)) < level
    lagged = [np.pad(bad, ((0, 0), (lag, 0)))[:, : bad.shape[1]] for lag in range(m)]
    raised = np.sum(lagged, axis=0) >= k
    pages = (raised[:, 1:] & ~raised[:, :-1]).sum(axis=1).mean()
    assert pages <= 1.15
    assert level == pytest.approx(min(0.2, (1 / 720 / comb(m - 1, k - 1)) ** (1 / k)))


def test_a_generous_budget_has_an_end() -> None:
    assert budget.level(1_000, 1, 1) == budget.GREATEST


@pytest.mark.parametrize("bad", [(0, 1, 1, 1, 1), (1, 0, 1, 1, 1), (1, 1, -1, 1, 1), (1, 1, 1, 2, 1), (1, 1, 1, 0, 1)])
def test_a_budget_that_is_none_is_refused(bad: tuple[float, float, float, int, int]) -> None:
    with pytest.raises(ValueError, match="budget"):
        budget.level(*bad[:3], raise_k=bad[3], raise_m=bad[4])
