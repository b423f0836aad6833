"""What was typed is remembered between sessions, by several consoles at once, whatever happens to them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commanding.history import LONGEST, MOST, History

ADDING = """
import sys
from pathlib import Path
from console.commanding.history import History
history = History(Path(sys.argv[1]))
for place in range(int(sys.argv[3])):
    history.add(f"runs {sys.argv[2]}-{place}")
print("done", flush=True)
sys.stdin.read()
"""


def adding(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ADDING, str(path), name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_line_is_there_in_the_next_session(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    History(path).add("runs /failed")
    assert History(path).lines() == ("runs /failed",)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_typed_again_is_the_newest_and_stands_once(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    for line in ("runs", "models", "runs"):
        history.add(line)
    assert History(tmp_path / "history").lines() == history.lines() == ("models", "runs")


@pytest.mark.parametrize("line", ["", "   ", "\n"])
def test_nothing_is_not_remembered(tmp_path: Path, line: str) -> None:
    history = History(tmp_path / "history")
    history.add(line)
    assert history.lines() == ()
    assert not (tmp_path / "history").exists()


@pytest.mark.parametrize("line", [" runs secret", "r" * (LONGEST + 1), "runs \x1b[2J", "runs \u202e"])
def test_a_line_that_is_not_to_be_kept_is_remembered_in_this_session_only(tmp_path: Path, line: str) -> None:
    history = History(tmp_path / "history")
    history.add(line)
    assert history.lines() == (line.strip(),)
    assert not (tmp_path / "history").exists()


def test_without_a_folder_a_session_remembers_its_own(tmp_path: Path) -> None:
    history = History(None)
    history.add("runs")
    assert history.lines() == ("runs",)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "history")
    history.add("runs")
    assert history.lines() == ("runs",)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine\n")
    (tmp_path / "history").symlink_to(tmp_path / "precious")
    History(tmp_path / "history").add("runs")
    assert (tmp_path / "precious").read_text() == "mine\n"


def test_it_is_cut_to_the_newest_lines(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("".join(f"runs {place}\n" for place in range(2 * MOST)))
    History(path).add("models")
    lines = path.read_text().splitlines()
    assert len(lines) == MOST
    assert lines[-2:] == [f"runs {2 * MOST - 1}", "models"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_torn_last_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_bytes(b"runs\nmod")
    History(path).add("versions")
    assert History(path).lines() == ("runs", "mod", "versions")


def test_what_another_console_added_is_there(tmp_path: Path) -> None:
    path = tmp_path / "history"
    one, other = History(path), History(path)
    one.add("runs")
    other.add("models")
    assert one.lines() == ("runs", "models")
    assert one.matching("MOD") == ["models"]


def test_several_consoles_at_once_lose_nothing_and_neither_does_a_killed_one(tmp_path: Path) -> None:
    path = tmp_path / "history"
    with ExitStack() as stack:
        started = [stack.enter_context(adding(path, name, 100)) for name in ("a", "b", "c")]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
            os.kill(process.pid, signal.SIGKILL)
    kept = set(History(path).lines())
    assert kept == {f"runs {name}-{place}" for name in "abc" for place in range(100)}


@given(st.lists(st.text(max_size=30), max_size=20))
def test_whatever_is_typed_comes_back_or_is_left_out(
    tmp_path_factory: pytest.TempPathFactory, typed: list[str]
) -> None:
    path = tmp_path_factory.mktemp("h") / "history"
    history = History(path)
    for line in typed:
        history.add(line)
    found = History(path).lines()
    assert set(found) <= {line.strip() for line in typed}
    assert all(line.isprintable() and line for line in found)


@given(st.binary(max_size=400))
def test_any_file_in_its_place_is_read_without_harm(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("h") / "history"
    path.write_bytes(data)
    assert all(line.isprintable() for line in History(path).lines())
