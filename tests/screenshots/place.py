"""Where pictures are taken: a home and a workspace of their own, so that nothing of this machine is in them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import engine
from engine.tracking.model import RunQuery

CONSOLE = (sys.executable, "-m", "console")


class Told(AssertionError):
    """A picture would show a path of this machine."""


def home_of(workspace: Path, name: str) -> Mapping[str, str]:
    """The environment of whoever sits at the terminal: a home that holds the workspace, and nothing configured.

    Args:
        workspace: The demo.
        name: Of the picture; what one remembers, such as how a list is sorted, the next does not know.
    """
    unset = dict.fromkeys(("XDG_DATA_HOME", "QUARTERDECK_HOME", "NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TMUX"), "")
    own = workspace.parent / "own" / name
    kept = {"XDG_CONFIG_HOME": str(own / "config"), "XDG_STATE_HOME": str(own / "state")}
    return {**unset, **kept, "HOME": str(workspace.parent), "LANG": "C.UTF-8"}


def command(workspace: Path, *words: str) -> list[str]:
    """A command line of `qd` over the workspace.

    Args:
        workspace: The demo.
        words: What follows.
    """
    return [*CONSOLE, "--workspace", str(workspace), *words]


def headless(workspace: Path, commands: Sequence[Sequence[str]]) -> None:
    """Run commands one after the other.

    Args:
        workspace: The demo.
        commands: The words of each, after `qd`.
    """
    for words in commands:
        environ = {name: value for name, value in {**os.environ, **home_of(workspace, "headless")}.items() if value}
        subprocess.run(command(workspace, *words), check=True, stdout=subprocess.DEVNULL, env=environ)


def neutral(text: str, workspace: Path) -> None:
    """Refuse what tells where this machine keeps things.

    Args:
        text: What a terminal was told, or shows.
        workspace: The demo.

    Raises:
        Told: a path of this machine is in it.
    """
    for path in (str(workspace.parent), str(Path(__file__).parents[2])):
        if path in text:
            at = text.index(path)
            raise Told(text[max(0, at - 60) : at + 100])


@contextmanager
def demo(kept: Path | None) -> Iterator[Path]:
    """A demo that is trained anew and removed at the end, or one that is there and stays.

    Args:
        kept: That one; `None` for a new one.
    """
    if kept is not None:
        yield kept
        return
    home = Path(tempfile.mkdtemp(prefix="quarterdeck-"))
    workspace = home / "demo"
    try:
        headless(workspace, [("demo", "--headless")])
        yield workspace
    finally:
        with suppress(Exception):
            stop_live(workspace)
        shutil.rmtree(home, ignore_errors=True)


def stop_live(workspace: Path) -> None:
    """End the demo's background training.

    Args:
        workspace: The demo.
    """
    with engine.open(workspace) as opened:
        for run in opened.runs.page(RunQuery(filter="run_name = 'network-live'", limit=5)).items:
            environment = opened.runs.get(run.run_id).environment
            if environment is not None:
                with suppress(ProcessLookupError):
                    os.kill(environment.pid, signal.SIGTERM)
