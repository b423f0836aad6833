from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.errors import Conflict, InvalidInput, NotFound, QuarterdeckError
from engine.deployment.model import PromotionPlan
from engine.registry.approval_model import ApprovalState
from engine.registry.model import Stage
from tests.engine.deployment.world import ONE_APPROVAL, TWO_APPROVALS, World

MakeWorld = Callable[[str], World]


def plan(
    world: World, version: int, *, by: str = "bob", to: Stage = Stage.PRODUCTION, override: bool = False
) -> PromotionPlan:
    return world.engine(by).promotions.plan("churn", version, to=to, override=override)


def test_a_plan_changes_nothing(world: World) -> None:
    world.register()
    before = world.engine("bob").audit.head().root_hash
    plan(world, 1)
    assert world.engine("bob").gates.latest("churn", 1, Stage.PRODUCTION) is None
    assert world.engine("bob").audit.head().root_hash == before


def test_a_plan_says_what_changes(world: World) -> None:
    world.register()
    world.register()
    world.promote(1)
    world.engine("bob").models.set_alias("churn", "champion", 1)
    found = plan(world, 2)
    assert found.allowed
    assert [version.version for version in found.replaces] == [1]
    assert found.changes == (
        "version 2: Registered → Production",
        "version 1: Production → Archived",
        "alias champion: moves to version 2",
    )
    assert found.danger == 2


def test_a_plan_names_every_blocker_and_what_to_do_next(make_world: MakeWorld) -> None:
    world = make_world(TWO_APPROVALS + 'freeze = [{from = "2025-10-01", to = "2025-10-31", reason = "year end"}]\n')
    world.register()
    found = plan(world, 1)
    assert not found.allowed
    assert any("year end" in text for text in found.blockers)
    assert any("qd approvals request churn 1 --to production" in text for text in found.blockers)
    assert (found.need, found.have) == (2, 0)
    assert "year end" in found.freeze
    request = world.request(1)
    world.approve(request, "alice")
    found = plan(world, 1)
    assert any(f"qd approvals approve {request.id}" in text for text in found.blockers)
    assert (found.need, found.have) == (2, 1)
    assert found.request is not None
    assert found.request.state is ApprovalState.OPEN


@pytest.mark.parametrize(("by", "word"), [("victor", "operator"), ("mallory", "operator")])
def test_a_viewer_may_plan_and_is_told_the_role_it_takes(world: World, by: str, word: str) -> None:
    world.register()
    assert any(word in text for text in plan(world, 1, by=by).blockers)


def test_a_read_only_session_may_plan_and_is_told(world: World) -> None:
    world.register()
    found = world.engine("root", read_only=True).promotions.plan("churn", 1, to=Stage.STAGING)
    assert any("read-only" in text for text in found.blockers)


def test_what_a_plan_allows_is_done_and_what_it_refuses_is_refused(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    world.register(auc=0.9)
    world.register(auc=0.1)
    world.approve(world.request(1), "alice")
    for number, to in ((1, Stage.PRODUCTION), (2, Stage.PRODUCTION), (2, Stage.STAGING), (1, Stage.PRODUCTION)):
        allowed = plan(world, number, to=to).allowed
        try:
            world.promote(number, to=to)
        except QuarterdeckError:
            assert not allowed
        else:
            assert allowed


def test_a_plan_kept_too_long_is_refused(world: World) -> None:
    world.register()
    world.register()
    seen = plan(world, 1)
    world.promote(2, by="dave")
    with pytest.raises(Conflict):
        world.promote(1, expect=seen.expect)


@pytest.mark.parametrize(("to", "danger"), [(Stage.STAGING, 2), (Stage.ARCHIVED, 2), (Stage.REGISTERED, 2)])
def test_leaving_nothing_in_production_is_the_greatest_danger(make_world: MakeWorld, to: Stage, danger: int) -> None:
    world = make_world("[defaults]\nsingle_production = false\n")
    for number in (1, 2):
        world.register()
        world.promote(number)
    assert plan(world, 1, to=to).danger == danger
    world.promote(1, to=to)
    found = plan(world, 2, to=to)
    assert found.danger == 3
    assert "nothing is in Production afterwards" in found.changes


def test_moves_beside_production_are_the_least_danger(world: World) -> None:
    world.register()
    assert plan(world, 1, to=Stage.STAGING).danger == 1


def test_an_override_is_planned_with_what_it_goes_past(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    world.register(auc=0.1)
    found = plan(world, 1, by="root", override=True)
    assert found.danger == 3
    assert any("--override" in text for text in found.blockers)
    world.approve(world.request(1, override=True), "alice")
    found = plan(world, 1, by="root", override=True)
    assert found.allowed
    assert [text for text in found.changes if text.startswith("goes past: The gate metric auc does not pass")]
    assert (found.need, found.have) == (1, 1)


def test_a_rollback_is_planned_before_it_is_done(world: World) -> None:
    for number in (1, 2):
        world.register()
        world.promote(number)
    found = world.engine("victor").promotions.plan_roll_back("churn")
    assert (found.version.version, found.danger, found.need) == (1, 2, 0)
    assert found.changes == ("version 1: Archived → Production", "version 2: Production → Archived")
    assert not found.allowed  # victor is a viewer
    assert world.engine("bob").promotions.plan_roll_back("churn").allowed


def test_a_plan_for_what_does_not_exist_is_not_found(world: World) -> None:
    world.register()
    with pytest.raises(NotFound):
        plan(world, 2)
    with pytest.raises(NotFound):
        world.engine("bob").promotions.plan_roll_back("chrun")


def test_a_plan_for_where_it_is_already_says_so(world: World) -> None:
    world.register()
    world.promote(1)
    found = plan(world, 1)
    assert any("in Production already" in text for text in found.blockers)
    assert found.changes == ()


def test_a_plan_refuses_what_the_promotion_would_refuse_as_input(world: World) -> None:
    world.register()
    world.register()
    world.promote(1)
    world.promote(2)
    promotions = world.engine("bob").promotions
    with pytest.raises(InvalidInput, match="cannot stay in Production"):
        promotions.plan("churn", 1, to=Stage.PRODUCTION, demote_to=Stage.PRODUCTION)
    with pytest.raises(InvalidInput, match="cannot stay in Production"):
        promotions.plan_roll_back("churn", demote_to=Stage.PRODUCTION)
