"""What a measurement was made on, in words: a latency means nothing without it."""

from __future__ import annotations

import os
from pathlib import Path


def machine_words() -> str:
    """Such as `2 cores of Intel(R) Xeon(R) CPU @ 2.20GHz, load 1.4, Linux x86_64`."""
    from engine.core.text import clean

    system = os.uname()
    cores = os.cpu_count() or 1
    noun = "core" if cores == 1 else "cores"
    name = _processor() or system.machine
    words = f"{cores} {noun} of {name}, load {os.getloadavg()[0]:.1f}, {system.sysname} {system.machine}"
    return clean(words, limit=200)


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
