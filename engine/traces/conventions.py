"""What well-known attributes of spans mean: kind, tokens, what was asked and answered, session and user."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from engine.traces.content import cut, preview
from engine.traces.model import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_PREVIEW = 1_000
"""Longest preview of a request or response, in characters."""

MAX_LABEL = 250
"""Longest kind, session or user."""

_MOST_TOKENS = 2**53
_NO_KEYS = ("tag_prefix", "name_tag", "hidden")

# Operations by the names that OpenTelemetry gives them, and the kinds of step that they are.
_KINDS = {
    "CHAT": "CHAT_MODEL",
    "CREATE_AGENT": "AGENT",
    "INVOKE_AGENT": "AGENT",
    "EMBEDDINGS": "EMBEDDING",
    "EXECUTE_TOOL": "TOOL",
    "GENERATE_CONTENT": "LLM",
    "TEXT_COMPLETION": "LLM",
    "RESPONSE": "LLM",
}


@dataclass(frozen=True, slots=True)
class Conventions:
    """Keys of attributes, by what they mean; the first one that a span has counts.

    Args:
        kind: What kind of step it is.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        total_tokens: Both together.
        usage: A mapping, or JSON of one, with `input_tokens`, `output_tokens` and `total_tokens`.
        request: What was asked.
        response: What was answered.
        session: Conversation.
        user: Whom it was done for.
        tag_prefix: What stands before the keys of tags of the whole trace; empty when there is no such thing.
        name_tag: The key of the tag that is the name of the trace.
        hidden: What stands before the keys of resource attributes that are not kept as tags.
    """

    kind: tuple[str, ...] = ("openinference.span.kind", "gen_ai.operation.name")
    input_tokens: tuple[str, ...] = (
        "gen_ai.usage.input_tokens",
        "llm.token_count.prompt",
        "gen_ai.usage.prompt_tokens",
    )
    output_tokens: tuple[str, ...] = (
        "gen_ai.usage.output_tokens",
        "llm.token_count.completion",
        "gen_ai.usage.completion_tokens",
    )
    total_tokens: tuple[str, ...] = ("llm.token_count.total", "llm.usage.total_tokens", "gen_ai.usage.total_tokens")
    usage: tuple[str, ...] = ()
    request: tuple[str, ...] = ("input.value", "gen_ai.input.messages", "gen_ai.tool.call.arguments")
    response: tuple[str, ...] = ("output.value", "gen_ai.output.messages", "gen_ai.tool.call.result")
    session: tuple[str, ...] = ("session.id", "gen_ai.conversation.id")
    user: tuple[str, ...] = ("user.id", "enduser.id")
    tag_prefix: str = ""
    name_tag: str = ""
    hidden: tuple[str, ...] = ("telemetry.sdk.", "process.", "host.")

    def keys(self) -> frozenset[str]:
        """All keys; a span with none of them means nothing to us."""
        groups = (getattr(self, each.name) for each in fields(self) if each.name not in _NO_KEYS)
        return frozenset(key for group in groups for key in group)

    def kind_of(self, attributes: Mapping[str, object]) -> str:
        """The kind of step, in capitals; empty when the attributes do not say."""
        kind = text_of(attributes, self.kind).upper()
        return _KINDS.get(kind, kind)

    def tokens_of(self, attributes: Mapping[str, object]) -> Tokens | None:
        """The tokens that a span counts; `None` when it does not."""
        usage = _usage(_first(attributes, self.usage))
        return _whole(
            usage
            or (
                _count(_first(attributes, self.input_tokens)),
                _count(_first(attributes, self.output_tokens)),
                _count(_first(attributes, self.total_tokens)),
            )
        )

    def request_of(self, attributes: Mapping[str, object]) -> str | None:
        """What was asked, shortened; `None` when the attributes do not say."""
        return _preview(attributes, self.request)

    def response_of(self, attributes: Mapping[str, object]) -> str | None:
        """What was answered, shortened."""
        return _preview(attributes, self.response)

    def session_of(self, attributes: Mapping[str, object]) -> str | None:
        """The conversation."""
        return text_of(attributes, self.session) or None

    def user_of(self, attributes: Mapping[str, object]) -> str | None:
        """Whom it was done for."""
        return text_of(attributes, self.user) or None


def text_of(attributes: Mapping[str, object], keys: Sequence[str]) -> str:
    """The first of these attributes as a short text; empty when there is none."""
    value = _first(attributes, keys)
    return "" if value is None or isinstance(value, (dict, list)) else cut(str(value), MAX_LABEL)


def tokens_in(value: object) -> Tokens | None:
    """The tokens that a mapping, or JSON of one, counts under `input_tokens` and so on; `None` when it does not."""
    usage = _usage(value)
    return None if usage is None else _whole(usage)


def _whole(usage: tuple[int | None, int | None, int | None]) -> Tokens | None:
    read, written, total = usage
    if read is None and written is None and total is None:
        return None
    return Tokens(read or 0, written or 0, (read or 0) + (written or 0) if total is None else total)


def _first(attributes: Mapping[str, object], keys: Sequence[str]) -> object:
    for key in keys:
        if (value := attributes.get(key)) is not None:
            return value
    return None


def _preview(attributes: Mapping[str, object], keys: Sequence[str]) -> str | None:
    value = _first(attributes, keys)
    return None if value is None else preview(value, MAX_PREVIEW)


def _usage(value: object) -> tuple[int | None, int | None, int | None] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict):
        return None
    read, written, total = (_count(value.get(key)) for key in ("input_tokens", "output_tokens", "total_tokens"))
    return read, written, total


def _count(value: object) -> int | None:
    """A number of tokens; what is none is not counted."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None
