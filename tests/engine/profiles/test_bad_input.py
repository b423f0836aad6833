"""What tables may hold that nobody wants: a stated verdict, no exception, and other columns unaffected."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import Conflict, InvalidInput
from engine.profiles.learning import learned
from engine.profiles.model import FeatureKind
from engine.profiles.profile import FeatureProfile
from engine.profiles.profiling import profile
from engine.tables.source import open_table

rng = np.random.default_rng(5)
ROWS = 2_000
GOOD = rng.normal(size=ROWS)
COLUMNS: dict[str, Any] = {
    "constant": np.full(ROWS, 3.7),
    "constant zero": np.zeros(ROWS),
    "all null": np.full(ROWS, np.nan),
    "no object": np.full(ROWS, None, object),
    "infinite": np.full(ROWS, np.inf),
    "both infinities": np.where(rng.random(ROWS) < 0.5, np.inf, -np.inf),
    "mixed": np.array([1, "x", None, 2.5, True] * (ROWS // 5), object),
    "near 2^62": 2**62 + rng.integers(0, 9, ROWS),
    "least int64": np.full(ROWS, -(2**63)),
    "uint64": np.full(ROWS, 2**64 - 1, np.uint64),
    "beyond int64": np.array([2**80, -(2**80)] * (ROWS // 2), object),
    "zero-inflated": np.where(rng.random(ROWS) < 0.97, 0.0, rng.random(ROWS)),
    "outlier": np.append(rng.normal(size=ROWS - 1), 1e9),
    "outliers of all sizes": np.append(rng.normal(size=ROWS - 3), [1.7e308, -1.7e308, 5e-324]),
    "ends of all numbers": np.where(rng.random(ROWS) < 0.6, -1.797e308, 1.797e308),
    "denormal": rng.normal(size=ROWS) * 1e-310,
    "tiny": rng.normal(size=ROWS) * 1e-12,
    "100k levels": np.array([f"level {place % 977}" for place in range(ROWS)], object),
    "control": np.array(["\x00", "\x1b[2J", "\u202eabc", "\ud800", "", "é", "e\u0301"] * ROWS, object)[:ROWS],
    "long": np.array(["x" * 100_000, "y"] * (ROWS // 2), object),
    "odd times": np.array(["0001-01-01", "NaT", "9999-12-31", "2026-01-01"] * (ROWS // 4), "M8[s]"),
    "bytes": np.array([b"\xff\xfe", b"a"] * (ROWS // 2), object),
    "nested": np.array([[1, 2], {"a": 1}] * (ROWS // 2), object),
    "complex": np.full(ROWS, 1 + 2j),
    "duplicated": GOOD,
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("other", [*COLUMNS, "nothing"])
def test_no_column_disturbs_another(name: str, other: str) -> None:
    """Learned of one, compared with any other: the wrong type on one side too."""
    alone = _profiled({"good": GOOD}, {"good": GOOD})["good"]
    current = COLUMNS.get(other, np.empty(0))
    good = GOOD[: len(current)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = _profiled({"good": GOOD, "bad": COLUMNS[name]}, {"good": good, "bad": current})
    bad = found["bad"]
    counted = bad.numbers.total + bad.numbers.above + bad.numbers.below if bad.numbers is not None else bad.valid
    assert bad.rows == len(current)
    assert counted == bad.valid == bad.rows - bad.nulls - bad.unfit
    assert sum(bad.types.values()) == bad.rows - bad.nulls
    if len(current):
        assert found["good"].bins(learned(open_table({"good": GOOD})).features[0]).sum() == ROWS
        assert (found["good"].rows, found["good"].nulls) == (alone.rows, alone.nulls)


def test_a_missing_column_counts_as_missing_values_and_a_new_one_is_named() -> None:
    layout = learned(open_table({"a": GOOD, "gone": GOOD}))
    found = profile(open_table({"a": GOOD, "new": GOOD}), layout)
    assert found.features["gone"].nulls == ROWS
    assert found.others == {"new": ROWS}


def test_words_among_numbers_are_counted_as_unfit(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1.5,x\n" * 98 + "oops,x\nNA,x\n")
    table = open_table(path)
    layout = learned(table)
    found = profile(table, layout).features["a"]
    assert layout.features[0].kind is FeatureKind.NUMBER
    assert (found.rows, found.unfit, found.nulls, found.types) == (100, 1, 1, {"number": 98, "text": 1})


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_windows_of_hardly_any_rows(rows: int) -> None:
    frame = pd.DataFrame({key: pd.Series(values[:rows]) for key, values in COLUMNS.items() if key != "complex"})
    layout = learned(open_table(frame))
    found = profile(open_table(frame), layout)
    assert found.rows == rows
    assert {each.rows for each in found.features.values()} == {rows}
    assert sum(each.bins(layout.by_key[key]).sum() for key, each in found.features.items()) <= rows * len(frame.columns)


def test_columns_of_one_name_are_profiled_apart() -> None:
    frame = pd.DataFrame(np.column_stack([GOOD, GOOD + 100]), columns=["a", "a"])
    found = profile(open_table(frame), learned(open_table(frame)))
    lows = [each.numbers.minimum for each in found.features.values() if each.numbers is not None]
    assert lows == [GOOD.min(), GOOD.min() + 100]


def test_an_outlier_of_the_reference_does_not_blur_the_rest() -> None:
    layout = learned(open_table({"a": COLUMNS["outlier"]}))
    grid = layout.features[0].grid
    assert grid is not None
    assert grid.width < 0.01
    assert len(layout.features[0].decile_bins) == 10


def test_levels_by_the_hundred_thousand_are_counted() -> None:
    values = np.array([f"level {place}" for place in range(100_000)] + ["often"] * 500, object)
    layout = learned(open_table({"a": np.array(["often", "x"] * 100, object)}))
    levels = profile(open_table({"a": values}), layout).features["a"].levels
    assert levels is not None
    assert (levels.distinct, levels.counts["often"], levels.complete) == ((100_001, 0), 500, True)


def test_duplicates_are_counted_when_asked_for() -> None:
    rows = rng.integers(0, 50, (ROWS, 2))
    frame = pd.DataFrame({"a": rows[:, 0].astype(float), "b": rows[:, 1].astype(str)})
    frame.loc[::7, "b"] = None
    table = open_table(frame)
    layout = learned(table)
    assert profile(table, layout).duplicates is None
    assert profile(table, layout, duplicates=True).duplicates == (int(frame.duplicated().sum()), 0)


def test_duplicates_among_many_rows_are_estimated_within_the_stated_error() -> None:
    values = rng.integers(0, 200_000, 300_000).astype(float)
    table = open_table({"a": values})
    found = profile(table, learned(table), duplicates=True)
    halves = [open_table({"a": each}) for each in (values[:90_000], values[90_000:])]
    one, other = (profile(each, learned(table), duplicates=True) for each in halves)
    assert found.duplicates is not None
    told, error = found.duplicates
    assert 0 < error < 3_000
    assert abs(told - (len(values) - len(np.unique(values)))) <= 2 * error
    assert (other + one).to_bytes() == found.to_bytes()


def test_a_file_that_changes_while_it_is_profiled_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"a": GOOD}).to_csv(path, index=False)
    table = open_table(path)
    layout = learned(table)
    path.write_text("a\n1\n")
    with pytest.raises(Conflict, match="changed while it was read"):
        profile(table, layout)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"a": GOOD}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match=r"a\.parquet"):
        open_table(path)


def _profiled(reference: dict[str, Any], current: dict[str, Any]) -> dict[str, FeatureProfile]:
    layout = learned(open_table(reference))
    return dict(profile(open_table(current), layout).features)
