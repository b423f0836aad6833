from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput, PolicyRefused
from engine.core.names import MAX_MODEL_NAME
from engine.core.text import clean
from engine.registry.model import Column, Signature, Stage
from engine.registry.names import check_alias, check_model_name, check_new_alias, check_tag, check_word
from tests.engine.registry.desk import Desk

HOSTILE = (
    "a\x1b[31mb",
    "a\x1b]52;c;AAAA\x07",
    "a\x9b31m",
    "a\x00b",
    "a\nb",
    "a\tb",
    "\u202eabc",
    "a\u200bb",
    "a\ud800",
    "a" + "\u0301" * 50,
    "x" * 10_000,
)


@pytest.mark.parametrize(
    "name", ["churn", "Churn v2", "模型", "é", "[nope]", "[bold]x[\\]", "a.b-c_d", "7", "-", "x" * 250]
)
def test_a_visible_name_is_taken(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a/b", "references such as"),
        ("../../etc/passwd", "references such as"),
        ("a@b", "references such as"),
        ("a:b", "references such as"),
        ("[@click=app.quit]x", "references such as"),
        ("[/nope]", "references such as"),
        (" a", "space"),
        ("a ", "space"),
        ("..", "dots"),
        (".", "dots"),
        ("*", "every model"),
        ("cafe\u0301", "looks the same"),
        ("x" * (MAX_MODEL_NAME + 1), "251 characters"),
    ],
)
def test_a_name_that_references_or_files_would_trip_over_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        check_model_name(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_in_harmless_words(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_model_name(name)
    said = str(caught.value)
    assert clean(said, limit=1_000) == said
    assert len(said) < 500


@given(st.text(max_size=300))
def test_a_name_that_is_taken_is_shown_as_it_is_and_survives_in_a_reference(name: str) -> None:
    try:
        check_model_name(name)
    except InvalidInput:
        return
    assert clean(name, limit=MAX_MODEL_NAME) == name
    assert f"{name}/7".rpartition("/") == (name, "/", "7")
    assert f"{name}@champion".rpartition("@") == (name, "@", "champion")


@pytest.mark.parametrize("alias", ["champion", "a", "A-b_9", "production", "version7", "7", "x" * 255])
def test_an_alias_of_letters_digits_and_dashes_is_taken(alias: str) -> None:
    assert check_alias(alias) == alias


@pytest.mark.parametrize(
    "alias",
    ["", "latest", "LATEST", "v7", "V12", "a b", "a/b", "ä", "a\n", "champion\x1b", "x" * 256, "７"],  # noqa: RUF001
)
def test_an_alias_that_means_something_else_or_cannot_be_typed_is_refused(alias: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be an alias"):
        check_alias(alias)


@pytest.mark.parametrize("alias", ["staging", "Staging", "ARCHIVED", "registered"])
def test_an_alias_called_like_a_stage_is_not_set_but_can_still_be_read_and_removed(alias: str) -> None:
    with pytest.raises(InvalidInput, match="a stage is called so"):
        check_new_alias(alias)
    assert check_alias(alias) == alias


def test_production_is_an_alias_that_the_policy_protects(desk: Desk) -> None:
    version = desk.register()
    with pytest.raises(PolicyRefused, match="protected"):
        desk.models.set_alias("churn", "production", version.version)
    with pytest.raises(InvalidInput, match="a stage is called so"):
        desk.models.set_alias("churn", "staging", version.version)


@pytest.mark.parametrize(
    ("key", "value"), [("", "x"), ("k" * 251, "x"), ("k", "x" * 100_001), ("k\0", "x"), ("k", "\ud800")]
)
def test_a_tag_that_cannot_be_stored_is_refused(key: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        check_tag(key, value)


def test_a_text_of_exactly_the_limit_is_taken() -> None:
    assert check_word("x" * 500, "owner") == "x" * 500
    with pytest.raises(InvalidInput, match="The owner has 501 characters"):
        check_word("x" * 501, "owner")


@pytest.mark.parametrize("text", ["production", "Production", " PRODUCTION "])
def test_a_stage_is_read_in_any_case(text: str) -> None:
    assert Stage.parse(text) is Stage.PRODUCTION


def test_a_stage_nearly_right_gets_a_suggestion() -> None:
    with pytest.raises(InvalidInput) as caught:
        Stage.parse("prodution\x1b[0m")
    assert "\x1b" not in str(caught.value)
    with pytest.raises(InvalidInput, match="Did you mean Production"):
        Stage.parse("prodution")


columns = st.lists(
    st.builds(
        Column,
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
        st.sampled_from(["int64", "float64", "string"]),
        st.lists(st.integers(-1, 10**6), max_size=3).map(tuple),
    ),
    max_size=4,
    unique_by=lambda column: column.name,
).map(tuple)


@given(columns, columns)
def test_a_signature_reads_back_from_json(inputs: tuple[Column, ...], outputs: tuple[Column, ...]) -> None:
    signature = Signature(inputs, outputs)
    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], "must be an object"),
        ({"inputs": "a"}, "inputs of a signature must be a list"),
        ({"outputs": {}}, "outputs of a signature must be a list"),
        ({"inputs": [1]}, r"inputs\[0\] of the signature must be an object"),
        ({"inputs": [{"name": "a"}]}, "needs a name and a dtype"),
        ({"inputs": [{"name": 1, "dtype": "x"}]}, "needs a name and a dtype"),
        ({"inputs": [{"name": "a", "dtype": ""}]}, "needs a name and a dtype"),
        ({"inputs": [{"name": "a", "dtype": "x", "shape": [-2]}]}, "list of sizes"),
        ({"inputs": [{"name": "a", "dtype": "x", "shape": [True]}]}, "list of sizes"),
        ({"inputs": [{"name": "a", "dtype": "x"}] * 2}, "same name"),
        ({"inputs": [{"name": "x" * 501, "dtype": "x"}]}, "501 characters"),
        ({"inputs": [{"name": str(i), "dtype": "x"} for i in range(10_001)]}, "10001 inputs"),
    ],
)
def test_what_is_no_signature_is_refused_by_place(value: object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        Signature.from_json(value)
