"""Profiles by minute, hour and day: each request is counted once in each, and windows are sums of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.drift.baseline_model import Stretch
from engine.monitoring import watching
from engine.monitoring.model import Window
from engine.monitoring.steps import covering
from engine.profiles.profile import Profile
from tests.engine.monitoring.town import MINUTE_MS, Town


def rows(count: int, seed: int) -> list[dict[str, object]]:
    random = Random(seed)
    return [{"x": random.gauss(0, 1), "letter": random.choice("abc")} for _ in range(count)]


def kept(town: Town, step_s: int) -> list[tuple[int, Profile]]:
    """The profiles of one length, by their beginning in seconds."""
    with closing(sqlite3.connect(town.workspace.telemetry_db)) as raw:
        found = raw.execute("SELECT start_s, profile FROM profile_step WHERE step_s = ? ORDER BY start_s", (step_s,))
        return [(start_s, Profile.from_bytes(content)) for start_s, content in found]


@pytest.fixture
def watched(town: Town) -> Town:
    """A town with a baseline, and a monitor of drift over two minutes."""
    start_ms = town.clock.now_ms()
    town.asked(rows(500, 0), times=[start_ms + place for place in range(500)])
    town.clock.advance(MINUTE_MS)
    town.operator.drift.baseline_from_production("churn", 1, Stretch(start_ms))
    town.watch(tests=["drift"], window="2m", step="1m")
    return town


def test_each_request_is_in_its_minute_its_hour_and_its_day_once(watched: Town) -> None:
    for seed in (1, 2, 3):
        watched.minute(rows(100, seed))
        watched.run()
        watched.run()
    counts = {step_s: [profile.rows for _, profile in kept(watched, step_s)] for step_s in (60, 3_600, 86_400)}
    assert counts == {60: [500, 100, 100, 100], 3_600: [800], 86_400: [800]}


def test_an_hour_is_the_sum_of_its_minutes_byte_for_byte(watched: Town) -> None:
    for seed in (1, 2):
        watched.minute(rows(150, seed))
    watched.run()
    minutes = [profile for _, profile in kept(watched, 60)]
    whole = minutes[0]
    for each in minutes[1:]:
        whole += each
    ((_, hour),) = kept(watched, 3_600)
    assert hour.to_bytes() == whole.to_bytes()


def test_rows_that_come_late_are_in_their_own_minute(watched: Town) -> None:
    start_ms = watched.clock.now_ms()
    watched.minute(rows(100, 1))
    watched.run()
    watched.asked(rows(30, 2), times=[start_ms + 5] * 30)
    watched.run()
    assert dict(kept(watched, 60))[start_ms // 1_000].rows == 130


def test_windows_with_very_many_requests_are_summed_and_not_sampled(
    watched: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.run()
    monkeypatch.setattr(watching, "MOST_REQUESTS", 50)
    for seed in (1, 2):
        watched.minute(rows(200, seed))
    found = watched.run()[-1]
    assert found.rows < 150  # read one by one
    assert found.report["current"]["rows"] == 400  # type: ignore[index]  # JSON


@given(start=st.integers(0, 5_000), length=st.integers(1, 5_000))
def test_a_window_is_covered_once_by_as_few_steps_as_can_be(start: int, length: int) -> None:
    found = covering(Window(start * MINUTE_MS, (start + length) * MINUTE_MS))
    assert found is not None
    at_s = start * 60
    for step_s, start_s in found:
        assert start_s == at_s
        assert start_s % step_s == 0
        at_s += step_s
    assert at_s == (start + length) * 60
    assert len(found) <= 59 + 59 + 23 + 23 + length // 1_440 + 1


@pytest.mark.parametrize("window", [Window(1, MINUTE_MS), Window(0, MINUTE_MS, 1, 5), Window(0, MINUTE_MS, file="x")])
def test_other_windows_are_no_sums(window: Window) -> None:
    assert covering(window) is None
