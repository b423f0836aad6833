"""Hostile texts on every screen, dialog, message and table: how much comes through, and what it breaks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from tests.bench.places import Places
from tests.bench.results import Row
from tests.hostile.sweep import sweep

SHOWN = 10


def measure(places: Places) -> Iterator[Row]:
    """The whole sweep, in the console and on the command line."""
    began = time.monotonic()
    with places.scratch() as folder:
        found = sweep(folder)
    for finding in (*found.leaks[:SHOWN], *found.crashes[:SHOWN], *found.missed[:SHOWN]):
        print(finding, file=sys.stderr)
    detail = f"{found.looks:,} looks at screens, dialogs, messages, tables in {time.monotonic() - began:.0f} s"
    yield Row("hostile names: came through raw", len(found.leaks), "", 0, detail=detail)
    yield Row("hostile names: crashes, hangs", len(found.crashes), "", 0)
    yield Row("hostile names: places that could not be looked at", len(found.missed), "", 0)
