"""A run that ended early goes on: the same bytes as if it had not, and never over what is no longer the same."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from engine import api
from engine.compute.choosing import choose
from engine.core.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    IntegrityError,
    InvalidInput,
    PermissionDenied,
    QuarterdeckError,
    ReadOnlyMode,
    Stopped,
)
from engine.scoring.manifest import Folder
from engine.scoring.model import Begin, OnError, State
from tests.contract.disk_faults import BROKEN, FULL, DiskFaults
from tests.engine.scoring.bench import Bench, asked, files, frame, manifest, parts, write

FILES = 6
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files(tmp_path_factory.mktemp("inputs") / "in", FILES)


@pytest.fixture(scope="module")
def whole(bench: Bench, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The parts of a run that nothing disturbed."""
    output = tmp_path_factory.mktemp("whole") / "out"
    bench.score(output, folder)
    return parts(output)


def stopped(bench: Bench, output: Path, folder: Path, *, after: int) -> None:
    """A run that is stopped after so many parts."""
    done: list[int] = []
    with closing(choose("serial")) as executor, pytest.raises(Stopped):
        bench.engine.scoring.run(
            asked(output, folder),
            executor,
            progress=lambda standing: done.append(standing.parts_done),
            cancelled=lambda: bool(done) and done[-1] >= after,
        )


@pytest.mark.parametrize("after", range(FILES))
def test_a_stopped_run_goes_on_to_the_same_bytes(
    bench: Bench, tmp_path: Path, folder: Path, whole: dict[str, bytes], after: int
) -> None:
    output = tmp_path / "out"
    stopped(bench, output, folder, after=after)
    assert list(parts(output)) == list(whole)[:after]
    assert manifest(output)["state"] == State.INTERRUPTED
    assert bench.engine.scoring.page(limit=1).items[0].state is State.INTERRUPTED
    times = {name: (output / name).stat().st_mtime_ns for name in parts(output)}
    done = bench.score(output, folder, begin=Begin.RESUME)
    assert parts(output) == whole
    assert times == {name: (output / name).stat().st_mtime_ns for name in times}, "what was done is not done again"
    assert (done.state, done.rows, done.id) == (State.FINISHED, 200 * FILES, manifest(output)["scoring"])


def test_a_bad_row_keeps_what_was_done_before_it(bench: Bench, tmp_path: Path) -> None:
    inputs = files(tmp_path / "in", 3)
    good = (inputs / "in-002.csv").read_text()
    (inputs / "in-002.csv").write_text(good + "row,x,1,1,1\n")
    with pytest.raises(InvalidInput, match="row 201"):
        bench.score(tmp_path / "out", inputs)
    found = bench.engine.scoring.page(limit=1).items[0]
    assert (found.state, found.parts_done) == (State.FAILED, 2)
    assert "row 201" in found.problem
    (inputs / "in-002.csv").write_text(good)
    with pytest.raises(Conflict, match="has changed since the run began"):
        bench.score(tmp_path / "out", inputs, begin=Begin.RESUME)
    assert bench.score(tmp_path / "out", inputs, begin=Begin.RESTART).state is State.FINISHED


def test_resume_begins_where_there_is_nothing_and_does_nothing_where_all_is_done(
    bench: Bench, tmp_path: Path, folder: Path, whole: dict[str, bytes]
) -> None:
    first = bench.score(tmp_path / "out", folder, begin=Begin.RESUME)
    again = bench.score(tmp_path / "out", folder, begin=Begin.RESUME)
    assert parts(tmp_path / "out") == whole
    assert (again.id, again.state) == (first.id, State.FINISHED)


@pytest.mark.parametrize("harm", ["gone", "short", "other", "unfinished"])
def test_parts_that_are_no_longer_whole_are_made_again(
    bench: Bench, tmp_path: Path, folder: Path, whole: dict[str, bytes], harm: str
) -> None:
    output = tmp_path / "out"
    bench.score(output, folder)
    part = output / "part-00002.parquet"
    if harm == "gone":
        part.unlink()
    elif harm == "short":
        part.write_bytes(part.read_bytes()[:-1])
    elif harm == "other":
        part.write_bytes(bytes(part.stat().st_size))
    else:
        part.rename(output / "part-00002.parquet.part")
    bench.score(output, folder, begin=Begin.RESUME)
    assert parts(output) == whole


def test_a_copied_input_is_the_same_by_its_bytes(bench: Bench, tmp_path: Path, whole: dict[str, bytes]) -> None:
    inputs = files(tmp_path / "in", FILES)
    stopped(bench, tmp_path / "out", inputs, after=2)
    os.utime(inputs / "in-001.csv", ns=(1, 1))
    bench.score(tmp_path / "out", inputs, begin=Begin.RESUME)
    assert parts(tmp_path / "out") == whole


@pytest.mark.parametrize("change", ["content", "gone", "more", "version", "columns", "format", "on_error"])
def test_another_run_is_not_gone_on_with(bench: Bench, tmp_path: Path, change: str) -> None:
    inputs = files(tmp_path / "in", 3)
    stopped(bench, tmp_path / "out", inputs, after=1)
    before = parts(tmp_path / "out")
    wanted: dict[str, Any] = {"begin": Begin.RESUME}
    if change == "content":
        write(inputs / "in-001.csv", frame(200, 99))
    elif change == "gone":
        (inputs / "in-001.csv").unlink()
    elif change == "more":
        write(inputs / "in-999.csv", frame(5))
    elif change == "version":
        wanted["reference"] = f"churn/{bench.register(bench.odd, 'churn')}"
        inputs = files(tmp_path / "odd", 1)
    else:
        wanted |= {"columns": ("id",)} if change == "columns" else {}
        wanted |= {"on_error": OnError.SKIP} if change == "on_error" else {}
        wanted |= {"format": "csv"} if change == "format" else {}
    with pytest.raises(Conflict):
        bench.score(tmp_path / "out", inputs, **wanted)
    assert parts(tmp_path / "out") == before


def test_what_is_there_is_not_written_over_unasked(bench: Bench, tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "out"
    stopped(bench, output, folder, after=1)
    with pytest.raises(AlreadyExists, match=r"did not end.*--resume"):
        bench.score(output, folder)
    bench.score(output, folder, begin=Begin.RESUME)
    with pytest.raises(AlreadyExists, match="--restart"):
        bench.score(output, folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(AlreadyExists, match="is not empty"):
        bench.score(tmp_path / "mine", folder)
    bench.score(tmp_path / "mine", folder, begin=Begin.RESTART)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_one_run_at_a_time_writes_into_a_folder(bench: Bench, tmp_path: Path, folder: Path) -> None:
    with Folder(tmp_path / "out").take(), pytest.raises(Busy):
        bench.score(tmp_path / "out", folder)
    assert bench.score(tmp_path / "out", folder).state is State.FINISHED


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"manifest": 1}', '{"manifest": 2, "state": "x"}', "\xff"])
def test_a_damaged_manifest_is_said_and_can_be_begun_anew(
    bench: Bench, tmp_path: Path, folder: Path, whole: dict[str, bytes], text: str
) -> None:
    bench.score(tmp_path / "out", folder)
    (tmp_path / "out" / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(IntegrityError, match="--restart"):
        bench.score(tmp_path / "out", folder, begin=Begin.RESUME)
    bench.score(tmp_path / "out", folder, begin=Begin.RESTART)
    assert parts(tmp_path / "out") == whole


@pytest.mark.parametrize("code", [FULL, BROKEN], ids=errno.errorcode.get)
def test_a_failing_disk_leaves_a_run_that_goes_on(
    bench: Bench, tmp_path: Path, folder: Path, whole: dict[str, bytes], code: int
) -> None:
    number, hit = 0, True
    while hit:
        number += 1
        output = tmp_path / f"out-{number}"
        with pytest.MonkeyPatch.context() as patched:
            faults = DiskFaults(patched, output, number, code)
            with suppress(QuarterdeckError):
                bench.score(output, folder)
            hit = faults.hit
        for name, data in parts(output).items():
            assert name.endswith(".part") or data == whole[name]
        bench.score(output, folder, begin=Begin.RESUME)
        assert parts(output) == whole
    assert number > 2 * FILES


def test_who_may_not_write_scores_nothing(bench: Bench, tmp_path: Path, folder: Path) -> None:
    with api.open(bench.path, read_only=True) as reader, closing(choose("serial")) as executor:
        with pytest.raises(ReadOnlyMode):
            reader.scoring.run(asked(tmp_path / "out", folder), executor)
        assert reader.scoring.page(limit=1).items
    assert not (tmp_path / "out").exists()


def test_a_viewer_scores_nothing(bench: Bench, tmp_path: Path, folder: Path) -> None:
    from engine.core.access import Actor, Role

    viewer = bench.engine.acting(Actor("eve"), Role.VIEWER)
    with closing(choose("serial")) as executor, pytest.raises(PermissionDenied):
        viewer.scoring.run(asked(tmp_path / "out", folder), executor)


def test_runs_are_on_record(bench: Bench, tmp_path: Path, folder: Path) -> None:
    done = bench.score(tmp_path / "out", folder)
    assert bench.engine.scoring.get(done.id) == done
    listed = bench.engine.scoring.page(reference="churn/1", limit=1)
    assert listed.items == (done,)
    assert listed.next_page_token is not None
    older = bench.engine.scoring.page(reference="churn/1", limit=1, page_token=listed.next_page_token)
    assert older.items[0].id < done.id
    told = [each.after for each in bench.engine.audit.page(limit=2).items if each.verb == "predict"]
    assert [each["scoring"] for each in told if each] == [done.id, done.id]
    assert done.inputs[0].digest == manifest(tmp_path / "out")["inputs"][0]["digest"]


def run(bench: Bench, output: Path, inputs: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "engine.cli", "--workspace", str(bench.path), "predict", "churn/1", str(inputs)]
    return subprocess.Popen([*command, "--out", str(output), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("after", "number", "words"),
    [
        (0, signal.SIGKILL, ()),
        (2, signal.SIGKILL, ("--jobs", "1")),
        (7, signal.SIGKILL, ("--jobs", "4")),
        (15, signal.SIGKILL, ("--backend", "loky")),
        (25, signal.SIGKILL, ()),
        (9, signal.SIGINT, ()),
        (5, signal.SIGINT, ("--backend", "loky")),
    ],
)
def test_a_killed_process_s_work_goes_on_to_the_same_bytes(
    bench: Bench, many: tuple[Path, dict[str, bytes]], tmp_path: Path, after: int, number: int, words: tuple[str, ...]
) -> None:
    inputs, wanted = many
    output = tmp_path / "out"
    with run(bench, output, inputs, *words) as process:
        ends = time.monotonic() + DEADLINE_S
        while not (output / "manifest.json").exists() or len(list(output.glob("part-*.parquet"))) < after:
            assert time.monotonic() < ends
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)  # the core is for what is waited for
        process.send_signal(number)
        _, told = process.communicate(timeout=DEADLINE_S)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert b"--resume" in told
    assert json.loads((output / "manifest.json").read_text())["state"] != State.FINISHED
    with run(bench, output, inputs, *words, "--resume", "--json") as process:
        answer, told = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, told
    assert parts(output) == wanted
    assert json.loads(answer)["state"] == "finished"


@pytest.fixture(scope="module")
def many(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """Enough files that a run can be killed in the midst of it, and their parts."""
    place = tmp_path_factory.mktemp("many")
    inputs = files(place / "in", 40, 4_000)
    bench.score(place / "out", inputs)
    return inputs, parts(place / "out")
