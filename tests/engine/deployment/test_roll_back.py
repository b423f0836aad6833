from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.errors import (
    ApprovalMissing,
    Conflict,
    GateFailed,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PolicyRefused,
)
from engine.deployment.model import Expectation, Kind, Move, Promotion
from engine.registry.model import Stage
from tests.engine.deployment.world import ONE_APPROVAL, World

MakeWorld = Callable[[str], World]


def serving(world: World, count: int) -> World:
    """Versions 1 to `count` were in Production one after the other."""
    for number in range(1, count + 1):
        world.register()
        world.promote(number)
    return world


def roll_back(world: World, *, by: str = "bob", expect: Expectation | None = None) -> Promotion:
    return world.engine(by).promotions.roll_back("churn", reason="it is bad", expect=expect)


def test_rollback_re_points_to_the_previous_version_also_when_somebody_else_promoted(world: World) -> None:
    serving(world, 2)
    promotion = roll_back(world, by="dave")
    assert (promotion.kind, promotion.version, promotion.rolled_back_from) == (Kind.ROLLBACK, 1, 2)
    assert promotion.replaced == (Move(2, Stage.PRODUCTION, Stage.ARCHIVED),)
    assert (world.stage(1), world.stage(2)) == (Stage.PRODUCTION, Stage.ARCHIVED)


def test_rolling_back_again_walks_further_back_until_nothing_is_left(world: World) -> None:
    serving(world, 3)
    assert [roll_back(world).version for _ in range(2)] == [2, 1]
    with pytest.raises(Conflict, match="no earlier Production version"):
        roll_back(world)
    assert world.production() == (1,)


def test_rollback_without_any_promotion_is_a_conflict(world: World) -> None:
    world.register()
    with pytest.raises(Conflict):
        roll_back(world)
    with pytest.raises(NotFound):
        world.engine("bob").promotions.roll_back("chrun", reason="x")


def test_rollback_never_goes_where_one_came_from(world: World) -> None:
    serving(world, 2)
    roll_back(world)
    world.register()
    world.promote(3)
    assert roll_back(world).version == 1


def test_a_version_promoted_again_may_be_gone_back_to(world: World) -> None:
    serving(world, 2)
    roll_back(world)
    world.promote(2)
    world.register()
    world.promote(3)
    assert roll_back(world).version == 2


def test_a_version_taken_out_by_hand_does_not_come_back_by_itself(world: World) -> None:
    serving(world, 2)
    world.promote(2, to=Stage.ARCHIVED)
    assert world.production() == ()
    promotion = roll_back(world)
    assert (promotion.version, promotion.rolled_back_from) == (1, None)


def test_a_deleted_version_is_passed_over(world: World) -> None:
    serving(world, 3)
    world.engine("root").models.delete_version("churn", 2)
    assert roll_back(world).version == 1
    assert [each.version for each in world.engine("bob").promotions.history("churn").items] == [1, 3, 2, 1]


def test_rollback_takes_no_approval_no_gate_and_no_thaw(make_world: MakeWorld) -> None:
    world = serving(make_world(""), 2)
    world.set_policy(
        '[models.churn.production]\napprovals = 2\ngates = [{gate = "metric", metric = "auc", min = 0.99}]\n'
        'freeze = [{from = "2025-10-01", to = "2025-10-31"}]\n'
    )
    assert roll_back(world).version == 1


def test_rollback_does_not_open_the_normal_way_again(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    for number in (1, 2):
        world.register()
        world.approved(number)
    roll_back(world)
    with pytest.raises(ApprovalMissing):
        world.promote(2)


def test_rollback_to_damaged_bytes_is_refused(world: World) -> None:
    serving(world, 2)
    world.damage(1)
    with pytest.raises(GateFailed, match=r"weights\.bin"):
        roll_back(world)
    assert world.production() == (2,)


def test_rollback_needs_an_operator_and_a_reason(world: World) -> None:
    serving(world, 2)
    with pytest.raises(PermissionDenied):
        roll_back(world, by="victor")
    with pytest.raises(InvalidInput):
        world.engine("bob").promotions.roll_back("churn", reason="")
    with pytest.raises(InvalidInput):
        world.engine("bob").promotions.roll_back("churn", reason="x", demote_to=Stage.PRODUCTION)


def test_rollback_refuses_when_it_is_not_what_the_operator_saw(world: World) -> None:
    serving(world, 2)
    seen = world.engine("bob").promotions.plan_roll_back("churn").expect
    world.register()
    world.promote(3, by="dave")
    with pytest.raises(Conflict) as lost:
        roll_back(world, expect=seen)
    assert lost.value.details["production"] == [3]
    assert world.production() == (3,)


def test_two_operators_with_one_idea_roll_back_once(world: World) -> None:
    serving(world, 3)
    seen = world.engine("bob").promotions.plan_roll_back("churn").expect
    roll_back(world, by="dave", expect=seen)
    with pytest.raises(Conflict):
        roll_back(world, by="bob", expect=seen)
    assert world.production() == (2,)


def test_with_several_in_production_only_the_last_is_given_up(make_world: MakeWorld) -> None:
    world = serving(make_world("[defaults]\nsingle_production = false\n"), 3)
    promotion = roll_back(world)
    assert (promotion.version, promotion.rolled_back_from, world.production()) == (2, 3, (1, 2))


def test_a_renamed_model_still_knows_its_way_back(world: World) -> None:
    serving(world, 2)
    world.promote(2, to=Stage.ARCHIVED)
    world.engine("root").models.rename("churn", "attrition")
    assert world.engine("bob").promotions.roll_back("attrition", reason="it is bad").version == 1


def test_a_new_model_of_an_old_name_inherits_no_way_back(world: World) -> None:
    serving(world, 2)
    world.promote(2, to=Stage.ARCHIVED)
    world.engine("root").models.delete("churn")
    world.register()
    with pytest.raises(Conflict):
        roll_back(world)


def test_protected_aliases_go_back_with_it(world: World) -> None:
    serving(world, 2)
    world.engine("bob").models.set_alias("churn", "champion", 2)
    roll_back(world)
    assert world.engine("bob").models.get("churn").aliases["champion"] == 1


def test_a_past_under_a_name_without_rules_is_no_way_into_production(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    for number in (1, 2):
        world.register(model="easy")
        world.promote(number, model="easy")
    world.promote(2, model="easy", to=Stage.ARCHIVED)
    with pytest.raises(PolicyRefused, match="demands other things of churn than of easy"):
        world.engine("bob").models.rename("easy", "churn")
    world.register()
    with pytest.raises(PolicyRefused):
        world.engine("bob").models.rename("churn", "easier")
    assert world.engine("bob").models.rename("easy", "easier").name == "easier"
