"""Prompts, which MLflow keeps as registered models with their template in a tag; here they are prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import AlreadyExists, InvalidInput, NotFound, PermissionDenied
from engine.prompts.importing import PromptImports, Times
from engine.prompts.model import NewPrompt, PromptKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.api import Engine
    from engine.exchange.comparing import Rows
    from engine.exchange.model import SkippedList, SourceModel, SourceVersion
    from engine.prompts.model import PromptVersion

KIND = "prompts"
_PROMPT_TAG, _TEXT_TAG = "mlflow.prompt.is_prompt", "mlflow.prompt.text"
_KIND_TAG, _FORMAT_TAG = "_mlflow_prompt_type", "_mlflow_prompt_response_format"
_CONFIG_TAG = "_mlflow_prompt_model_config"
_OWN_TAGS = frozenset((_PROMPT_TAG, _TEXT_TAG, _KIND_TAG, _FORMAT_TAG, _CONFIG_TAG))
_PAGE = 1_000


def is_prompt(model: SourceModel) -> bool:
    """Whether a registered model of MLflow is a prompt."""
    return model.tags.get(_PROMPT_TAG, "").lower() == "true"


class PromptIntake:
    """Stores the prompts of a source, with their times.

    Args:
        engine: The workspace.
        skipped: Takes what is left out.
    """

    def __init__(self, engine: Engine, skipped: SkippedList) -> None:
        self._prompts = engine.prompts
        self._imports = PromptImports(engine.database, engine.access)
        self._skipped = skipped

    def store(self, model: SourceModel) -> int:
        """Store what is not here of a prompt: its tags, versions and aliases; how many things were new or changed."""
        try:
            return self._store(model)
        except (AlreadyExists, InvalidInput, NotFound, PermissionDenied) as error:
            self._skipped.add("prompt", model.name, error.message)
            return 0

    def rows_here(self, name: str) -> Rows | None:
        """The canonical rows of a prompt as it is here; `None` when it is not."""
        if not self._prompts.has(name):
            return None
        found = self._prompts.get(name)
        versions = self._versions(name)
        return {
            KIND: [[name, found.description, found.created_ms]],
            "prompt tags": sorted([key, value] for key, value in found.tags.items()),
            "prompt aliases": sorted([alias, number] for alias, number in found.aliases.items()),
            "prompt versions": [
                _row(number, _facts_here(each), each.created_ms) for number, each in sorted(versions.items())
            ],
        }

    def _store(self, model: SourceModel) -> int:
        changed = 0
        tags = _user_tags(model.tags)
        if not self._prompts.has(model.name):
            self._prompts.create(model.name, model.description, tags)
            changed += 1
        here = self._prompts.get(model.name)
        for key in [key for key, value in tags.items() if here.tags.get(key) != value]:
            self._prompts.set_tag(model.name, key, tags[key])
            changed += 1
        versions = self._versions(model.name)
        for each in model.versions:
            if each.number not in versions:
                changed += self._register(model.name, each)
        for alias, number in model.aliases.items():
            if here.aliases.get(alias) != number:
                self._prompts.set_alias(model.name, alias, number)
                changed += 1
        return changed + self._set_times(model)

    def _set_times(self, model: SourceModel) -> int:
        """Give it the source's times, last of all, for every other change is one of today; whether one was another."""
        here = self._prompts.get(model.name)
        versions = self._versions(model.name)
        known = [each for each in model.versions if each.number in versions]
        if here.created_ms == model.created_ms and all(
            versions[each.number].created_ms == each.created_ms for each in known
        ):
            return 0
        of_versions = {each.number: Times(each.created_ms, each.updated_ms) for each in known}
        self._imports.set_times(model.name, Times(model.created_ms, model.updated_ms), of_versions)
        return 1

    def _register(self, name: str, each: SourceVersion) -> int:
        expected = max(self._versions(name), default=0) + 1
        if each.number != expected:
            why = "Versions before it were deleted, so its number cannot be given here."
            self._skipped.add("prompt version", f"{name}/{each.number}", why)
            return 0
        self._prompts.register(name, _new(each))
        return 1

    def _versions(self, name: str) -> dict[int, PromptVersion]:
        found: dict[int, PromptVersion] = {}
        token: str | None = None
        while True:
            page = self._prompts.versions(name, limit=_PAGE, page_token=token)
            found.update((each.version, each) for each in page.items)
            token = page.next_page_token
            if token is None:
                return found


def prompt_rows(model: SourceModel) -> Rows:
    """The canonical rows of a prompt as a source has it."""
    return {
        KIND: [[model.name, model.description, model.created_ms]],
        "prompt tags": sorted([key, value] for key, value in _user_tags(model.tags).items()),
        "prompt aliases": sorted([alias, number] for alias, number in model.aliases.items()),
        "prompt versions": [_row(each.number, _new(each), each.created_ms) for each in model.versions],
    }


def prompt_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags in MLflow's words of a prompt with these tags."""
    return {**tags, _PROMPT_TAG: "true"}


def version_tags(each: PromptVersion) -> dict[str, str]:
    """The tags in MLflow's words of a prompt's version, its template among them."""
    told = {_TEXT_TAG: each.template, _FORMAT_TAG: each.response_format, _CONFIG_TAG: each.model_config}
    kind = {_KIND_TAG: each.kind.value}
    return prompt_tags(each.tags) | kind | {key: value for key, value in told.items() if value}


def _row(number: int, new: NewPrompt, created_ms: int) -> list[object]:
    settings = [new.response_format, new.model_config, new.commit_message]
    return [number, new.kind.value, new.template, *settings, sorted(new.tags.items()), created_ms]


def _new(each: SourceVersion) -> NewPrompt:
    return NewPrompt(
        template=each.tags.get(_TEXT_TAG, ""),
        kind=PromptKind.CHAT if each.tags.get(_KIND_TAG) == PromptKind.CHAT.value else PromptKind.TEXT,
        commit_message=each.description,
        response_format=each.tags.get(_FORMAT_TAG, ""),
        model_config=each.tags.get(_CONFIG_TAG, ""),
        tags=_user_tags(each.tags),
    )


def _facts_here(each: PromptVersion) -> NewPrompt:
    settings = (each.commit_message, each.response_format, each.model_config)
    return NewPrompt(each.template, each.kind, *settings, tags=each.tags)


def _user_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in _OWN_TAGS}
