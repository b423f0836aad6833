"""`qd runs`: listing, reading and changing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd, run_process


def _names(qd: Qd, *words: str) -> list[str]:
    return [run["name"] for run in qd("runs", "list", "--json", *words).json["items"]]


def test_runs_are_listed_newest_first_with_everything_they_logged(qd: Qd, sample: Sample) -> None:
    page = qd("runs", "list", "--json").json
    assert page["next_page_token"] is None
    assert [run["run_id"] for run in page["items"]] == list(reversed(sample.runs))
    newest = page["items"][0]
    assert newest["metrics"] == {"auc": 0.91, "loss": 1 / 200}
    assert newest["params"] == {"depth": "4", "model": "tree"}
    assert newest["duration_ms"] == newest["end_ms"] - newest["start_ms"]
    assert "row_id" not in newest


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--filter", "metrics.auc > 0.85 and params.model = 'tree'"], ["tree-2", "tree-1"]),
        (["--find", "auc>0.85 -tree-2"], ["tree-1"]),
        (["--find", "cfg.model:re metrics.auc=..0.85", "--filter", "params.depth != '9'"], ["tree-0"]),
        (["--order-by", "metrics.auc asc"], ["tree-0", "tree-1", "tree-2"]),
        (["--order-by", "params.model", "--order-by", "metrics.auc desc"], ["tree-2", "tree-1", "tree-0"]),
        (["--limit", "1"], ["tree-2"]),
        (["--experiment", "churn", "--limit", "2"], ["tree-2", "tree-1"]),
        (["--deleted"], []),
    ],
)
def test_lists_are_filtered_ordered_and_cut(qd: Qd, sample: Sample, words: list[str], names: list[str]) -> None:
    assert _names(qd, *words) == names


def test_a_query_counts_what_it_lists_and_names_the_nearest_key(qd: Qd, sample: Sample) -> None:
    assert qd("runs", "count", "--find", "-name:tree-2", "--json").json == {"count": 2}
    wrong = qd("runs", "list", "--find", "modle:tree", code=2)
    assert "Did you mean model?" in wrong.err


def test_numbers_of_columns_are_added_up(qd: Qd, sample: Sample) -> None:
    found = qd(
        "runs", "aggregate", "metrics.auc", "params.depth", "metrics.never", "--find", "-name:tree-2", "--json"
    ).json
    assert found["things"] == 2
    auc, depth, never = found["columns"]
    assert (auc["column"], auc["count"], auc["missing"]) == ("metrics.auc", 2, 0)
    assert auc["least"] <= auc["mean"] <= auc["greatest"] < 0.91
    assert depth["count"] == 2
    assert (never["count"], never["missing"], never["mean"]) == (0, 2, None)
    assert qd("runs", "aggregate", "duration", "--csv").rows[1][0] == "duration"
    assert "has no numbers" in qd("runs", "aggregate", "status", code=2).err


def test_a_list_continues_where_the_page_ended(qd: Qd, sample: Sample) -> None:
    first = qd("runs", "list", "--limit", "2", "--order-by", "metrics.auc desc", "--json").json
    token = first["next_page_token"]
    rest = qd("runs", "list", "--order-by", "metrics.auc desc", "--page-token", token, "--json").json
    assert [run["name"] for run in rest["items"]] == ["tree-0"]
    assert rest["next_page_token"] is None


def test_csv_has_every_metric_and_parameter_exactly(qd: Qd, sample: Sample) -> None:
    rows = qd("runs", "list", "--csv").rows
    head, newest = rows[0], dict(zip(rows[0], rows[1], strict=True))
    assert head[0] == "run_id"
    assert newest["run_id"] == sample.runs[2]
    assert float(newest["metrics.loss"]) == 1 / 200
    assert newest["params.depth"] == "4"


def test_columns_are_of_choice(qd: Qd, sample: Sample) -> None:
    rows = qd("runs", "list", "--csv", "--columns", "params.depth,auc,nothing").rows
    assert rows[0][-3:] == ["params.depth", "metrics.auc", "metrics.nothing"]
    assert rows[1][-3:] == ["4", "0.91", ""]
    assert qd("runs", "list", "--columns", "depth").out.splitlines()[1].split()[-1] == "4"


def test_nothing_found_is_an_empty_answer_and_no_failure(qd: Qd, sample: Sample) -> None:
    assert qd("runs", "list", "--filter", "metrics.auc > 2", "--json").json == {"items": [], "next_page_token": None}
    assert len(qd("runs", "list", "--filter", "metrics.auc > 2").out.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["runs", "list", "--filter", "metrics.auc >"], 2, "olumn 14"),
        (["runs", "list", "--experiment", "chrun"], 1, "Did you mean churn?"),
        (["runs", "list", "--page-token", "zzzz"], 2, "page token"),
        (["runs", "list", "--limit", "0"], 2, "limit"),
        (["runs", "show", "tree-2"], 1, "A run of that name has the id"),
        (["runs", "show", "ffffffff"], 1, "no run"),
        (["runs", "metrics", "ffffffff", "loss"], 1, "no run"),
        (["runs", "restore", "ffffffff"], 1, "no run"),
    ],
)
def test_mistakes_are_told(qd: Qd, sample: Sample, words: list[str], code: int, said: str) -> None:
    answer = qd(*words, code=code)
    assert said in answer.err
    assert answer.out == ""


def test_a_run_is_shown_by_the_beginning_of_its_id(qd: Qd, sample: Sample) -> None:
    shown = qd("runs", "show", sample.runs[0][:8], "--json").json
    assert shown["run_id"] == sample.runs[0]
    assert shown["inputs"][0] == {
        "name": "car_loan",
        "digest": "d1",
        "schema": "",
        "rows": 10,
        "context": "training",
        "source_type": "",
        "source": "",
        "profile": "",
        "tags": {},
    }
    assert [file["path"] for file in shown["artifacts"]] == ["model/weights.bin", "report.csv"]
    assert shown["environment"]["python"].startswith("3.")


def test_people_see_blocks_of_aligned_fields(qd: Qd, sample: Sample) -> None:
    lines = qd("runs", "show", sample.runs[0]).out.splitlines()
    assert lines[0].split() == ["run", "id", sample.runs[0]]
    assert "  auc   0.81" in lines
    assert any(line.startswith("start ") and line.endswith("ago)") for line in lines)
    assert any("model/weights.bin" in line and "9 B" in line for line in lines)


def test_the_history_keeps_the_peaks_however_few_stretches_there_are(qd: Qd, sample: Sample) -> None:
    found = qd("runs", "metrics", sample.runs[0], "loss", "--points", "4", "--json").json
    assert (found["key"], found["total"], found["exact"]) == ("loss", 200, False)
    assert max(point["high"] for point in found["points"]) == 1.0
    assert min(point["low"] for point in found["points"]) == 1 / 200
    assert sum(point["count"] for point in found["points"]) == 200
    assert len(qd("runs", "metrics", sample.runs[0], "loss", "--points", "4").out.splitlines()) == 5


def test_a_part_of_the_history(qd: Qd, sample: Sample) -> None:
    rows = qd("runs", "metrics", sample.runs[0], "loss", "--start", "3", "--end", "5", "--csv").rows
    assert [row[0] for row in rows] == ["x", "3", "4", "5"]


def test_a_smoothed_value_does_not_depend_on_what_is_shown(qd: Qd, sample: Sample) -> None:
    def smoothed(*options: str) -> dict[float, float]:
        found = qd("runs", "metrics", sample.runs[0], "loss", "--smoothing", "0.9", *options, "--json").json
        return {point["x"]: point["smoothed"] for point in found["points"]}

    whole = smoothed("--points", "1000")
    assert len(whole) == 200
    for options in (("--points", "4"), ("--start", "40", "--end", "60"), ("--start", "150", "--points", "7")):
        part = smoothed(*options)
        assert part == {x: pytest.approx(whole[x]) for x in part}
    assert list(smoothed("--start", "1e9")) == []


def test_raw_points_come_in_pages(qd: Qd, sample: Sample) -> None:
    first = qd("runs", "metrics", sample.runs[0], "loss", "--raw", "--limit", "150", "--json").json
    rest = qd(
        "runs", "metrics", sample.runs[0], "loss", "--raw", "--page-token", first["next_page_token"], "--json"
    ).json
    points = [*first["items"], *rest["items"]]
    assert [point["step"] for point in points] == list(range(200))
    assert points[3] == {"key": "loss", "step": 3, "time_ms": 1_760_000_000_003, "value": 0.25}


def test_without_a_key_the_latest_values_are_shown(qd: Qd, sample: Sample) -> None:
    assert qd("runs", "metrics", sample.runs[0], "--json").json == {"metrics": {"auc": 0.81, "loss": 0.005}}
    assert qd("runs", "metrics", sample.runs[0]).out.splitlines()[1].split() == ["auc", "0.81"]


def test_runs_are_compared_with_what_differs_first(qd: Qd, sample: Sample) -> None:
    found = qd("runs", "compare", *sample.runs[:2], "--baseline", sample.runs[1], "--json").json
    assert found["baseline"] == 1
    assert [row["key"] for row in found["params"]] == ["depth", "model"]
    auc = found["metrics"][0]
    assert (auc["key"], auc["differs"], auc["deltas"][1]) == ("auc", True, 0.0)
    assert auc["deltas"][0] == pytest.approx(-0.05)
    lines = qd("runs", "compare", *sample.runs[:2]).out.splitlines()
    assert any("auc" in line and "0.86 (+0.05)" in line and "*" in line for line in lines)


def test_a_comparison_in_csv_has_values_and_deltas_by_run(qd: Qd, sample: Sample) -> None:
    first, second = sample.runs[:2]
    rows = qd("runs", "compare", first, second, "--csv").rows
    assert rows[0] == ["kind", "key", "differs", first, f"{first}.delta", second, f"{second}.delta"]
    auc = next(row for row in rows if row[1] == "auc")
    assert float(auc[6]) == pytest.approx(0.05)


def test_tagging_noting_and_renaming(qd: Qd, sample: Sample) -> None:
    run = sample.runs[0]
    assert qd("runs", "tag", run, "a=1", "b=2", "--json").json["tags"] == {"a": "1", "b": "2"}
    assert qd("runs", "tag", run, "--remove", "a", "--json").json["tags"] == {"b": "2"}
    assert qd("runs", "note", run, "looks\ngood", "--json").json["note"] == "looks\ngood"
    assert "      good" in qd("runs", "show", run).out
    assert qd("runs", "rename", run, "best", "--json").json["name"] == "best"


def test_deleted_runs_leave_the_list_and_come_back(qd: Qd, sample: Sample) -> None:
    first, second, _ = sample.runs
    answer = qd("runs", "delete", first, second, "--json")
    assert [run["lifecycle"] for run in answer.json["items"]] == ["deleted", "deleted"]
    assert f"qd runs restore {first} {second}" in answer.err
    assert _names(qd) == ["tree-2"]
    assert _names(qd, "--deleted") == ["tree-1", "tree-0"]
    assert len(_names(qd, "--all")) == 3
    assert qd("runs", "restore", first).code == 0
    assert _names(qd) == ["tree-2", "tree-0"]


def test_reaping_closes_nothing_that_is_not_lost(qd: Qd, sample: Sample) -> None:
    answer = qd("runs", "reap", "--older-than", "1h", "--json")
    assert answer.json == {"items": [], "next_page_token": None}
    assert "0 runs closed" in answer.err


def test_the_lineage_of_a_run(qd: Qd, sample: Sample) -> None:
    found = qd("runs", "lineage", sample.runs[0], "--json").json
    assert found["root"] == {"kind": "run", "key": sample.runs[0]}
    assert {edge["kind"] for edge in found["edges"]} >= {"read by", "registered as"}
    text = qd("runs", "lineage", sample.runs[0]).out
    assert "dataset car_loan d1" in text
    assert "version churn/1 (Registered)" in text


def test_curves_are_a_table_data_and_a_picture(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    run = sample.runs[2]
    table = qd("runs", "curves", run, "loss", "auc").out
    assert [line.split()[0] for line in table.splitlines()] == ["key", "loss", "auc"]
    rows = qd("runs", "curves", run, "loss", "--csv").rows
    assert rows[0] == ["series", "x", "y"]
    assert len(rows) > 100
    assert [each["key"] for each in qd("runs", "curves", run, "loss", "auc", "--json").json["series"]] == [
        "loss",
        "auc",
    ]
    picture = tmp_path / "loss.svg"
    qd("runs", "curves", run, "loss", "auc", "--svg", picture, "--log-y", "--x", "time")
    assert picture.read_text().count("<polyline") + picture.read_text().count("<circle") == 2
    again = qd("runs", "curves", run, "loss", "--svg", picture, code=1)
    assert "--force" in again.err
    assert picture.read_text().count("log y") == 1
    qd("runs", "curves", run, "loss", "--svg", picture, "--force")
    assert "log y" not in picture.read_text()


def test_artifacts_are_listed_level_by_level(qd: Qd, sample: Sample) -> None:
    top = qd("runs", "artifacts", "list", sample.runs[0], "--json").json
    assert [(item["path"], item["is_dir"]) for item in top["items"]] == [("model", True), ("report.csv", False)]
    assert qd("runs", "artifacts", "list", sample.runs[0], "model", "--csv").rows[1][:2] == ["model/weights.bin", "9"]


def test_an_artifact_is_written_to_the_named_file_and_nowhere_else(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    qd("runs", "artifacts", "get", sample.runs[0], "model/weights.bin", "--output", folder / "w.bin")
    assert (folder / "w.bin").read_bytes() == b"weights 0"
    assert list(folder.iterdir()) == [folder / "w.bin"]
    answer = qd("runs", "artifacts", "get", sample.runs[1], "model/weights.bin", "--output", folder / "w.bin", code=1)
    assert "--force" in answer.err
    assert (folder / "w.bin").read_bytes() == b"weights 0"
    qd("runs", "artifacts", "get", sample.runs[1], "model/weights.bin", "--output", folder / "w.bin", "--force")
    assert (folder / "w.bin").read_bytes() == b"weights 1"


@pytest.mark.parametrize(
    ("path", "output", "code"),
    [
        ("model", "w.bin", 2),
        ("../secret", "w.bin", 2),
        ("missing", "w.bin", 1),
        ("report.csv", ".", 2),
        ("report.csv", "no/such/folder/f", 2),
    ],
)
def test_what_cannot_be_fetched_leaves_no_file(
    qd: Qd, sample: Sample, tmp_path: Path, path: str, output: str, code: int
) -> None:
    before = sorted(tmp_path.iterdir())
    qd("runs", "artifacts", "get", sample.runs[0], path, "--output", tmp_path / output, code=code)
    assert sorted(tmp_path.iterdir()) == before


def test_changed_bytes_are_not_handed_out(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    for file in (sample.path / "artifacts" / "objects").rglob("*"):
        if file.is_file() and file.read_bytes() == b"weights 0":
            file.chmod(0o600)
            file.write_bytes(b"weights X")
    answer = qd("runs", "artifacts", "get", sample.runs[0], "model/weights.bin", "--output", tmp_path / "f", code=1)
    assert "qd db check" in answer.err
    assert not (tmp_path / "f").exists()


def test_an_artifact_may_go_through_a_pipe(sample: Sample) -> None:
    answer = run_process("runs", "artifacts", "get", sample.runs[0], "model/weights.bin", "--output", "-")
    assert (answer.code, answer.out) == (0, "weights 0")


def test_files_and_folders_are_kept_with_a_run(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "plots" / "deep").mkdir(parents=True)
    (tmp_path / "plots" / "roc.png").write_bytes(b"png")
    (tmp_path / "plots" / "deep" / "x.txt").write_bytes(b"x")
    put = qd("runs", "artifacts", "put", sample.runs[0], tmp_path / "plots", "--path", "figures", "--json").json
    assert [item["path"] for item in put["items"]] == ["figures/deep/x.txt", "figures/roc.png"]
    qd("runs", "artifacts", "put", sample.runs[0], tmp_path / "plots" / "roc.png")
    top = [item["path"] for item in qd("runs", "artifacts", "list", sample.runs[0], "--json").json["items"]]
    assert top == ["figures", "model", "report.csv", "roc.png"]


def test_runs_are_counted_without_being_listed(qd: Qd, sample: Sample) -> None:
    assert qd("runs", "count", "--filter", "metrics.auc > 0.85").out == "2\n"
    assert qd("runs", "count", "--experiment", "churn", "--json").json == {"count": 3}
