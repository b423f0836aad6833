"""What the policy refuses is refused, and written down: who tried what, and why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.audit.model import AuditEntry, AuditFilter
from engine.core.errors import (
    ApprovalMissing,
    Conflict,
    GateFailed,
    NotFound,
    PermissionDenied,
    PolicyRefused,
    QuarterdeckError,
    Refused,
)
from engine.deployment.model import Occupants
from engine.registry.model import Stage
from tests.engine.deployment.world import ONE_APPROVAL, World

FROZEN = """
[models.churn.production]
freeze = [{from = "1970-01-01", to = "2100-01-01", reason = "holidays"}]
"""
GATED = '[models.churn.production]\ngates = [{gate = "metric", metric = "auc", min = 0.95}]\n'


def refusals(world: World) -> list[AuditEntry]:
    """Every recorded refusal, oldest first."""
    found = world.engine("boss").audit.page(AuditFilter(), limit=1_000).items
    return [entry for entry in reversed(found) if entry.verb == "refuse"]


@pytest.mark.parametrize(
    ("policy", "error", "words"),
    [
        (ONE_APPROVAL, ApprovalMissing, "nobody has asked for them"),
        (GATED, GateFailed, "does not pass"),
        (FROZEN, PolicyRefused, "frozen"),
    ],
    ids=["approval", "gate", "freeze"],
)
def test_a_refused_promotion_is_recorded(tmp_path: Path, policy: str, error: type[Refused], words: str) -> None:
    world = World(tmp_path, policy)
    world.register()
    with pytest.raises(error, match=words):
        world.promote(1, reason="for the sale")
    [entry] = refusals(world)
    assert (entry.actor, entry.kind, entry.key, entry.reason) == ("bob", "version", "churn/1", "for the sale")
    assert entry.before is None
    assert entry.after is not None
    assert entry.after["attempt"]["verb"] == "promote"
    assert entry.after["attempt"]["to"] == "Production"
    assert (entry.after["code"], words in entry.after["refused"]) == (error.code, True)
    assert world.stage(1) is Stage.REGISTERED


def test_a_refused_rollback_is_recorded(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(2):
        world.promote(world.register().version)
    world.damage(1)
    with pytest.raises(GateFailed):
        world.engine("bob").promotions.roll_back("churn", reason="errors")
    [entry] = refusals(world)
    assert entry.after is not None
    assert (entry.key, entry.after["attempt"]["verb"], entry.reason) == ("churn/1", "roll back", "errors")


def test_a_refused_alias_is_recorded(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.register()
    with pytest.raises(PolicyRefused):
        world.engine("bob").models.set_alias("churn", "champion", 1)
    [entry] = refusals(world)
    assert entry.after is not None
    assert (entry.kind, entry.key, entry.actor) == ("model", "churn", "bob")
    assert entry.after["attempt"] == {"verb": "set alias", "alias": "champion", "version": 1}


def test_a_record_of_a_refusal_tells_no_past(tmp_path: Path) -> None:
    world = World(tmp_path, ONE_APPROVAL)
    world.register()
    world.clock.advance(1_000)
    before = world.engine("bob").promotions.at("churn", world.clock.now_ms())
    with pytest.raises(ApprovalMissing):
        world.promote(1)
    with pytest.raises(PolicyRefused):
        world.engine("bob").models.set_alias("churn", "champion", 1)
    world.clock.advance(1_000)
    assert world.engine("bob").promotions.at("churn", world.clock.now_ms()) == before
    assert world.engine("boss").audit.verify().ok


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda world: world.promote(9), NotFound),
        (lambda world: world.promote(1, to=Stage.REGISTERED), Conflict),
        (lambda world: world.promote(1, by="eve"), PermissionDenied),
        (lambda world: world.engine("bob").models.set_alias("churn", "champion", 9), NotFound),
    ],
    ids=["unknown", "there already", "no operator", "unknown version"],
)
def test_what_is_no_matter_of_the_policy_is_not_recorded(
    tmp_path: Path, act: Callable[[World], object], error: type[QuarterdeckError]
) -> None:
    world = World(tmp_path)
    world.register()
    with pytest.raises(error):
        act(world)
    assert refusals(world) == []


def test_a_refusal_within_a_group_is_kept_with_what_else_was_written(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.register()
    models = world.engine("bob").models
    with world.database.group():
        models.set_tag("churn", "before", "1")
        with pytest.raises(PolicyRefused):
            models.set_alias("churn", "champion", 1)
        models.set_tag("churn", "after", "2")
    assert models.get("churn").tags == {"before": "1", "after": "2"}
    assert len(refusals(world)) == 1


@pytest.mark.parametrize(
    ("occupants", "policy", "expected"),
    [
        (Occupants.POLICY, "", (2,)),
        (Occupants.STAY, "", (2,)),
        (Occupants.ARCHIVE, "", (2,)),
        (Occupants.STAY, "[defaults]\nsingle_production = false\n", (1, 2)),
        (Occupants.POLICY, "[defaults]\nsingle_production = false\n", (1, 2)),
        (Occupants.ARCHIVE, "[defaults]\nsingle_production = false\n", (2,)),
    ],
)
def test_who_stays_in_production(tmp_path: Path, occupants: Occupants, policy: str, expected: tuple[int, ...]) -> None:
    world = World(tmp_path, policy)
    for _ in range(2):
        world.register()
    world.promote(1)
    world.promote(2, occupants=occupants)
    assert world.production() == expected


def test_where_nobody_wrote_a_policy_versions_stay_when_asked_to(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(3):
        world.register()
    world.lose_policy()
    world.promote(1, by="bob")
    world.promote(2, occupants=Occupants.STAY)
    assert world.production() == (1, 2)
    world.promote(3)
    assert world.production() == (3,)


@pytest.mark.parametrize(
    ("occupants", "expected"), [(Occupants.POLICY, (1, 2)), (Occupants.STAY, (1, 2)), (Occupants.ARCHIVE, (2,))]
)
def test_who_stays_in_staging(tmp_path: Path, occupants: Occupants, expected: tuple[int, ...]) -> None:
    world = World(tmp_path)
    for _ in range(2):
        world.register()
    world.promote(1, to=Stage.STAGING)
    promotion = world.promote(2, to=Stage.STAGING, occupants=occupants)
    assert world.engine("bob").models.get("churn").staging == expected
    assert world.stage(1) is (Stage.STAGING if 1 in expected else Stage.ARCHIVED)
    assert [move.version for move in promotion.replaced] == ([] if 1 in expected else [1])


def test_nobody_is_moved_out_of_the_way_into_the_archive(tmp_path: Path) -> None:
    world = World(tmp_path)
    for _ in range(2):
        world.register()
    for number in (1, 2):
        world.promote(number, to=Stage.ARCHIVED, occupants=Occupants.ARCHIVE)
    assert {world.stage(1), world.stage(2)} == {Stage.ARCHIVED}


@pytest.mark.parametrize("alias", ["champion", "Champion", "production", "PRODUCTION"])
def test_protection_holds_whatever_the_letter_case(tmp_path: Path, alias: str) -> None:
    world = World(tmp_path)
    world.register()
    with pytest.raises(PolicyRefused):
        world.engine("bob").models.set_alias("churn", alias, 1)


def test_where_nobody_wrote_a_policy_champion_may_name_any_version(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.register()
    world.lose_policy()
    models = world.engine("bob").models
    with pytest.raises(PolicyRefused):
        models.set_alias("churn", "production", 1)
    assert models.set_alias("churn", "champion", 1).aliases == ("champion",)
    world.promote(1, to=Stage.STAGING)
    assert models.get("churn").aliases == {"champion": 1}


def test_a_policy_that_is_gone_still_protects(tmp_path: Path) -> None:
    world = World(tmp_path, ONE_APPROVAL)
    world.register()
    world.approved(world.register().version)
    world.lose_policy()
    with pytest.raises(PolicyRefused):
        world.engine("bob").models.set_alias("churn", "champion", 1)
    assert world.engine("bob").models.set_alias("churn", "next", 1).aliases == ("next",)
