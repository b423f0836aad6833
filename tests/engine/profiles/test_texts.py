"""Levels and sentences: what is counted of them, and that nothing heavy is loaded to count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine.profiles.levels
from engine.profiles.layout import Layout
from engine.profiles.learning import learned
from engine.profiles.levels import LevelCounts
from engine.profiles.model import FeatureKind
from engine.profiles.profile import FeatureProfile
from engine.profiles.profiling import profile
from engine.profiles.words import CLASSES
from engine.tables.source import open_table

SENTENCES = ["The car, it was 7 years old!", "ünïcode words\there", "", "a\x1b[31m red one"] * 3


def test_sentences_are_told_by_length_characters_and_words() -> None:
    values = np.array(SENTENCES, object)
    found = _profiled(values, values, FeatureKind.TEXT).text
    assert found is not None
    assert found.lengths == {5: 3 + 3, 4: 3, 0: 3}
    counts = dict(zip(CLASSES, found.characters, strict=True))
    assert counts["digit"] == 3 * 3
    assert counts["control"] == 3
    assert counts["beyond ASCII"] == 3 * 2
    assert sum(found.characters) == sum(map(len, SENTENCES))
    assert found.words.counts["words"] == 3
    assert found.words.rows == sum(len(each.split()) for each in SENTENCES)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([True, False, True], {"true": 2, "false": 1}),
        (["True", "false", "TRUE"], {"true": 2, "false": 1}),
        ([1, 0, 1], {"true": 2, "false": 1}),
        ([1.0, 0.0, np.nan], {"true": 1, "false": 1}),
        (["yes", None, "true"], {"yes": 1, "true": 1}),
    ],
)
def test_booleans_are_the_same_however_they_are_written(values: list[Any], levels: dict[str, int]) -> None:
    found = _profiled(np.array([True, False]), np.array(values, object), FeatureKind.BOOLEAN)
    assert _levels(found).counts == levels
    assert found.rows - found.nulls == sum(levels.values())


@pytest.mark.parametrize("values", [[1, 2, 2], [1.0, 2.0, 2.0], ["1", "2", "2"]])
def test_levels_that_are_numbers_are_the_same_however_they_are_stored(values: list[Any]) -> None:
    found = _profiled(np.array(["1", "2", "3"], object), np.array(values), FeatureKind.CATEGORY)
    assert _levels(found).counts == {"1": 1, "2": 2}


def test_of_too_many_levels_known_ones_stay_and_the_others_are_a_fair_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.profiles.levels, "MOST_LEVELS", 500)
    rng = np.random.default_rng(2)
    values = np.array([f"level {each}" for each in rng.integers(0, 20_000, 30_000)] + ["known"] * 7, object)
    layout = learned(open_table({"a": np.array(["known", "gone"] * 50, object)}))
    whole = profile(open_table({"a": values}), layout)
    parts = [profile(open_table({"a": each}), layout) for each in np.array_split(rng.permutation(values), 8)]
    assert sum(parts[1:], parts[0]).to_bytes() == whole.to_bytes()
    levels = _levels(whole.features["a"])
    assert levels.known == {"known": 7}
    assert all(count == int((values == level).sum()) for level, count in list(levels.others.items())[:20])
    assert (len(levels.others), levels.complete) == (500, False)
    assert levels.unlisted == len(values) - 7 - sum(levels.others.values())
    number, error = levels.distinct
    assert abs(number - len(set(values.tolist()))) <= 2 * error
    assert levels.heaviest(1) == (("known", 7),)


def test_profiling_csv_loads_nothing_heavy(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("n,s,t,b\n" + "1.5,x,2026-01-01,true\n2.5,y,2026-01-02,false\n,,,\n" * 50)
    program = f"""
import sys
from engine.tables.source import open_table
from engine.profiles.learning import learned
from engine.profiles.profiling import profile
table = open_table({str(path)!r})
print(profile(table, learned(table)).rows)
print([each for each in ("pandas", "scipy", "sklearn", "pyarrow.compute", "numpy.ma") if each in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[:2] == ["150", "[]"]


def _profiled(reference: Any, values: Any, kind: FeatureKind) -> FeatureProfile:
    layout: Layout = learned(open_table({"a": reference}), kinds={"a": kind})
    return profile(open_table({"a": values}), layout).features["a"]


def _levels(found: FeatureProfile) -> LevelCounts:
    assert found.levels is not None
    return found.levels
