"""The folder of one job: what was asked, how far it is, what it printed, how it ended. Each file whole or not there."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.core.text import clean
from engine.jobs.model import Job, JobState, Progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ASKED, ENDED, PROGRESS, LOG, LOCK, CANCEL = "job.json", "ended.json", "progress.json", "log", "lock", "cancel"
LONGEST = 2_000
_MOST_BYTES = 1 << 16


def write(path: Path, value: Mapping[str, object]) -> None:
    """Write a small file whole.

    Raises:
        OSError: the disk took it not.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Read a small file; empty when it is not there, or none of ours."""
    with suppress(OSError, ValueError, RecursionError):
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
        if isinstance(found, dict):
            return found
    return {}


def job_of(folder: Path) -> Job | None:
    """What a folder tells of its job; `None` when it is none."""
    asked = read(folder / ASKED)
    try:
        words = tuple(clean(str(word), limit=LONGEST) for word in asked["words"])
        number, started_ms = int(folder.name), int(asked["started_ms"])
        title, actor = (clean(str(asked[name]), limit=LONGEST) for name in ("title", "actor"))
    except (KeyError, TypeError, ValueError):
        return None
    # The lock is asked before the end: a job that ends in between counts as running, and never as lost.
    alive = held(folder)
    ended = read(folder / ENDED)
    code, ended_ms = ended.get("exit_code"), ended.get("ended_ms")
    job = Job(number, title, words, actor, started_ms, JobState.LOST, _progress(read(folder / PROGRESS)))
    if not isinstance(code, int) or not isinstance(ended_ms, int):
        return replace(job, state=JobState.RUNNING) if alive else job
    cancelled = (folder / CANCEL).exists()
    state = JobState.DONE if code == 0 else JobState.CANCELLED if cancelled else JobState.FAILED
    return replace(job, state=state, ended_ms=ended_ms, exit_code=code)


def _progress(said: Mapping[str, Any]) -> Progress | None:
    try:
        numbers = (int(said[name]) for name in ("done", "total", "since_ms", "at_ms"))
        return Progress(clean(str(said["what"]), limit=LONGEST), *numbers)
    except (KeyError, TypeError, ValueError):
        return None


def held(folder: Path) -> bool:
    """Whether the process of a job lives: the operating system lets go of its lock when it dies, however it dies."""
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(file)
