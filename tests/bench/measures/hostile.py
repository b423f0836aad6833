"""Hostile texts on every screen, dialog, message and table: how much comes through, and what it breaks."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.hostile.sweep import ConsoleSweep, Findings, sweep_commands
from tests.bench.hostile.workspace import make_hostile
from tests.bench.places import Places
from tests.bench.results import Row

SHOWN = 10


def measure(places: Places) -> Iterator[Row]:
    """The whole sweep, in the console and on the command line."""
    findings = Findings()
    with places.scratch() as folder:
        hostile = make_hostile(folder / "workspace")
        console = ConsoleSweep(hostile, findings)
        try:
            console.screens()
            console.actions()
            console.words()
        finally:
            console.close()
        sweep_commands(hostile, findings)
    for finding in (*findings.leaks[:SHOWN], *findings.crashes[:SHOWN]):
        print(finding, file=sys.stderr)
    detail = f"{findings.looks:,} looks at screens, dialogs, messages, tables"
    yield Row("hostile names: came through raw", len(findings.leaks), "", 0, detail=detail)
    yield Row("hostile names: crashes", len(findings.crashes), "", 0)
