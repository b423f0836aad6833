"""`qd predict` as it is run: what it loads, says and leaves behind."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

from engine.scoring.model import Format, State
from tests.engine.scoring.bench import Bench, files, frame, parts, write

PROBE = """
import json, sys
from engine.cli import main
try:
    code = main(sys.argv[1:])
finally:
    heavy = ("sklearn", "pandas", "scipy", "skops", "joblib", "dask", "textual", "rich", "onnx", "skl2onnx")
    print(json.dumps([name for name in heavy if name in sys.modules]), file=sys.stderr)
sys.exit(code)
"""


def qd(bench: Bench, *words: object, most_bytes: int = 0) -> subprocess.CompletedProcess[str]:
    def limited() -> None:
        if most_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    command = [sys.executable, "-c", PROBE, "--workspace", str(bench.path), "predict", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, preexec_fn=limited)


def test_a_version_with_a_compiled_twin_is_scored_without_the_libraries_it_was_made_with(
    bench: Bench, tmp_path: Path
) -> None:
    inputs = files(tmp_path / "in", 2)
    write(inputs / "more.parquet", frame(50))
    done = qd(bench, "churn/1", inputs, "--out", tmp_path / "out", "--columns", "id", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1]) == []
    told = json.loads(done.stdout)
    assert (told["state"], told["rows"], told["parts"], told["runtime"]) == ("finished", 450, 3, "onnx-twin")
    assert "churn/1 answered 450 rows in 3 parts" in done.stderr


def test_refused_rows_are_told_and_the_exit_code_says_whether_all_went_well(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a,b,c,d\n1,2,3,4\n1,2,oops,4\n")
    failed = qd(bench, "churn/1", path, "--out", tmp_path / "out")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "in.csv, row 2: input 'c' must be a number, not text. Mend it" in failed.stderr
    kept = qd(bench, "churn/1", path, "--out", tmp_path / "out", "--on-error", "null", "--restart", "--format", "csv")
    assert kept.returncode == 0, kept.stderr
    assert "1 row refused" in kept.stderr
    written = (tmp_path / "out" / "part-00001.csv").read_text().splitlines()
    assert written[0] == '"predict","predict_proba_0","predict_proba_1","error"'
    assert written[2].startswith(",,,")


def test_what_was_scored_is_listed_and_shown(bench: Bench, tmp_path: Path) -> None:
    done = bench.score(tmp_path / "out", write(tmp_path / "in.csv", frame(10)))
    listed = json.loads(qd(bench, "list", "--of", "churn/1", "--limit", "1", "--json").stdout)
    assert [each["id"] for each in listed["items"]] == [done.id]
    shown = json.loads(qd(bench, "show", done.id, "--json").stdout)
    assert shown == listed["items"][0]
    assert (shown["output"], shown["inputs"][0]["kind"]) == (str(tmp_path / "out"), "csv")
    assert qd(bench, "show", 10**6).returncode == 1


def test_a_disk_that_takes_no_more_is_said_and_the_run_goes_on_later(bench: Bench, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", frame(60_000))
    words = ("churn/1", tmp_path / "in.csv", "--out", tmp_path / "out", "--format", "csv")
    full = qd(bench, *words, most_bytes=2_000_000)
    assert full.returncode == 1
    assert "cannot be written" in full.stderr
    assert "Traceback" not in full.stderr
    assert parts(tmp_path / "out") == {}
    bench.score(tmp_path / "whole", tmp_path / "in.csv", format=Format.CSV)
    done = qd(bench, *words, "--resume")
    assert done.returncode == 0, done.stderr
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")
    assert bench.engine.scoring.page(limit=1).items[0].state is State.FINISHED


def test_a_model_file_that_was_swapped_scores_nothing(bench: Bench, tmp_path: Path) -> None:
    version = bench.register(bench.churn)
    build = bench.engine.builds.build("churn", version)
    file = bench.engine.builds.path(build)
    kept = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(kept[:-1] + b"x")
    try:
        done = qd(bench, f"churn/{version}", write(tmp_path / "in.csv", frame(10)), "--out", tmp_path / "out")
    finally:
        file.write_bytes(kept)
    assert done.returncode == 1
    assert "have changed" in done.stderr
    assert parts(tmp_path / "out") == {}


def test_options_that_exclude_each_other_are_refused(bench: Bench, tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", frame(10))
    assert qd(bench, "churn/1", path, "--out", tmp_path / "out", "--resume", "--restart").returncode == 2
    assert qd(bench, "churn/1", path, "--out", tmp_path / "out", "--scheduler", "tcp://x:1").returncode == 2
    assert qd(bench, "nothing/1", path, "--out", tmp_path / "out").returncode == 1
    assert qd(bench, "--help").returncode == 0
    assert not (tmp_path / "out").exists()
