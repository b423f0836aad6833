"""Prompts on MLflow's wire: registered models whose versions carry their template in tags."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.prompts.model import PromptKind
from tests.engine.server.wire import Answer, Wire

IS_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
CHAT = json.dumps([{"role": "user", "content": "{{question}}"}])
WRONG = (400, "INVALID_PARAMETER_VALUE")
ABSENT = (404, "RESOURCE_DOES_NOT_EXIST")


def tags(**more: str) -> list[dict[str, str]]:
    """The tags of a prompt's version, as the client sends them."""
    known = {"text": "mlflow.prompt.text", "kind": "_mlflow_prompt_type", "config": "_mlflow_prompt_model_config"}
    return [IS_PROMPT, *({"key": known.get(key, key), "value": value} for key, value in more.items())]


def register(wire: Wire, source: str = "dummy-source", name: str = "greeting", **more: str) -> Answer:
    body = {"name": name, "source": source, "description": "why", "tags": tags(**more)}
    return wire.mlflow("POST", "model-versions/create", body)


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["error_code"]


def as_mapping(told: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in told}


@pytest.fixture
def greeting(wire: Wire) -> str:
    """A prompt with a text and a chat."""
    body = {"name": "greeting", "tags": [IS_PROMPT, {"key": "team", "value": "help"}]}
    assert wire.mlflow("POST", "registered-models/create", body).status == 200
    assert register(wire, text="Hello {{name}}", kind="text", own="1").status == 200
    assert register(wire, "prompt-template", text=CHAT, kind="chat", config='{"temperature": 0.5}').status == 200
    return "greeting"


def test_a_prompt_is_kept_as_one_and_told_as_a_registered_model(wire: Wire, greeting: str) -> None:
    found = wire.engine.prompts.version(greeting, 1)
    assert (found.template, found.kind, found.commit_message) == ("Hello {{name}}", PromptKind.TEXT, "why")
    assert found.tags == {"own": "1"}
    told = wire.mlflow("GET", "registered-models/get", query={"name": greeting}).json["registered_model"]
    assert as_mapping(told["tags"]) == {"team": "help", "mlflow.prompt.is_prompt": "true"}
    assert [each["version"] for each in told["latest_versions"]] == ["2"]
    assert wire.engine.models.page().items == ()


def test_a_version_tells_its_template_in_tags(wire: Wire, greeting: str) -> None:
    told = wire.mlflow("GET", "model-versions/get", query={"name": greeting, "version": "2"}).json["model_version"]
    assert as_mapping(told["tags"]) == {
        "mlflow.prompt.is_prompt": "true",
        "mlflow.prompt.text": CHAT,
        "_mlflow_prompt_type": "chat",
        "_mlflow_prompt_model_config": '{"temperature": 0.5}',
    }
    assert (told["version"], told["description"], told["current_stage"]) == ("2", "why", "None")


def test_settings_of_a_version_are_changed_by_their_tag(wire: Wire, greeting: str) -> None:
    body = {"name": greeting, "version": "1", "key": "_mlflow_prompt_model_config", "value": '{"temperature": 1}'}
    assert wire.mlflow("POST", "model-versions/set-tag", body).status == 200
    assert wire.engine.prompts.version(greeting, 1).model_config == '{"temperature": 1}'
    assert wire.mlflow("DELETE", "model-versions/delete-tag", body).status == 200
    assert wire.engine.prompts.version(greeting, 1).model_config == ""
    assert refused(wire.mlflow("POST", "model-versions/set-tag", body | {"value": "{"})) == WRONG


@pytest.mark.parametrize("key", ["mlflow.prompt.is_prompt", "mlflow.prompt.text", "_mlflow_prompt_type"])
def test_what_a_prompt_is_does_not_change(wire: Wire, greeting: str, key: str) -> None:
    body = {"name": greeting, "version": "1", "key": key, "value": "false"}
    assert refused(wire.mlflow("POST", "model-versions/set-tag", body)) == WRONG
    assert refused(wire.mlflow("POST", "registered-models/set-tag", body)) == WRONG
    assert wire.engine.prompts.version(greeting, 1).template == "Hello {{name}}"


def test_aliases_tags_and_descriptions(wire: Wire, greeting: str) -> None:
    for version in ("1", "2"):
        body = {"name": greeting, "alias": "champion", "version": version}
        assert wire.mlflow("POST", "registered-models/alias", body).status == 200
    alias = {"name": greeting, "alias": "champion"}
    assert wire.mlflow("GET", "registered-models/alias", query=alias).json["model_version"]["version"] == "2"
    wire.mlflow("DELETE", "registered-models/alias", alias)
    wire.mlflow("DELETE", "registered-models/alias", alias)
    assert refused(wire.mlflow("GET", "registered-models/alias", query=alias)) == WRONG
    wire.mlflow("POST", "registered-models/set-tag", {"name": greeting, "key": "k", "value": "v"})
    wire.mlflow("PATCH", "registered-models/update", {"name": greeting, "description": "polite"})
    wire.mlflow("PATCH", "model-versions/update", {"name": greeting, "version": "1", "description": "better"})
    prompt = wire.engine.prompts.get(greeting)
    assert (prompt.description, prompt.tags) == ("polite", {"team": "help", "k": "v"})
    assert wire.engine.prompts.version(greeting, 1).commit_message == "better"


def test_versions_are_searched_as_the_client_asks(wire: Wire, greeting: str) -> None:
    words = "name = 'greeting' AND tag.`mlflow.prompt.is_prompt` = 'true'"
    query = {"filter": words, "order_by": ["version_number DESC"], "max_results": 1}
    first = wire.mlflow("GET", "model-versions/search", query=query).json
    second = wire.mlflow("GET", "model-versions/search", query=query | {"page_token": first["next_page_token"]}).json
    assert [each["version"] for found in (first, second) for each in found["model_versions"]] == ["2", "1"]
    assert "next_page_token" not in second
    models = wire.mlflow("GET", "model-versions/search", query={"filter": "name = 'greeting'"}).json
    assert models == {}


def test_a_name_is_a_prompts_or_a_models(wire: Wire, greeting: str) -> None:
    answer = wire.mlflow("POST", "registered-models/create", {"name": greeting})
    assert refused(answer) == (400, "RESOURCE_ALREADY_EXISTS")
    assert "already taken by a prompt" in answer.json["message"]
    answer = wire.mlflow("POST", "registered-models/create", {"name": greeting, "tags": [IS_PROMPT]})
    assert answer.json["message"].startswith("Prompt (name=greeting) already exists.")
    wire.engine.models.create("churn")
    answer = wire.mlflow("POST", "registered-models/create", {"name": "churn", "tags": [IS_PROMPT]})
    assert "already taken by a registered model" in answer.json["message"]
    assert refused(register(wire, name="churn", text="Hello")) == ABSENT


@pytest.mark.parametrize(
    ("source", "more", "words"),
    [
        ("runs:/x/y", {"text": "Hello"}, "Invalid prompt source"),
        ("/etc/passwd", {"text": "Hello"}, "Invalid prompt source"),
        ("dummy-source", {}, "does not contain a prompt text"),
        ("dummy-source", {"text": "x" * 100_001}, "exceeds"),
        ("dummy-source", {"text": "Hello", "kind": "chat"}, "must be JSON"),
        ("dummy-source", {"text": "{}", "kind": "chat"}, "list of messages"),
        ("dummy-source", {"text": "Hello", "config": "{"}, "must be JSON"),
    ],
)
def test_what_cannot_be_a_version_is_refused(
    wire: Wire, greeting: str, source: str, more: dict[str, str], words: str
) -> None:
    answer = register(wire, source, **more)
    assert refused(answer) == WRONG
    assert words in answer.json["message"]
    assert wire.engine.prompts.get(greeting).versions == 2


def test_prompts_have_no_stages_and_keep_their_names(wire: Wire, greeting: str) -> None:
    body = {"name": greeting, "version": "1", "stage": "Production"}
    assert refused(wire.mlflow("POST", "model-versions/transition-stage", body)) == WRONG
    assert refused(wire.mlflow("POST", "registered-models/rename", {"name": greeting, "new_name": "x"})) == WRONG
    answer = wire.mlflow("POST", "registered-models/get-latest-versions", {"name": greeting})
    assert [each["version"] for each in answer.json["model_versions"]] == ["2"]
    assert wire.mlflow("POST", "registered-models/get-latest-versions", body | {"stages": ["Staging"]}).json == {}


def test_a_prompt_is_no_source_of_a_model(wire: Wire, greeting: str) -> None:
    wire.engine.models.create("churn")
    body = {"name": "churn", "source": "models:/greeting/1"}
    assert refused(wire.mlflow("POST", "model-versions/create", body)) == WRONG


def test_prompts_are_deleted_with_their_versions(wire: Wire, greeting: str) -> None:
    assert wire.mlflow("DELETE", "model-versions/delete", {"name": greeting, "version": "1"}).status == 200
    answer = wire.mlflow("GET", "model-versions/get", query={"name": greeting, "version": "1"})
    assert refused(answer) == ABSENT
    assert answer.json["message"].startswith("Model Version (name=greeting, version=1) not found")
    assert wire.mlflow("DELETE", "registered-models/delete", {"name": greeting}).status == 200
    assert not wire.engine.prompts.has(greeting)
