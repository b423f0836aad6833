"""What columns are taken for, and why some are left out."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.profiles.layout import FeatureLayout, Layout
from engine.profiles.learning import SAMPLE_ROWS, learned, learned_from_chunks
from engine.profiles.model import FeatureKind
from engine.profiles.profiling import profile
from engine.tables.source import open_table

rng = np.random.default_rng(11)
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "seven", "wizards", "box"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (rng.normal(size=300), FeatureKind.NUMBER),
        (rng.integers(0, 2, 300), FeatureKind.NUMBER),
        (rng.random(300) < 0.5, FeatureKind.BOOLEAN),
        (rng.choice(["a", "b"], 300).astype(object), FeatureKind.CATEGORY),
        (pd.date_range("2026-01-01", periods=300, freq="h").to_numpy(), FeatureKind.TIMESTAMP),
        (np.array([f"2026-01-{1 + day % 28:02}" for day in range(300)], object), FeatureKind.TIMESTAMP),
        (np.array([f"2026/01/{1 + day % 28:02}" for day in range(300)], object), FeatureKind.TIMESTAMP),
        (np.array([" ".join(rng.choice(WORDS, 9)) for _ in range(300)], object), FeatureKind.TEXT),
        (np.array([str(uuid.UUID(int=each)) for each in range(300)], object), FeatureKind.ID),
        (np.arange(300) + 1000, FeatureKind.ID),
        (np.full(300, None, object), FeatureKind.UNKNOWN),
        (np.full(300, np.nan), FeatureKind.UNKNOWN),
        (np.array([1, 2.5, "x", *range(100)], object), FeatureKind.NUMBER),
        (np.array(["1", "2", "3"] * 100, object), FeatureKind.NUMBER),
    ],
    ids=str,
)
def test_kinds_are_told_by_values(values: Any, kind: FeatureKind) -> None:
    feature = _learned(values)
    assert feature.kind is kind
    assert bool(feature.left_out) is (kind in (FeatureKind.ID, FeatureKind.UNKNOWN))


def test_integers_that_are_all_different_are_ids_only_when_they_rise_or_are_named_so() -> None:
    values = rng.permutation(10_000)[:400]
    assert _learned(values, "amount").kind is FeatureKind.NUMBER
    assert _learned(values, "customer_id").kind is FeatureKind.ID
    assert "names rows" in _learned(values, "customer_id").left_out


def test_texts_of_a_typed_source_stay_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": pd.Series(["01", "02"] * 50, dtype="str")})
    assert learned(open_table(frame)).features[0].kind is FeatureKind.CATEGORY
    frame.to_csv(tmp_path / "a.csv", index=False)  # where nothing says so
    assert learned(open_table(tmp_path / "a.csv")).features[0].kind is FeatureKind.NUMBER


def test_who_knows_better_says_so() -> None:
    table = open_table({"a": np.arange(300), "b": rng.integers(0, 3, 300)})
    layout = learned(table, kinds={"a": FeatureKind.NUMBER, "b": FeatureKind.CATEGORY})
    assert [each.kind for each in layout.features] == [FeatureKind.NUMBER, FeatureKind.CATEGORY]
    found = profile(table, layout)
    assert found.features["b"].levels is not None
    assert found.features["b"].levels.counts.keys() == {"0", "1", "2"}


def test_zones_are_kept() -> None:
    times = pd.DataFrame({"at": pd.date_range("2026-03-01", periods=99, tz="Europe/Paris")})
    feature = learned(open_table(times)).features[0]
    assert (feature.kind, feature.zone) == (FeatureKind.TIMESTAMP, "Europe/Paris")
    found = profile(open_table(times), learned(open_table(times))).features["at"].numbers
    assert found is not None
    assert found.minimum == int(pd.Timestamp("2026-02-28T23:00:00Z").timestamp()) * 10**6


def test_the_most_frequent_levels_come_first() -> None:
    values = np.array(["rare"] + ["often"] * 5 + ["more"] * 9, object)
    assert _learned(values).levels == ("more", "often", "rare")


def test_a_long_reference_is_sampled_evenly() -> None:
    rows = 5 * SAMPLE_ROWS
    values = np.linspace(0, 1, rows)
    layout = learned(open_table({"a": values}))
    deciles = profile(open_table({"a": values}), layout).features["a"].deciles(layout.features[0])
    assert abs(deciles / rows - 0.1).max() < 0.002


def test_the_first_rows_of_a_stream_make_a_layout() -> None:
    table = open_table({"a": rng.normal(size=1000), "b": rng.choice(["x", "y"], 1000).astype(object)})
    chunks = [chunk for part in table.partitions() for chunk in part.chunks()]
    layout = learned_from_chunks(table.columns, chunks)
    assert layout == learned(table)
    assert profile(chunks, layout).to_bytes() == profile(table, layout).to_bytes()


def test_layouts_come_back_from_their_bytes() -> None:
    table = open_table(
        {
            "a": rng.normal(size=100),
            "tied": np.repeat([0.1, 0.2, 7.7], 100)[:100],
            "b": np.array(["x", "\x1b[31m"] * 50, object),
            "big": 2**62 + np.arange(100)[::-1],
            "at": pd.date_range("2026-03-01", periods=100).to_numpy(),
        }
    )
    layout = learned(table)
    again = Layout.from_bytes(layout.to_bytes())
    assert again == layout
    assert again.digest == layout.digest
    assert [each.bins for each in again.features] == [each.bins for each in layout.features]


def _learned(values: Any, name: str = "a") -> FeatureLayout:
    return learned(open_table({name: np.asarray(values)})).features[0]
