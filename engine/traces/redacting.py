"""Secrets in what programs log with traces: replaced before anything is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.traces.content import encode
from engine.traces.model import SpanBatch

if TYPE_CHECKING:
    from engine.traces.model import NewSpan, TraceFacts, TraceReport
    from engine.tracking.redaction import Redaction

_TOGETHER = 16
_REQUEST, _RESPONSE, _MESSAGE = "request", "response", "message"


def redacted_batch(batch: SpanBatch, redaction: Redaction) -> SpanBatch:
    """Spans as they may be stored.

    Args:
        batch: The spans as sent.
        redaction: Replaces secrets.

    Returns:
        The same batch when nothing in it looks like a secret.
    """
    spans: list[NewSpan] = []
    for first in range(0, len(batch.spans), _TOGETHER):
        some = batch.spans[first : first + _TOGETHER]
        # Looked at as one text first: taking every span apart again would cost as much as storing it.
        together = "".join([span.content + span.status_message for span in some])
        spans += [_span(span, redaction) for span in some] if redaction.may_hold(together) else some
    traces = {trace_id: _facts(facts, redaction) for trace_id, facts in batch.traces.items()}
    return SpanBatch(spans, traces)


def redacted_report(given: TraceReport, redaction: Redaction) -> TraceReport:
    """What a program says of a whole trace, as it may be stored.

    Args:
        given: As sent.
        redaction: Replaces secrets.
    """
    return replace(
        given,
        request=_text(_REQUEST, given.request, redaction),
        response=_text(_RESPONSE, given.response, redaction),
        tags=redaction.pairs(given.tags),
        metadata=redaction.pairs(given.metadata),
    )


def _span(span: NewSpan, redaction: Redaction) -> NewSpan:
    if not redaction.may_hold(span.content + span.status_message):
        return span
    message = redaction.value(_MESSAGE, span.status_message)
    content = json.loads(span.content)
    kept = _within(_MESSAGE, content, redaction)
    if kept == content and message == span.status_message:
        return span
    return span._replace(status_message=message, content=encode(kept))


def _facts(facts: TraceFacts, redaction: Redaction) -> TraceFacts:
    facts.request = _text(_REQUEST, facts.request, redaction)
    facts.response = _text(_RESPONSE, facts.response, redaction)
    facts.resource = redaction.pairs(facts.resource)
    facts.tags = dict(redaction.pairs(facts.tags))
    return facts


def _text(key: str, value: str | None, redaction: Redaction) -> str | None:
    return value and redaction.value(key, value)


def _within(key: str, value: Any, redaction: Redaction) -> Any:
    """A logged value with the secrets in it replaced; the elements of a list are under the key of the list."""
    if isinstance(value, str):
        return redaction.value(key, value)
    if isinstance(value, list):
        return [_within(key, each, redaction) for each in value]
    if isinstance(value, dict):
        return {name: _within(name, each, redaction) for name, each in value.items()}
    return value
