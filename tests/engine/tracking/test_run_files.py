"""Artifacts of runs: kept as they were, listed by folder, bound to one digest, replaced only as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.artifacts.store import ArtifactStore
from engine.core.errors import Conflict, IntegrityError, InvalidInput, NotFound
from engine.db.workspace import Workspace
from engine.tracking.active import ActiveRun
from engine.tracking.model import RunStatus
from engine.tracking.service import Runs


@pytest.fixture
def run(runs: Runs) -> ActiveRun:
    return runs.start("e", status=RunStatus.SCHEDULED, capture=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "local"
    (made / "sub" / "deep").mkdir(parents=True)
    (made / "a.txt").write_bytes(b"a")
    (made / "sub" / "b.txt").write_bytes(b"bb")
    (made / "sub" / "deep" / "c.txt").write_bytes(b"ccc")
    return made


def listed(runs: Runs, run: ActiveRun, path: str = "") -> list[tuple[str, int, bool]]:
    return [(each.path, each.size_bytes, each.is_dir) for each in runs.artifacts(run.id, path)]


def test_a_folder_is_listed_level_by_level(runs: Runs, run: ActiveRun, folder: Path) -> None:
    run.log_artifacts(folder, "model")
    run.log_bytes(b"notes", "readme.md")
    assert listed(runs, run) == [("model", 6, True), ("readme.md", 5, False)]
    assert listed(runs, run, "model") == [("model/a.txt", 1, False), ("model/sub", 5, True)]
    assert listed(runs, run, "model/sub/deep/") == [("model/sub/deep/c.txt", 3, False)]
    assert listed(runs, run, "readme.md") == [("readme.md", 5, False)]
    assert listed(runs, run, "nothing") == []
    assert [each.path for each in runs.get(run.id).artifacts] == [
        "model/a.txt",
        "model/sub/b.txt",
        "model/sub/deep/c.txt",
        "readme.md",
    ]


def test_what_was_logged_is_read_back(runs: Runs, run: ActiveRun, folder: Path) -> None:
    assert run.log_artifact(folder / "a.txt").path == "a.txt"
    assert run.log_artifact(str(folder / "a.txt"), "here/too").path == "here/too/a.txt"
    assert runs.read_artifact(run.id, "here/too/a.txt") == b"a"
    with runs.open_artifact(run.id, "a.txt") as stream:
        assert stream.read() == b"a"


def test_names_that_begin_alike_are_not_the_same_folder(runs: Runs, run: ActiveRun) -> None:
    for path in ("model/a", "model.txt", "model-2/a", "model0"):
        run.log_bytes(b"x", path)
    assert [entry.path for entry in runs.artifact_manifest(run.id, "model").entries] == ["a"]
    assert listed(runs, run, "model") == [("model/a", 1, False)]


def test_the_digest_of_a_folder_is_that_of_its_content_wherever_it_lies(
    runs: Runs, run: ActiveRun, folder: Path
) -> None:
    run.log_artifacts(folder, "one")
    run.log_artifacts(folder, "two/deeper")
    one, two = (runs.artifact_manifest(run.id, path) for path in ("one", "two/deeper"))
    assert one.digest == two.digest
    assert (one.size_bytes, one.is_dir, len(one.entries)) == (6, True, 3)
    run.log_bytes(b"B!", "two/deeper/sub/b.txt")
    assert runs.artifact_manifest(run.id, "two/deeper").digest != one.digest


def test_the_digest_of_a_single_file_is_its_own(runs: Runs, run: ActiveRun) -> None:
    artifact = run.log_bytes(b"weights", "model.bin")
    found = runs.artifact_manifest(run.id, "model.bin")
    assert (found.digest, found.is_dir, found.size_bytes) == (artifact.digest, False, 7)


def test_logging_to_a_path_again_replaces_it(runs: Runs, run: ActiveRun) -> None:
    run.log_bytes(b"first", "a")
    run.log_bytes(b"second", "a")
    assert runs.read_artifact(run.id, "a") == b"second"
    assert len(runs.get(run.id).artifacts) == 1


@pytest.mark.parametrize(("there", "new"), [("a", "a/b"), ("a/b", "a"), ("a/b", "a/b/c/d")])
def test_a_path_is_a_file_or_a_folder_never_both(runs: Runs, run: ActiveRun, there: str, new: str) -> None:
    run.log_bytes(b"x", there)
    with pytest.raises(Conflict):
        run.log_bytes(b"y", new)
    assert [each.path for each in runs.get(run.id).artifacts] == [there]


def test_files_of_one_call_must_not_lie_in_one_another(runs: Runs, run: ActiveRun, folder: Path) -> None:
    local = folder / "a.txt"
    with pytest.raises(Conflict):
        runs.log_files(run.id, [(local, "x"), (local, "x/y")])
    assert runs.get(run.id).artifacts == ()


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a//b", "a\\b", "a\0"])
def test_unsafe_paths_are_refused_everywhere(runs: Runs, run: ActiveRun, folder: Path, path: str) -> None:
    with pytest.raises(InvalidInput):
        run.log_bytes(b"x", path)
    with pytest.raises(InvalidInput):
        runs.log_files(run.id, [(folder / "a.txt", path)])
    with pytest.raises(InvalidInput):
        runs.read_artifact(run.id, path)


def test_one_bad_file_keeps_the_whole_folder_out(runs: Runs, run: ActiveRun, folder: Path) -> None:
    os.mkfifo(folder / "zz-pipe")
    with pytest.raises(InvalidInput, match="regular"):
        run.log_artifacts(folder)
    assert runs.get(run.id).artifacts == ()


def test_links_to_folders_are_not_followed(runs: Runs, run: ActiveRun, folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    assert len(run.log_artifacts(folder)) == 3


def test_an_empty_folder_logs_nothing_and_a_file_is_no_folder(run: ActiveRun, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run.log_artifacts(tmp_path / "empty") == ()
    with pytest.raises(InvalidInput, match="log_artifact"):
        run.log_artifacts(folder / "a.txt")
    with pytest.raises(NotFound):
        run.log_artifact(folder / "missing")


def test_a_swapped_object_is_refused_on_reading(runs: Runs, run: ActiveRun, tmp_path: Path) -> None:
    artifact = run.log_bytes(b"approved", "model.bin")
    store = ArtifactStore(Workspace(tmp_path / "workspace"))
    store.path_of(artifact.digest).write_bytes(b"swapped!")
    with pytest.raises(IntegrityError):
        runs.read_artifact(run.id, "model.bin")


def test_missing_things_are_named(runs: Runs, run: ActiveRun) -> None:
    with pytest.raises(NotFound, match=r"no artifact model"):
        runs.artifact_manifest(run.id, "model")
    run.log_bytes(b"x", "model/a")
    with pytest.raises(InvalidInput, match="folder"):
        runs.read_artifact(run.id, "model")
    with pytest.raises(NotFound):
        runs.log_bytes("f" * 32, b"x", "a")
    runs.delete(run.id)
    with pytest.raises(Conflict, match="deleted"):
        run.log_bytes(b"x", "b")
