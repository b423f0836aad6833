"""A version on its way to all of the traffic: what the analyst does, what operators may do, what is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, PolicyRefused
from engine.deployment.analysis import Verdict
from engine.deployment.model import Kind
from engine.deployment.rollout_model import Rollout, RolloutState
from engine.endpoints.model import State
from engine.registry.model import Stage
from tests.engine.deployment.rollouts.rolling import PLAN, Rolling

PLAN_GIVEN = "10% 10m -> 50% 10m -> 100%"


def begun(rolling: Rolling, version: int = 2, endpoint: str = "churn") -> Rollout:
    return rolling.rollouts.start(endpoint, version, reason="better", plan=PLAN_GIVEN)


def test_a_promotion_with_a_plan_begins_a_rollout_and_moves_no_stage(rolling: Rolling) -> None:
    promotion = rolling.promote(2)
    assert promotion.kind is Kind.ROLLOUT
    assert rolling.engine().models.version("churn", 2).stage is Stage.REGISTERED
    assert rolling.shares() == {1: ("live", 1000), 2: ("shadow", 0)}
    found = rolling.last()
    assert (found.state, found.version, found.live_version, found.promotes) == (RolloutState.RUNNING, 2, 1, True)
    assert found.policy.plan == "shadow 1m → 10% 10m → 100%"


def test_it_goes_step_by_step_to_production_when_nothing_is_wrong(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    assert rolling.shares() == {1: ("live", 900), 2: ("canary", 100)}
    rolling.go_through(2, minutes=10)
    assert rolling.shares() == {2: ("live", 1000), 1: ("standby", 0)}
    assert rolling.engine().models.version("churn", 2).stage is Stage.PRODUCTION
    assert rolling.last().state is RolloutState.PASSED
    verdicts = [each.verdict for each in rolling.rollouts.verdicts(rolling.last().id)]
    assert verdicts == [Verdict.PASS, Verdict.PASS]
    kinds = [each.kind for each in rolling.engine().promotions.history("churn").items]
    assert kinds == [Kind.PROMOTE, Kind.ROLLOUT]


def test_the_promotion_at_its_end_is_by_whoever_began_it(rolling: Rolling) -> None:
    rolling.promote(2, by="dave")
    rolling.go_through(2, minutes=1)
    rolling.go_through(2, minutes=10)
    assert rolling.engine().promotions.history("churn").items[0].by.name == "dave"


def test_a_canary_that_fails_gets_nothing_at_once_and_stays_for_inspection(rolling: Rolling) -> None:
    begun(rolling)
    rolling.acknowledge()
    rolling.tick()
    rolling.pass_time(0.01)
    rolling.answer(1, 450)
    rolling.answer(2, 50, errors=50)
    rolling.tick()
    assert rolling.shares() == {1: ("live", 1000), 2: ("standby", 0)}
    ended = rolling.last()
    assert ended.state is RolloutState.FAILED
    assert "100.0% of 50 requests failed" in ended.note
    rolling.acknowledge()
    states = {each.version: each.state for each in rolling.endpoints.get("churn").deployments}
    assert states[2] is State.ROLLED_BACK
    record = rolling.audited("roll back")[-1]
    assert record["routes"] == [["churn/1", "live", 1000], ["churn/2", "standby", 0]]


def test_a_slow_canary_is_given_up(rolling: Rolling) -> None:
    begun(rolling)
    rolling.acknowledge()
    rolling.tick()
    for _ in range(4):
        rolling.pass_time(0.01)
        rolling.answer(1, 450, slow=10)
        rolling.answer(2, 50, slow=45)
        rolling.tick()
    assert rolling.last().state is RolloutState.FAILED
    assert "slower than 95 %" in rolling.last().note


def test_nothing_counts_before_every_data_plane_serves_the_step(rolling: Rolling) -> None:
    begun(rolling)
    rolling.pass_time(60)
    rolling.tick()
    assert rolling.last().step_since_ms is None
    assert rolling.last().state is RolloutState.RUNNING
    rolling.acknowledge()
    rolling.tick()
    assert rolling.last().step_since_ms == rolling.clock.now_ms()


def test_a_version_that_no_data_plane_can_load_is_given_up(rolling: Rolling) -> None:
    begun(rolling)
    rolling.acknowledge(problem="the file is damaged")
    rolling.tick()
    assert rolling.last().state is RolloutState.FAILED
    assert "the file is damaged" in rolling.last().note


def test_too_little_traffic_waits_for_a_human_who_may_take_it_as_passed(rolling: Rolling) -> None:
    begun(rolling)
    rolling.go_through(2, minutes=10, requests=5)
    waiting = rolling.last()
    assert waiting.state is RolloutState.PAUSED
    assert "Only 15 requests" in waiting.note
    states = {each.version: each.state for each in rolling.endpoints.get("churn").deployments}
    assert states[2] is State.PAUSED
    assert rolling.shares()[2] == ("canary", 100)
    going = rolling.rollouts.resume("churn", reason="quiet night", skip=True)
    assert (going.state, going.current.weight) == (RolloutState.RUNNING, 500)
    said = rolling.rollouts.verdicts(going.id)[-1]
    assert said.verdict is Verdict.PASS
    assert said.sentence == "On the word of bob: quiet night"


def test_resuming_without_a_word_repeats_the_step(rolling: Rolling) -> None:
    begun(rolling)
    rolling.go_through(2, minutes=10, requests=5)
    going = rolling.rollouts.resume("churn", reason="more traffic now")
    assert (going.step, going.step_since_ms) == (0, None)
    rolling.go_through(2, minutes=10)
    assert rolling.last().step == 1


def test_a_pause_stops_the_clock_and_keeps_the_traffic(rolling: Rolling) -> None:
    begun(rolling)
    rolling.rollouts.pause("churn", reason="incident elsewhere")
    rolling.go_through(2, minutes=60)
    assert rolling.last().state is RolloutState.PAUSED
    assert rolling.shares()[2] == ("canary", 100)
    with pytest.raises(Conflict, match="paused already"):
        rolling.rollouts.pause("churn", reason="again")


def test_an_abort_takes_the_traffic_away(rolling: Rolling) -> None:
    begun(rolling)
    ended = rolling.rollouts.abort("churn", reason="wrong one")
    assert ended.state is RolloutState.ABORTED
    assert rolling.shares() == {1: ("live", 1000), 2: ("standby", 0)}
    with pytest.raises(NotFound, match="No rollout is open"):
        rolling.rollouts.abort("churn", reason="again")


def test_what_waited_once_waits_no_more_when_it_is_rolled_out_again(rolling: Rolling) -> None:
    begun(rolling)
    rolling.rollouts.pause("churn", reason="incident elsewhere")
    rolling.rollouts.abort("churn", reason="not tonight")
    assert [each.paused for each in rolling.endpoints.get("churn").deployments] == ["", ""]
    begun(rolling)
    rolling.acknowledge()
    states = {each.version: each.state for each in rolling.endpoints.get("churn").deployments}
    assert states[2] is State.CANARY


def test_routes_changed_by_hand_stop_a_rollout(rolling: Rolling) -> None:
    begun(rolling)
    rolling.engine("dave").endpoints.traffic("churn", {2: 300}, reason="faster")
    rolling.acknowledge()
    rolling.tick()
    assert rolling.last().state is RolloutState.PAUSED
    assert "dave changed the routes" in rolling.last().note
    assert rolling.shares()[2] == ("canary", 300)


def test_a_freeze_that_began_meanwhile_holds_the_promotion_back(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    frozen = '[models.churn.production]\nfreeze = [{from = "2000-01-01", to = "2100-01-01", reason = "audit"}]\n'
    rolling.set_policy(PLAN + frozen)
    rolling.go_through(2, minutes=10)
    assert rolling.last().state is RolloutState.PAUSED
    assert "the promotion is refused" in rolling.last().note
    assert rolling.shares() == {1: ("live", 900), 2: ("canary", 100)}
    assert rolling.engine().models.version("churn", 2).stage is Stage.REGISTERED


def test_who_lost_the_role_meanwhile_promotes_nothing(rolling: Rolling) -> None:
    rolling.promote(2, by="dave")
    rolling.go_through(2, minutes=1)
    rolling.set_policy(PLAN, people='[roles]\nadmin = ["root"]\noperator = ["bob"]\n')
    rolling.go_through(2, minutes=10)
    assert rolling.last().state is RolloutState.PAUSED
    assert rolling.engine().models.version("churn", 2).stage is Stage.REGISTERED


def test_the_kill_of_the_analyst_after_the_promotion_loses_nothing(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    rolling.acknowledge()
    rolling.engine().promotions.finish(rolling.last().id)
    rolling.acknowledge()
    rolling.tick()
    assert rolling.last().state is RolloutState.PASSED


def test_evidence_goes_on_where_another_analyst_left_it(rolling: Rolling) -> None:
    begun(rolling)
    rolling.acknowledge()
    rolling.tick()
    rolling.pass_time(0.2)
    rolling.answer(1, 300)
    rolling.answer(2, 300)
    rolling.tick()
    kept = rolling.last().evidence
    assert kept.candidate.requests == 300
    rolling.analyst = rolling.engine("root").analyst
    rolling.pass_time(0.2)
    rolling.answer(2, 100)
    rolling.tick()
    assert rolling.last().evidence.candidate.requests == 400


def test_what_comes_late_of_the_step_before_is_not_this_steps(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    rolling.acknowledge()
    rolling.tick()
    rolling.answer(2, 500, late=1)
    rolling.tick()
    assert rolling.last().evidence.step_requests == 0


def test_one_rollout_at_a_time(rolling: Rolling) -> None:
    begun(rolling)
    with pytest.raises(Conflict, match="Version 2 is being rolled out"):
        begun(rolling, 3, "churn")
    with pytest.raises(Conflict, match="Version 2 is being rolled out"):
        rolling.promote(3)


def test_the_live_version_cannot_be_rolled_out(rolling: Rolling) -> None:
    with pytest.raises(Conflict, match="is the live one"):
        begun(rolling, 1, "churn")


def test_without_a_live_version_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    rolling = Rolling(tmp_path)
    rolling.endpoints.create("empty", "churn")
    with pytest.raises(Conflict, match="no live version"):
        begun(rolling, 2, "empty")
    rolling.close()


def test_without_a_plan_in_the_policy_one_must_be_given(tmp_path: Path) -> None:
    rolling = Rolling(tmp_path, policy="")
    with pytest.raises(InvalidInput, match="no rollout plan"):
        rolling.rollouts.start("churn", 2, reason="better")
    assert rolling.promote(2).kind is Kind.PROMOTE
    assert rolling.shares() == {2: ("live", 1000), 1: ("standby", 0)}
    rolling.close()


@pytest.mark.parametrize("plan", ["10%", "10% 1m", "100% -> 10% 1m", "x" * 10_000])
def test_what_is_no_plan_is_refused_and_changes_nothing(rolling: Rolling, plan: str) -> None:
    before = rolling.shares()
    with pytest.raises(InvalidInput):
        rolling.rollouts.start("churn", 2, reason="better", plan=plan)
    assert rolling.shares() == before
    assert rolling.open is None


def test_nobody_goes_around_the_plan_by_deploying(rolling: Rolling) -> None:
    with pytest.raises(PolicyRefused, match="rolls versions of churn out by a plan") as refused:
        rolling.endpoints.deploy("churn", 2, reason="in a hurry")
    assert "qd endpoints promote churn 2" in refused.value.hint
    assert rolling.shares() == {1: ("live", 1000)}


def test_a_plan_does_not_stand_in_the_way_back(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    rolling.go_through(2, minutes=10)
    rolling.endpoints.roll_back("churn", reason="complaints")
    assert rolling.shares()[1] == ("live", 1000)


def test_viewers_begin_nothing(rolling: Rolling) -> None:
    with pytest.raises(PermissionDenied):
        rolling.engine("eve").rollouts.start("churn", 2, reason="better", plan=PLAN_GIVEN)


def test_an_override_does_not_wait_for_a_rollout(rolling: Rolling) -> None:
    rolling.set_policy(PLAN + "[models.churn.production]\napprovals = 1\n")
    rolling.approve(rolling.request(2, override=True), "alice")
    assert rolling.promote(2, by="boss", override=True).kind is Kind.OVERRIDE
    assert rolling.shares()[2] == ("live", 1000)


def test_each_step_is_audited_with_the_routes_it_made(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    told = [
        (each.verb, json.loads(json.dumps(each.after))["step"])
        for each in reversed(rolling.engine().audit.page(limit=100).items)
        if each.kind == "rollout"
    ]
    assert told == [("begin", "shadow 1m"), ("step", "10% 10m")]
    assert rolling.engine().audit.verify().ok
