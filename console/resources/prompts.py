"""Prompts, and the versions of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import qd
from console.formats import age, count
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.access import Role
from engine.core.query.schema import PROMPT_VERSIONS, PROMPTS, Kind
from engine.prompts.model import Prompt, PromptVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine

PROMPTS_SHOWN: tuple[Shown[Prompt], ...] = (
    Shown(
        Column("name", "PROMPT", width=24, minimum=10, maximum=60, weight=3, priority=9, whole=60),
        lambda prompt, _now: (prompt.name, "name"),
        "name",
    ),
    Shown(
        Column("versions", "VERSIONS", width=8, minimum=8, align="right", priority=8),
        lambda prompt, _now: (count(prompt.versions), ""),
        value=lambda prompt: prompt.versions,
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("aliases", "ALIASES", width=20, minimum=8, maximum=50, weight=2, priority=7),
        lambda prompt, _now: (" ".join(f"{alias}→{number}" for alias, number in prompt.aliases.items()), "link"),
    ),
    Shown(
        Column("updated", "CHANGED", width=7, minimum=7, align="right", priority=6),
        lambda prompt, now: (age(prompt.updated_ms, now), "dim"),
        "last_updated_timestamp",
    ),
    Shown(
        Column("description", "DESCRIPTION", width=20, minimum=10, weight=3, priority=3),
        lambda prompt, _now: (prompt.description, "dim"),
    ),
)

VERSIONS_SHOWN: tuple[Shown[PromptVersion], ...] = (
    Shown(
        Column("version", "VERSION", width=24, minimum=10, maximum=60, weight=2, priority=9, whole=60),
        lambda version, _now: (version.key, "name"),
        "version_number",
    ),
    Shown(
        Column("kind", "KIND", width=5, minimum=4, priority=5), lambda version, _now: (version.kind.value, ""), "kind"
    ),
    Shown(
        Column("aliases", "ALIASES", width=14, minimum=8, maximum=40, weight=1, priority=8),
        lambda version, _now: (" ".join(f"@{alias}" for alias in version.aliases), "link"),
    ),
    Shown(
        Column("created", "AGE", width=4, minimum=4, align="right", priority=7),
        lambda version, now: (age(version.created_ms, now), "dim"),
        "creation_timestamp",
    ),
    Shown(
        Column("by", "BY", width=10, minimum=6, priority=4),
        lambda version, _now: (version.created_by, "dim"),
        "user_id",
    ),
    Shown(
        Column("message", "MESSAGE", width=24, minimum=10, weight=3, priority=6),
        lambda version, _now: (version.commit_message, ""),
    ),
)


def _prompt_facts(prompt: Prompt) -> Facts:
    return Facts(
        {
            "name": prompt.name,
            "description": prompt.description,
            "creation_timestamp": prompt.created_ms,
            "last_updated_timestamp": prompt.updated_ms,
        },
        tags=prompt.tags,
    )


def _version_facts(version: PromptVersion) -> Facts:
    return Facts(
        {
            "name": version.prompt,
            "template": version.template,
            "commit_message": version.commit_message,
            "user_id": version.created_by,
            "kind": version.kind.value,
            "version_number": version.version,
            "creation_timestamp": version.created_ms,
            "last_updated_timestamp": version.updated_ms,
        },
        tags=version.tags,
    )


def _prompts(engine: Engine, _location: Location) -> Iterable[Prompt]:
    return all_pages(lambda token: engine.prompts.page(limit=1_000, page_token=token))


def _versions(engine: Engine, location: Location) -> Iterable[PromptVersion]:
    return all_pages(lambda token: engine.prompts.versions(location.name, limit=1_000, page_token=token))


def _open_versions(app: ConsoleApp, prompt: Prompt, _answers: Answers) -> None:
    app.enter(Location("prompt-versions", prompt.name))


def _open(app: ConsoleApp, version: PromptVersion, _answers: Answers) -> None:
    app.enter(Location("prompt", version.key))


def _compare(app: ConsoleApp, versions: tuple[PromptVersion, ...], _answers: Answers) -> None:
    before, after = sorted(version.version for version in versions)
    app.enter(Location("prompt-diff", f"{versions[0].prompt}/{before}/{after}"))


def _two(versions: tuple[PromptVersion, ...]) -> str | None:
    return None if len(versions) == 2 else "Mark two versions with space, then compare."


def _set_alias(app: ConsoleApp, version: PromptVersion, answers: Answers) -> None:
    alias = answers["alias"]
    app.act(
        lambda: app.engine.prompts.set_alias(version.prompt, alias, version.version),
        lambda _: app.say(f"{alias} names {version.key}. Undo: give it to the version it named before."),
        f"qd prompts alias {version.prompt} {alias} {version.version}",
    )


ALIAS = Action(
    "alias",
    "A",
    "alias",
    _set_alias,
    "Let an alias name this version.",
    danger=Danger.REVERSIBLE,
    role=Role.OPERATOR,
    ask=lambda _version: (Field("alias", "alias"),),
    twin=lambda it, said: qd("prompts", "alias", it.prompt, said["alias"], it.version),
)

PROMPT_LIST: Resource[Prompt] = Resource(
    name="prompts",
    noun="prompt",
    source=MemorySource(_prompts, lambda prompt: prompt.name, PROMPTS_SHOWN, _prompt_facts, PROMPTS),
    actions=(Action("open", "Enter", "versions", _open_versions, "The prompt's versions."),),
    kinds=frozenset({"prompt"}),
    empty=(
        "No prompts yet.",
        "Register one:  qd prompts register greeting template.txt",
        "Or from Python:  mlflow.genai.register_prompt(name='greeting', template='Hello {{name}}')",
    ),
)

VERSION_LIST: Resource[PromptVersion] = Resource(
    name="prompt-versions",
    noun="version",
    source=MemorySource(_versions, lambda version: version.key, VERSIONS_SHOWN, _version_facts, PROMPT_VERSIONS),
    actions=(
        Action("open", "Enter", "open", _open, "The template."),
        Action("compare", "x", "compare", _compare, "Compare two marked versions.", needs=Needs.MANY, enabled=_two),
        ALIAS,
    ),
    kinds=frozenset({"prompt", "prompt_version"}),
    empty=("No versions yet.", "Register one:  qd prompts register NAME template.txt"),
)


def view(location: Location) -> View:
    """The list of prompts."""
    return ListView(PROMPT_LIST, location)


def versions_view(location: Location) -> View:
    """The versions of the prompt that the location names."""
    return ListView(VERSION_LIST, location)
