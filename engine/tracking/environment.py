"""Finding out where a run executes: at once what is cheap, in the background what is not."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.tracking.model import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

GIT_TIMEOUT_S = 3.0
"""Seconds that `git status` may take; on a huge or remote tree the dirty flag stays unknown."""

MAX_COMMAND_LINE = 4_000
"""Most characters of the command line."""


def capture(seed: int | None, *, git: bool = True) -> Environment:
    """What can be known in less than a millisecond.

    Args:
        seed: The seed the program says it uses.
        git: Look for a repository around the working directory.

    Returns:
        The environment, without packages and dirty flag.
    """
    return Environment(
        git_commit=_head_commit(Path.cwd()) if git else None,
        git_dirty=None,
        python=".".join(map(str, sys.version_info[:3])),
        packages={},
        seed=seed,
        host=os.uname().nodename,
        command_line=_command_line(),
        pid=os.getpid(),
    )


def _command_line() -> str:
    from shlex import join  # only a started run needs it

    text = join(sys.argv).encode(errors="replace").decode().replace("\0", " ")
    return text[:MAX_COMMAND_LINE]


@lru_cache(maxsize=1)
def packages() -> Mapping[str, str]:
    """Installed distributions, name to version; some hundred milliseconds the first time in a process."""
    from importlib.metadata import distributions  # heavy; runs in the heartbeat thread

    found: dict[str, str] = {}
    for distribution in distributions():
        metadata = distribution.metadata
        name, version = metadata["Name"], metadata["Version"]
        if name and version:
            found.setdefault(str(name), str(version))  # the first on the path is the one that is imported
    return found


@lru_cache(maxsize=8)
def git_dirty(folder: str) -> bool | None:
    """Whether tracked files below the repository of `folder` differ from its commit; `None` when unknown.

    Asked once a process and folder: what the process has loaded is what was there near its start.
    """
    import subprocess  # heavy; runs in the heartbeat thread

    command = ["git", "--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]
    try:
        done = subprocess.run(  # noqa: S603 a constant command; git is found on the user's PATH
            command, cwd=folder, capture_output=True, timeout=GIT_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(done.stdout.strip()) if done.returncode == 0 else None


def _head_commit(start: Path) -> str | None:
    """The checked-out commit, read from git's own files: starting git takes longer than starting a run may."""
    for folder in (start, *start.parents):
        marker = folder / ".git"
        try:
            if marker.is_dir():
                return _commit_of(marker)
            if marker.is_file():
                target = marker.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
                return _commit_of(folder / target)
        except (OSError, UnicodeDecodeError):
            return None
    return None


def _commit_of(git: Path) -> str | None:
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref:"):
        return _hash(head)
    name = head.removeprefix("ref:").strip()
    common = git / "commondir"  # a worktree keeps its branches with the main repository
    root = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
    for place in (git, root):
        loose = place / name
        if loose.is_file():
            return _hash(loose.read_text(encoding="utf-8").strip())
    packed = root / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(encoding="utf-8").splitlines():
            commit, _, reference = line.partition(" ")
            if reference == name:
                return _hash(commit)
    return None


def _hash(text: str) -> str | None:
    return text if len(text) in (40, 64) and all(digit in "0123456789abcdef" for digit in text) else None
