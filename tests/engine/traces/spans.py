"""Spans for tests, said shortly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.traces.content import encode
from engine.traces.model import NewSpan, Span, SpanBatch, SpanStatus, Tokens, TraceFacts, TraceState, hex_id

MS = 1_000_000
START_MS = 1_760_000_000_000
DEFAULT = 0


def trace_id(number: int) -> str:
    """A public id."""
    return f"tr-{number:032x}"


def new_span(
    span_id: int,
    parent: int | None = None,
    *,
    trace: int = 1,
    name: str = "step",
    kind: str = "",
    status: SpanStatus = SpanStatus.OK,
    begin_ms: int = 0,
    took_ms: int | None = 10,
    tokens: tuple[int, int, int] | None = None,
    attributes: Mapping[str, object] | None = None,
) -> NewSpan:
    """A span that begins `begin_ms` after `START_MS`; one with `took_ms=None` still runs."""
    start_ns = (START_MS + begin_ms) * MS
    read, written, total = tokens or (None, None, None)
    return NewSpan(
        trace_id=trace_id(trace),
        span_id=span_id,
        parent_id=parent,
        name=name,
        kind=kind,
        status=status,
        status_message="",
        start_ns=start_ns,
        end_ns=None if took_ms is None else start_ns + took_ms * MS,
        input_tokens=read,
        output_tokens=written,
        total_tokens=total,
        content=encode({"attributes": dict(attributes or {})}),
    )


def batch(*spans: NewSpan, tags: Mapping[str, str] | None = None) -> SpanBatch:
    """Spans with what they say of their traces, as the wire reads it off them."""
    traces: dict[str, TraceFacts] = {}
    for span in spans:
        facts = traces.setdefault(span.trace_id, TraceFacts(span.start_ns // MS, resource=dict(tags or {})))
        facts.start_ms = min(facts.start_ms, span.start_ns // MS)
        if span.end_ns is not None:
            facts.end_ms = max(facts.end_ms or 0, span.end_ns // MS)
        facts.has_tokens = facts.has_tokens or span.total_tokens is not None
        if span.parent_id is None:
            facts.name = span.name
            if span.end_ns is not None:
                facts.state = TraceState.ERROR if span.status == SpanStatus.ERROR else TraceState.OK
    return SpanBatch(list(spans), traces)


def span(span_id: int, parent: int | None = None, *, start_ns: int = 0, end_ns: int | None = 1) -> Span:
    """A span as it is read back."""
    return Span(
        span_id=hex_id(span_id),
        parent_id=None if parent is None else hex_id(parent),
        name=f"span {span_id}",
        kind="",
        status=SpanStatus.UNSET,
        status_message="",
        start_ns=start_ns,
        end_ns=end_ns,
        tokens=None,
        attributes={},
        events=(),
        links=(),
        cut=0,
    )


def total(parts: Sequence[tuple[int, int, int]]) -> Tokens:
    """Tokens added up."""
    return Tokens(*(sum(part[place] for part in parts) for place in range(3)))
