"""Whatever holds columns becomes the same table: values, what is missing, and names, also odd ones."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InvalidInput, NotFound
from engine.tables.model import Column, Family, Table
from engine.tables.source import open_table

HOSTILE = ["a,b", 'say "x"', "\x1b[31mred", " spaced ", "ünï\u202e", "0", "line\nbreak", "=cmd()"]


@pytest.mark.parametrize("way", ["csv", "gzip", "parquet", "arrow", "pandas", "numpy"])
def test_every_source_gives_the_same_values(tmp_path: Path, way: str) -> None:
    frame = pd.DataFrame(
        {"number": [1.5, -2.0, np.nan, 1e300], "count": [1, 2, 3, 2**62], "word": ["b", "a", None, "b"]}
    )
    columns = _read(open_table(_source(way, frame, tmp_path)))
    assert columns["number"][0] is Family.FLOAT
    assert [each for each in columns["number"][1] if each is not None and not math.isnan(each)] == [1.5, -2.0, 1e300]
    assert columns["count"] == (Family.INTEGER, [1, 2, 3, 2**62])
    assert columns["word"] == (Family.TEXT, ["b", "a", None, "b"])


@pytest.mark.parametrize(
    ("array", "family", "values"),
    [
        (pa.array([1, None, 3], pa.int8()), Family.INTEGER, [1, None, 3]),
        (pa.array([1, 2**64 - 1], pa.uint64()), Family.FLOAT, [1.0, 2.0**64]),
        (pa.array([1, None], pa.uint64()), Family.INTEGER, [1, None]),
        (pa.array([1.5, None], pa.float16()), Family.FLOAT, [1.5, None]),
        (pa.array([1.5, float("inf")], pa.float32()), Family.FLOAT, [1.5, float("inf")]),
        (pa.array([True, None, False]), Family.BOOLEAN, [True, None, False]),
        (pa.array([None, None], pa.null()), Family.EMPTY, [None, None]),
        (pa.array([None, None], pa.float64()), Family.EMPTY, [None, None]),
        (pa.array([decimal.Decimal("1.25"), None]), Family.FLOAT, [1.25, None]),
        (pa.array([dt.date(1970, 1, 2), None]), Family.TIMESTAMP, [86_400_000_000, None]),
        (pa.array([1, None], pa.timestamp("s", "Europe/Paris")), Family.TIMESTAMP, [1_000_000, None]),
        (pa.array([1], pa.timestamp("ns")), Family.TIMESTAMP, [0]),
        (pa.array([5, None], pa.duration("ms")), Family.INTEGER, [5, None]),
        (pa.array([5, None], pa.time32("s")), Family.INTEGER, [5, None]),
        (pa.array(["x", None], pa.large_string()), Family.TEXT, ["x", None]),
        (pa.array(["x", None], pa.string_view()), Family.TEXT, ["x", None]),
        (pa.array([b"\xff", None]), Family.TEXT, ["\ufffd", None]),
        (pa.array(["x", None, "x"]).dictionary_encode(), Family.TEXT, ["x", None, "x"]),
        (pa.array([3, None, 3]).dictionary_encode(), Family.INTEGER, [3, None, 3]),
        (pa.array([[1], None]), Family.TEXT, ["[1]", None]),
        (pa.array([{"a": 1}]), Family.TEXT, ["{'a': 1}"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("start", [0, 1])
def test_types_of_arrow(array: Any, family: Family, values: list[Any], start: int) -> None:
    longer = pa.table({"a": pa.concat_arrays([array.slice(0, start), array])}).slice(start)
    assert _read(open_table(longer))["a"] == (family, values)


def test_types_of_pandas() -> None:
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None], "Int64"),
            "category": pd.Categorical(["x", None]),
            "zoned": pd.to_datetime(pd.Series(["2026-01-01T00:00:00", None])).dt.tz_localize("Asia/Tokyo"),
            "mixed": pd.Series([1, "a"], dtype=object),
            "truth": pd.array([True, None], "boolean"),
            "nothing": pd.Series([None, None], dtype=object),
        }
    )
    table = open_table(frame)
    found = _read(table)
    assert found["nullable"] == (Family.INTEGER, [1, None])
    assert found["category"] == (Family.TEXT, ["x", None])
    assert found["zoned"] == (Family.TIMESTAMP, [int(pd.Timestamp("2025-12-31T15:00:00").timestamp()) * 10**6, None])
    assert found["mixed"] == (Family.TEXT, ["1", "a"])
    assert found["truth"] == (Family.BOOLEAN, [True, None])
    assert found["nothing"] == (Family.EMPTY, [None, None])
    assert {each.key: each.zone for each in table.columns}["zoned"] == "Asia/Tokyo"


def test_objects_of_numpy_are_what_they_hold() -> None:
    def of(*values: Any) -> tuple[Family, list[Any]]:
        return _read(open_table({"a": np.array(values, object)}))["a"]

    assert of(1, None, 2) == (Family.INTEGER, [1, None, 2])
    assert of(1, 2.5, float("nan")) == (Family.FLOAT, [1.0, 2.5, None])
    assert of(*[True, None]) == (Family.BOOLEAN, [True, None])
    assert of(2**70, 1) == (Family.FLOAT, [2.0**70, 1.0])
    assert of("a", 1, None) == (Family.TEXT, ["a", "1", None])
    assert of("\ud800") == (Family.TEXT, ["?"])


@pytest.mark.parametrize("way", ["csv", "parquet", "pandas"])
def test_columns_of_one_name_are_kept_apart(tmp_path: Path, way: str) -> None:
    frame = pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "a (2)", "b"])
    found = _read(open_table(_source(way, frame, tmp_path)))
    assert {key: values for key, (_, values) in found.items()} == {"a": [1], "a (3)": [2], "a (2)": [3], "b": [4]}


@pytest.mark.parametrize("way", ["csv", "gzip", "parquet", "pandas"])
def test_names_may_be_anything(tmp_path: Path, way: str) -> None:
    frame = pd.DataFrame([[float(place) + 0.5 for place in range(len(HOSTILE))]], columns=HOSTILE)
    found = _read(open_table(_source(way, frame, tmp_path)))
    assert [(key, *values) for key, (_, values) in found.items()] == [(name, n + 0.5) for n, name in enumerate(HOSTILE)]


def test_a_matrix_has_columns_by_number() -> None:
    assert list(_read(open_table(np.eye(2)))) == ["0", "1"]


@pytest.mark.parametrize("source", [3, None, [], [1, 2], np.zeros(3), object()])
def test_what_is_no_table_is_refused(source: Any) -> None:
    with pytest.raises(InvalidInput):
        open_table(source)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InvalidInput, match="differ in length"):
        open_table({"a": np.zeros(2), "b": np.zeros(3)})


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="missing"):
        open_table("missing.csv")


def test_rows_without_columns_and_columns_without_rows() -> None:
    assert open_table({}).partitions() == ()
    empty = open_table(pd.DataFrame({"a": np.empty(0)}))
    assert ([each.key for each in empty.columns], empty.partitions()) == (["a"], ())


def _source(way: str, frame: pd.DataFrame, folder: Path) -> Any:
    if way in ("pandas", "numpy"):
        return frame if way == "pandas" else {str(key): frame[key].to_numpy(dtype=None) for key in frame}
    if way == "gzip":
        (folder / "a.csv.gz").write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
        return folder / "a.csv.gz"
    if way == "csv":
        frame.to_csv(folder / "a.csv", index=False)
        return str(folder / "a.csv")
    table = pa.table([pa.array(frame.iloc[:, place]) for place in range(frame.shape[1])], [str(each) for each in frame])
    if way == "arrow":
        return table
    pq.write_table(table, folder / "a.parquet")
    return [folder / "a.parquet"]


def _read(table: Table) -> dict[str, tuple[Family, list[Any]]]:
    """Each column's family and values, `None` where one is missing."""
    found: dict[str, tuple[Family, list[Any]]] = {}
    for part in table.partitions():
        for chunk in part.chunks():
            for key, column in chunk.columns.items():
                assert column.rows == chunk.rows
                found[key] = (column.family, [*(found[key][1] if key in found else []), *_values(column)])
    return found


def _values(column: Column) -> list[Any]:
    if column.family is Family.EMPTY:
        return [None] * column.rows
    values = list(column.values)
    values = [each.item() for each in values]
    if column.family is Family.TEXT:
        values = [column.dictionary[each] for each in values]
    if column.known is None:
        return list(values)
    left = iter(values)
    return [next(left) if each else None for each in column.known.tolist()]
