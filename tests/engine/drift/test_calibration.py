"""The promises about alarms, held to simulated and real data; seeds are fixed, so nothing here happens by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.drift.checking import compare, learned_reference
from engine.profiles.profiling import profile
from engine.tables.source import open_table
from tests.engine.drift.tables import compared, normal, result

SAMPLES = Path(__file__).parents[3] / "sample_data"


def test_windows_of_a_real_table_that_did_not_change_raise_hardly_an_alarm() -> None:
    from pyarrow import csv

    table = csv.read_csv(SAMPLES / "car_loan_reference.csv.gz")
    source = np.random.default_rng(0)
    windows = alarms = 0
    for _ in range(3):
        dealt = source.permutation(table.num_rows)
        reference, rest = table.take(dealt[:2500]), table.take(dealt[2500:])
        content = learned_reference(open_table(reference))
        for size in (200, 500, 1000):
            for start in range(0, rest.num_rows - size + 1, size):
                report = compare(content, profile(open_table(rest.slice(start, size)), content.layout))
                windows += 1
                alarms += report.drift
    assert windows == 57
    assert alarms / windows <= 0.06


@pytest.mark.parametrize(("shift", "rows", "found"), [(0.3, 1_000, 0.97), (0.5, 200, 0.9)])
def test_shifts_that_matter_are_found(shift: float, rows: int, found: float) -> None:
    content = learned_reference(open_table({f"f{place}": normal(10_000, seed=place) for place in range(10)}))
    hits = 0
    for trial in range(30):
        current = {f"f{place}": normal(rows, seed=1_000 + 10 * trial + place) for place in range(10)}
        current["f3"] = current["f3"] + shift
        report = compare(content, profile(open_table(current), content.layout))
        hits += result(report, "f3").drift
    assert hits / 30 >= found


def test_a_shift_that_does_not_matter_is_none_however_many_rows_show_it() -> None:
    report = compared({"a": normal(400_000)}, {"a": normal(400_000, 0.01, seed=1)}, "margin")
    assert not report.drift
    assert compared(
        {"a": normal(400_000)}, {"a": normal(400_000, 0.01, seed=1)}, "ks"
    ).drift  # which a plain test flags


def test_intervals_hold_the_truth() -> None:
    """The PSI of two normals a distance d apart is d squared; deciles see a little less of it."""
    content = learned_reference(open_table({"a": normal(50_000)}))
    truth = result(
        compare(content, profile(open_table({"a": normal(400_000, 0.4, seed=1)}), content.layout)), "a"
    ).effect
    assert truth is not None
    held = 0
    for seed in range(40):
        found = result(
            compare(content, profile(open_table({"a": normal(800, 0.4, seed=100 + seed)}), content.layout)), "a"
        )
        assert found.effect_low is not None
        assert found.effect_high is not None
        held += found.effect_low <= truth <= found.effect_high
    assert held >= 35


def test_rows_that_depend_on_each_other_count_for_fewer() -> None:
    reference, current = {"a": normal(5_000)}, {"a": np.repeat(normal(100, seed=5), 20)}
    naive = compared(reference, current)
    calibrated = compared(reference, current, rules={"inflations": {"a": 20.0}})
    assert (naive.drift, calibrated.drift) == (True, False)
