"""Prompts as values, and the pure rules of what one may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.core.errors import InvalidInput
from engine.registry.names import MAX_TEXT, check_tags, check_word

MAX_TEMPLATE = 100_000
"""Longest template, in characters; of a chat, its JSON."""

MAX_SETTINGS = 100_000
"""Longest response format, and longest model settings, in characters of JSON."""

MAX_DIFF_LINES = 2_000
"""Most lines of a template that are compared one by one; beyond, all of it counts as changed."""

_CHAT_HINT = 'Write [{"role": "user", "content": "Hello {{name}}"}].'


class PromptKind(StrEnum):
    """How a template is built."""

    TEXT = "text"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class NewPrompt:
    """A version of a prompt to be registered.

    Args:
        template: The text, with variables such as `{{name}}`; of a chat, its messages as JSON.
        kind: How the template is built.
        commit_message: What changed, in the author's words; may be empty.
        response_format: What the model is to answer in, as JSON; may be empty.
        model_config: The model's settings, as JSON; may be empty.
        tags: The version's tags.
    """

    template: str
    kind: PromptKind = PromptKind.TEXT
    commit_message: str = ""
    response_format: str = ""
    model_config: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what cannot be stored.

        Raises:
            InvalidInput: a text is too long or not valid Unicode, or what should be JSON is none, or a chat is no list
                of messages.
        """
        check_word(self.template, "template", MAX_TEMPLATE)
        check_word(self.commit_message, "commit message", MAX_TEXT)
        check_settings(self.response_format, "response format")
        check_settings(self.model_config, "model's settings")
        check_tags(self.tags)
        if self.kind is PromptKind.CHAT:
            _check_messages(_json(self.template, "template of a chat"))


def check_settings(text: str, what: str) -> None:
    """Let JSON, or nothing, pass.

    Args:
        text: The JSON; may be empty.
        what: What it is, for the message.

    Raises:
        InvalidInput: it is too long, or no JSON.
    """
    if check_word(text, what, MAX_SETTINGS):
        _json(text, what)


def _json(text: str, what: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The {what} must be JSON.") from error
    return value


def _check_messages(value: object) -> None:
    if not isinstance(value, list) or not value:
        raise InvalidInput("The template of a chat must be a list of messages.", hint=_CHAT_HINT)
    for message in value:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str) or "content" not in message:
            raise InvalidInput("Every message of a chat needs a role and a content.", hint=_CHAT_HINT)


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One version of a prompt; its template never changes.

    Args:
        row_id: Its integer key.
        prompt: The prompt's name.
        version: Its number, from 1; never given again, even after deletion.
        kind: How the template is built.
        template: The text; of a chat, its messages as JSON.
        response_format: What the model is to answer in, as JSON; may be empty.
        model_config: The model's settings, as JSON; may be empty.
        commit_message: What changed, in the author's words; may be empty.
        created_ms: When it was registered, in milliseconds since the epoch.
        updated_ms: When its message or tags last changed, in milliseconds since the epoch.
        created_by: Who registered it.
        tags: Its tags.
        aliases: The aliases that point to it, sorted.
    """

    row_id: int
    prompt: str
    version: int
    kind: PromptKind
    template: str
    response_format: str
    model_config: str
    commit_message: str
    created_ms: int
    updated_ms: int
    created_by: str
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its public name, such as `greeting/3`."""
        return f"{self.prompt}/{self.version}"

    @property
    def text(self) -> str:
        """The template to be read: of a chat, every message under its role."""
        if self.kind is PromptKind.TEXT:
            return self.template
        messages = json.loads(self.template)
        return "\n".join(f"{message['role']}:\n{_content(message['content'])}\n" for message in messages)


def _content(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt.

    Args:
        row_id: Its integer key.
        name: Its name; no model has it.
        description: Free text; may be empty.
        created_ms: When it was created, in milliseconds since the epoch.
        updated_ms: When it, or one of its versions, last changed, in milliseconds since the epoch.
        versions: How many versions it has.
        latest: Its greatest version number, or `None`.
        tags: Its tags.
        aliases: Version numbers by alias.
    """

    row_id: int
    name: str
    description: str
    created_ms: int
    updated_ms: int
    versions: int = 0
    latest: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """What differs between two versions of a prompt.

    Args:
        before: The one.
        after: The other.
        lines: Their templates line by line: a mark (` ` both, `-` before, `+` after) and the line.
        settings: What else differs: its name, before, after.
    """

    before: PromptVersion
    after: PromptVersion
    lines: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str, str], ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.settings and all(mark == " " for mark, _ in self.lines)


def compare(before: PromptVersion, after: PromptVersion) -> PromptDiff:
    """Compare two versions.

    Args:
        before: The one.
        after: The other.

    Returns:
        What differs.
    """
    facts = (
        ("kind", before.kind.value, after.kind.value),
        ("response format", before.response_format, after.response_format),
        ("model config", before.model_config, after.model_config),
    )
    old, new = before.text.splitlines(), after.text.splitlines()
    return PromptDiff(before, after, _lines(old, new), tuple(fact for fact in facts if fact[1] != fact[2]))


def _lines(old: list[str], new: list[str]) -> tuple[tuple[str, str], ...]:
    if old == new:
        return tuple((" ", line) for line in old)
    if max(len(old), len(new)) > MAX_DIFF_LINES:  # comparing takes time quadratic in the lines
        return (*(("-", line) for line in old), *(("+", line) for line in new))
    from difflib import SequenceMatcher  # only a comparison needs it

    found: list[tuple[str, str]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            found += [(" ", line) for line in old[i1:i2]]
        else:
            found += [("-", line) for line in old[i1:i2]]
            found += [("+", line) for line in new[j1:j2]]
    return tuple(found)
