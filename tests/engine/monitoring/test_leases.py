"""A lease lets one process look; a fence keeps out whoever has lost one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.access import Actor
from engine.core.errors import Busy
from engine.monitoring import rounds
from engine.monitoring.leases import taken
from engine.monitoring.rounds import Runner
from engine.monitoring.store import Lease
from tests.engine.monitoring.town import Town

ROWS = [{"x": float(place)} for place in range(20)]


@given(
    asked=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50), st.integers(1, 30)), min_size=1, max_size=40)
)
def test_at_any_time_one_holds_it_and_fences_grow_with_holders(asked: list[tuple[str, int, int]]) -> None:
    held: Lease | None = None
    now_ms = 0
    for owner, later_ms, lasts_ms in asked:
        now_ms += later_ms
        found = taken(held, owner, now_ms, lasts_ms)
        if found is None:
            assert held is not None
            assert held.owner != owner
            assert now_ms < held.expires_ms
            continue
        assert found.owner == owner
        assert found.expires_ms == now_ms + lasts_ms
        if held is not None:
            assert found.fence >= held.fence
            if held.owner != owner:
                assert found.fence > held.fence
                assert now_ms >= held.expires_ms
        held = found


def runner(name: str, lasts_ms: int = 60_000) -> Runner:
    return Runner(name, Actor("bob"), lasts_ms)


def test_while_one_process_holds_the_lease_others_find_nothing_to_do(town: Town) -> None:
    town.minute(ROWS)
    town.watch()
    monitor = town.monitors.get("watch")
    assert town.monitors.look(monitor, runner("one")) != ()
    assert town.monitors.look(monitor, runner("two")) is None
    with pytest.raises(Busy):
        town.run()
    assert town.monitors.get("watch").runner == "one"
    town.clock.advance(60_000)
    assert town.monitors.get("watch").runner == ""
    assert town.monitors.look(monitor, runner("two")) is not None


def test_what_a_process_found_after_it_lost_its_lease_is_not_kept(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one is so slow that another takes over while it looks; it must not write over what that one found."""
    for _ in range(3):
        town.minute(ROWS)
    town.watch()
    for _ in range(3):
        town.minute(ROWS)
    monitor = town.monitors.get("watch")
    other = town.engine("bob").monitors
    kept = rounds.Rounds._keep  # noqa: SLF001 where a process may be overtaken
    overtaken: list[object] = []

    def slow(self: rounds.Rounds, *arguments: object) -> object:
        if not overtaken:
            overtaken.append(None)
            town.clock.advance(60_000)
            overtaken.append(other.look(monitor, runner("two")))
        return kept(self, *arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(rounds.Rounds, "_keep", slow)
    found = town.monitors.look(monitor, runner("one"))
    assert found == ()
    assert overtaken[1]
    windows = [each.window for each in town.results()]
    assert len(windows) == len(set(windows)) >= 4
    assert town.monitors.get("watch").runner == "two"


def test_a_clock_that_was_ahead_keeps_nobody_from_looking(town: Town) -> None:
    town.minute(ROWS)
    town.watch()
    year_ms = 366 * 24 * 3_600_000
    town.clock.advance(year_ms)
    assert town.monitors.look(town.monitors.get("watch"), runner("ahead")) is not None
    town.clock.advance(-year_ms)
    monitor = town.monitors.get("watch")
    assert town.monitors.due() == (monitor,)
    assert town.monitors.look(monitor, runner("right")) is not None


def test_a_monitor_that_breaks_says_so_and_looks_again_later(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    town.minute(ROWS)
    town.watch(every="5m")

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(rounds.Rounds, "_keep", broken)
    assert town.monitors.look(town.monitors.get("watch"), runner("one")) == ()
    assert town.monitors.get("watch").problem == "Internal error: MemoryError."
    assert town.monitors.due() == ()
    monkeypatch.undo()
    town.clock.advance(5 * 60_000)
    assert town.monitors.look(town.monitors.due()[0], runner("one"))
    assert town.monitors.get("watch").problem == ""
    capsys.readouterr()
