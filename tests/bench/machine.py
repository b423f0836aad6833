"""The size of the machine that numbers were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What numbers depend on.

    Args:
        cores: Processors this process may use.
        memory_gb: Main memory.
        processor: The model, if the system tells.
        python: The interpreter's version.
        sqlite: The library's version.
        load: Processes that wanted to run during the last minute, on average, when the bench began.
    """

    cores: int
    memory_gb: float
    processor: str
    python: str
    sqlite: str
    load: float

    def __str__(self) -> str:
        return (
            f"{self.cores} cores ({self.processor}), {self.memory_gb:.0f} GB, {platform.system()}, "
            f"Python {self.python}, SQLite {self.sqlite}, load average {self.load:.2f}"
        )


def this_machine() -> Machine:
    """Look at this machine."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gb=pages * page / 2**30,
        processor=_processor(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
