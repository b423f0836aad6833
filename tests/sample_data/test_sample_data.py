from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import pytest

from sample_data import make

FOLDER = Path(make.__file__).parent

SHAPES = {
    "car_loan_reference.csv.gz": (5000, 12),
    "car_loan_analysis.csv.gz": (5000, 11),
    "car_loan_analysis_target.csv.gz": (5000, 2),
    "seattle-weather.csv": (1461, 6),
}


def read(name: str) -> tuple[list[str], list[list[str]]]:
    raw = (FOLDER / name).read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


@pytest.mark.parametrize("name", SHAPES)
def test_rows_and_columns_are_as_the_readme_says(name: str) -> None:
    header, rows = read(name)
    assert (len(rows), len(header)) == SHAPES[name]
    assert {len(row) for row in rows} == {len(header)}
    assert all(cell for row in rows for cell in row)


@pytest.mark.parametrize("name", SHAPES)
def test_every_column_and_file_is_documented(name: str) -> None:
    readme = (FOLDER / "README.md").read_text()
    notice = (FOLDER / "NOTICE").read_text()
    header, _ = read(name)
    assert name in readme
    assert name in notice
    assert [column for column in header if f"`{column}`" not in readme] == []


def test_labels_join_the_analysis_rows_one_to_one() -> None:
    analysis = [row[0] for row in read("car_loan_analysis.csv.gz")[1]]
    labels = [row[0] for row in read("car_loan_analysis_target.csv.gz")[1]]
    assert labels == analysis
    assert len(set(labels)) == len(labels)


def test_weather_has_every_day_once_in_order() -> None:
    days = [row[0] for row in read("seattle-weather.csv")[1]]
    assert days == sorted(set(days))


def test_car_loan_stays_small_and_its_bytes_name_no_time_or_file() -> None:
    packed = [(FOLDER / name).read_bytes() for name in SHAPES if name.endswith(".gz")]
    assert sum(map(len, packed)) < 400_000
    for raw in packed:
        flags, mtime = raw[3], raw[4:8]
        assert (flags, mtime) == (0, bytes(4))


@pytest.mark.parametrize(("every", "kept"), [(1, b"h\n0\n1\n2\n3\n4\n"), (2, b"h\n0\n2\n4\n"), (10, b"h\n0\n")])
def test_thinning_keeps_the_header_and_one_row_in_n(every: int, kept: bytes) -> None:
    assert make.thin(b"h\n0\n1\n2\n3\n4\n", every) == kept


@pytest.fixture
def foreign_wheel(tmp_path: Path) -> Path:
    path = tmp_path / "nannyml-0.13.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("anything", b"")
    return path


def test_a_wheel_with_other_bytes_is_refused(foreign_wheel: Path) -> None:
    with pytest.raises(SystemExit, match="download the named version again"):
        make.opened(foreign_wheel, make.NANNYML_SHA256)
