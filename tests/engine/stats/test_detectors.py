from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.stats.adwin import Adwin
from engine.stats.cusum import Cusum
from engine.stats.ddm import Ddm
from engine.stats.hddm_a import HddmA
from engine.stats.page_hinkley import PageHinkley

if TYPE_CHECKING:
    from numpy.typing import NDArray

VECTORS = json.loads(Path(__file__).with_name("vectors").joinpath("river.json").read_text(encoding="utf-8"))
EVERY: list[Callable[[], Any]] = [Adwin, Ddm, HddmA, lambda: PageHinkley(threshold=5.0), Cusum]
NAMES = ["adwin", "ddm", "hddm_a", "page_hinkley", "cusum"]


def errors(before: float, after: float, seed: int, rows: tuple[int, int] = (2_000, 3_000)) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.concatenate((rng.random(rows[0]) < before, rng.random(rows[1]) < after)).astype(np.float64)


@pytest.mark.parametrize("key", sorted(VECTORS["detections"]))
def test_the_peer_detects_at_the_same_places(key: str) -> None:
    name, before, after, seed = key.split()
    detector = EVERY[NAMES.index(name)]()
    assert list(detector.update(errors(float(before), float(after), int(seed)))) == VECTORS["detections"][key]


@pytest.mark.parametrize("key", sorted(VECTORS["adwin"]))
def test_the_window_is_cut_no_later_than_by_the_peer(key: str) -> None:
    def delay(found: list[int]) -> int:
        return next((place - 2_000 for place in found if place >= 2_000), 3_000)

    before, after = map(float, key.split())
    theirs = [delay(found) for found in VECTORS["adwin"][key]]
    ours = [delay(list(Adwin().update(errors(before, after, seed)))) for seed in range(len(theirs))]
    assert np.mean(ours) <= np.mean(theirs)


@pytest.mark.parametrize("chance", [0.05, 0.2, 0.5])
def test_the_window_grows_while_nothing_changes(chance: float) -> None:
    detector = Adwin()
    assert [
        place for seed in range(5) for place in detector.update(errors(chance, chance, seed, (9_000, 11_000)))
    ] == []
    assert detector.width == 100_000


def test_after_a_change_the_window_forgets_what_was_before() -> None:
    detector = Adwin()
    detector.update(errors(0.1, 0.6, 3, (20_000, 600)))
    assert 300 < detector.width < 700


@pytest.mark.parametrize("make", EVERY, ids=NAMES)
def test_a_clear_change_is_found_soon(make: Callable[[], Any]) -> None:
    found = make().update(errors(0.2, 0.8, 5, (2_000, 400)))
    assert any(place >= 2_000 for place in found)


@pytest.mark.parametrize("make", EVERY, ids=NAMES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(0, 700), max_size=25))
def test_batches_and_restarts_change_no_bit(make: Callable[[], Any], seed: int, sizes: list[int]) -> None:
    values = errors(0.1, 0.5, seed, (1_000, 1_500))
    whole = make()
    expected = whole.update(values)
    parts, found, start = make(), [], 0
    for size in [*sizes, values.size]:
        found += [start + place for place in parts.update(values[start : start + size])]
        parts = make().restore(parts.to_bytes())
        start = min(values.size, start + size)
    assert tuple(found) == expected
    assert parts.to_bytes() == whole.to_bytes()


@pytest.mark.parametrize("make", EVERY, ids=NAMES)
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 0.5, 0.25]), max_size=400))
def test_any_stream_is_survived(make: Callable[[], Any], values: list[float]) -> None:
    found = make().update(np.array(values))
    assert list(found) == sorted(set(found))
    assert all(0 <= place < len(values) for place in found)


@pytest.mark.parametrize("make", [Adwin, PageHinkley, Cusum])
def test_scores_of_any_size_are_survived(make: Callable[[], Any]) -> None:
    rng = np.random.default_rng(0)
    for factor in (1e-200, 1e-12, 1.0, 1e12, 1e100):
        make().update(rng.standard_normal(3_000) * factor)


def test_a_shift_on_a_high_level_is_found() -> None:
    rng = np.random.default_rng(0)
    values = 1e9 + np.concatenate((rng.normal(0, 0.1, 3_000), rng.normal(0.3, 0.1, 500)))
    for detector in (Adwin(), Cusum()):
        found = detector.update(values)
        assert len(found) == 1
        assert 3_000 <= found[0] < 3_200


def test_a_level_that_never_varied_is_left_at_once() -> None:
    assert Cusum().update(np.concatenate((np.full(500, 7.0), np.full(20, 7.001)))) == (500,)


@pytest.mark.parametrize("make", EVERY, ids=NAMES)
@pytest.mark.parametrize("bad", [[0.5, np.nan], [np.inf], [[0.5]]])
def test_what_is_no_stream_is_refused(make: Callable[[], Any], bad: list[float]) -> None:
    with pytest.raises(ValueError, match="detector takes"):
        make().update(np.array(bad))


@pytest.mark.parametrize("make", [Ddm, HddmA])
def test_what_is_no_error_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="numbers in"):
        make().update(np.array([2.0]))


@pytest.mark.parametrize("make", EVERY, ids=NAMES)
@pytest.mark.parametrize("bad", [b"", b"short", b"12345678" * 3])
def test_bytes_that_are_no_state_are_refused(make: Callable[[], Any], bad: bytes) -> None:
    with pytest.raises(ValueError, match="state"):
        make().restore(bad)
