"""How much the console costs, of what a minimal Textual app costs beside it: ratios hold on every machine.

Processor time and bytes, not the clock: other tests run on the same cores. The bench measures milliseconds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from tests.bench.pty.measure import press, size
from tests.bench.pty.session import PtySession
from tests.console.terminal.minimal import ROWS
from tests.console.world import World

DOWN, PAGE = "\x1b[B", "\x1b[6~"
MOVES = 40
STARTS = 2
"""The first start compiles modules and fills the page cache; the cheaper one counts."""

AT_START = 2.0
NO_MORE = 1.5
"""Processor time comes in hundredths of a second, and of these few are used; seen are 1.16, 0.75 and 0.4."""


class Cost(NamedTuple):
    """Processor seconds and bytes."""

    cpu: float
    sent: int


class Costs(NamedTuple):
    """What one of the two takes: to begin, to move the cursor, to turn pages."""

    start: Cost
    moves: Cost
    pages: Cost


def _pressed(session: PtySession, key: str) -> Cost:
    before = session.cpu_seconds()
    _, sizes = press(session, key, MOVES, quiet=0.01)
    session.until_settled()
    return Cost(session.cpu_seconds() - before, sum(sizes))


def _begun(session: PtySession) -> Cost:
    session.until_text("run-30", within=60)
    session.until_quiet(0.2)
    return Cost(session.cpu_seconds(), size(session.chunks))


def _costs(argv: list[str], environ: dict[str, str]) -> Costs:
    starts = []
    for turn in range(STARTS):
        with PtySession(argv, environ=environ) as session:
            starts.append(_begun(session))
            if turn == STARTS - 1:
                moves = _pressed(session, DOWN)
                session.send("\x1b[H")
                session.until_quiet(0.1)
                pages = _pressed(session, PAGE)
    return Costs(min(starts), moves, pages)


def test_beginning_moving_and_turning_pages_cost_about_what_they_cost_a_minimal_app(tmp_path: Path) -> None:
    """Four seconds: two starts of each. One test, so that one worker pays for them once."""
    world = World(tmp_path)
    for number in range(ROWS):
        world.run(f"run-{number:02}", auc=number / 100)
    world.close()
    path = world.workspace.path
    environ = {"HOME": str(path), "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "", "PYTHONPATH": str(Path.cwd())}
    ours = _costs([sys.executable, "-m", "console", "--workspace", str(path), "console", "runs"], environ)
    theirs = _costs([sys.executable, "-m", "tests.console.terminal.minimal"], environ)
    assert ours.start.cpu <= AT_START * theirs.start.cpu
    assert ours.moves.cpu <= NO_MORE * theirs.moves.cpu
    assert ours.pages.cpu <= NO_MORE * theirs.pages.cpu
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.sent <= other.sent
