"""Profiles add up: the same bytes whatever the parts, their order and who looks at them."""

from __future__ import annotations

from contextlib import closing
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compute.choosing import choose
from engine.core.errors import Conflict, InvalidInput
from engine.profiles.learning import learned
from engine.profiles.profile import Profile, empty
from engine.profiles.profiling import profile
from engine.profiles.reference import Reference
from engine.tables.source import open_table

NUMBERS = st.floats() | st.integers(-(2**62), 2**62).map(float) | st.sampled_from([0.0, -0.0, 1.0, 1e-12, 1e9, 5e-324])
TEXTS = st.text(max_size=12) | st.sampled_from(["a", "b", "NaN", "1", "true"])
ROWS = st.lists(
    st.tuples(NUMBERS, st.integers(-(2**63), 2**63 - 1), st.none() | TEXTS, st.booleans()), min_size=1, max_size=60
)


@given(reference=ROWS, rows=ROWS, data=st.data())
@settings(max_examples=100, deadline=None)
def test_parts_in_any_order_add_up_to_the_bytes_of_the_whole(reference: list[Any], rows: list[Any], data: Any) -> None:
    layout = learned(open_table(_columns(reference)))
    whole = profile(open_table(_columns(rows)), layout).to_bytes()
    number = data.draw(st.sampled_from([2, 8]))
    cuts = sorted(data.draw(st.integers(0, len(rows))) for _ in range(number - 1))
    parts = [rows[start:end] for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    found = [profile(open_table(_columns(each)), layout) for each in data.draw(st.permutations(parts))]
    assert reduce(add, found).to_bytes() == whole
    assert Profile.sum([Profile.from_bytes(each.to_bytes()) for each in found]).to_bytes() == whole
    assert Profile.from_bytes(whole).to_bytes() == whole
    assert reduce(add, found, empty(layout)).to_bytes() == whole


def test_an_integer_is_counted_alike_whatever_stands_beside_it() -> None:
    # The offset is near 2^63: the distance to 0 is an int64, that to a number below 0 is not.
    layout = learned(open_table({"a": np.array([2**63 - 7628], np.int64)}))
    rows = np.array([0, 52, 0, 0, -7628], np.int64)
    alone = [profile(open_table({"a": rows[place : place + 1]}), layout) for place in range(len(rows))]
    assert reduce(add, alone).to_bytes() == profile(open_table({"a": rows}), layout).to_bytes()


@pytest.mark.parametrize("backend", ["threads", "loky", "dask"])
def test_whoever_looks_at_the_parts_makes_the_same_bytes(parts: Path, backend: str) -> None:
    if backend == "dask":
        pytest.importorskip("distributed", reason="the extra dask is not installed")
    table = open_table(str(parts))
    alone = learned(table)
    with closing(choose(backend, jobs=2, scheduler="processes" if backend == "dask" else "")) as executor:
        layout = learned(table, executor)
        found = profile(table, layout, executor, distinct=True)
    assert layout.to_bytes() == alone.to_bytes()
    assert found.to_bytes() == profile(table, alone, distinct=True).to_bytes()
    assert found.rows == 8 * 500


def test_profiles_of_different_layouts_are_not_added() -> None:
    one, other = (open_table({"a": np.arange(100.0) * each}) for each in (1.37, 2.91))
    with pytest.raises(Conflict, match="different layouts"):
        profile(one, learned(one)) + profile(other, learned(other))


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x93\x01\x02\x03", b"\xff" * 40])
def test_bytes_of_something_else_are_refused(data: bytes) -> None:
    for read in (Profile.from_bytes, Reference.from_bytes):
        with pytest.raises(InvalidInput):
            read(data)


def test_a_reference_comes_back_from_its_bytes() -> None:
    table = open_table({"a": np.linspace(0, 1, 500), "b": np.array(["x", "y"] * 250, object)})
    layout = learned(table)
    made = Reference(layout, profile(table, layout), {"a": 0.7})
    again = Reference.from_bytes(made.to_bytes())
    assert (again.layout, again.importance) == (layout, {"a": 0.7})
    assert again.to_bytes() == made.to_bytes()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    rng = np.random.default_rng(3)
    for place in range(8):
        table = pd.DataFrame(
            {
                "amount": rng.lognormal(size=500),
                "count": rng.poisson(3, 500),
                "level": rng.choice(["red", "green", "blue"], 500),
                "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 10**6, 500), unit="s"),
            }
        )
        table.to_csv(folder / f"part-{place}.csv", index=False)
    return folder


def _columns(rows: list[Any]) -> dict[str, Any]:
    numbers, integers, texts, truths = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {
        "number": np.array(numbers, np.float64),
        "integer": np.array(integers, np.int64),
        "text": np.array(texts, object),
        "truth": np.array(truths, bool),
    }
