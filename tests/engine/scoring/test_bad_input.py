"""What files may hold that a model does not take, and how it is told: by file, row and column."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InvalidInput, QuarterdeckError, RowRefused
from engine.scoring.model import OnError
from tests.engine.scoring.bench import Bench, answers, frame, manifest, parts, write

NUMBERS = "a,b,c,d\n"
GOOD = "1,2,3,4\n"


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "has no header"),
        (b"a,b\n1,2\n", "lacks 2 columns: c, d"),
        (b"a,b,c,d,a\n1,2,3,4,5\n", "has the column a 2 times"),
        ("a,b,c,d\n".encode("utf-16"), "no CSV file in UTF-8"),
        (b'a,b,c,"d\n1,2,3,4\n', "no CSV file in UTF-8"),
        (b"a,b,c,d\0\n1,2,3,4\n", "has no header|no CSV file"),
        (b"x" * (5 << 20), "is too long"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(bench: Bench, tmp_path: Path, text: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        bench.score(tmp_path / "out", put(tmp_path / "in.csv", text))
    assert parts(tmp_path / "out") == {}


def test_columns_that_the_model_does_not_know_are_passed_over(bench: Bench, tmp_path: Path) -> None:
    table = frame(20)
    bench.score(tmp_path / "plain", write(tmp_path / "in.csv", table))
    more = table.assign(extra="text, with commas", another=1)[["another", "d", "c", "extra", "b", "a", "id"]]
    bench.score(tmp_path / "more", write(tmp_path / "more.csv", more))
    assert parts(tmp_path / "plain") == parts(tmp_path / "more")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,2,x,4", "row 3: input 'c' must be a number, not text"),
        ("1,2,1_000,4", "row 3: input 'c' must be a number, not text"),
        ("1,2,,4", "row 3: input 'c' is missing"),
        ("1,2,NaN,4", "row 3: input 'c' is missing"),
        ("1,2,inf,4", "row 3: input 'c' is infinite"),
        ("1,2,1e999,4", "row 3: input 'c' is infinite"),
        ("1,2,3", "row 3: has 3 values; there are 4 columns"),
        ("1,2,3,4,5", "row 3: has 5 values; there are 4 columns"),
    ],
)
def test_a_row_that_the_model_does_not_take_is_named(bench: Bench, tmp_path: Path, row: str, said: str) -> None:
    path = put(tmp_path / "in.csv", NUMBERS + GOOD + "\n" + GOOD + row + "\n" + GOOD)
    with pytest.raises(QuarterdeckError, match=said) as caught:
        bench.score(tmp_path / "out", path)
    assert "in.csv" in caught.value.message
    assert parts(tmp_path / "out") == {}
    done = bench.score(tmp_path / "skip", path, on_error=OnError.SKIP)
    assert (done.rows, done.refused) == (4, 1)
    assert answers(tmp_path / "skip")["row"].tolist() == [1, 2, 4]
    bench.score(tmp_path / "null", path, on_error=OnError.NULL)
    found = answers(tmp_path / "null")
    assert found["predict"].isna().tolist() == [False, False, True, False]
    assert found["error"].isna().tolist() == [True, True, False, True]
    assert said.removeprefix("row 3: ") in found["error"][2]
    assert [each.row for each in done.examples] == [3]


def test_rows_of_another_width_are_counted_wherever_they_stand(bench: Bench, tmp_path: Path) -> None:
    rows = ["1,2\n" if place % 7 in (0, 6) else GOOD for place in range(70)]
    path = put(tmp_path / "in.csv", NUMBERS + "".join(rows))
    bench.score(tmp_path / "skip", path, on_error=OnError.SKIP)
    assert answers(tmp_path / "skip")["row"].tolist() == [place + 1 for place in range(70) if place % 7 not in (0, 6)]
    bench.score(tmp_path / "null", path, on_error=OnError.NULL)
    assert answers(tmp_path / "null")["error"].isna().tolist() == [place % 7 not in (0, 6) for place in range(70)]


def test_many_bad_rows_far_into_a_file_are_each_found(bench: Bench, tmp_path: Path) -> None:
    table = frame(60_000)
    text = table[list("abcd")].astype(object)
    bad = list(range(5, 60_000, 997))
    text.loc[bad, "b"] = "oops"
    text.loc[[each + 1 for each in bad], "c"] = ""
    bench.score(tmp_path / "out", write(tmp_path / "in.csv", text), on_error=OnError.SKIP)
    dropped = {*bad, *(each + 1 for each in bad)}
    assert answers(tmp_path / "out")["row"].tolist() == [each + 1 for each in range(60_000) if each not in dropped]
    kept = [each for each in range(60_000) if each not in dropped]
    assert answers(tmp_path / "out")["predict"].tolist() == bench.churn.predict(table[list("abcd")])[kept].tolist()


def test_every_row_may_be_bad(bench: Bench, tmp_path: Path) -> None:
    path = put(tmp_path / "in.csv", NUMBERS + "1,2,3,x\n" * 500)
    assert bench.score(tmp_path / "skip", path, on_error=OnError.SKIP).refused == 500
    assert len(answers(tmp_path / "skip")) == 0
    bench.score(tmp_path / "null", path, on_error=OnError.NULL)
    assert answers(tmp_path / "null")["predict"].isna().all()
    assert len(manifest(tmp_path / "null")["parts"][0]["written"]["examples"]) == 20


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_a_category_that_the_model_does_not_know_is_the_row_s_fault(bench: Bench, tmp_path: Path, name: str) -> None:
    table = pd.DataFrame({"colour": ["red", "mauve", "blue"], "size": [1.0, 2.0, 3.0]})
    path = write(tmp_path / name, table)
    with pytest.raises((RowRefused, InvalidInput), match=r"row 2: .*colour"):
        bench.score(tmp_path / "out", path, reference="mixed/1")
    bench.score(tmp_path / "skip", path, reference="mixed/1", on_error=OnError.SKIP)
    assert answers(tmp_path / "skip")["row"].tolist() == [1, 3]


def test_what_is_not_utf_8_is_the_row_s_fault(bench: Bench, tmp_path: Path) -> None:
    path = put(tmp_path / "in.csv", b"colour,size,id\nred,1,x\nbl\xffue,2,y\nblue,3,\xfe\n")
    with pytest.raises(InvalidInput, match="row 2: input 'colour' is not UTF-8"):
        bench.score(tmp_path / "out", path, reference="mixed/1", columns=("id",))
    bench.score(tmp_path / "skip", path, reference="mixed/1", columns=("id",), on_error=OnError.SKIP)
    found = answers(tmp_path / "skip")
    assert (found["row"].tolist(), found["id"].tolist()) == ([1, 3], ["x", "\ufffd"])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (pa.string(), "holds string; the model takes numbers"),
        (pa.timestamp("s"), "the model takes numbers"),
        (pa.list_(pa.int8()), "list"),
    ],
)
def test_a_column_of_another_type_is_refused_before_anything_is_scored(
    bench: Bench, tmp_path: Path, kind: Any, said: str
) -> None:
    columns = {name: pa.nulls(3, kind if name == "c" else pa.float64()) for name in "abcd"}
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    with pytest.raises(InvalidInput, match=said):
        bench.score(tmp_path / "out", tmp_path / "in.parquet")


def test_numbers_where_text_belongs_are_refused(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path / "in.parquet", pd.DataFrame({"colour": [1, 2], "size": [1.0, 2.0]}))
    with pytest.raises(InvalidInput, match="holds int64; the model takes text"):
        bench.score(tmp_path / "out", path, reference="mixed/1")


def test_nulls_of_parquet_are_missing_values(bench: Bench, tmp_path: Path) -> None:
    table = pa.table({"colour": pa.array(["red", None, "blue"]), "size": pa.array([1.0, 2.0, None])})
    pq.write_table(table, tmp_path / "in.parquet")
    bench.score(tmp_path / "out", tmp_path / "in.parquet", reference="mixed/1", on_error=OnError.NULL)
    assert answers(tmp_path / "out")["error"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize("name", ["in.parquet", "in.csv.gz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_short_is_an_error(bench: Bench, tmp_path: Path, name: str, share: float) -> None:
    path = write(tmp_path / name, frame(20_000))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InvalidInput, match=r"cannot be read|no whole gzip|has no header"):
        bench.score(tmp_path / "out", path)
    assert parts(tmp_path / "out") == {}


def test_what_is_no_parquet_inside_is_an_error(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path / "in.parquet", frame(20_000))
    data = bytearray(path.read_bytes())
    data[1000:200_000] = bytes(199_000)
    path.write_bytes(data)
    with pytest.raises(QuarterdeckError):
        bench.score(tmp_path / "out", path)
    assert parts(tmp_path / "out") == {}


def test_gzip_files_of_several_members_are_whole(bench: Bench, tmp_path: Path) -> None:
    members = gzip.compress((NUMBERS + GOOD).encode()) + gzip.compress(GOOD.encode() * 9)
    assert bench.score(tmp_path / "out", put(tmp_path / "in.csv.gz", members)).rows == 10


def test_quoted_line_ends_and_byte_order_marks_are_fine(bench: Bench, tmp_path: Path) -> None:
    text = '\ufeffid,a,b,c,d\r\n"x\r\ny",1,2,3,4\r\n"say ""hi"", z",1,2,3,4\r\n'
    bench.score(tmp_path / "out", put(tmp_path / "in.csv", text), columns=("id",))
    assert answers(tmp_path / "out")["id"].tolist() == ["x\r\ny", 'say "hi", z']
