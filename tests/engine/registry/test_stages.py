from __future__ import annotations

import pytest

from engine.core.errors import Conflict, InvalidInput, NotFound, PolicyInvalid, PolicyRefused
from engine.policy.model import Policy
from engine.registry.model import Stage
from engine.registry.stages import move_stage, production_versions, read_version
from tests.builders import make_access
from tests.engine.registry.desk import Desk

ACTOR = make_access().actor


@pytest.fixture
def three(desk: Desk) -> Desk:
    for _ in range(3):
        desk.register()
        desk.clock.advance(1_000)
    return desk


def test_a_move_writes_the_stage_one_record_and_one_event(desk: Desk) -> None:
    desk.register()
    desk.clock.advance(5_000)
    audited, news = desk.audited(), desk.news()
    moved = desk.move(1, Stage.STAGING, verb="promote", reason="candidate")
    assert (moved.stage, moved.stage_ms, moved.updated_ms) == (Stage.STAGING, desk.clock.now_ms(), desk.clock.now_ms())
    assert moved == desk.models.version("churn", 1)
    assert desk.audited() == [*audited, ("promote", "version", "churn/1")]
    assert desk.news() == [*news, ("version", "stage", "churn/1")]


def test_a_stale_view_of_the_stage_is_a_conflict_that_shows_the_new_one(desk: Desk) -> None:
    seen = desk.register()
    desk.move(1, Stage.STAGING)
    with pytest.raises(Conflict, match="churn/1 is in Staging now") as caught, desk.database.transaction(ACTOR) as tx:
        move_stage(tx, seen, Stage.PRODUCTION, policy=Policy())
    assert caught.value.details == {"model": "churn", "version": 1, "stage": "Staging"}
    assert desk.models.version("churn", 1).stage is Stage.STAGING


def test_a_move_to_its_own_stage_is_a_conflict(desk: Desk) -> None:
    desk.register()
    with pytest.raises(Conflict):
        desk.move(1, Stage.REGISTERED)


def test_a_version_that_was_deleted_meanwhile_does_not_move(desk: Desk) -> None:
    seen = desk.register()
    desk.models.delete_version("churn", 1)
    with pytest.raises(NotFound), desk.database.transaction(ACTOR) as tx:
        move_stage(tx, seen, Stage.PRODUCTION, policy=Policy())


def test_the_newest_in_production_comes_first(three: Desk) -> None:
    for number in (2, 3, 1):
        three.clock.advance(1)
        three.move(number, Stage.PRODUCTION)
    with three.database.snapshot() as view:
        assert [each.version for each in production_versions(view, "churn")] == [1, 3, 2]
        assert production_versions(view, "nothing") == ()
        assert read_version(view, "churn", 2).stage is Stage.PRODUCTION
    assert three.models.get("churn").production == (1, 2, 3)


def test_a_protected_alias_moves_to_the_version_that_took_over(three: Desk) -> None:
    three.move(1, Stage.PRODUCTION)
    three.models.set_alias("churn", "champion", 1)
    three.models.set_alias("churn", "loved", 1)
    three.replace_production(2, old=1)
    assert three.models.get("churn").aliases == {"champion": 2, "loved": 1}


def test_a_protected_alias_goes_when_nothing_took_over(three: Desk) -> None:
    three.move(1, Stage.PRODUCTION)
    three.models.set_alias("churn", "champion", 1)
    three.models.set_alias("churn", "production", 1)
    three.models.set_alias("churn", "loved", 1)
    before = three.audited()
    three.move(1, Stage.ARCHIVED, verb="archive")
    assert three.models.get("churn").aliases == {"loved": 1}
    assert three.audited()[len(before) :] == [
        ("archive", "version", "churn/1"),
        ("remove alias", "model", "churn"),
        ("remove alias", "model", "churn"),
    ]


def test_a_protected_alias_of_another_production_version_stays(three: Desk) -> None:
    three.move(1, Stage.PRODUCTION)
    three.move(2, Stage.PRODUCTION)
    three.models.set_alias("churn", "champion", 2)
    three.move(1, Stage.ARCHIVED)
    assert three.models.get("churn").aliases == {"champion": 2}


@pytest.mark.parametrize("stage", [Stage.REGISTERED, Stage.STAGING, Stage.ARCHIVED])
@pytest.mark.parametrize("alias", ["champion", "production", "Production"])
def test_a_protected_alias_names_only_what_is_in_production(three: Desk, alias: str, stage: Stage) -> None:
    if stage is not Stage.REGISTERED:
        three.move(1, stage)
    before = three.audited()
    with pytest.raises(PolicyRefused, match="may only name a version in Production"):
        three.models.set_alias("churn", alias, 1)
    assert three.audited() == [*before, ("refuse", "model", "churn")]
    three.move(1, Stage.PRODUCTION)
    assert three.models.set_alias("churn", alias, 1).aliases == (alias,)


def test_the_policy_of_the_moment_says_which_aliases_are_protected(three: Desk) -> None:
    three.models.set_alias("churn", "challenger", 1)
    three.workspace.policy_file.write_text('[defaults]\nprotected_aliases = ["challenger"]\n')
    with pytest.raises(PolicyRefused):
        three.models.set_alias("churn", "challenger", 2)
    three.models.set_alias("churn", "champion", 2)
    three.workspace.policy_file.write_text("[defaults]\nprotected = []\n")
    with pytest.raises(PolicyInvalid):
        three.models.set_alias("churn", "champion", 3)
    assert three.models.get("churn").aliases == {"challenger": 1, "champion": 2}


def test_an_alias_points_to_one_version_at_a_time_and_only_a_change_is_audited(three: Desk) -> None:
    three.models.set_alias("churn", "candidate", 1)
    assert three.models.set_alias("churn", "candidate", 2).aliases == ("candidate",)
    assert three.models.version("churn", 1).aliases == ()
    before = three.audited()
    three.models.set_alias("churn", "candidate", 2)
    assert three.audited() == before
    assert three.models.remove_alias("churn", "candidate").aliases == {}
    with pytest.raises(NotFound):
        three.models.remove_alias("churn", "candidate")


def test_a_removed_alias_nearly_right_gets_a_suggestion(three: Desk) -> None:
    three.models.set_alias("churn", "candidate", 1)
    with pytest.raises(NotFound, match="Did you mean candidate"):
        three.models.remove_alias("churn", "candidat")


@pytest.mark.parametrize(
    ("reference", "number"),
    [
        ("churn/1", 1),
        ("churn/latest", 3),
        ("churn@candidate", 3),
        ("churn@production", 2),
        ("churn@PRODUCTION", 2),
        ("churn@staging", 1),
        ("churn", 2),
    ],
)
def test_a_reference_names_one_version(three: Desk, reference: str, number: int) -> None:
    three.move(2, Stage.PRODUCTION)
    three.move(1, Stage.STAGING)
    three.models.set_alias("churn", "candidate", 3)
    assert three.models.resolve(reference).version == number


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("churn/9", "newest version is 3"),
        ("chrun/1", "Did you mean churn"),
        ("chrun", "Did you mean churn"),
        ("churn", "newest version is churn/3"),
        ("churn@production", "no version in Production"),
        ("churn@candidat", "Did you mean candidate"),
        ("churn@nothing", "shows its aliases"),
        ("nothing@candidate", "no model nothing"),
    ],
)
def test_a_reference_to_nothing_says_what_there_is(three: Desk, reference: str, said: str) -> None:
    three.models.set_alias("churn", "candidate", 3)
    with pytest.raises(NotFound, match=said):
        three.models.resolve(reference)


@pytest.mark.parametrize(
    "reference", ["churn/x", "churn/-1", "churn/", "churn/\uff11", "churn@", "churn@a b", "churn/" + "9" * 99]
)
def test_what_is_no_reference_is_refused(three: Desk, reference: str) -> None:
    with pytest.raises(InvalidInput):
        three.models.resolve(reference)
