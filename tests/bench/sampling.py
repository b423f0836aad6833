"""Measuring things so that they can be compared: peers take turns, garbage waits, clocks are monotonic."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence


def interleaved(peers: Mapping[str, Callable[[], object]], times: int, *, warm: int = 1) -> dict[str, list[float]]:
    """Time peers in turn, so that whatever the machine does meanwhile happens to all of them.

    Args:
        peers: What to time, by name.
        times: Calls of each.
        warm: Calls of each before, not timed.

    Returns:
        Milliseconds of every call, by name.
    """
    for _ in range(warm):
        for call in peers.values():
            call()
    found: dict[str, list[float]] = {name: [] for name in peers}
    for turn in range(times):
        names = list(peers) if turn % 2 == 0 else list(peers)[::-1]  # neither is always the one that goes second
        for name in names:
            found[name].append(timed(peers[name]))
    return found


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call, without a garbage collection in it."""
    gc.collect()
    gc.disable()
    try:
        begun = time.perf_counter()
        call()
        return (time.perf_counter() - begun) * 1000
    finally:
        gc.enable()


def process(argv: Sequence[str]) -> Callable[[], object]:
    """A call that runs a command to its end.

    Args:
        argv: The command; its output is read and dropped.

    Returns:
        The call; it raises `subprocess.CalledProcessError` when the command fails.
    """
    return lambda: subprocess.run(argv, check=True, capture_output=True, env=as_installed())


def as_installed() -> dict[str, str]:
    """The environment of a child process, in which Python keeps compiled modules, as it does for installed programs."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
