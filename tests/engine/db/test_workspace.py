"""Which workspace a command uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import WorkspaceError, WorkspaceMissing
from engine.db.workspace import Workspace, find_workspace, make_directories, require_workspace


def test_the_named_directory_comes_first(tmp_path: Path) -> None:
    found = find_workspace(tmp_path / "here", environ={"QUARTERDECK_HOME": "/elsewhere"}, cwd=tmp_path)
    assert found.path == tmp_path / "here"


def test_the_environment_comes_second(tmp_path: Path) -> None:
    (tmp_path / ".quarterdeck").mkdir()
    found = find_workspace(None, environ={"QUARTERDECK_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    assert found.path == tmp_path / "home"


def test_the_nearest_marker_upward_comes_third(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / ".quarterdeck").mkdir()
    (tmp_path / "a" / ".quarterdeck").mkdir()
    assert find_workspace(None, environ={}, cwd=deep).path == tmp_path / "a" / ".quarterdeck"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_DATA_HOME": "/data", "HOME": "/home/ada"}, Path("/data/quarterdeck")),
        ({"HOME": "/home/ada"}, Path("/home/ada/.local/share/quarterdeck")),
    ],
)
def test_the_data_directory_comes_last(tmp_path: Path, environ: dict[str, str], expected: Path) -> None:
    assert find_workspace(None, environ=environ, cwd=tmp_path).path == expected


def test_a_relative_name_is_taken_from_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_workspace("ws", environ={}, cwd=tmp_path).path == tmp_path / "ws"


def test_a_workspace_nobody_made_is_missing_and_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceMissing, match="qd init") as caught:
        require_workspace(Workspace(tmp_path))
    assert caught.value.exit_code == 3


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="file/workspace"):
        make_directories(Workspace(tmp_path / "file" / "workspace"))


def test_a_workspace_is_its_owners_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    make_directories(workspace)
    assert workspace.path.stat().st_mode & 0o077 == 0
    assert workspace.artifacts.stat().st_mode & 0o077 == 0
