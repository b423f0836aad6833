"""`qd console WORDS` means what `:WORDS` means: aliases and workspaces of `quarterdeck.toml`, too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from console.commanding.beginning import first_view, written_out
from console.location import Location
from engine.core.errors import FilterSyntaxError
from tests.builders import empty_workspace
from tests.console.world import World

POLICY = """
[console.aliases]
best = "runs sort:-auc"
good = "best auc>0.9"

[console.environments]
staging = "{other}"
"""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return empty_workspace(tmp_path / "other").path


@pytest.fixture
def worded(world: World, other: Path) -> World:
    world.workspace.policy_file.write_text(POLICY.format(other=other))
    return world


@pytest.mark.parametrize(
    ("words", "view"),
    [
        (("runs",), Location("runs")),
        (("best",), Location("runs", sort="-auc")),
        (("best", "/oak"), Location("runs", terms=("oak",), sort="-auc")),
        (("good",), Location("runs", terms=("auc>0.9",), sort="-auc")),
        (("models", "@staging"), Location("models", env="staging")),
        (("best", "@staging"), Location("runs", sort="-auc", env="staging")),
        (("exper",), Location("experiments")),
    ],
)
def test_words_mean_what_they_mean_when_they_are_typed(worded: World, words: tuple[str, ...], view: Location) -> None:
    assert first_view(worded.engine, words) == view


@pytest.mark.parametrize("words", [("bset",), ("runs", "@nowhere"), ("",), ("\x1b[31m",)])
def test_what_means_nothing_is_refused(worded: World, words: tuple[str, ...]) -> None:
    with pytest.raises(FilterSyntaxError):
        first_view(worded.engine, words)


def test_a_broken_file_takes_no_word_away(world: World) -> None:
    world.workspace.policy_file.write_text("[console\n")
    assert first_view(world.engine, ("runs",)) == Location("runs")
    with pytest.raises(FilterSyntaxError, match="Besides, "):
        first_view(world.engine, ("best",))


def test_an_alias_of_itself_ends() -> None:
    assert written_out(["a", "b"], {"a": "a x"})[0] == "a"


def test_a_workspace_is_opened_by_its_name(worded: World, other: Path) -> None:
    """In lines; a process, since the name is told to it in its environment."""
    worded.close()
    argv = [sys.executable, "-m", "console", "--workspace", str(worded.workspace.path), "--plain", "console"]
    done = subprocess.run(
        [*argv, "models", "@staging"], input="", capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert f"workspace {other}" in done.stdout
    assert "models: " in done.stdout
