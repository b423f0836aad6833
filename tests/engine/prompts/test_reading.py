"""Finding, referring to and comparing prompts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import FilterSyntaxError, InvalidInput, NotFound
from engine.core.query import PROMPT_VERSIONS, PROMPTS
from engine.prompts import store
from engine.prompts.model import MAX_DIFF_LINES, NewPrompt, PromptKind, PromptVersion, compare
from tests.engine.prompts.study import Study


@pytest.fixture
def stocked(study: Study) -> Study:
    """Three prompts; greeting has three versions, the second of them the champion."""
    for template in ("Hello {{name}}", "Good day {{name}}", "Hi"):
        study.text(template)
    study.text("Bye", "farewell")
    study.prompts.create("bare")
    study.prompts.set_tag("greeting", "team", "help")
    study.prompts.set_alias("greeting", "champion", 2)
    study.prompts.set_version_tag("greeting", 3, "size", "9")
    return study


@pytest.mark.parametrize(
    ("reference", "number"),
    [
        ("greeting", 3),
        ("greeting/latest", 3),
        ("greeting@latest", 3),
        ("greeting@LATEST", 3),
        ("greeting/1", 1),
        ("greeting@champion", 2),
    ],
)
def test_a_reference_names_a_version(stocked: Study, reference: str, number: int) -> None:
    assert stocked.prompts.resolve(reference).key == f"greeting/{number}"


@pytest.mark.parametrize(
    "reference", ["nope", "nope/1", "greeting/9", "greeting@other", "bare", "bare/latest", f"greeting/{'9' * 18}"]
)
def test_a_reference_to_nothing_is_refused(stocked: Study, reference: str) -> None:
    with pytest.raises(NotFound):
        stocked.prompts.resolve(reference)


@pytest.mark.parametrize("reference", ["", "/1", "greeting/", "greeting/x", "a@b@c", "a/b/c", "greeting@"])
def test_what_is_no_reference_is_refused(stocked: Study, reference: str) -> None:
    with pytest.raises(InvalidInput):
        stocked.prompts.resolve(reference)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["bare", "farewell", "greeting"]),
        ("name LIKE 'g%'", ["greeting"]),
        ("tags.team = 'help'", ["greeting"]),
        ("tags.team != 'help'", []),
        ("name = 'bare' OR name = 'farewell'", ["bare", "farewell"]),
    ],
)
def test_prompts_by_filter(stocked: Study, words: str, expected: list[str]) -> None:
    assert [prompt.name for prompt in stocked.prompts.page(words).items] == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["farewell/1", "greeting/3", "greeting/2", "greeting/1"]),
        ("name = 'greeting' AND version_number > 1", ["greeting/3", "greeting/2"]),
        ("template LIKE '%{{name}}%'", ["greeting/2", "greeting/1"]),
        ("tags.size > 8", ["greeting/3"]),
        ("kind = 'chat'", []),
    ],
)
def test_versions_by_filter(stocked: Study, words: str, expected: list[str]) -> None:
    assert [version.key for version in stocked.prompts.versions(filter=words).items] == expected


def test_pages_follow_each_other(stocked: Study) -> None:
    found: list[str] = []
    token: str | None = None
    while True:
        page = stocked.prompts.versions("greeting", order_by=["version_number"], limit=2, page_token=token)
        found += [version.key for version in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert found == ["greeting/1", "greeting/2", "greeting/3"]


def test_a_token_of_another_list_is_refused(stocked: Study) -> None:
    token = stocked.prompts.page(limit=1).next_page_token
    with pytest.raises(InvalidInput, match="not of this query"):
        stocked.prompts.page("name != 'x'", limit=1, page_token=token)


def test_what_no_prompt_has_cannot_be_asked_for(stocked: Study) -> None:
    with pytest.raises(FilterSyntaxError):
        stocked.prompts.page("metrics.auc > 1")
    with pytest.raises(NotFound):
        stocked.prompts.versions("nope")
    with pytest.raises(InvalidInput):
        stocked.prompts.page(limit=0)


def test_what_can_be_asked_of_prompts_is_what_the_store_knows() -> None:
    for schema, subject in ((PROMPTS, store.PROMPT_LIST), (PROMPT_VERSIONS, store.VERSION_LIST)):
        assert {attribute.name for attribute in schema.attributes} == set(subject.attributes)
        assert set(schema.entities) == set(subject.tables)


def test_a_comparison_marks_what_went_and_what_came(study: Study) -> None:
    study.text("Hello {{name}},\nhow are you?\nBye")
    study.prompts.register("greeting", NewPrompt("Hello {{name}},\nhow do you do?\nBye", model_config='{"a": 1}'))
    found = study.prompts.diff("greeting", 1, 2)
    assert found.lines == ((" ", "Hello {{name}},"), ("-", "how are you?"), ("+", "how do you do?"), (" ", "Bye"))
    assert found.settings == (("model config", "", '{"a": 1}'),)
    assert not found.same
    assert study.prompts.diff("greeting", 2, 2).same


def test_a_text_and_a_chat_differ_in_kind(study: Study) -> None:
    study.text()
    study.chat()
    assert ("kind", "text", "chat") in study.prompts.diff("greeting", 1, 2).settings


def _version(text: str) -> PromptVersion:
    return PromptVersion(0, "p", 1, PromptKind.TEXT, text, "", "", "", 0, 0, "ada")


_LINES = st.lists(st.sampled_from("abc"), max_size=12).map("\n".join)


@given(_LINES, _LINES)
def test_a_comparison_holds_both_texts(before: str, after: str) -> None:
    lines = compare(_version(before), _version(after)).lines
    assert [text for mark, text in lines if mark in " -"] == before.splitlines()
    assert [text for mark, text in lines if mark in " +"] == after.splitlines()


def test_a_long_text_is_compared_as_a_whole() -> None:
    before = "\n".join(["a"] * (MAX_DIFF_LINES + 1))
    lines = compare(_version(before), _version("a")).lines
    assert len(lines) == MAX_DIFF_LINES + 2
    assert lines[-1] == ("+", "a")
