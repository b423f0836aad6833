"""Files as tables: folders, pieces, what is damaged, and what changes while it is read."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import Conflict, InvalidInput
from engine.tables.files import FileTable, of_files
from engine.tables.model import Chunk, Family


def test_files_of_a_folder_are_one_table(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1], "b": [2]}).to_csv(tmp_path / "1.csv", index=False)
    pq.write_table(pa.table({"c": [1.5, 2.5], "a": [3, 4]}), tmp_path / "2.parquet")
    (tmp_path / "_passed_over.csv").write_text("z\n1\n")
    table = of_files([str(tmp_path)])
    assert [(each.key, each.place) for each in table.columns] == [("a", 0), ("b", 1), ("c", 2)]
    assert [(chunk.rows, sorted(chunk.columns)) for chunk in _chunks(table)] == [(1, ["a", "b"]), (2, ["a", "c"])]


def test_a_large_csv_file_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    line = "1.25," + "x" * 200 + "\n"
    path.write_text("a,b\n" + line * 200_000)
    table = of_files([str(path)])
    assert len(table.partitions()) > 1
    assert sum(chunk.rows for chunk in _chunks(table)) == 200_000


def test_row_groups_are_pieces_of_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "large.parquet"
    values = np.random.default_rng(0).normal(size=6_000_000)
    pq.write_table(pa.table({"a": pa.array(values)}), path, row_group_size=1_000_000, compression="none")
    parts = of_files([str(path)]).partitions()
    assert len(parts) > 1
    assert sum(chunk.rows for part in parts for chunk in part.chunks()) == 6_000_000


def test_a_column_that_turns_out_to_be_text_is_read_on_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 2_000_000 + "oops,3\n")
    chunks = list(_chunks(of_files([str(path)])))
    assert sum(chunk.rows for chunk in chunks) == 2_000_001
    assert {chunk.columns["a"].family for chunk in chunks} == {Family.INTEGER, Family.TEXT}
    assert "oops" in chunks[-1].columns["a"].dictionary


def test_what_is_wanted_decides_how_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n007,1,true\n8,2,x\n")
    wanted = {"a": Family.TEXT, "b": Family.FLOAT, "c": Family.BOOLEAN}
    (chunk,) = [each for part in of_files([str(path)]).partitions() for each in part.chunks(wanted)]
    assert list(chunk.columns["a"].dictionary) == ["007", "8"]
    assert chunk.columns["b"].family is Family.FLOAT
    assert list(chunk.columns["c"].dictionary) == ["true", "x"]


def test_rows_of_another_width_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n7,8\n")
    (chunk,) = _chunks(of_files([str(path)]))
    assert (chunk.rows, chunk.damaged, list(chunk.columns["b"].values)) == (2, 2, [2, 8])


def test_a_header_without_rows_is_a_table_without_rows(tmp_path: Path) -> None:
    for text in ("a,b\n", "a,b", "a,b\n\n\n"):
        (tmp_path / "a.csv").write_text(text)
        table = of_files([str(tmp_path / "a.csv")])
        assert [each.key for each in table.columns] == ["a", "b"]
        assert list(_chunks(table)) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b""),
        ("a.csv", b"\xff\xfe\x00a"),
        ("a.csv.gz", b"no gzip"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n" * 9_000, mtime=0)[:60]),
        ("a.parquet", b"PAR1 no parquet"),
        ("a.parquet", b""),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=r"a\."):
        list(_chunks(of_files([str(path)])))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(InvalidInput, match=r"a\.csv is no regular file"):
        of_files([str(tmp_path / "a.csv")])


def test_a_parquet_file_that_is_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": pa.array(np.arange(100_000.0))}), path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInput, match=r"a\.parquet cannot be read"):
        of_files([str(path)])
    path.write_bytes(data[:1000] + b"\0" * 5_000 + data[6000:])
    with pytest.raises(InvalidInput, match=r"a\.parquet cannot be read"):
        list(_chunks(of_files([str(path)])))


@pytest.mark.parametrize("change", ["appended", "replaced", "touched", "deleted"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_changes_is_noticed(tmp_path: Path, kind: str, change: str) -> None:
    path = tmp_path / f"a.{kind}"
    frame = pd.DataFrame({"a": np.arange(1000.0)})
    _write(path, frame)
    (part,) = of_files([str(path)]).partitions()
    chunks = part.chunks()
    next(chunks)
    if change == "appended":
        with path.open("ab") as stream:
            stream.write(b"1\n")
    elif change == "replaced":
        _write(tmp_path / f"other.{kind}", frame)
        (tmp_path / f"other.{kind}").replace(path)
    elif change == "touched":
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()
    with pytest.raises((Conflict, InvalidInput), match=rf"a\.{kind}"):
        list(chunks)


def _write(path: Path, frame: pd.DataFrame) -> None:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)


def _chunks(table: FileTable) -> list[Chunk]:
    return [chunk for part in table.partitions() for chunk in part.chunks()]
