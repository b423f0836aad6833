"""Prompts through the client: registered, versioned, loaded by every kind of address, aliased, tagged, searched."""

from __future__ import annotations

import uuid

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tests.clients.mlflow.wire import refused

TEMPLATE = "Answer {{question}} in {{language}}.\n<b>not markup</b> ünïcödé"


def test_a_prompt_is_registered_and_loaded(name: str) -> None:
    made = mlflow.genai.register_prompt(name=name, template=TEMPLATE, commit_message="first", tags={"task": "qa"})
    assert made.version == 1
    found = mlflow.genai.load_prompt(f"prompts:/{name}/1", cache_ttl_seconds=0)
    assert (found.name, found.version, found.template) == (name, 1, TEMPLATE)
    assert (found.commit_message, found.tags) == ("first", {"task": "qa"})
    assert found.variables == {"question", "language"}
    assert found.format(question="why", language="C").startswith("Answer why in C.")


def test_each_registration_is_a_new_version(name: str) -> None:
    for number in (1, 2, 3):
        assert mlflow.genai.register_prompt(name=name, template=f"t{number}").version == number
    assert mlflow.genai.load_prompt(name, version=2, cache_ttl_seconds=0).template == "t2"
    assert mlflow.genai.load_prompt(name, cache_ttl_seconds=0).template == "t3"
    assert mlflow.genai.load_prompt(f"prompts:/{name}@latest", cache_ttl_seconds=0).template == "t3"


def test_a_conversation_is_a_template_too(name: str) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{question}}"}]
    mlflow.genai.register_prompt(name=name, template=turns)
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1", cache_ttl_seconds=0).template == turns


def test_a_prompt_says_which_form_its_answer_has(name: str) -> None:
    form = {"type": "object", "properties": {"answer": {"type": "string"}}}
    mlflow.genai.register_prompt(name=name, template="t", response_format=form)
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1", cache_ttl_seconds=0).response_format == form


def test_a_long_template_comes_back_whole(name: str) -> None:
    mlflow.genai.register_prompt(name=name, template="x" * 20_000)
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1", cache_ttl_seconds=0).template == "x" * 20_000


def test_aliases(name: str) -> None:
    for number in (1, 2):
        mlflow.genai.register_prompt(name=name, template=f"t{number}")
    mlflow.genai.set_prompt_alias(name, "production", 1)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@production", cache_ttl_seconds=0).template == "t1"
    mlflow.genai.set_prompt_alias(name, "production", 2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@production", cache_ttl_seconds=0).version == 2
    mlflow.genai.delete_prompt_alias(name, "production")
    with pytest.raises(MlflowException):
        mlflow.genai.load_prompt(f"prompts:/{name}@production", cache_ttl_seconds=0)


def test_tags_of_a_prompt_and_of_its_versions(client: MlflowClient, name: str) -> None:
    mlflow.genai.register_prompt(name=name, template="t")
    mlflow.genai.set_prompt_tag(name, "team", "red")
    mlflow.genai.set_prompt_version_tag(name, 1, "checked", "yes")
    assert client.get_prompt(name).tags["team"] == "red"
    assert client.get_prompt_version(name, 1).tags["checked"] == "yes"
    mlflow.genai.delete_prompt_tag(name, "team")
    mlflow.genai.delete_prompt_version_tag(name, 1, "checked")
    assert "team" not in client.get_prompt(name).tags
    assert "checked" not in client.get_prompt_version(name, 1).tags


def test_an_unknown_prompt_is_none_when_that_is_allowed(name: str) -> None:
    assert mlflow.genai.load_prompt(name, version=1, allow_missing=True) is None
    with pytest.raises(MlflowException, match="not found"):
        mlflow.genai.load_prompt(f"prompts:/{name}/1")


def test_a_prompt_is_no_model_and_a_model_is_no_prompt(client: MlflowClient, name: str) -> None:
    mlflow.genai.register_prompt(name=f"p{name}", template="t")
    client.create_registered_model(f"m{name}")
    assert [one.name for one in client.search_registered_models(f"name ILIKE '%{name}'")] == [f"m{name}"]
    assert [one.name for one in mlflow.genai.search_prompts(f"name ILIKE '%{name}'")] == [f"p{name}"]
    with pytest.raises(MlflowException):
        mlflow.genai.register_prompt(name=f"m{name}", template="t")
    with pytest.raises(MlflowException):
        client.create_registered_model(f"p{name}")


def test_a_prompt_is_used_within_a_run_and_a_trace(client: MlflowClient, experiment: str, name: str) -> None:
    mlflow.set_experiment(experiment_id=experiment)
    mlflow.genai.register_prompt(name=name, template="t {{x}}")
    with mlflow.start_run() as run, mlflow.start_span("root"):
        mlflow.genai.load_prompt(f"prompts:/{name}/1", cache_ttl_seconds=0).format(x=1)
    mlflow.flush_trace_async_logging()
    assert client.get_run(run.info.run_id).info.status == "FINISHED"


@pytest.fixture(scope="module")
def shelf() -> str:
    """Three prompts with a common prefix."""
    prefix = f"shelf{uuid.uuid4().hex[:8]}"
    for end, tags in (("a", {"task": "qa"}), ("b", {"task": "sum"}), ("B2", {})):
        mlflow.genai.register_prompt(name=f"{prefix}-{end}", template="t")
        for key, value in tags.items():
            mlflow.genai.set_prompt_tag(f"{prefix}-{end}", key, value)
    return prefix


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name = 'shelf-a'", "a"),
        ("name LIKE 'shelf-%'", "B2 a b"),
        ("name ILIKE 'shelf-b%'", "B2 b"),
        ("name LIKE 'shelf-%' AND tags.task = 'qa'", "a"),
        ("name = 'none'", ""),
    ],
)
def test_prompts_by_filter(shelf: str, condition: str, expected: str) -> None:
    found = mlflow.genai.search_prompts(condition.replace("shelf", shelf))
    assert " ".join(sorted(one.name.removeprefix(f"{shelf}-") for one in found)) == expected


def test_versions_of_a_prompt_are_listed_newest_first(client: MlflowClient, name: str) -> None:
    for number in range(3):
        mlflow.genai.register_prompt(name=name, template=f"t{number}")
    assert [one.version for one in client.search_prompt_versions(name)] == [3, 2, 1]


def test_versions_and_prompts_are_deleted(client: MlflowClient, name: str) -> None:
    for number in range(2):
        mlflow.genai.register_prompt(name=name, template=f"t{number}")
    client.delete_prompt_version(name, "1")
    assert mlflow.genai.load_prompt(name, version=1, allow_missing=True) is None
    client.delete_prompt_version(name, "2")
    client.delete_prompt(name)
    assert client.get_prompt(name) is None


def test_the_alias_latest_is_reserved(name: str) -> None:
    mlflow.genai.register_prompt(name=name, template="t")
    assert refused(mlflow.genai.set_prompt_alias, name, "latest", 1).code == "INVALID_PARAMETER_VALUE"
