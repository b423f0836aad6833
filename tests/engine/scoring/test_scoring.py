"""What files become: the answers of the model itself, the same bytes whoever does the work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InvalidInput, NotFound
from engine.scoring.model import Begin, Format, OnError, State
from tests.engine.scoring.bench import HOSTILE, Bench, answers, expected, files, frame, manifest, parts, write

KINDS = ("in.csv", "in.csv.gz", "in.parquet")


def check(found: pd.DataFrame, model: object, table: pd.DataFrame) -> None:
    wanted = expected(model, table)
    assert found["predict"].tolist() == wanted["predict"]
    np.testing.assert_allclose(found.filter(like="predict_proba_").iloc[:, 1], wanted["second"], atol=1e-5)


@pytest.mark.parametrize("fmt", Format)
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gets_the_answers_of_the_model(bench: Bench, tmp_path: Path, name: str, fmt: Format) -> None:
    table = frame(1000)
    done = bench.score(tmp_path / "out", write(tmp_path / name, table), columns=("id",), format=fmt)
    found = answers(tmp_path / "out")
    assert list(found) == ["id", "predict", "predict_proba_0", "predict_proba_1"]
    assert found["id"].tolist() == table["id"].tolist()
    check(found, bench.churn, table[list("abcd")])
    assert (done.state, done.rows, done.refused, done.parts_done) == (State.FINISHED, 1000, 0, done.parts)


@pytest.mark.parametrize("name", KINDS)
def test_texts_and_numbers_reach_the_model(bench: Bench, tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"size": rng.normal(size=500), "colour": rng.choice(["red", "green", "blue"], 500)})
    bench.score(tmp_path / "out", write(tmp_path / name, table), reference="mixed/1")
    found = answers(tmp_path / "out")
    assert list(found) == ["predict", "predict_proba_no", "predict_proba_yes"]
    check(found, bench.mixed, table)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("fmt", Format)
def test_names_of_columns_may_be_anything(bench: Bench, tmp_path: Path, name: str, fmt: Format) -> None:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.normal(size=(50, len(HOSTILE))), columns=list(HOSTILE))
    bench.score(tmp_path / "out", write(tmp_path / name, table), reference="odd/1", columns=HOSTILE, format=fmt)
    found = answers(tmp_path / "out")
    assert list(found)[: len(HOSTILE)] == list(HOSTILE)
    check(found, bench.odd, table)


@pytest.mark.parametrize(
    ("backend", "jobs"), [("threads", 1), ("threads", 2), ("threads", 4), ("loky", 2), ("dask", 2)]
)
def test_whoever_does_the_work_writes_the_same_bytes(bench: Bench, tmp_path: Path, backend: str, jobs: int) -> None:
    if backend == "dask":
        pytest.importorskip("distributed", reason="the extra dask is not installed")
    folder = files(tmp_path / "in", 6)
    bench.score(tmp_path / "alone", folder)
    bench.score(tmp_path / "out", folder, backend=backend, jobs=jobs)
    assert parts(tmp_path / "out") == parts(tmp_path / "alone")
    assert manifest(tmp_path / "out")["parts"] == manifest(tmp_path / "alone")["parts"]


def test_a_large_file_is_cut_and_its_parts_are_the_whole(bench: Bench, tmp_path: Path) -> None:
    table = frame(500_000)
    pa.csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), tmp_path / "in.csv")
    done = bench.score(tmp_path / "out", tmp_path / "in.csv", columns=("id",), backend="threads")
    assert done.parts == len(manifest(tmp_path / "out")["parts"]) > 1
    found = answers(tmp_path / "out")
    assert found["id"].tolist() == table["id"].tolist()
    check(found, bench.churn, table[list("abcd")])
    firsts = [each["cut"]["first_row"] for each in manifest(tmp_path / "out")["parts"]]
    rows = [each["written"]["rows"] for each in manifest(tmp_path / "out")["parts"]]
    assert firsts == [1 + sum(rows[:place]) for place in range(len(rows))]


def test_types_of_parquet_are_read_as_numbers(bench: Bench, tmp_path: Path) -> None:
    table = pa.table(
        {
            "a": pa.array([1, 2, 3], pa.int8()),
            "b": pa.array([True, False, True]),
            "c": pa.array([1.5, 2.5, 3.5], pa.float32()),
            "d": pa.array([1, 2, 3], pa.decimal128(5, 2)),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    bench.score(tmp_path / "out", tmp_path / "in.parquet")
    check(answers(tmp_path / "out"), bench.churn, table.to_pandas().astype(float))


def test_folders_and_globs_are_read_in_order_and_each_file_once(bench: Bench, tmp_path: Path) -> None:
    folder = files(tmp_path / "in", 3)
    (folder / "deep").mkdir()
    write(folder / "deep" / "x.parquet", frame(10))
    for ignored in ("_SUCCESS", ".hidden.csv", "notes.txt", "_temporary.csv"):
        (folder / ignored).write_text("junk")
    done = bench.score(tmp_path / "out", folder, str(folder / "**" / "*.csv"), folder / "in-000.csv")
    assert [Path(each.path).name for each in done.inputs] == ["x.parquet", "in-000.csv", "in-001.csv", "in-002.csv"]
    assert done.rows == 610


def test_an_output_inside_the_input_is_no_input(bench: Bench, tmp_path: Path) -> None:
    folder = files(tmp_path / "in", 1)
    bench.score(folder / "out", folder, format=Format.CSV)
    assert bench.score(folder / "again", folder / "in-000.csv").input_files == 1
    assert bench.score(folder / "out", folder / "in-000.csv", begin=Begin.RESTART, format=Format.CSV).input_files == 1


@pytest.mark.parametrize("named", ["nowhere.csv", "*.csv", "empty"])
def test_nothing_to_score_is_said(bench: Bench, tmp_path: Path, named: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="No CSV, gzip CSV or Parquet file"):
        bench.score(tmp_path / "out", tmp_path / named)


def test_a_file_of_another_kind_is_refused(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "in.xlsx").write_text("junk")
    with pytest.raises(InvalidInput, match="of no kind that is read"):
        bench.score(tmp_path / "out", tmp_path / "in.xlsx")


def test_columns_that_would_be_there_twice_are_refused(bench: Bench, tmp_path: Path) -> None:
    table = frame(5).assign(predict=1, row=2)
    path = write(tmp_path / "in.csv", table)
    with pytest.raises(InvalidInput, match="predict twice"):
        bench.score(tmp_path / "out", path, columns=("predict",))
    with pytest.raises(InvalidInput, match="row twice"):
        bench.score(tmp_path / "out", path, columns=("row",), on_error=OnError.SKIP)


def test_empty_files_have_empty_answers(bench: Bench, tmp_path: Path) -> None:
    nothing = frame(0)
    done = bench.score(
        tmp_path / "out",
        write(tmp_path / "in.csv", nothing),
        write(tmp_path / "in.parquet", nothing),
        write(tmp_path / "in.csv.gz", nothing),
    )
    assert (done.rows, done.input_files, done.state) == (0, 3, State.FINISHED)
