from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.access import Role
from engine.core.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    QuarterdeckError,
    ReadOnlyMode,
)
from engine.registry.model import Stage
from engine.registry.service import Models
from tests.engine.registry.desk import Desk


def test_a_model_is_created_with_what_was_said_of_it(desk: Desk) -> None:
    made = desk.models.create("churn", "Who leaves?", "ada", {"team": "risk"})
    assert (made.name, made.description, made.owner, made.tags) == ("churn", "Who leaves?", "ada", {"team": "risk"})
    assert (made.versions, made.latest, made.production, made.aliases) == (0, None, (), {})
    assert made == desk.models.get("churn")
    assert desk.audited() == [("create", "model", "churn")]
    assert desk.news() == [("model", "created", "churn")]


def test_a_taken_name_is_refused_and_nothing_is_written(desk: Desk) -> None:
    desk.models.create("churn", "first")
    with pytest.raises(AlreadyExists):
        desk.models.create("churn", "second")
    assert desk.models.get("churn").description == "first"
    assert len(desk.audited()) == 1


def test_names_differ_by_case(desk: Desk) -> None:
    desk.models.create("churn")
    desk.models.create("Churn")
    assert [model.name for model in desk.models.page().items] == ["Churn", "churn"]


def test_a_name_nearly_right_gets_a_suggestion(desk: Desk) -> None:
    desk.models.create("churn")
    with pytest.raises(NotFound, match="Did you mean churn"):
        desk.models.get("chrun")


@pytest.mark.parametrize("name", ["\ud800", "x" * 10_000, "a\x1b[31m", ""])
def test_asking_for_a_hostile_name_finds_nothing_in_harmless_words(desk: Desk, name: str) -> None:
    with pytest.raises(NotFound) as caught:
        desk.models.get(name)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_texts_change_one_at_a_time_and_only_a_change_is_audited(desk: Desk) -> None:
    desk.models.create("churn", "old", "ada")
    assert desk.models.update("churn", description="new").owner == "ada"
    assert desk.models.update("churn", owner="bob").description == "new"
    desk.models.update("churn", owner="bob")
    assert [verb for verb, _, _ in desk.audited()] == ["create", "update", "update"]


def test_tags_are_set_replaced_and_removed(desk: Desk) -> None:
    desk.models.create("churn")
    desk.models.set_tag("churn", "team", "risk")
    assert desk.models.set_tag("churn", "team", "[/nope]\x1b").tags == {"team": "[/nope]\x1b"}
    assert desk.models.set_tag("churn", "team", None).tags == {}
    desk.models.set_tag("churn", "team", None)
    assert [verb for verb, _, _ in desk.audited()] == ["create", "tag", "tag", "tag"]


def test_a_renamed_model_keeps_everything_and_goes_on_counting(desk: Desk) -> None:
    desk.register()
    desk.models.set_alias("churn", "candidate", 1)
    renamed = desk.models.rename("churn", "leavers")
    assert (renamed.name, renamed.aliases) == ("leavers", {"candidate": 1})
    assert desk.register("leavers").version == 2
    assert desk.register("churn").version == 2, "a number under the old name is not given again either"
    with pytest.raises(AlreadyExists):
        desk.models.rename("churn", "leavers")


def test_renaming_to_itself_changes_nothing(desk: Desk) -> None:
    desk.register()
    desk.move(1, Stage.PRODUCTION)
    before = desk.audited()
    assert desk.models.rename("churn", "churn").name == "churn"
    assert desk.audited() == before


@pytest.mark.parametrize("stage", [Stage.STAGING, Stage.PRODUCTION])
@pytest.mark.parametrize(
    "change",
    [
        lambda models: models.rename("churn", "other"),
        lambda models: models.delete("churn"),
        lambda models: models.delete_version("churn", 1),
    ],
    ids=["rename", "delete", "delete_version"],
)
def test_what_serves_is_neither_renamed_nor_deleted(
    desk: Desk, stage: Stage, change: Callable[[Models], object]
) -> None:
    desk.register()
    desk.move(1, stage)
    before = desk.audited()
    with pytest.raises(Conflict, match="Archive it first") as caught:
        change(desk.models)
    assert "churn/1" in str(caught.value)
    assert desk.audited() == before
    desk.move(1, Stage.ARCHIVED)
    change(desk.models)


def test_a_deleted_model_takes_its_versions_along_and_leaves_their_numbers_used(desk: Desk) -> None:
    first = desk.register()
    desk.register()
    desk.models.set_alias("churn", "candidate", 2)
    desk.models.delete("churn", reason="replaced")
    with pytest.raises(NotFound):
        desk.models.version("churn", 1)
    again = desk.register()
    assert again.version == 3
    assert again.row_id > first.row_id + 1, "integer keys are not given again either"
    assert desk.models.get("churn").aliases == {}


def test_a_deleted_version_takes_its_aliases_along_and_leaves_its_number_used(desk: Desk) -> None:
    desk.register()
    desk.register()
    desk.models.set_alias("churn", "candidate", 2)
    desk.models.delete_version("churn", 2, reason="wrong data")
    assert desk.models.get("churn").aliases == {}
    assert desk.models.get("churn").latest == 1
    assert desk.register().version == 3


@pytest.mark.parametrize(
    "step",
    [
        lambda desk: desk.register(),
        lambda desk: desk.move(1, Stage.STAGING),
        lambda desk: desk.models.set_alias("churn", "candidate", 1),
        lambda desk: desk.models.set_version_tag("churn", 1, "k", "v"),
        lambda desk: desk.models.update_version("churn", 1, owner="bob"),
        lambda desk: desk.models.delete_version("churn", 1),
        lambda desk: desk.models.update("churn", owner="bob"),
        lambda desk: desk.models.set_tag("churn", "k", "v"),
    ],
)
def test_a_change_of_anything_of_a_model_is_its_latest_change(desk: Desk, step: Callable[[Desk], object]) -> None:
    made_ms = desk.register().created_ms
    desk.clock.advance(5_000)
    step(desk)
    model = desk.models.get("churn")
    assert (model.created_ms, model.updated_ms) == (made_ms, made_ms + 5_000)


CHANGES: dict[str, Callable[[Models], object]] = {
    "create": lambda models: models.create("other"),
    "update": lambda models: models.update("churn", description="new"),
    "set_tag": lambda models: models.set_tag("churn", "k", "v"),
    "rename": lambda models: models.rename("churn", "other"),
    "register": lambda models: models.register("churn", run_id=models.version("churn", 1).run_id or ""),
    "update_version": lambda models: models.update_version("churn", 1, owner="bob"),
    "set_version_tag": lambda models: models.set_version_tag("churn", 1, "k", "v"),
    "set_alias": lambda models: models.set_alias("churn", "other", 1),
    "remove_alias": lambda models: models.remove_alias("churn", "candidate"),
    "delete": lambda models: models.delete("churn"),
    "delete_version": lambda models: models.delete_version("churn", 1),
}
LEAST = {"create": Role.WRITER, "register": Role.WRITER, "delete": Role.ADMIN, "delete_version": Role.ADMIN}
"""Who may do it, where it is not the operator: what a training does by itself, and what cannot be undone."""


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    desk.register()
    desk.models.set_alias("churn", "candidate", 1)
    return desk


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_needs_its_role(stocked: Desk, name: str) -> None:
    least = LEAST.get(name, Role.OPERATOR)
    before = stocked.audited()
    with pytest.raises(PermissionDenied, match=f"needs the role {least.label}"):
        CHANGES[name](stocked.as_role(Role(least - 1)))
    assert stocked.audited() == before
    CHANGES[name](stocked.as_role(least))
    assert len(stocked.audited()) == len(before) + 1


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_refused_when_read_only(stocked: Desk, name: str) -> None:
    with pytest.raises(ReadOnlyMode):
        CHANGES[name](stocked.as_role(Role.ADMIN, read_only=True))


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_news(stocked: Desk, name: str) -> None:
    before = stocked.news()
    CHANGES[name](stocked.models)
    assert len(stocked.news()) > len(before)


@pytest.mark.parametrize("name", [name for name in CHANGES if name not in ("create", "register")])
def test_a_change_of_what_does_not_exist_says_so(desk: Desk, name: str) -> None:
    with pytest.raises(NotFound):
        CHANGES[name](desk.models)
    assert desk.audited() == []


@pytest.mark.parametrize(
    "attempt",
    [
        lambda models: models.create("other", "x" * 20_001),
        lambda models: models.create("other", owner="\ud800"),
        lambda models: models.create("other", tags={"": "x"}),
        lambda models: models.create("a/b"),
        lambda models: models.rename("churn", "a@b"),
        lambda models: models.update("churn", owner="x" * 501),
        lambda models: models.update_version("churn", 1, description="a\0b"),
        lambda models: models.set_version_tag("churn", 1, "k" * 251, "v"),
        lambda models: models.set_alias("churn", "v7", 1),
        lambda models: models.remove_alias("churn", "no such"),
    ],
)
def test_what_cannot_be_stored_is_refused_before_anything_is_written(
    stocked: Desk, attempt: Callable[[Models], object]
) -> None:
    before = stocked.audited()
    with pytest.raises(InvalidInput):
        attempt(stocked.models)
    assert stocked.audited() == before


def test_a_role_is_asked_before_the_input_is_looked_at(desk: Desk) -> None:
    with pytest.raises(QuarterdeckError) as caught:
        desk.as_role(Role.VIEWER).create("a/b")
    assert isinstance(caught.value, PermissionDenied)
