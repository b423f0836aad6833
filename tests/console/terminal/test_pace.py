"""How often is painted, on a clock of the test's own."""

from __future__ import annotations

from console.terminal.pace import FAR, MEMORY_SECONDS, NEAR, SLOW, UNSEEN, Pace


def test_a_far_a_slow_and_an_unseen_terminal_are_painted_less() -> None:
    now = [0.0]
    near, far = Pace(far=False, now=lambda: now[0]), Pace(far=True, now=lambda: now[0])
    assert (near.seconds, far.seconds) == (NEAR, FAR)
    assert NEAR < FAR < SLOW < UNSEEN
    far.stuck()
    assert far.seconds == SLOW
    far.seen = False
    assert far.seconds == UNSEEN
    far.seen = True
    now[0] += MEMORY_SECONDS
    assert far.seconds == FAR
