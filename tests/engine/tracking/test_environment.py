"""What is kept of the surroundings of a run: at once what is cheap, soon after what is not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from engine.tracking.environment import MAX_COMMAND_LINE, capture, git_dirty
from engine.tracking.service import Runs

PROGRAM = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, env=PROGRAM, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("print('training')\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def as_it_is(repository: Path) -> Path:
    return repository


def deep_inside(repository: Path) -> Path:
    inner = repository / "a" / "b"
    inner.mkdir(parents=True)
    return inner


def with_packed_branches(repository: Path) -> Path:
    git(repository, "pack-refs", "--all")
    return repository


def detached(repository: Path) -> Path:
    git(repository, "checkout", "-q", "--detach")
    return repository


def in_a_worktree(repository: Path) -> Path:
    git(repository, "worktree", "add", "-q", "-b", "other", str(repository.parent / "worktree"))
    return repository.parent / "worktree"


@pytest.mark.parametrize("place", [as_it_is, deep_inside, with_packed_branches, detached, in_a_worktree])
def test_the_commit_is_what_git_says(
    repository: Path, monkeypatch: pytest.MonkeyPatch, place: Callable[[Path], Path]
) -> None:
    folder = place(repository)
    monkeypatch.chdir(folder)
    assert capture(None).git_commit == git(folder, "rev-parse", "HEAD")


def test_outside_a_repository_or_before_the_first_commit_there_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert capture(None).git_commit is None
    git(tmp_path, "init", "-q")
    assert capture(None).git_commit is None
    (tmp_path / ".git" / "HEAD").write_text("ref: ../../outside\n")
    assert capture(None).git_commit is None


def test_git_is_not_asked_when_capture_is_off(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    assert capture(None, git=False).git_commit is None


def test_changed_tracked_files_make_the_tree_dirty(repository: Path, tmp_path: Path) -> None:
    (repository / "untracked").write_text("x")
    assert git_dirty(str(repository)) is False
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(repository), str(other))
    (other / "train.py").write_text("print('changed')\n")
    assert git_dirty(str(other)) is True
    assert git_dirty(str(tmp_path)) is None
    assert git_dirty(str(tmp_path / "missing")) is None


def test_a_run_keeps_where_and_with_what_it_executed(
    runs: Runs, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(sys, "argv", ["train.py", "--name", "two words", "nul\0", "\udcff"])
    with runs.start("e", seed=42) as run:
        pass
    found = runs.get(run.id).environment
    assert found is not None
    assert (found.git_commit, found.git_dirty) == (git(repository, "rev-parse", "HEAD"), False)
    assert found.python == sys.version.split()[0].rstrip("+")
    assert found.packages["click"] == version("click")
    assert (found.seed, found.host, found.pid) == (42, os.uname().nodename, os.getpid())
    assert found.command_line.startswith("train.py --name 'two words' ")
    assert "\0" not in found.command_line


def test_without_capture_the_cheap_parts_are_kept(runs: Runs) -> None:
    with runs.start("e", seed=1, capture=False) as run:
        pass
    found = runs.get(run.id).environment
    assert found is not None
    assert (found.git_commit, found.git_dirty, found.packages, found.seed) == (None, None, {}, 1)


def test_a_long_command_line_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["x" * 100_000])
    assert len(capture(None).command_line) == MAX_COMMAND_LINE


def test_runs_of_one_environment_share_its_package_list(runs: Runs) -> None:
    found = []
    for _ in range(2):
        with runs.start("e") as run:
            pass
        found.append(runs.get(run.id).environment)
    assert found[0] is not None
    assert found[0] == found[1]


LIGHT = """
import sys
import engine.tracking.service, engine.tracking.experiments, engine.artifacts.store
heavy = {"numpy", "pandas", "subprocess", "platform", "importlib.metadata", "uuid", "logging", "asyncio", "difflib"}
print(sorted(heavy & set(sys.modules)))
"""


def test_importing_the_services_loads_nothing_heavy() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
