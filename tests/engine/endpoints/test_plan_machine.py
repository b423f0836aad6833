"""Any run of verbs under a policy with a plan: nothing goes live that did not take its steps, or that was given up."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.core.errors import Conflict, PolicyRefused, QuarterdeckError
from engine.deployment.rollout_model import RolloutState
from engine.endpoints.model import Share
from tests.engine.endpoints.desk import Desk

VERSIONS = 4
FIRST_STEP = 50
PLAN = """
[models.churn.rollout]
plan = "5% 10m -> 25% 10m -> 100%"
"""


class PlannedEndpoint(RuleBasedStateMachine):
    """An endpoint whose versions go live by steps; the first one did before there was another."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(self.folder, PLAN)
        self.desk.endpoint(VERSIONS)
        self.good = {1}
        """What has taken its steps and was not given up since."""

    @initialize()
    def before(self) -> None:
        self.shares = self.desk.shares()

    def live(self) -> int:
        return next(version for version, (share, _) in self.shares.items() if share == "live")

    def by_hand(self, act: Callable[[], object]) -> bool:
        """Do what any operator may, and see that no canary got more of it than the first step gives."""
        try:
            act()
        except QuarterdeckError:
            assert self.desk.shares() == self.shares
            return False
        after = self.desk.shares()
        for version, (share, weight) in after.items():
            before = self.shares.get(version, ("", 0))[1]
            assert share != "canary" or weight <= max(FIRST_STEP, before)
        self.shares = after
        return True

    @rule(version=st.integers(1, VERSIONS), weight=st.sampled_from([1, 50, 51, 250, 999]))
    def try_as_canary(self, version: int, weight: int) -> None:
        self.by_hand(
            lambda: self.desk.endpoints.deploy("churn", version, share=Share.CANARY, weight=weight, reason="r")
        )

    @rule(version=st.integers(1, VERSIONS), weight=st.sampled_from([0, 1, 50, 51, 250, 999]))
    def weigh(self, version: int, weight: int) -> None:
        self.by_hand(lambda: self.desk.endpoints.traffic("churn", {version: weight}, reason="r"))

    @rule(version=st.integers(1, VERSIONS), on=st.booleans())
    def mirror(self, version: int, *, on: bool) -> None:
        self.by_hand(lambda: self.desk.endpoints.shadow("churn", version, on=on, reason="r"))

    @rule(version=st.integers(1, VERSIONS))
    def retire(self, version: int) -> None:
        if len(self.shares) == 1:
            return  # the machine keeps its endpoint alive
        self.by_hand(lambda: self.desk.endpoints.retire("churn", version, reason="r"))

    @rule(version=st.integers(1, VERSIONS))
    def go_live_at_once(self, version: int) -> None:
        live = self.live()
        assert self.by_hand(lambda: self.desk.endpoints.deploy("churn", version, reason="r")) is (version == live)

    @rule(on=st.booleans())
    def switch(self, *, on: bool) -> None:
        endpoints = self.desk.endpoints
        self.by_hand(lambda: (endpoints.revive if on else endpoints.kill)("churn", reason="r"))

    @rule()
    def undo(self) -> None:
        self.by_hand(lambda: self.desk.endpoints.undo("churn", reason="r"))

    @rule()
    def roll_back(self) -> None:
        live = self.live()
        canaries = [version for version, (share, _) in self.shares.items() if share == "canary"]
        if self.by_hand(lambda: self.desk.endpoints.roll_back("churn", reason="r")):
            self.good -= set(canaries or [live])

    @rule(version=st.integers(1, VERSIONS))
    def begin(self, version: int) -> None:
        self.by_hand(lambda: self.desk.engine().rollouts.start("churn", version, reason="better"))

    @rule()
    def take_the_next_step(self) -> None:
        rollouts = self.desk.engine().rollouts
        found = rollouts.open_of("churn")
        if found is None:
            return
        if found.state is RolloutState.RUNNING:
            rollouts.pause("churn", reason="by hand")
        try:
            going = rollouts.resume("churn", reason="by hand", skip=True)
        except QuarterdeckError:
            return
        self.shares = self.desk.shares()
        if going.state is RolloutState.PASSED:
            self.good.add(going.version)

    @rule()
    def abort(self) -> None:
        found = self.desk.engine().rollouts.open_of("churn")
        if found is None:
            return
        share = self.shares.get(found.version, ("", 0))[0]
        try:
            self.desk.engine().rollouts.abort("churn", reason="no")
        except QuarterdeckError:
            return  # it is the live one, by another way
        self.shares = self.desk.shares()
        if share in ("canary", "shadow"):
            self.good.discard(found.version)

    @invariant()
    def only_what_took_its_steps_is_live(self) -> None:
        assert self.live() in self.good

    def teardown(self) -> None:
        self.desk.database.close()
        shutil.rmtree(self.folder)


TestPlannedEndpoint = PlannedEndpoint.TestCase
TestPlannedEndpoint.settings = settings(
    max_examples=12, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_an_undo_does_not_bring_back_live_what_was_given_up_where_there_is_a_plan(desk: Desk) -> None:
    desk.endpoint(2)
    desk.endpoints.deploy("churn", 2, reason="better")
    desk.endpoints.roll_back("churn", reason="worse")
    desk.set_policy(PLAN)
    with pytest.raises(PolicyRefused, match="by a plan") as caught:
        desk.endpoints.undo("churn", reason="not that bad")
    assert caught.value.hint == "Begin it: qd endpoints promote churn 2."
    assert desk.shares() == {1: ("live", 1000), 2: ("standby", 0)}
    assert desk.audited("refuse")[-1]["attempt"]["verb"] == "undo"


def test_a_given_up_version_is_not_gone_back_to_after_it_was_a_shadow_or_unloaded(desk: Desk) -> None:
    desk.endpoint(2)
    desk.endpoints.deploy("churn", 2, reason="better")
    desk.endpoints.roll_back("churn", reason="worse")
    desk.endpoints.shadow("churn", 2, reason="look at it")
    desk.endpoints.retire("churn", 2, reason="seen")
    with pytest.raises(Conflict, match="no earlier live version"):
        desk.endpoints.roll_back("churn", reason="r")
    assert desk.shares() == {1: ("live", 1000)}


def test_an_undo_gives_a_canary_no_more_than_the_first_step(desk: Desk) -> None:
    desk.endpoint(2)
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=250, reason="try it")
    desk.endpoints.traffic("churn", {2: 20}, reason="less")
    desk.set_policy(PLAN)
    with pytest.raises(PolicyRefused) as caught:
        desk.endpoints.undo("churn", reason="more again")
    assert "gets 5 % at most" in caught.value.hint
    assert desk.shares()[2] == ("canary", 20)


def test_an_undo_still_goes_back_to_what_was_live_and_was_never_given_up(desk: Desk) -> None:
    desk.endpoint(2)
    desk.endpoints.deploy("churn", 2, reason="better")
    desk.set_policy(PLAN)
    desk.endpoints.undo("churn", reason="not yet")
    assert desk.shares()[1] == ("live", 1000)
    desk.endpoints.undo("churn", reason="now")
    assert desk.shares()[2] == ("live", 1000)
