from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.core.errors import (
    ApprovalMissing,
    Conflict,
    GateFailed,
    PermissionDenied,
    PolicyRefused,
    QuarterdeckError,
)
from engine.deployment.model import Decision, Expectation, Kind, Move, Situation, Wish
from engine.deployment.rules import decide, decide_rollback
from engine.deployment.succession import WayBack
from engine.gates.model import GateResult, Status
from engine.policy.model import MetricGate, StagePolicy
from engine.registry.approval_model import ApprovalState, Person
from engine.registry.model import Stage
from tests.engine.deployment.builders import (
    frozen_demands,
    make_policy,
    make_report,
    make_request,
    make_situation,
)
from tests.engine.gates.builders import DIGEST, NOW_MS, make_version

PRODUCTION = Wish(Stage.PRODUCTION)
OVERRIDE = Wish(Stage.PRODUCTION, override=True)
TWO = StagePolicy(approvals=2)
HOUR_MS = 3_600_000


def refused(error: type[QuarterdeckError], wish: Wish, found: Situation) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        decide(wish, found)
    assert type(caught.value) is error
    return caught.value


def test_without_demands_an_operator_promotes_and_the_previous_version_is_archived() -> None:
    assert decide(PRODUCTION, make_situation()) == Decision(
        Kind.PROMOTE, (Move(7, Stage.STAGING, Stage.PRODUCTION), Move(5, Stage.PRODUCTION, Stage.ARCHIVED))
    )


def test_the_previous_version_may_be_demoted_instead() -> None:
    decision = decide(Wish(Stage.PRODUCTION, demote_to=Stage.STAGING), make_situation())
    assert decision.moves[1] == Move(5, Stage.PRODUCTION, Stage.STAGING)


def test_several_production_versions_stay_when_the_policy_allows_them() -> None:
    found = make_situation(policy=make_policy(single_production=False))
    assert [move.version for move in decide(PRODUCTION, found).moves] == [7]


def test_every_other_production_version_makes_room_when_the_policy_allows_one() -> None:
    found = make_situation(production=(3, 5), report=make_report(baseline=(3, 5)))
    assert [move.version for move in decide(PRODUCTION, found).moves] == [7, 3, 5]


@pytest.mark.parametrize("actor", ["mallory", "viewer"])
def test_a_role_lost_since_the_session_began_refuses(actor: str) -> None:
    refused(PermissionDenied, PRODUCTION, make_situation(actor=actor))


@pytest.mark.parametrize(
    "expect",
    [
        Expectation(stage=Stage.REGISTERED),
        Expectation(production=(4,)),
        Expectation(production=()),
        Expectation(generation=3),  # rolled away and back again: same stages, not the same state
    ],
)
def test_a_lost_race_refuses_and_shows_the_new_state(expect: Expectation) -> None:
    error = refused(Conflict, Wish(Stage.PRODUCTION, expect), make_situation())
    shown = {key: error.details[key] for key in ("stage", "production", "generation")}
    assert shown == {"stage": "Staging", "production": [5], "generation": 4}


def test_what_the_operator_saw_and_still_is_passes() -> None:
    decide(Wish(Stage.PRODUCTION, Expectation(Stage.STAGING, (5,), 4)), make_situation())


def test_a_version_in_the_stage_already_is_a_conflict() -> None:
    found = make_situation(version=make_version(7, stage=Stage.PRODUCTION), production=(5, 7))
    refused(Conflict, PRODUCTION, found)


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "cd" * 32},
        {"version": 8},
        {"model": "other"},
        {"target": Stage.STAGING},
        {"policy_digest": "p0"},
        {"time_ms": NOW_MS - 24 * HOUR_MS - 1},
        {"time_ms": NOW_MS + 60_001},
    ],
)
@pytest.mark.parametrize("wish", [PRODUCTION, OVERRIDE])
def test_evidence_for_something_else_or_too_old_never_counts(changes: dict[str, Any], wish: Wish) -> None:
    actor = "root" if wish.override else "bob"
    refused(GateFailed, wish, make_situation(report=make_report(**changes), actor=actor))


def test_evidence_at_the_age_limit_counts() -> None:
    decide(PRODUCTION, make_situation(report=make_report(time_ms=NOW_MS - 24 * HOUR_MS)))


def test_evidence_against_another_production_version_is_a_conflict() -> None:
    refused(Conflict, PRODUCTION, make_situation(report=make_report(baseline=(4,))))


def test_a_report_that_leaves_a_gate_of_the_policy_out_never_counts() -> None:
    policy = make_policy(demands=StagePolicy(gates=(MetricGate("auc", min=0.5), MetricGate("f1", min=0.5))))
    one = (*make_report().results, GateResult("metric", Status.PASS, "fine", subject="auc"))
    refused(GateFailed, PRODUCTION, make_situation(policy=policy, report=make_report(results=one)))


def test_production_needs_the_bytes_to_have_been_read() -> None:
    refused(GateFailed, PRODUCTION, make_situation(report=make_report(results=())))


@pytest.mark.parametrize("status", [Status.FAIL, Status.ERROR])
def test_a_gate_that_fails_or_breaks_refuses(status: Status) -> None:
    results = (*make_report().results, GateResult("size", status, "Too large."))
    error = refused(GateFailed, PRODUCTION, make_situation(report=make_report(results=results)))
    assert "The gate size does not pass: Too large." in error.message


def test_damaged_bytes_refuse_even_an_override() -> None:
    damaged = make_report(results=(GateResult("integrity", Status.FAIL, "weights.bin has changed."),), passed=False)
    request = make_request(TWO, "alice", override=True)
    for wish, actor in ((PRODUCTION, "bob"), (OVERRIDE, "root")):
        found = make_situation(report=damaged, policy=make_policy(demands=TWO), actor=actor, override_request=request)
        assert "weights.bin" in refused(GateFailed, wish, found).message


def test_a_freeze_refuses_and_says_until_when_and_why() -> None:
    error = refused(PolicyRefused, PRODUCTION, make_situation(policy=make_policy(demands=frozen_demands())))
    assert "year end" in error.message
    assert "until 2025-" in error.message


@pytest.mark.parametrize(
    ("approvers", "changes"),
    [
        ((), {}),
        (("alice",), {}),
        (("alice", "carol"), {"state": ApprovalState.EXPIRED}),
        (("alice", "carol"), {"state": ApprovalState.STALE, "problem": "Production has changed since"}),
        (("alice", "carol"), {"version": 8}),
        (("alice", "carol"), {"to": Stage.STAGING}),
        (("alice", "carol"), {"model": "other"}),
    ],
)
def test_too_few_or_foreign_approvals_refuse(approvers: tuple[str, ...], changes: dict[str, Any]) -> None:
    request = make_request(TWO, *approvers, **changes)
    refused(ApprovalMissing, PRODUCTION, make_situation(policy=make_policy(demands=TWO), request=request))


def test_an_approval_of_other_bytes_refuses() -> None:
    request = make_request(TWO, "alice", "carol")
    request = replace(request, bound=replace(request.bound, digest="cd" * 32))
    refused(ApprovalMissing, PRODUCTION, make_situation(policy=make_policy(demands=TWO), request=request))


def test_a_blocker_says_what_to_do_next() -> None:
    nobody = refused(ApprovalMissing, PRODUCTION, make_situation(policy=make_policy(demands=TWO)))
    assert "qd approvals request churn 7 --to production" in nobody.hint
    half = make_situation(policy=make_policy(demands=TWO), request=make_request(TWO, "alice"))
    error = refused(ApprovalMissing, PRODUCTION, half)
    assert "needs 1 more approval" in error.message
    assert "qd approvals approve 3" in error.hint


def test_a_command_in_a_hint_can_be_pasted_whatever_the_model_is_called() -> None:
    version = make_version(7, model="x; rm -rf ~", stage=Stage.STAGING)
    policy = make_policy()
    policy = replace(policy, stages={("*", "production"): TWO})
    found = make_situation(version=version, policy=policy, report=make_report(model=version.model))
    assert "qd approvals request 'x; rm -rf ~' 7 --to production" in refused(ApprovalMissing, PRODUCTION, found).hint


def test_enough_approvals_pass_and_are_used_up() -> None:
    found = make_situation(policy=make_policy(demands=TWO), request=make_request(TWO, "alice", "carol"))
    assert decide(PRODUCTION, found).request_id == 3


def test_all_blockers_are_told_at_once() -> None:
    found = make_situation(policy=make_policy(demands=frozen_demands(approvals=1)), report=make_report("size"))
    blockers = refused(GateFailed, PRODUCTION, found).details["blockers"]
    assert isinstance(blockers, list)
    assert len(blockers) == 3


def override_situation(actor: str = "root", *, approvers: tuple[str, ...] = ("alice",), **changes: Any) -> Situation:
    demands = frozen_demands(approvals=2)
    request = make_request(StagePolicy(approvals=1), *approvers, override=True)
    facts: dict[str, Any] = {
        "policy": make_policy(demands=demands),
        "report": make_report("size"),
        "override_request": request,
        "shown": make_report("size"),
    }
    return make_situation(actor=actor, **facts | changes)


def test_an_override_with_a_second_person_goes_past_gates_freeze_and_approvals() -> None:
    decision = decide(OVERRIDE, override_situation())
    assert (decision.kind, decision.request_id) == (Kind.OVERRIDE, 3)
    assert len(decision.overridden) == 3


@pytest.mark.parametrize("actor", ["bob", "alice"])
def test_an_override_needs_an_admin(actor: str) -> None:
    refused(PermissionDenied, OVERRIDE, override_situation(actor))


@pytest.mark.parametrize("request_", [None, make_request(StagePolicy(approvals=1), override=True)])
def test_an_override_needs_an_approved_request_for_it(request_: object) -> None:
    refused(ApprovalMissing, OVERRIDE, override_situation(override_request=request_))


def test_a_normal_approval_is_none_for_an_override() -> None:
    found = override_situation(override_request=None, request=make_request(TWO, "alice", "carol"))
    refused(ApprovalMissing, OVERRIDE, found)


@pytest.mark.parametrize("person", [Person("root"), Person("alice", "root")])
def test_an_admin_cannot_be_their_own_second_person(person: Person) -> None:
    request = make_request(StagePolicy(approvals=1), override=True, approvers=(person,), state=ApprovalState.APPROVED)
    refused(ApprovalMissing, OVERRIDE, override_situation(override_request=request))


def test_an_admin_acting_for_the_approver_is_not_a_second_person() -> None:
    refused(ApprovalMissing, OVERRIDE, override_situation(on_behalf_of="alice"))


def test_an_override_does_not_cover_a_gate_that_failed_after_it_was_approved() -> None:
    error = refused(GateFailed, OVERRIDE, override_situation(report=make_report("size", "fields")))
    assert "fields" in error.message


def test_an_override_with_nothing_to_go_past_is_refused() -> None:
    found = override_situation(policy=make_policy(), report=make_report())
    refused(Conflict, OVERRIDE, found)


def test_an_approved_normal_request_makes_an_override_pointless() -> None:
    found = make_situation(
        actor="root",
        policy=make_policy(demands=TWO),
        request=make_request(TWO, "alice", "carol"),
        override_request=make_request(StagePolicy(approvals=1), "alice", override=True),
    )
    refused(Conflict, OVERRIDE, found)


@pytest.mark.parametrize("to", [Stage.ARCHIVED, Stage.REGISTERED, Stage.STAGING])
def test_leaving_production_takes_the_role_alone_where_the_policy_asks_nothing(to: Stage) -> None:
    found = make_situation(
        version=make_version(5, stage=Stage.PRODUCTION),
        report=make_report(version=5, target=to, baseline=(), results=()),
    )
    assert decide(Wish(to), found).moves == (Move(5, Stage.PRODUCTION, to),)


def test_another_stage_has_its_own_policy() -> None:
    policy = make_policy(target=Stage.STAGING, demands=TWO)
    found = make_situation(version=make_version(7), policy=policy, report=make_report(target=Stage.STAGING, results=()))
    refused(ApprovalMissing, Wish(Stage.STAGING), found)


WAY = WayBack(5, 7, DIGEST)


def rolled_back(found: Situation, way: WayBack = WAY, expect: Expectation = PRODUCTION.expect) -> Decision:
    return decide_rollback(found, way, expect=expect, demote_to=Stage.ARCHIVED)


def test_a_rollback_asks_for_no_approval_and_no_freeze_stops_it() -> None:
    found = make_situation(policy=make_policy(demands=frozen_demands(approvals=2)), report=make_report("size"))
    assert rolled_back(found) == Decision(
        Kind.ROLLBACK, (Move(7, Stage.STAGING, Stage.PRODUCTION), Move(5, Stage.PRODUCTION, Stage.ARCHIVED))
    )


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (PermissionDenied, {"actor": "mallory"}),
        (GateFailed, {"report": make_report(results=(GateResult("integrity", Status.FAIL, "changed"),))}),
        (GateFailed, {"report": make_report(results=())}),
        (GateFailed, {"version": make_version(7, digest="cd" * 32), "report": make_report(digest="cd" * 32)}),
        (Conflict, {"report": make_report(baseline=(6,))}),
    ],
)
def test_a_rollback_still_needs_role_sound_bytes_and_the_state_it_was_planned_on(
    error: type[QuarterdeckError], changes: dict[str, Any]
) -> None:
    with pytest.raises(QuarterdeckError) as caught:
        rolled_back(make_situation(**changes))
    assert type(caught.value) is error


def test_a_rollback_that_lost_a_race_is_refused() -> None:
    with pytest.raises(Conflict):
        rolled_back(make_situation(), expect=Expectation(generation=3))


def test_with_several_in_production_only_the_last_is_given_up() -> None:
    found = make_situation(
        version=make_version(3, stage=Stage.PRODUCTION),
        production=(2, 3, 5),
        policy=make_policy(single_production=False),
        report=make_report(version=3, baseline=(2, 5)),
    )
    assert rolled_back(found, WayBack(5, 3, DIGEST)).moves == (Move(5, Stage.PRODUCTION, Stage.ARCHIVED),)
