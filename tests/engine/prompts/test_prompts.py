"""Prompts: creating, registering, aliases, tags, deleting; each change is recorded and told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.access import Role
from engine.core.errors import AlreadyExists, InvalidInput, NotFound, PermissionDenied, ReadOnlyMode
from engine.prompts.model import MAX_TEMPLATE, NewPrompt, PromptKind
from engine.prompts.service import Prompts
from tests.engine.prompts.study import CHAT, Study


def test_the_first_version_makes_the_prompt(study: Study) -> None:
    new = NewPrompt("Hello {{name}}", commit_message="first", tags={"team": "help"})
    version = study.prompts.register("greeting", new)
    assert (version.key, version.kind, version.template) == ("greeting/1", PromptKind.TEXT, "Hello {{name}}")
    assert (version.commit_message, version.tags, version.created_by) == ("first", {"team": "help"}, "ada")
    prompt = study.prompts.get("greeting")
    assert (prompt.versions, prompt.latest, prompt.tags) == (1, 1, {})
    assert study.audited() == [("create", "prompt", "greeting"), ("register", "prompt version", "greeting/1")]
    assert study.news() == [
        ("prompt", "created", "greeting"),
        ("prompt version", "created", "greeting/1"),
        ("prompt", "changed", "greeting"),
    ]


def test_a_chat_keeps_its_messages_and_settings_as_they_were_given(study: Study) -> None:
    new = NewPrompt(CHAT, PromptKind.CHAT, response_format='{"type": "object"}', model_config='{"temperature": 0.5}')
    version = study.prompts.register("assistant", new)
    assert study.prompts.version("assistant", 1) == version
    assert (version.template, version.kind) == (CHAT, PromptKind.CHAT)
    assert (version.response_format, version.model_config) == ('{"type": "object"}', '{"temperature": 0.5}')
    assert version.text == "system:\nBe {{style}}.\n\nuser:\n{{question}}\n"


def test_content_that_is_no_text_is_shown_as_json(study: Study) -> None:
    version = study.chat('[{"role": "user", "content": [{"type": "image"}]}]')
    assert '"type": "image"' in version.text


@pytest.mark.parametrize(
    "new",
    [
        NewPrompt("x" * (MAX_TEMPLATE + 1)),
        NewPrompt("a\0b"),
        NewPrompt("\ud800"),
        NewPrompt("x", commit_message="m" * 20_001),
        NewPrompt("x", response_format="{"),
        NewPrompt("x", model_config="not json"),
        NewPrompt("x", model_config="[" * 100_000),
        NewPrompt("x", tags={"": "v"}),
        NewPrompt("Hello", PromptKind.CHAT),
        NewPrompt("{}", PromptKind.CHAT),
        NewPrompt("[]", PromptKind.CHAT),
        NewPrompt("[1]", PromptKind.CHAT),
        NewPrompt('[{"role": 1, "content": "x"}]', PromptKind.CHAT),
        NewPrompt('[{"role": "user"}]', PromptKind.CHAT),
    ],
    ids=lambda new: repr(new)[:50],
)
def test_what_cannot_be_a_version_is_refused(study: Study, new: NewPrompt) -> None:
    with pytest.raises(InvalidInput):
        study.prompts.register("greeting", new)
    assert not study.prompts.has("greeting")


@pytest.mark.parametrize("name", ["", "a/b", "a@b", "a:b", "a\0b", "\ud800", "n" * 251, " x"])
def test_what_cannot_name_a_model_cannot_name_a_prompt(study: Study, name: str) -> None:
    with pytest.raises(InvalidInput):
        study.prompts.register(name, NewPrompt("Hello"))
    with pytest.raises(InvalidInput):
        study.prompts.create(name)
    assert not study.prompts.has(name)


def test_a_name_is_taken_once(study: Study) -> None:
    study.prompts.create("greeting", "polite", {"team": "help"})
    with pytest.raises(AlreadyExists, match="a prompt greeting already"):
        study.prompts.create("greeting")
    assert study.prompts.get("greeting").description == "polite"


def test_an_alias_points_to_one_version(study: Study) -> None:
    study.text()
    study.text("Good day")
    study.prompts.set_alias("greeting", "champion", 1)
    assert study.prompts.set_alias("greeting", "champion", 2).aliases == ("champion",)
    assert study.prompts.version("greeting", 1).aliases == ()
    assert study.prompts.get("greeting").aliases == {"champion": 2}
    assert study.prompts.remove_alias("greeting", "champion").aliases == {}
    assert [record[0] for record in study.audited()][-3:] == ["set alias", "set alias", "remove alias"]


def test_what_changes_nothing_is_not_recorded(study: Study) -> None:
    study.text()
    study.prompts.set_alias("greeting", "champion", 1)
    study.prompts.set_tag("greeting", "k", "v")
    study.prompts.set_version_tag("greeting", 1, "k", "v")
    before = study.audited()
    study.prompts.set_alias("greeting", "champion", 1)
    study.prompts.set_tag("greeting", "k", "v")
    study.prompts.set_version_tag("greeting", 1, "k", "v")
    study.prompts.update("greeting", "")
    study.prompts.update_version("greeting", 1)
    assert study.audited() == before


@pytest.mark.parametrize("alias", ["latest", "LATEST", "v7", "a b", "", "a/b", "x" * 256])
def test_what_cannot_be_an_alias_is_refused(study: Study, alias: str) -> None:
    study.text()
    with pytest.raises(InvalidInput):
        study.prompts.set_alias("greeting", alias, 1)


@pytest.mark.parametrize("alias", ["production", "staging", "champion"])
def test_prompts_have_no_stages_so_their_names_are_free(study: Study, alias: str) -> None:
    study.text()
    assert study.prompts.set_alias("greeting", alias, 1).aliases == (alias,)


def test_what_is_said_beside_a_version_changes_and_its_template_does_not(study: Study) -> None:
    study.text()
    study.prompts.update_version("greeting", 1, commit_message="better words")
    changed = study.prompts.update_version("greeting", 1, model_config='{"temperature": 1}')
    assert (changed.commit_message, changed.model_config) == ("better words", '{"temperature": 1}')
    assert study.prompts.update_version("greeting", 1, model_config="").model_config == ""
    assert changed.template == "Hello {{name}}"
    with pytest.raises(InvalidInput):
        study.prompts.update_version("greeting", 1, model_config="{")


def test_tags_of_a_prompt_and_of_its_versions_are_apart(study: Study) -> None:
    study.text()
    study.prompts.set_tag("greeting", "k", "1")
    study.prompts.set_version_tag("greeting", 1, "k", "2")
    assert study.prompts.get("greeting").tags == {"k": "1"}
    assert study.prompts.set_version_tag("greeting", 1, "k", None).tags == {}
    assert study.prompts.set_tag("greeting", "k", None).tags == {}


def test_numbers_are_never_given_again(study: Study) -> None:
    study.text()
    study.text()
    study.prompts.set_alias("greeting", "champion", 2)
    study.prompts.delete_version("greeting", 2, reason="wrong")
    assert study.prompts.get("greeting").aliases == {}
    assert study.text().version == 3
    study.prompts.delete("greeting")
    assert not study.prompts.has("greeting")
    assert study.text().version == 4


def test_what_is_not_there_is_named_with_what_is_near(study: Study) -> None:
    study.text()
    with pytest.raises(NotFound, match="There is no prompt greting") as caught:
        study.prompts.get("greting")
    assert "greeting" in caught.value.hint
    with pytest.raises(NotFound, match="has no version 2") as caught:
        study.prompts.version("greeting", 2)
    assert "newest version is 1" in caught.value.hint
    for number in (0, -1, 2**63, 10**30):
        with pytest.raises(NotFound):
            study.prompts.version("greeting", number)
    with pytest.raises(NotFound, match="has no alias champion"):
        study.prompts.remove_alias("greeting", "champion")


CHANGES: dict[str, Callable[[Prompts], object]] = {
    "create": lambda prompts: prompts.create("farewell"),
    "register": lambda prompts: prompts.register("greeting", NewPrompt("Hello")),
    "update": lambda prompts: prompts.update("greeting", "new"),
    "update_version": lambda prompts: prompts.update_version("greeting", 1, commit_message="new"),
    "set_tag": lambda prompts: prompts.set_tag("greeting", "k", "v"),
    "set_version_tag": lambda prompts: prompts.set_version_tag("greeting", 1, "k", "v"),
    "set_alias": lambda prompts: prompts.set_alias("greeting", "next", 1),
    "remove_alias": lambda prompts: prompts.remove_alias("greeting", "champion"),
    "delete_version": lambda prompts: prompts.delete_version("greeting", 1),
    "delete": lambda prompts: prompts.delete("greeting"),
}
WRITERS = ("create", "register", "set_tag", "set_version_tag")
ADMINS = ("delete", "delete_version")


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_needs_its_role(study: Study, name: str) -> None:
    study.text()
    study.prompts.set_alias("greeting", "champion", 1)
    least = Role.WRITER if name in WRITERS else Role.ADMIN if name in ADMINS else Role.OPERATOR
    before = study.audited()
    with pytest.raises(PermissionDenied, match=f"needs the role {least.label}"):
        CHANGES[name](study.as_role(Role(least - 1)))
    with pytest.raises(ReadOnlyMode):
        CHANGES[name](study.as_role(Role.ADMIN, read_only=True))
    assert study.audited() == before
    CHANGES[name](study.as_role(least))
    assert len(study.audited()) == len(before) + 1


@pytest.mark.parametrize(("name", "act"), [each for each in CHANGES.items() if each[0] not in ("create", "register")])
def test_a_change_of_what_is_not_there_is_refused(study: Study, name: str, act: Callable[[Prompts], object]) -> None:
    with pytest.raises(NotFound):
        act(study.prompts)
    assert study.audited() == []


def test_secrets_in_tags_are_not_kept(study: Study) -> None:
    leaked = "AKIAIOSFODNN7EXAMPLE"
    version = study.prompts.register("greeting", NewPrompt("x", tags={"aws_secret_access_key": leaked}))
    tagged = study.prompts.set_version_tag("greeting", 1, "api_key", leaked)
    prompt = study.prompts.set_tag("greeting", "password", leaked)
    for tags in (version.tags, tagged.tags, prompt.tags):
        assert leaked not in tags.values()
