"""What well-known attributes of spans mean."""

from __future__ import annotations

import pytest

from engine.traces.conventions import MAX_PREVIEW, Conventions, tokens_in
from engine.traces.model import Tokens

CONVENTIONS = Conventions(kind=("own.kind", "gen_ai.operation.name", "openinference.span.kind"), usage=("own.usage",))


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "chat"}, "CHAT_MODEL"),
        ({"gen_ai.operation.name": "execute_tool"}, "TOOL"),
        ({"openinference.span.kind": "RETRIEVER"}, "RETRIEVER"),
        ({"own.kind": "MINE", "gen_ai.operation.name": "chat"}, "MINE"),
        ({"own.kind": {"not": "text"}}, ""),
        ({}, ""),
    ],
)
def test_the_kind_of_step(attributes: dict[str, object], kind: str) -> None:
    assert CONVENTIONS.kind_of(attributes) == kind


@pytest.mark.parametrize(
    ("attributes", "tokens"),
    [
        ({"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}, Tokens(7, 3, 10)),
        ({"llm.token_count.prompt": 7, "llm.token_count.total": 9}, Tokens(7, 0, 9)),
        ({"own.usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}, Tokens(1, 2, 3)),
        ({"own.usage": '{"input_tokens": 1}', "gen_ai.usage.input_tokens": 9}, Tokens(1, 0, 1)),
        ({"gen_ai.usage.input_tokens": "12"}, Tokens(12, 0, 12)),
        ({"gen_ai.usage.input_tokens": 2.0}, Tokens(2, 0, 2)),
        ({"gen_ai.usage.input_tokens": -1}, None),
        ({"gen_ai.usage.input_tokens": True}, None),
        ({"gen_ai.usage.input_tokens": 2**60}, None),
        ({"own.usage": "[[" * 50_000}, None),
        ({}, None),
    ],
)
def test_the_tokens_that_a_span_counts(attributes: dict[str, object], tokens: Tokens | None) -> None:
    assert CONVENTIONS.tokens_of(attributes) == tokens


def test_tokens_of_a_whole_are_read_from_json() -> None:
    assert tokens_in('{"input_tokens": 1, "output_tokens": 2, "total_tokens": 5}') == Tokens(1, 2, 5)
    assert tokens_in("nonsense") is None


def test_requests_and_responses_are_shortened() -> None:
    attributes = {"input.value": {"question": "é"}, "output.value": "y" * 5_000}
    assert CONVENTIONS.request_of(attributes) == '{"question": "é"}'
    answer = CONVENTIONS.response_of(attributes)
    assert answer is not None
    assert len(answer) == MAX_PREVIEW
    assert answer.endswith("...")


def test_session_and_user() -> None:
    assert CONVENTIONS.session_of({"session.id": "s", "gen_ai.conversation.id": "c"}) == "s"
    assert CONVENTIONS.user_of({"enduser.id": 5}) == "5"
    assert CONVENTIONS.user_of({}) is None


def test_a_span_with_none_of_the_keys_is_passed_over() -> None:
    assert CONVENTIONS.keys().isdisjoint({"http.method", "rows"})
    assert not CONVENTIONS.keys().isdisjoint({"own.usage"})
