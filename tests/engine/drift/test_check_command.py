"""`qd drift check`, `profile` and `report` as they are run; no workspace is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from tests.engine.drift.tables import honest, write

HEAVY = ("sklearn", "pandas", "scipy", "skops", "joblib", "dask", "textual", "rich", "sqlite3")
PROBE = f"""
import json, sys
from engine.cli import main
code = main(sys.argv[1:])
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(autouse=True)
def _no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "nothing"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A reference, and current data whose income has moved by a standard deviation."""
    return (
        write(tmp_path / "reference.csv", honest(2_000)),
        write(tmp_path / "current.csv", honest(500, 1, shift=1)),
    )


class Answer:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def drifted(self) -> list[str]:
        return [each["name"] for each in self.json["features"] if each["drift"]]


@pytest.fixture
def qd(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: object) -> Answer:
        capsys.readouterr()
        code = main(["drift", *map(str, words)])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


def test_a_process_of_its_own_loads_nothing_heavy_and_answers_in_json(files: tuple[Path, Path]) -> None:
    command = [sys.executable, "-c", PROBE, "drift", "check", *map(str, files), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1]) == []
    told = json.loads(done.stdout)
    assert (told["schema_version"], told["drift"]) == (1, True)
    assert {each["name"]: each["drift"] for each in told["features"]} == {
        "income": True,
        "age": False,
        "region": False,
        "tenure": False,
    }
    assert told["counts"] == {"drift": 1, "stable": 3, "not enough data": 0, "left out": 0}


def test_people_read_the_answer_first_and_then_what_changed(qd: Any, files: tuple[Path, Path]) -> None:
    answer = qd("check", *files)
    lines = answer.out.splitlines()
    assert lines[0] == "1 of 4 features drifted: income."
    assert lines[3].split()[:2] == ["income", "drift"]
    assert any(line.startswith("  income: The mean rises from 4") for line in lines)
    assert max(map(len, lines)) <= 80
    assert "Margin test" in answer.err


@pytest.mark.parametrize("ending", [".csv.gz", ".parquet"])
def test_formats_agree(qd: Any, files: tuple[Path, Path], tmp_path: Path, ending: str) -> None:
    other = write(tmp_path / f"other{ending}", honest(500, 1, shift=1))
    assert qd("check", files[0], other, "--json").drifted == ["income"]


def test_folders_and_globs_are_one_table(qd: Any, files: tuple[Path, Path], tmp_path: Path) -> None:
    for part in range(4):
        write(tmp_path / "parts" / f"{part}.csv", {k: v[part::4] for k, v in honest(500, 1, shift=1).items()})
    whole, folder, matched = (
        qd("check", files[0], source, "--json").json
        for source in (files[1], tmp_path / "parts", tmp_path / "parts" / "*.csv")
    )
    assert folder["features"] == matched["features"] == whole["features"]


@pytest.mark.parametrize("backend", ["serial", "threads"])
def test_backends_answer_alike(qd: Any, files: tuple[Path, Path], backend: str) -> None:
    assert qd("check", *files, "--json", "--backend", backend).json == qd("check", *files, "--json").json


def test_drift_fails_the_command_only_where_that_is_asked_for(qd: Any, files: tuple[Path, Path]) -> None:
    assert qd("check", *files).code == 0
    assert qd("check", *files, "--fail-on-drift").code == 1
    assert qd("check", files[0], files[0], "--fail-on-drift").code == 0


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ((), "margin"),
        (("--method", "psi>0.2"), "psi>0.2"),
        (("--method", "ks"), "ks"),
        (("--method", "ks>0.1"), "ks>0.1"),
        (("--method", "js>0.1", "--method", "income=wasserstein"), "wasserstein>0.1"),
        (("--method", "ad", "--exact"), "ad"),
        (("--method", "cvm", "--exact"), "cvm"),
        (("--exact",), "margin"),
        (("--columns", "income"), "margin"),
    ],
)
def test_methods_are_named_and_find_it(
    qd: Any, files: tuple[Path, Path], options: tuple[str, ...], method: str
) -> None:
    answer = qd("check", *files, "--json", *options)
    assert answer.drifted == ["income"]
    assert answer.json["features"][0]["method"] == method


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "REF"), "Name two things: REF and CUR"),
        (("check", "REF", "no.csv"), "No CSV, gzip CSV or Parquet file is at no.csv"),
        (("check", "REF", "CUR", "--method", "psy"), "There is no method 'psy'. Did you mean psi?"),
        (("check", "REF", "CUR", "--method", "psi>x"), "must be a number at least 0"),
        (("check", "REF", "CUR", "--method", "margin>1"), "has no fixed threshold"),
        (("check", "REF", "CUR", "--method", "ad"), "needs the values themselves"),
        (("check", "REF", "CUR", "--columns", "incom"), "Neither side has a column incom. Did you mean income?"),
        (("check", "REF", "CUR", "--segments", "regio"), "The reference has no column regio. Did you mean region?"),
        (("check", "REF", "CUR", "--importance", "income"), "An importance is a number"),
        (("check", "REF", "CUR", "--delta", "2"), "is not in the range"),
        (("check", "broken.parquet", "CUR"), "broken.parquet"),
        (("check", "REF", "cut.parquet"), "cut.parquet"),
        (("check", "empty.csv", "CUR"), "empty.csv"),
        (("check", "none.qdp", "CUR"), "cannot be read"),
        (("check", "broken.qdp", "CUR"), "no baseline"),
        (("profile", "no.csv"), "No CSV"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(
    qd: Any, files: tuple[Path, Path], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing")
    whole = write(tmp_path / "whole.parquet", honest(500)).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "broken.qdp").write_bytes(b"nothing")
    places = {"REF": str(files[0]), "CUR": str(files[1])}
    answer = qd(*(places.get(word, word) for word in words))
    assert (answer.out, answer.code in (1, 2)) == ("", True)
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err.splitlines()) == 1


def test_segments_show_where_it_happens(qd: Any, tmp_path: Path) -> None:
    current = honest(3_000, 1)
    current["income"] = current["income"] + 20 * (current["region"] == "south")
    reference, source = write(tmp_path / "r.csv", honest(6_000)), write(tmp_path / "c.csv", current)
    found = qd("check", reference, source, "--segments", "region", "--json").json["segments"]
    assert [(each["value"], each["drifted"]) for each in found] == [("south", ["income"]), ("east", []), ("north", [])]


def test_all_columns_at_once_are_told_apart_by_what_no_column_shows_alone(qd: Any, tmp_path: Path) -> None:
    reference, current = honest(3_000), honest(3_000, 1)
    reference["twice"] = reference["income"] * 2 + reference["tenure"]
    current["twice"] = honest(3_000, 2)["income"] * 2 + current["tenure"]
    words = write(tmp_path / "r.csv", reference), write(tmp_path / "c.csv", current)
    told = qd("check", *words, "--classifier", "--pca", "--json").json
    assert [each["name"] for each in told["features"] if each["drift"]] == []
    assert [(each["method"], each["decision"]) for each in told["dataset"]] == [
        ("domain classifier", "drift"),
        ("pca reconstruction", "drift"),
    ]
    assert {each["name"] for each in told["dataset"][0]["telling"][:2]} == {"income", "twice"}
    same = qd("check", words[0], words[0], "--classifier", "--pca", "--json").json
    assert [each["decision"] for each in same["dataset"]] == ["stable", "stable"]


def test_answers_and_labels_are_features_of_their_own_kind(qd: Any, files: tuple[Path, Path]) -> None:
    answer = qd("check", *files, "--prediction", "income", "--label", "age", "--json").json
    assert {each["name"]: each["role"] for each in answer["features"]} == {
        "income": "prediction",
        "age": "label",
        "region": "feature",
        "tenure": "feature",
    }


def test_what_matters_to_the_model_comes_first(qd: Any, tmp_path: Path) -> None:
    current = honest(2_000, 1, shift=1)
    current["tenure"] = current["tenure"] * 1.5
    words = write(tmp_path / "r.csv", honest(4_000)), write(tmp_path / "c.csv", current)
    assert qd("check", *words, "--json").drifted == ["income", "tenure"]
    weighed = qd("check", *words, "--json", "--importance", "tenure=0.95", "--importance", "income=0.05")
    assert weighed.drifted == ["tenure", "income"]


def test_a_kept_profile_stands_for_its_rows(qd: Any, files: tuple[Path, Path], tmp_path: Path) -> None:
    kept = tmp_path / "reference.qdp"
    told = qd("profile", files[0], "--out", kept, "--json").json
    assert (told["rows"], [each["name"] for each in told["features"]]) == (2_000, ["income", "age", "region", "tenure"])
    assert told["features"][1]["minimum"] == 18
    assert kept.stat().st_size < 100_000
    by_rows, by_counts = (qd("check", source, files[1], "--json").json["features"] for source in (files[0], kept))
    assert by_counts == by_rows
    refused = qd("check", kept, files[1], "--exact")
    assert (refused.code, "needs the rows of the reference" in refused.err) == (2, True)


def test_rows_that_cannot_be_read_are_counted(qd: Any, files: tuple[Path, Path]) -> None:
    with files[1].open("a") as file:
        file.write("1,2\n1,2,3,4,5,6\n")
    for more in ((), ("--exact",)):
        answer = qd("check", *files, "--json", *more)
        assert answer.json["problems"] == ["2 rows of the current data could not be read: left out."]
        assert answer.drifted == ["income"]


def test_csv_is_a_row_a_feature(qd: Any, files: tuple[Path, Path]) -> None:
    lines = qd("check", *files, "--csv").out.splitlines()
    assert lines[0].startswith("name,drift,decision,kind")
    assert lines[1].startswith("income,yes,drift,number")
    assert len(lines) == 5
