"""The process in which one version is tried: whatever its files hold, it happens here, within limits."""

from __future__ import annotations

import os
import sys
from typing import Any

from engine.core.errors import QuarterdeckError
from engine.runtimes.frames import FOREVER, pack, receive, send

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_KILL = 9
_FILE_BYTES = 1 << 20  # Python tries a temporary folder by writing into it


def main() -> None:
    """Do what is asked over standard input until the other side ends."""
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints must not come between the answers
    try:
        _limit(int(receive(0, FOREVER)["memory_bytes"]))
        from engine.gates.trial_tasks import Bench

        bench = Bench()
        while True:
            send(answers, pack(_answer(bench, receive(0, FOREVER))), FOREVER)
    except (EOFError, OSError):
        return


def _answer(bench: Any, asked: dict[str, Any]) -> dict[str, Any]:
    task = asked.pop("task")
    try:
        return {"made": getattr(bench, task)(**asked)}
    except QuarterdeckError as error:
        return {"code": error.code, "message": error.message, "hint": error.hint}
    except MemoryError:
        return {"code": "prediction_failed", "message": "It needs more memory than a trial may take.", "hint": ""}
    except Exception as error:  # noqa: BLE001 a model's file may make a library raise anything
        from engine.core.text import clean

        said = clean(f"{type(error).__name__}: {error}", limit=200)
        return {"code": "prediction_failed", "message": f"It broke while it was tried: {said}", "hint": ""}


def _limit(memory_bytes: int) -> None:
    """Little memory, no large files, no core dumps, and no life after whoever asked."""
    import resource

    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        _, hard = resource.getrlimit(what)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (most, hard))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, _KILL)
