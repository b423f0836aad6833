from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from engine.audit.model import AuditFilter
from engine.core.errors import (
    ApprovalMissing,
    Conflict,
    GateFailed,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PolicyInvalid,
    PolicyRefused,
    QuarterdeckError,
    ReadOnlyMode,
)
from engine.deployment.model import Expectation, Kind, Move
from engine.registry.approval_model import ApprovalState, Person
from engine.registry.model import Stage
from tests.engine.deployment.world import HOUR_MS, ONE_APPROVAL, PEOPLE, TWO_APPROVALS, World

MakeWorld = Callable[[str], World]

FROZEN = """
[models.churn.production]
approvals = 1
freeze = [{from = "2025-10-09", to = "2025-10-09", reason = "year end"}]
"""


def test_promotion_archives_the_previous_version_in_the_same_transaction(world: World) -> None:
    world.register()
    world.register()
    world.promote(1)
    promotion = world.promote(2)
    assert promotion.replaced == (Move(1, Stage.PRODUCTION, Stage.ARCHIVED),)
    assert (world.stage(1), world.stage(2), world.production()) == (Stage.ARCHIVED, Stage.PRODUCTION, (2,))


def test_promotion_demotes_the_previous_version_when_asked(world: World) -> None:
    world.register()
    world.register()
    world.promote(1)
    world.promote(2, demote_to=Stage.STAGING)
    assert world.stage(1) is Stage.STAGING


def test_making_room_inside_production_is_no_input(world: World) -> None:
    world.register()
    with pytest.raises(InvalidInput):
        world.promote(1, demote_to=Stage.PRODUCTION)


def test_several_versions_stay_in_production_when_the_policy_says_so(make_world: MakeWorld) -> None:
    world = make_world("[defaults]\nsingle_production = false\n")
    for number in (1, 2):
        world.register()
        world.promote(number)
    assert world.production() == (1, 2)


def test_promotion_without_approval_is_refused(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    world.register()
    with pytest.raises(ApprovalMissing, match="qd approvals request churn 1 --to production"):
        world.promote(1)
    assert world.stage(1) is Stage.REGISTERED


def test_promotion_with_enough_approvals_uses_them_up(make_world: MakeWorld) -> None:
    world = make_world(TWO_APPROVALS)
    world.register()
    request = world.request(1)
    world.approve(request, "alice")
    with pytest.raises(ApprovalMissing, match="1 more approval"):
        world.promote(1)
    world.approve(request, "carol")
    promotion = world.promote(1)
    used = world.engine("bob").approvals.get(request.id)
    assert (used.state, used.promotion_id, promotion.request_id) == (ApprovalState.USED, promotion.id, request.id)
    world.engine("bob").promotions.promote("churn", 1, to=Stage.ARCHIVED, reason="old")
    with pytest.raises(ApprovalMissing):
        world.promote(1)


def test_promotion_with_a_failing_gate_is_refused_and_leaves_evidence(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    world.register(auc=0.5)
    with pytest.raises(GateFailed, match=r"auc = 0.5 breaks the minimum 0.8"):
        world.promote(1)
    report = world.engine("bob").gates.latest("churn", 1, Stage.PRODUCTION)
    assert report is not None
    assert not report.passed


def test_an_artifact_swapped_after_approval_is_refused(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    world.register()
    world.approve(world.request(1), "alice")
    world.damage(1)
    with pytest.raises(GateFailed, match=r"weights\.bin"):
        world.promote(1)
    assert world.production() == ()


def test_bytes_are_read_before_production_even_without_a_policy(world: World) -> None:
    world.register()
    world.damage(1)
    with pytest.raises(GateFailed):
        world.promote(1)
    world.promote(1, to=Stage.STAGING)  # nobody asked for them there


@pytest.mark.parametrize("moment", ["expired", "revoked", "withdrawn", "rejected", "stale", "policy", "role", "listed"])
def test_an_approval_that_no_longer_counts_does_not_let_anything_pass(make_world: MakeWorld, moment: str) -> None:
    world = make_world(ONE_APPROVAL)
    for _ in range(2):
        world.register()
    request = world.request(1)
    world.approve(request, "alice")
    if moment == "expired":
        world.clock.advance(24 * HOUR_MS)
    elif moment == "revoked":
        world.engine("alice").approvals.revoke(request.id, "second thoughts")
    elif moment == "withdrawn":
        world.engine("bob").approvals.withdraw(request.id)
    elif moment == "rejected":
        world.engine("carol").approvals.reject(request.id, "no")
    elif moment == "stale":
        world.approved(2)
    elif moment == "policy":
        world.set_policy(ONE_APPROVAL.replace("0.8", "0.7"))
    elif moment == "role":
        world.set_policy(ONE_APPROVAL, people=PEOPLE.replace('"alice", ', ""))
    elif moment == "listed":
        world.set_policy(ONE_APPROVAL + 'approvers = ["carol"]\n')
    before = world.production()
    with pytest.raises(ApprovalMissing):
        world.promote(1)
    assert world.production() == before


def test_an_overtaken_approval_does_not_come_back_with_a_rollback(make_world: MakeWorld) -> None:
    world = make_world("")
    for number in (1, 2, 3):
        world.register()
        if number < 3:
            world.promote(number)
    world.set_policy(ONE_APPROVAL)
    request = world.request(3)
    world.approve(request, "alice")
    world.engine("bob").promotions.roll_back("churn", reason="bad")
    world.set_policy("")
    world.promote(2)
    world.set_policy(ONE_APPROVAL)
    assert world.production() == request.bound.production
    closed = world.engine("bob").approvals.get(request.id)
    assert (closed.state, closed.problem) == (ApprovalState.STALE, "Production has changed since")
    with pytest.raises(ApprovalMissing):
        world.promote(3)


def test_making_room_is_no_way_into_a_stage_with_demands(make_world: MakeWorld) -> None:
    world = make_world("[models.churn.staging]\napprovals = 1\n")
    for _ in (1, 2):
        world.register()
    world.promote(1)
    with pytest.raises(PolicyRefused, match="demands of its own"):
        world.promote(2, demote_to=Stage.STAGING)
    world.promote(2)
    with pytest.raises(PolicyRefused):
        world.engine("bob").promotions.roll_back("churn", reason="bad", demote_to=Stage.STAGING)
    assert world.engine("bob").promotions.roll_back("churn", reason="bad").version == 1


def test_an_approval_for_one_stage_does_not_open_another(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL + "[models.churn.staging]\napprovals = 1\n")
    world.register()
    request = world.engine("bob").approvals.request("churn", 1, to=Stage.STAGING, reason="try it")
    world.approve(request, "alice")
    with pytest.raises(ApprovalMissing):
        world.promote(1)
    assert world.promote(1, to=Stage.STAGING).request_id == request.id


def test_an_approval_of_one_version_does_not_open_another(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    for _ in range(2):
        world.register()
    world.approve(world.request(1), "alice")
    with pytest.raises(ApprovalMissing):
        world.promote(2)


def test_a_freeze_holds_until_it_is_over(make_world: MakeWorld) -> None:
    world = make_world(FROZEN)
    world.register()
    world.approve(world.request(1), "alice")
    with pytest.raises(PolicyRefused, match="year end"):
        world.promote(1)
    world.clock.advance(20 * HOUR_MS)
    world.promote(1)


@pytest.mark.parametrize("name", ["victor", "mallory"])
def test_a_viewer_moves_nothing(world: World, name: str) -> None:
    world.register()
    with pytest.raises(PermissionDenied):
        world.promote(1, by=name)


def test_a_role_lost_while_the_session_is_open_is_lost(world: World) -> None:
    world.register()
    session = world.engine("bob")
    world.set_policy("", people=PEOPLE.replace('"bob", ', ""))
    with pytest.raises(PermissionDenied):
        session.promotions.promote("churn", 1, to=Stage.STAGING, reason="still me")


def test_a_read_only_session_moves_nothing(world: World) -> None:
    world.register()
    session = world.engine("root", read_only=True)
    with pytest.raises(ReadOnlyMode):
        session.promotions.promote("churn", 1, to=Stage.STAGING, reason="x")
    with pytest.raises(ReadOnlyMode):
        session.promotions.roll_back("churn", reason="x")


@pytest.mark.parametrize(("model", "version"), [("churn", 9), ("chrun", 1), ("churn", 0), ("churn", 2**70)])
def test_what_does_not_exist_is_not_found(world: World, model: str, version: int) -> None:
    world.register()
    with pytest.raises(NotFound):
        world.promote(version, model=model)


def test_a_reason_is_needed(world: World) -> None:
    world.register()
    with pytest.raises(InvalidInput, match="reason"):
        world.promote(1, reason="  ")


def test_a_wrong_policy_stops_every_move(world: World) -> None:
    world.register()
    session = world.engine("root")
    world.set_policy("[models.churn.production]\napprovals = -1\n")
    with pytest.raises(PolicyInvalid):
        session.promotions.promote("churn", 1, to=Stage.STAGING, reason="x")
    assert session.models.version("churn", 1).stage is Stage.REGISTERED


@pytest.mark.parametrize("field", ["stage", "production", "generation"])
def test_what_the_operator_no_longer_sees_is_a_conflict_with_the_new_state(world: World, field: str) -> None:
    for _ in range(3):
        world.register()
    world.promote(1)
    seen = world.engine("bob").promotions.plan("churn", 3, to=Stage.PRODUCTION).expect
    if field == "stage":
        world.promote(3, to=Stage.STAGING, by="dave")
    else:
        world.promote(2, by="dave")
    only = Expectation(**{field: getattr(seen, field)})
    with pytest.raises(Conflict) as lost:
        world.promote(3, expect=only)
    assert lost.value.details["production"] == [1 if field == "stage" else 2]
    assert world.stage(3) is not Stage.PRODUCTION


def test_there_and_back_again_is_not_what_the_operator_saw(world: World) -> None:
    for _ in range(3):
        world.register()
    world.promote(1)
    seen = world.engine("bob").promotions.plan("churn", 3, to=Stage.PRODUCTION).expect
    world.promote(2, by="dave")
    world.engine("dave").promotions.roll_back("churn", reason="bad")
    assert world.production() == seen.production
    with pytest.raises(Conflict):
        world.promote(3, expect=seen)


def test_a_move_beside_production_does_not_mind_promotions_of_others(world: World) -> None:
    for _ in range(2):
        world.register()
    seen = Expectation(stage=Stage.REGISTERED)
    world.promote(1, by="dave")
    world.promote(2, to=Stage.STAGING, expect=seen)


def test_promoting_what_is_there_already_is_a_conflict(world: World) -> None:
    world.register()
    world.promote(1)
    with pytest.raises(Conflict, match="in Production already"):
        world.promote(1)


def overriding(make_world: MakeWorld) -> World:
    world = make_world(FROZEN.replace("approvals = 1", 'approvals = 2\ngates = [{gate = "size", max = "1B"}]'))
    world.register()
    return world


def test_an_override_takes_an_admin_and_a_second_person_and_is_loud(make_world: MakeWorld) -> None:
    world = overriding(make_world)
    world.approve(world.request(1, override=True), "alice")
    engine = world.engine("root")
    with closing(engine.feed()) as feed:
        promotion = world.promote(1, by="root", override=True)
        changes = feed.poll()
    assert changes is not None
    assert ("promotion", "override", "churn/1") in {(each.kind, each.change, each.key) for each in changes.events}
    assert promotion.override
    assert len(promotion.overridden) == 3
    entries = engine.audit.page(AuditFilter(verb="override")).items
    assert {entry.kind for entry in entries} == {"version", "promotion"}
    assert engine.promotions.history("churn").items[0].kind is Kind.OVERRIDE


def test_an_override_without_a_second_person_is_refused(make_world: MakeWorld) -> None:
    world = overriding(make_world)
    with pytest.raises(ApprovalMissing):
        world.promote(1, by="root", override=True)
    request = world.request(1, override=True, by="bob")
    world.approve(request, "root")
    with pytest.raises(ApprovalMissing, match="two people"):
        world.promote(1, by="root", override=True)
    world.promote(1, by="boss", override=True)


def test_an_override_is_not_for_operators_nor_approvers(make_world: MakeWorld) -> None:
    world = overriding(make_world)
    world.approve(world.request(1, override=True), "alice")
    for name in ("bob", "carol"):
        with pytest.raises(PermissionDenied):
            world.promote(1, by=name, override=True)


def test_an_override_request_does_not_open_the_normal_way(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    world.register()
    world.approve(world.request(1, override=True), "alice")
    with pytest.raises(ApprovalMissing):
        world.promote(1, by="root")


def test_no_override_goes_past_damaged_bytes(make_world: MakeWorld) -> None:
    world = overriding(make_world)
    world.approve(world.request(1, override=True), "alice")
    world.damage(1)
    with pytest.raises(GateFailed):
        world.promote(1, by="root", override=True)


def test_the_audit_log_tells_what_a_promotion_relied_on(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    version = world.register()
    promotion = world.approved(1)
    entries = world.engine("bob").audit.page(AuditFilter(kind="promotion")).items
    after = entries[0].after
    assert after is not None
    assert (entries[0].verb, entries[0].key, entries[0].reason) == ("promote", str(promotion.id), "better")
    assert after["digest"] == version.digest
    assert after["approvers"] == [["alice", ""]]
    assert after["gates"] == [["metric auc", "pass"], ["integrity", "pass"]]
    assert (after["request"], after["report"]) == (promotion.request_id, promotion.report_id)


def test_a_bot_that_speaks_for_people_is_one_person(make_world: MakeWorld) -> None:
    world = make_world(TWO_APPROVALS)
    world.register()
    request = world.engine("bob", "ci").approvals.request("churn", 1, to=Stage.PRODUCTION, reason="nightly")
    with pytest.raises(PolicyRefused):
        world.engine("alice", "ci").approvals.approve(request.id, "looks right")
    world.engine("bob", "ci").approvals.withdraw(request.id)
    request = world.request(1)
    world.engine("alice", "ci").approvals.approve(request.id, "looks right")
    with pytest.raises(Conflict):
        world.engine("carol", "ci").approvals.approve(request.id, "looks right")
    with pytest.raises(ApprovalMissing):
        world.promote(1)
    world.approve(request, "carol")
    assert world.promote(1).by == Person("bob")


def test_protected_aliases_follow_production(world: World) -> None:
    for number in (1, 2):
        world.register()
        world.promote(number)
        if number == 1:
            world.engine("bob").models.set_alias("churn", "champion", 1)
    assert world.engine("bob").models.get("churn").aliases["champion"] == 2
    world.promote(2, to=Stage.ARCHIVED)
    assert "champion" not in world.engine("bob").models.get("churn").aliases


def test_an_alias_is_no_way_around_the_policy(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    world.register()
    for alias in ("production", "champion", "Champion"):
        with pytest.raises(QuarterdeckError):
            world.engine("root").models.set_alias("churn", alias, 1)


def test_history_lists_what_moved_newest_first_page_by_page(world: World) -> None:
    for number in (1, 2, 3):
        world.register()
        world.promote(number)
    promotions = world.engine("victor").promotions
    first = promotions.history("churn", limit=2)
    second = promotions.history("churn", limit=2, page_token=first.next_page_token)
    assert [each.version for each in (*first.items, *second.items)] == [3, 2, 1]
    assert second.next_page_token is None
    assert first.items[0] == replace(first.items[0], kind=Kind.PROMOTE, reason="better", by=Person("bob"))
    assert promotions.history().items == promotions.history("churn").items
    with pytest.raises(NotFound):
        promotions.history("chrun")
    with pytest.raises(InvalidInput):
        promotions.history("churn", page_token="nonsense")  # noqa: S106 no password


def test_what_was_where_is_answered_for_any_past_time(world: World) -> None:
    moments = []
    for number in (1, 2):
        world.register()
        world.clock.advance(1_000)
        world.promote(number)
        moments.append(world.clock.now_ms())
        world.clock.advance(1_000)
    promotions = world.engine("victor").promotions
    serving = [
        [state.version for state in promotions.at("churn", moment) if state.stage is Stage.PRODUCTION]
        for moment in (moments[0] - 1, *moments)
    ]
    assert serving == [[], [1], [2]]


def test_an_override_goes_past_no_freeze_that_began_after_it_was_asked_for(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL + 'freeze = [{from = "2025-10-09T09:00Z", to = "2025-10-09T12:00Z"}]\n')
    world.register(0.7)
    request = world.request(1, override=True)
    world.approve(request, "alice")
    world.clock.advance(HOUR_MS)
    with pytest.raises(PolicyRefused, match="was not frozen when the override was asked for"):
        world.promote(1, by="root", override=True)
    world.engine("bob").approvals.withdraw(request.id)
    world.approve(world.request(1, override=True), "alice")
    assert len(world.promote(1, by="root", override=True).overridden) == 3
