"""What a keystroke costs on the line, in a real terminal; bytes are exact, so they are tests and not a bench."""

from __future__ import annotations

import random
import signal
import statistics
import sys
from collections.abc import Iterator

import pytest

from tests.bench.pty.measure import press, size
from tests.bench.pty.session import PtySession

DEMO = (sys.executable, "-m", "tests.bench.pty.demo")


@pytest.fixture
def session() -> Iterator[PtySession]:
    with PtySession(DEMO) as running:
        running.until_text("run-000030")
        running.until_quiet(0.2)
        yield running


def test_a_cursor_move_costs_at_most_400_bytes(session: PtySession) -> None:
    _, sizes = press(session, "j", 20)
    assert 0 < max(sizes) <= 400


def test_scrolling_line_by_line_at_the_edge_costs_at_most_500_bytes(session: PtySession) -> None:
    session.send("\x1b[6~k" + "j" * 40)
    session.until_quiet(0.3)
    _, down = press(session, "j", 20)
    assert 0 < statistics.mean(down) <= 500


def test_a_page_costs_at_most_6_kilobytes(session: PtySession) -> None:
    _, sizes = press(session, "\x06", 10, quiet=0.1)
    assert 0 < max(sizes) <= 6_000


def test_starting_costs_at_most_25_kilobytes(session: PtySession) -> None:
    assert len(session.output) <= 25_000


@pytest.mark.parametrize(("live", "most"), [("page@4", 10_000), ("row@1", 400)])
def test_live_cells_cost_only_themselves(live: str, most: int) -> None:
    with PtySession([*DEMO, "--live", live]) as running:
        running.until_text("run-000030")
        running.listen(0.5)
        assert size(running.listen(3)) / 3 <= most


@pytest.mark.parametrize("seed", range(3))
def test_after_any_keys_the_screen_is_what_a_full_repaint_makes(session: PtySession, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(40):
        session.send("".join(rng.choices(["j", "k", "\x06", "\x02", "\x04", "\x15", "G", "g", " ", "h", "l"], k=4)))
        session.pump(0.02)
    session.until_quiet(0.3)
    before = [dict(row) for row in (session.screen.buffer[y] for y in range(session.rows))]
    session.screen.reset()
    session.signal(signal.SIGWINCH)
    session.until_text("NAME")
    session.until_quiet(0.2)
    for y, line in enumerate(before):
        for x in range(session.columns):
            assert line.get(x, session.screen.default_char).data == session.screen.buffer[y][x].data
            assert line.get(x, session.screen.default_char).reverse == session.screen.buffer[y][x].reverse
