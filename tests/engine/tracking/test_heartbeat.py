"""Signs of life: given until the run is over, in spite of a disk that fails now and then."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from engine.core.errors import Busy
from engine.tracking.heartbeat import Heartbeat

RUN = f"{7:032x}"
SOON_S = 0.001
LIMIT_S = 20.0


class Pulse:
    """Counts signs of life; fails or ends after as many as it is told to."""

    def __init__(self, *, failing: int = 0, ends_after: int = 1_000_000) -> None:
        self.beats = 0
        self.completed: list[Mapping[str, str]] = []
        self.enough = threading.Event()
        self._failing, self._ends_after = failing, ends_after

    def beat(self, run_id: str) -> bool:
        assert run_id == RUN
        self.beats += 1
        if self.beats <= self._failing:
            raise Busy("The disk is slow.")
        if self.beats >= self._failing + 3:
            self.enough.set()
        return self.beats < self._ends_after

    def complete_environment(self, run_id: str, packages: Mapping[str, str], git_dirty: bool | None) -> None:
        assert (run_id, git_dirty in (True, False, None)) == (RUN, True)
        self.completed.append(packages)
        if self._failing:
            raise Busy("The disk is slow.")


@pytest.mark.parametrize("failing", [0, 5])
def test_it_beats_until_it_is_stopped_whatever_fails(failing: int) -> None:
    pulse = Pulse(failing=failing)
    heartbeat = Heartbeat(pulse, RUN, capture=bool(failing), interval_s=SOON_S)
    heartbeat.start()
    assert pulse.enough.wait(LIMIT_S)
    heartbeat.stop()
    beats = pulse.beats
    heartbeat.stop()
    assert pulse.beats == beats >= failing + 3


def test_it_ends_by_itself_when_the_run_is_over() -> None:
    pulse = Pulse(ends_after=4)
    before = set(threading.enumerate())
    heartbeat = Heartbeat(pulse, RUN, capture=False, interval_s=SOON_S)
    heartbeat.start()
    for thread in set(threading.enumerate()) - before:
        thread.join(LIMIT_S)
        assert not thread.is_alive()
    assert pulse.beats == 4


def test_a_run_that_ends_at_once_still_tells_its_packages() -> None:
    pulse = Pulse()
    heartbeat = Heartbeat(pulse, RUN, capture=True, interval_s=3_600)
    heartbeat.start()
    heartbeat.stop()
    assert "click" in pulse.completed[0]
    assert pulse.beats == 0
