"""`qd import` and `qd export`: the table, the words beside it, and the exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.cli.driver import Qd, run_process, terminal
from tests.engine.exchange.mlflow_files import RUN, MlflowFile, everything


def test_an_import_shows_both_sides_and_says_what_it_stored(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    source = everything(tmp_path / "s" / "mlflow.db").path
    first = qd("import", "mlflow", source)
    assert "NO" not in first.out
    assert "metrics" in first.out
    assert "Stored 3 experiments" not in first.out
    assert "Stored 2 experiments, 3 runs, 5 metrics" in first.err
    again = qd("import", "mlflow", f"sqlite:///{source}")
    assert "Nothing was new: everything is here already." in again.err
    assert qd("runs", "show", RUN, "--json").json["name"] == "first"


def test_differences_are_named_and_end_with_1(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    source = everything(tmp_path / "s" / "mlflow.db").path
    qd("import", "mlflow", source)
    qd("runs", "tag", RUN, "mine=1")
    told = qd("import", "mlflow", source, code=1)
    assert f"different: tags of {RUN}: 3 there, 4 here" in told.err
    assert "NO" in told.out


def test_what_is_left_out_for_one_reason_is_one_line(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    source = MlflowFile(tmp_path / "s" / "mlflow.db")
    source.experiment()
    for number in range(3):
        source.run(f"{number:032x}", artifact_uri="s3://bucket/x", params={"\x1b[31mred": "x" * 9_000})
    told = qd("import", "mlflow", source.path)
    assert told.err.count("left out: artifacts 3, such as") == 1
    assert told.err.count("left out: param 3, such as") == 1
    assert "\x1b" not in told.err
    report = qd("import", "mlflow", source.path, "--json").json
    assert report["skipped_counts"] == {"artifacts": 3, "param": 3}
    assert len(report["skipped"]) == 6


@pytest.mark.parametrize("source", ["missing.db", "text.db", "http://127.0.0.1:1", "."])
def test_a_source_that_is_none_is_refused_in_one_line(workspace: Path, tmp_path: Path, source: str) -> None:
    (tmp_path / "text.db").write_text("hello", encoding="utf-8")
    place = source if source.startswith("http") else str(tmp_path / source)
    answer = run_process("import", "mlflow", place)
    assert answer.code in (1, 2, 3)
    assert answer.out == ""
    assert len(answer.err.strip().splitlines()) == 1
    assert "internal error" not in answer.err


def test_nothing_is_imported_read_only(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    source = everything(tmp_path / "s" / "mlflow.db").path
    qd("--readonly", "import", "mlflow", source, code=4)
    assert qd("runs", "count", "--json").json == {"count": 0}


def test_an_export_is_made_once(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    qd("import", "mlflow", everything(tmp_path / "s" / "mlflow.db").path)
    made = qd("export", "mlflow", tmp_path / "out")
    assert f"sqlite:///{tmp_path}/out/mlflow.db" in made.err
    qd("export", "mlflow", tmp_path / "out", code=1)


def test_progress_is_shown_on_a_terminal(workspace: Path, tmp_path: Path) -> None:
    source = everything(tmp_path / "s" / "mlflow.db").path
    with terminal("--workspace", workspace, "import", "mlflow", source) as session:
        session.until_text("Stored")
