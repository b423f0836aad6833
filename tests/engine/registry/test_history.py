from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.audit.model import AuditEntry
from engine.audit.service import AuditLog
from engine.core.errors import QuarterdeckError
from engine.registry.history import KINDS, replay
from engine.registry.model import Stage, VersionState
from tests.engine.registry.desk import Desk

if TYPE_CHECKING:
    import pytest

NAMES = ("churn", "loan", "tide")
ALIASES = ("champion", "loved", "production")

models = st.sampled_from(NAMES)
numbers = st.integers(1, 4)


def observed(desk: Desk) -> tuple[VersionState, ...]:
    found = desk.models.versions(limit=5_000).items
    return tuple(sorted(VersionState(each.model, each.version, each.stage, each.aliases) for each in found))


class Registry(RuleBasedStateMachine):
    """Everything that can happen to models and versions, with the state written down after each step."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.desk = Desk(Path(self.folder.name))
        self.run_id = self.desk.run({"model/w": b"w"})
        self.seen: list[tuple[int, tuple[VersionState, ...]]] = [(self.desk.clock.now_ms(), ())]

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.desk.database.close()
            self.folder.cleanup()

    @rule(delta_ms=st.sampled_from([0, 1, 1_000]))
    def wait(self, delta_ms: int) -> None:
        self.desk.clock.advance(delta_ms)

    @rule(name=models)
    def register(self, name: str) -> None:
        self.desk.models.register(name, run_id=self.run_id)

    @rule(name=models, number=numbers, stage=st.sampled_from(Stage))
    def move(self, name: str, number: int, stage: Stage) -> None:
        self.attempt(lambda: self.desk.move(number, stage, name))

    @rule(name=models, number=numbers, old=numbers)
    def replace_production(self, name: str, number: int, old: int) -> None:
        self.attempt(lambda: self.desk.replace_production(number, old, name))

    @rule(name=models, number=numbers, alias=st.sampled_from(ALIASES))
    def set_alias(self, name: str, number: int, alias: str) -> None:
        self.attempt(lambda: self.desk.models.set_alias(name, alias, number))

    @rule(name=models, alias=st.sampled_from(ALIASES))
    def remove_alias(self, name: str, alias: str) -> None:
        self.attempt(lambda: self.desk.models.remove_alias(name, alias))

    @rule(name=models, number=numbers)
    def delete_version(self, name: str, number: int) -> None:
        self.attempt(lambda: self.desk.models.delete_version(name, number))

    @rule(name=models)
    def delete(self, name: str) -> None:
        self.attempt(lambda: self.desk.models.delete(name))

    @rule(name=models, new=models)
    def rename(self, name: str, new: str) -> None:
        self.attempt(lambda: self.desk.models.rename(name, new))

    @rule(name=models, number=numbers)
    def tag(self, name: str, number: int) -> None:
        self.attempt(lambda: self.desk.models.set_tag(name, "k", "v"))
        self.attempt(lambda: self.desk.models.set_version_tag(name, number, "k", "v"))

    def attempt(self, step: Callable[[], object]) -> None:
        with suppress(QuarterdeckError):  # a refused step leaves the state as it was, which the invariant sees
            step()

    @invariant()
    def the_past_is_told_as_it_was(self) -> None:
        if not hasattr(self, "desk"):
            return
        self.seen.append((self.desk.clock.now_ms(), observed(self.desk)))
        times = [time_ms for time_ms, _ in self.seen]
        for time_ms in {time_ms + offset for time_ms in times for offset in (-1, 0, 1)}:
            place = bisect_right(times, time_ms)
            expected = self.seen[place - 1][1] if place else ()
            assert self.desk.models.at(None, time_ms) == expected

    @invariant()
    def protected_aliases_name_only_what_is_in_production(self) -> None:
        if not hasattr(self, "desk"):
            return
        for state in observed(self.desk):
            assert state.stage is Stage.PRODUCTION or not {"champion", "production"} & set(state.aliases)


Registry.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestRegistry = Registry.TestCase


def test_the_past_of_one_model_leaves_the_others_out(desk: Desk) -> None:
    desk.register("churn")
    desk.register("loan")
    now_ms = desk.clock.now_ms()
    assert desk.models.at("churn", now_ms) == (VersionState("churn", 1, Stage.REGISTERED),)
    assert desk.models.at("nothing", now_ms) == ()
    assert desk.models.at(None, now_ms - 1) == ()


def test_a_renamed_model_had_its_old_name_before(desk: Desk) -> None:
    desk.register("churn")
    before_ms = desk.clock.now_ms()
    desk.clock.advance(1_000)
    desk.models.rename("churn", "leavers")
    assert [state.model for state in desk.models.at(None, before_ms)] == ["churn"]
    assert [state.model for state in desk.models.at(None, desk.clock.now_ms())] == ["leavers"]


def test_a_clock_set_back_does_not_reorder_the_past(desk: Desk) -> None:
    desk.register("churn")
    desk.clock.advance(-5_000)
    desk.move(1, Stage.STAGING)
    registered_ms = desk.clock.now_ms() + 5_000
    desk.clock.advance(10_000)
    assert desk.models.at(None, registered_ms - 1) == ()
    assert desk.models.at(None, registered_ms) == (VersionState("churn", 1, Stage.STAGING),)


def test_a_clock_that_jumped_ahead_once_hides_nothing_of_what_came_after(desk: Desk) -> None:
    desk.clock.advance(1_000_000_000)
    desk.register("churn")
    desk.clock.advance(-1_000_000_000)
    registered_ms = desk.clock.now_ms()
    assert desk.models.at("churn", registered_ms) == (VersionState("churn", 1, Stage.REGISTERED),), "it is there now"
    for stage in (Stage.STAGING, Stage.ARCHIVED, Stage.PRODUCTION):
        desk.clock.advance(1_000)
        desk.move(1, stage)
    desk.clock.advance(1_000)
    states = [desk.models.at("churn", registered_ms + seconds * 1_000) for seconds in (2, 3)]
    assert states == [(VersionState("churn", 1, stage),) for stage in (Stage.ARCHIVED, Stage.PRODUCTION)]


def test_the_past_is_read_through_every_page_of_the_log(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        desk.register("churn")
    monkeypatch.setattr("engine.audit.service.MAX_PAGE", 2)
    assert len(desk.models.at("churn", desk.clock.now_ms())) == 5


def test_records_of_other_kinds_are_passed_over(desk: Desk) -> None:
    desk.register("churn")
    entries = AuditLog(desk.database, desk.clock).page(limit=1_000).items[::-1]
    assert {entry.kind for entry in entries} - set(KINDS), "the run was recorded too"
    now_ms = desk.clock.now_ms()
    relevant = [entry for entry in entries if entry.kind in KINDS]
    assert replay(entries, now_ms) == replay(relevant, now_ms) == observed(desk)


def test_replay_knows_nothing_without_records() -> None:
    nothing: list[AuditEntry] = []
    assert replay(nothing, 10**15) == ()
