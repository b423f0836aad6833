"""A version on its way to all of the traffic: what the analyst does, what operators may do, what is written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, PolicyRefused
from engine.deployment.analysis import Verdict
from engine.deployment.model import Kind
from engine.deployment.rollout_model import Rollout, RolloutState
from engine.endpoints.model import Share, State
from engine.registry.model import Stage
from engine.telemetry.model import Totals
from tests.engine.deployment.rollouts.rolling import PLAN, Rolling

PLAN_GIVEN = "10% 10m -> 50% 10m -> 100%"


def begun(rolling: Rolling, version: int = 2, endpoint: str = "churn") -> Rollout:
    return rolling.engine("boss").rollouts.start(endpoint, version, reason="better", plan=PLAN_GIVEN)


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
    rolling.engine("dave").endpoints.traffic("churn", {2: 50}, reason="slower")
    rolling.acknowledge()
    rolling.tick()
    assert rolling.last().state is RolloutState.PAUSED
    assert "dave changed the routes" in rolling.last().note
    assert rolling.shares()[2] == ("canary", 50)


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
        rolling.engine("boss").rollouts.start("churn", 2, reason="better", plan=plan)
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


def test_a_plan_of_ones_own_beside_the_policys_takes_an_admin(rolling: Rolling) -> None:
    with pytest.raises(PermissionDenied, match="plan of one's own"):
        rolling.rollouts.start("churn", 2, reason="in a hurry", plan="100%")
    assert rolling.shares() == {1: ("live", 1000)}


@pytest.mark.parametrize("share", [101, 999])
def test_by_hand_a_canary_gets_no_more_than_the_plans_first_step(rolling: Rolling, share: int) -> None:
    with pytest.raises(PolicyRefused, match="out by a plan"):
        rolling.endpoints.deploy("churn", 2, share=Share.CANARY, weight=share, reason="in a hurry")
    rolling.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="a little")
    with pytest.raises(PolicyRefused, match="out by a plan"):
        rolling.endpoints.traffic("churn", {2: share}, reason="in a hurry")
    rolling.endpoints.traffic("churn", {2: 50}, reason="less")
    assert rolling.shares()[2] == ("canary", 50)


def decided_meanwhile(rolling: Rolling, meanwhile: Callable[[], object]) -> None:
    """Have something happen between the analyst's look and its act."""
    totals = rolling.analyst._telemetry.totals  # noqa: SLF001 the moment between the two

    def late(*words: int, **names: int) -> Totals:
        found = totals(*words, **names)
        meanwhile()
        return found

    rolling.analyst._telemetry.__dict__["totals"] = late  # noqa: SLF001 same
    rolling.tick()


def test_who_rolls_back_while_the_analyst_decides_has_the_last_word(rolling: Rolling) -> None:
    begun(rolling)
    rolling.acknowledge()
    rolling.tick()
    rolling.answer(1, 600)
    rolling.answer(2, 600)
    rolling.pass_time(10)
    done: list[object] = []

    def roll_back() -> None:
        if not done:
            done.append(rolling.endpoints.roll_back("churn", reason="complaints"))

    decided_meanwhile(rolling, roll_back)
    assert done
    assert rolling.shares() == {1: ("live", 1000), 2: ("standby", 0)}
    assert rolling.last().step == 0


def test_what_was_rolled_back_is_not_promoted_by_the_end_of_its_rollout(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    rolling.acknowledge()
    rolling.endpoints.roll_back("churn", reason="complaints")
    with pytest.raises(Conflict, match="changed the routes"):
        rolling.engine().promotions.finish(rolling.last().id)
    assert rolling.engine().models.version("churn", 2).stage is Stage.REGISTERED


def test_one_rollout_that_cannot_end_does_not_keep_another_from_being_judged(rolling: Rolling) -> None:
    rolling.endpoints.create("other", "churn")
    rolling.endpoints.deploy("other", 1, reason="first")
    begun(rolling, 2, "churn")
    begun(rolling, 3, "other")
    rolling.endpoints.acknowledge("other", "gate-1:4711", 2)
    rolling.acknowledge()
    rolling.tick()
    broken = rolling.analyst._carry_on  # noqa: SLF001 one of two that breaks

    def breaks(rollout: Rollout) -> None:
        if rollout.endpoint == "churn":
            raise Conflict("It cannot go on.")
        broken(rollout)

    rolling.analyst.__dict__["_carry_on"] = breaks
    rolling.endpoints.traffic("other", {3: 50}, reason="less")
    with pytest.raises(Conflict, match="cannot go on"):
        rolling.tick()
    assert rolling.rollouts.page("other").items[0].state is RolloutState.PAUSED


def test_what_may_answer_nobody_any_more_is_not_resumed(rolling: Rolling) -> None:
    begun(rolling)
    rolling.rollouts.pause("churn", reason="incident")
    rolling.endpoints.traffic("churn", {2: 0}, reason="none")
    rolling.endpoints.retire("churn", 2, reason="wrong one")
    with pytest.raises(Conflict, match="not deployed behind churn any more"):
        rolling.rollouts.resume("churn", reason="go on")


@pytest.mark.parametrize("spoil", ["archive", "policy"])
def test_each_step_asks_again_whether_the_version_may_answer_callers(rolling: Rolling, spoil: str) -> None:
    begun(rolling)
    if spoil == "archive":
        rolling.engine("boss").promotions.promote("churn", 2, to=Stage.ARCHIVED, reason="wrong data")
    else:
        rolling.set_policy(PLAN + '[deployment]\ntraffic_from = "staging"\n')
    rolling.go_through(2, minutes=10)
    waiting = rolling.last()
    assert (waiting.state, waiting.step) == (RolloutState.PAUSED, 0)
    assert "The step passed, but the next is refused: churn/2 is" in waiting.note
    assert rolling.shares()[2] == ("canary", 100)
    assert rolling.rollouts.verdicts(waiting.id)[-1].verdict is Verdict.INCONCLUSIVE


VERBS: dict[str, Callable[[Rolling, int], object]] = {
    "start": lambda rolling, seen: rolling.engine("boss").rollouts.start(
        "churn", 3, plan=PLAN_GIVEN, reason="r", expect=seen
    ),
    "pause": lambda rolling, seen: rolling.rollouts.pause("churn", reason="r", expect=seen),
    "resume": lambda rolling, seen: rolling.rollouts.resume("churn", reason="r", expect=seen),
    "abort": lambda rolling, seen: rolling.rollouts.abort("churn", reason="r", expect=seen),
}


@pytest.mark.parametrize("verb", VERBS)
def test_who_saw_another_generation_moves_no_rollout(rolling: Rolling, verb: str) -> None:
    begun(rolling)
    with pytest.raises(Conflict, match="generation 2 now, not 1"):
        VERBS[verb](rolling, 1)
    assert rolling.last().state is RolloutState.RUNNING


def test_who_saw_this_generation_moves_its_rollout(rolling: Rolling) -> None:
    begun(rolling)
    assert VERBS["pause"](rolling, 2)
    assert VERBS["resume"](rolling, 2)
    assert VERBS["abort"](rolling, 2)


def test_after_a_resume_it_is_compared_with_what_is_live_now(rolling: Rolling) -> None:
    rolling.set_policy("")
    begun(rolling)
    rolling.endpoints.deploy("churn", 3, reason="urgent")
    rolling.acknowledge()
    rolling.tick()
    assert rolling.last().state is RolloutState.PAUSED
    going = rolling.rollouts.resume("churn", reason="go on beside 3")
    assert going.live_version == 3
    assert rolling.last().live_version == 3


def test_the_promotion_at_the_end_cannot_be_skipped(rolling: Rolling) -> None:
    rolling.promote(2)
    rolling.go_through(2, minutes=1)
    rolling.rollouts.pause("churn", reason="incident")
    with pytest.raises(Conflict, match="Only the promotion is left"):
        rolling.rollouts.resume("churn", reason="trust me", skip=True)


def test_a_canary_fails_though_the_live_version_is_asked_nothing(rolling: Rolling) -> None:
    begun(rolling)
    rolling.acknowledge()
    rolling.tick()
    rolling.answer(2, 60, errors=60)
    rolling.tick()
    assert rolling.last().state is RolloutState.FAILED


def test_a_model_behind_several_endpoints_is_rolled_out_behind_one_at_a_time(rolling: Rolling) -> None:
    rolling.endpoints.create("other", "churn")
    rolling.endpoints.deploy("other", 1, reason="first")
    with pytest.raises(Conflict, match="behind 2 endpoints"):
        rolling.promote(2)
    assert rolling.open is None


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
