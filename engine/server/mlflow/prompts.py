"""Prompts as MLflow's routes see them: registered models whose versions carry their template in tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from engine.core.errors import InvalidInput
from engine.core.query import (
    MODELS,
    VERSIONS,
    And,
    Comparison,
    Entity,
    Field,
    Filter,
    Not,
    Operator,
    Or,
    parse_filter,
    unparse,
)
from engine.prompts.model import MAX_TEMPLATE, NewPrompt, PromptKind
from engine.registry.model import Stage
from engine.server.mlflow.registry_words import PROMPT_TAG, Asked, Json, pairs, stage_word, worded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.api import Engine
    from engine.prompts.model import Prompt, PromptVersion
    from engine.server.mlflow.sources import Named

_TEXT_TAG = "mlflow.prompt.text"
_KIND_TAG = "_mlflow_prompt_type"
_FORMAT_TAG = "_mlflow_prompt_response_format"
_CONFIG_TAG = "_mlflow_prompt_model_config"
_OWN_TAGS = frozenset((PROMPT_TAG, _TEXT_TAG, _KIND_TAG, _FORMAT_TAG, _CONFIG_TAG))
_SOURCES = ("dummy-source", "prompt-template")
_PROMPTS = Field(Entity.TAG, PROMPT_TAG)
_TIMESTAMP = re.compile(r"^timestamp\b")


def is_prompt(tags: Mapping[str, str]) -> bool:
    """Whether tags say that what carries them is a prompt."""
    return tags.get(PROMPT_TAG, "false").lower() == "true"


def asks_for_prompts(asked: Asked, now_ms: int, *, versions: bool) -> tuple[bool, Asked]:
    """Whether a search is for prompts, and the search without the words that say so.

    In MLflow's language `!=` passes over what does not have a tag, but for the tag that tells prompts from models.

    Args:
        asked: The search.
        now_ms: The present, in milliseconds since the epoch, for ages in filters.
        versions: Whether versions are searched.

    Returns:
        Whether prompts are asked for, and the search in our words.

    Raises:
        FilterSyntaxError: the filter does not parse.
    """
    tree = parse_filter(asked.filter, schema=VERSIONS if versions else MODELS, now_ms=now_ms)
    if tree is None:
        return False, _ordered(asked, asked.filter)
    return _wants_prompts(tree), _ordered(asked, unparse(_plain(tree)))


def _ordered(asked: Asked, text: str) -> Asked:
    order = tuple(_TIMESTAMP.sub("last_updated_timestamp", key) for key in asked.order_by)
    return Asked(text, order, asked.limit, asked.page_token)


def _wants_prompts(tree: Filter) -> bool:
    if isinstance(tree, And | Or):
        return any(_wants_prompts(part) for part in tree.parts)
    if isinstance(tree, Not) or tree.field != _PROMPTS:
        return False
    value = str(tree.value).lower()
    if tree.operator is Operator.EQUAL:
        return value == "true"
    return tree.operator in (Operator.NOT_EQUAL, Operator.DIFFERS) and value == "false"


def _plain(tree: Filter) -> Filter | None:
    """A filter without what tells prompts from models, which holds for all that is searched; `None` for everything."""
    if isinstance(tree, Comparison):
        if tree.field == _PROMPTS:
            return None
        present = Comparison(tree.field, Operator.IS_NOT_NULL, None)
        return And((tree, present)) if tree.operator is Operator.DIFFERS else tree
    if isinstance(tree, Not):
        inner = _plain(tree.part)
        return tree if inner is None else Not(inner)
    parts = [_plain(part) for part in tree.parts]
    kept = tuple(part for part in parts if part is not None)
    if not kept or (isinstance(tree, Or) and len(kept) < len(parts)):
        return None
    if len(kept) == 1:
        return kept[0]
    return Or(kept) if isinstance(tree, Or) else And(kept)


class PromptShelf:
    """Prompts.

    Args:
        engine: The workspace, as the caller may use it.
    """

    def __init__(self, engine: Engine) -> None:
        self._prompts = engine.prompts

    def create(self, name: str, description: str, tags: Mapping[str, str]) -> Json:
        """Create a prompt; the other operations are those of `Shelf`."""
        return prompt_json(self._prompts.create(name, description, _user_tags(tags)))

    def register(self, name: str, named: Named, description: str, tags: Mapping[str, str]) -> Json:
        """Register the next version of a prompt that is there, from what its tags say."""
        with worded(name):
            self._prompts.get(name)
        if named.source not in _SOURCES:
            raise InvalidInput(
                f"Invalid prompt source: '{named.shown}'. Prompt sources must use an MLflow placeholder."
            )
        if _TEXT_TAG not in tags:
            raise InvalidInput(f"Prompt `{name[:60]}` does not contain a prompt text")
        template = tags[_TEXT_TAG]
        if len(template) > MAX_TEMPLATE:
            raise InvalidInput(f"Prompt text exceeds max length of {MAX_TEMPLATE} characters.")
        kind = PromptKind.CHAT if tags.get(_KIND_TAG) == PromptKind.CHAT.value else PromptKind.TEXT
        settings = (tags.get(_FORMAT_TAG, ""), tags.get(_CONFIG_TAG, ""))
        new = NewPrompt(template, kind, description, *settings, tags=_user_tags(tags))
        return prompt_version_json(self._prompts.register(name, new))

    def get(self, name: str) -> Json:
        """One of them."""
        with worded(name):
            prompt = self._prompts.get(name)
        newest = None if prompt.latest is None else self._prompts.version(name, prompt.latest)
        return prompt_json(prompt, newest)

    def describe(self, name: str, description: str) -> Json:
        """Change its description."""
        with worded(name):
            self._prompts.update(name, description)
        return self.get(name)

    def rename(self, name: str, new: str) -> NoReturn:
        """Give it another name."""
        raise InvalidInput(f"The prompt {name[:60]} keeps its name.", hint=f"Register {new[:60]} beside it.")

    def delete(self, name: str) -> None:
        """Remove it with its versions."""
        with worded(name):
            self._prompts.delete(name)

    def tag(self, name: str, key: str, value: str | None) -> None:
        """Set a tag, or remove it."""
        _refuse_own(key)
        with worded(name):
            self._prompts.set_tag(name, key, value)

    def newest(self, name: str, stages: Sequence[Stage]) -> list[Json]:
        """The newest version in each of some stages."""
        with worded(name):
            prompt = self._prompts.get(name)
        if prompt.latest is None or (stages and Stage.REGISTERED not in stages):
            return []
        return [self.version(name, prompt.latest)]

    def version(self, name: str, number: int) -> Json:
        """One version."""
        with worded(name, number):
            return prompt_version_json(self._prompts.version(name, number))

    def by_alias(self, name: str, alias: str) -> Json | None:
        """The version that an alias, or `latest`, names; `None` when it names none."""
        with worded(name):
            prompt = self._prompts.get(name)
        number = prompt.latest if alias.lower() == "latest" else prompt.aliases.get(alias)
        return None if number is None else self.version(name, number)

    def describe_version(self, name: str, number: int, description: str) -> Json:
        """Change a version's description."""
        with worded(name, number):
            return prompt_version_json(self._prompts.update_version(name, number, commit_message=description))

    def delete_version(self, name: str, number: int) -> None:
        """Remove a version."""
        with worded(name, number):
            self._prompts.delete_version(name, number)

    def tag_version(self, name: str, number: int, key: str, value: str | None) -> None:
        """Set a version's tag, or remove it."""
        if key != _CONFIG_TAG:
            _refuse_own(key)
        with worded(name, number):
            if key == _CONFIG_TAG:
                self._prompts.update_version(name, number, model_config=value or "")
                return
            self._prompts.set_version_tag(name, number, key, value)

    def alias(self, name: str, alias: str, number: int | None) -> None:
        """Point an alias to a version, or remove it."""
        with worded(name, number):
            if number is not None:
                self._prompts.set_alias(name, alias, number)
            elif alias in self._prompts.get(name).aliases:
                self._prompts.remove_alias(name, alias)

    def download_uri(self, name: str, number: int) -> str:
        """Where a version's files are."""
        self.version(name, number)
        return _SOURCES[0]

    def search(self, asked: Asked) -> tuple[list[Json], str | None]:
        """A page of them, and the token of the next."""
        page = self._prompts.page(asked.filter, asked.order_by, limit=asked.limit, page_token=asked.page_token)
        return [prompt_json(prompt) for prompt in page.items], page.next_page_token

    def search_versions(self, asked: Asked) -> tuple[list[Json], str | None]:
        """A page of versions, and the token of the next."""
        page = self._prompts.versions(
            filter=asked.filter, order_by=asked.order_by, limit=asked.limit, page_token=asked.page_token
        )
        return [prompt_version_json(version) for version in page.items], page.next_page_token


def prompt_json(prompt: Prompt, newest: PromptVersion | None = None) -> Json:
    """A prompt, as the registered model that MLflow takes it for."""
    found: Json = {
        "name": prompt.name,
        "creation_timestamp": prompt.created_ms,
        "last_updated_timestamp": prompt.updated_ms,
        "tags": pairs({**prompt.tags, PROMPT_TAG: "true"}),
    }
    optional: Json = {
        "description": prompt.description,
        "latest_versions": [] if newest is None else [prompt_version_json(newest)],
        "aliases": [{"alias": alias, "version": str(number)} for alias, number in prompt.aliases.items()],
    }
    return found | {key: value for key, value in optional.items() if value}


def prompt_version_json(version: PromptVersion) -> Json:
    """A version of a prompt, as the model version that MLflow takes it for."""
    settings = {_FORMAT_TAG: version.response_format, _CONFIG_TAG: version.model_config}
    own = {PROMPT_TAG: "true", _TEXT_TAG: version.template, _KIND_TAG: version.kind.value}
    told = {key: value for key, value in settings.items() if value}
    found: Json = {
        "name": version.prompt,
        "version": str(version.version),
        "creation_timestamp": version.created_ms,
        "last_updated_timestamp": version.updated_ms,
        "current_stage": stage_word(Stage.REGISTERED),
        "source": _SOURCES[0],
        "status": "READY",
        "user_id": version.created_by,
        "tags": pairs({**version.tags, **own, **told}),
    }
    optional: Json = {"description": version.commit_message, "aliases": list(version.aliases)}
    return found | {key: value for key, value in optional.items() if value}


def _user_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in _OWN_TAGS}


def _refuse_own(key: str) -> None:
    """What a prompt is, is told by these tags; it does not change."""
    if key in _OWN_TAGS:
        raise InvalidInput(f"The tag {key} tells what a prompt is, and cannot be changed.")
