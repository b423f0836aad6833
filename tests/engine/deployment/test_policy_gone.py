"""A policy file that was deleted does not become a policy without demands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.errors import PolicyInvalid
from engine.registry.model import Stage
from tests.engine.deployment.world import ONE_APPROVAL, World


@pytest.fixture
def bare(make_world: Callable[[str], World]) -> World:
    """Two versions, the first in Production by the policy's demands; then the policy is deleted."""
    world = make_world(ONE_APPROVAL)
    for _ in range(3):
        world.register()
    world.approved(1)
    world.approved(2)
    world.lose_policy()
    return world


@pytest.mark.parametrize("to", [Stage.PRODUCTION, Stage.STAGING])
def test_nothing_enters_a_stage_while_the_policy_file_is_gone(bare: World, to: Stage) -> None:
    with pytest.raises(PolicyInvalid, match="is gone") as refused:
        bare.promote(3, by="mallory", to=to)
    assert "write an empty one" in refused.value.hint
    assert bare.production() == (2,)
    plan = bare.engine("mallory").promotions.plan("churn", 3, to=to)
    assert not plan.allowed
    assert "is gone" in plan.blockers[0]


def test_an_override_does_not_go_past_a_policy_that_is_gone(bare: World) -> None:
    with pytest.raises(PolicyInvalid, match="is gone"):
        bare.promote(3, by="root", override=True)


def test_nothing_is_asked_for_or_approved_while_the_policy_file_is_gone(make_world: Callable[[str], World]) -> None:
    world = make_world(ONE_APPROVAL)
    world.register()
    request = world.request(1)
    world.lose_policy()
    with pytest.raises(PolicyInvalid, match="is gone"):
        world.approve(request, "mallory")
    with pytest.raises(PolicyInvalid, match="is gone"):
        world.request(1, override=True)


def test_rollback_and_archiving_work_while_the_policy_file_is_gone(bare: World) -> None:
    bare.engine("bob").promotions.roll_back("churn", reason="it hurts")
    assert bare.production() == (1,)
    bare.promote(1, to=Stage.ARCHIVED)
    assert bare.production() == ()


def test_protected_aliases_follow_what_serves_while_the_policy_file_is_gone(make_world: Callable[[str], World]) -> None:
    world = make_world(ONE_APPROVAL)
    world.register()
    world.approved(1)
    world.engine("bob").models.set_alias("churn", "champion", 1)
    world.lose_policy()
    plan = world.engine("bob").promotions.plan("churn", 1, to=Stage.ARCHIVED)
    assert "alias champion: is removed" in plan.changes
    world.promote(1, to=Stage.ARCHIVED)
    assert "champion" not in world.engine("bob").models.get("churn").aliases


def test_a_model_is_not_renamed_into_demands_that_nobody_can_read(bare: World) -> None:
    bare.register(model="easy")
    with pytest.raises(PolicyInvalid, match="is gone"):
        bare.engine("mallory").models.rename("easy", "churn-2")


def test_deleting_the_judged_model_does_not_make_the_workspace_forget_its_policy(bare: World) -> None:
    bare.promote(2, to=Stage.ARCHIVED)
    bare.engine("root").models.delete("churn", reason="cover the tracks")
    version = bare.register(model="other")
    with pytest.raises(PolicyInvalid, match="is gone"):
        bare.promote(version.version, model="other")


def test_the_file_put_back_asks_as_before_and_an_empty_one_asks_for_nothing(bare: World) -> None:
    bare.set_policy(ONE_APPROVAL)
    bare.approved(3)
    bare.register()
    bare.workspace.policy_file.write_text("")
    assert bare.promote(4, by="mallory").version == 4


def test_a_workspace_that_never_had_a_policy_file_needs_none(make_world: Callable[[str], World]) -> None:
    world = make_world("")
    world.lose_policy()
    for number in (1, 2):
        world.register()
        assert world.promote(number).version == number
