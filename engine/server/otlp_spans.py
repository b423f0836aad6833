"""OpenTelemetry's messages as spans of ours, a batch at a time; what cannot be kept is counted with the reason."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.traces.content import MAX_DEPTH, MAX_ITEMS, MAX_TEXT, bytes_value, cut, encode, number_value
from engine.traces.model import ID_PREFIX, NewSpan, SpanBatch, TraceFacts, TraceState
from engine.traces.rules import MAX_RESOURCE, MAX_SPAN_NAME
from engine.tracking.rules import MAX_KEY, MAX_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from engine.traces.conventions import Conventions
    from engine.traces.model import Tokens

_LARGEST = 2**63
_TRACE_BYTES = 16
_SPAN_BYTES = 8
_MAX_MESSAGE = 8_000
_MAX_KEY = 1_000
_NS = 1_000_000
_ERROR = 2
_OTEL_KINDS = {2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
_NESTED = ("array_value", "kvlist_value")


class Group(NamedTuple):
    """Spans of one source.

    Args:
        resource: What produced them.
        scope: The library that did, or empty.
        spans: The spans; a text instead of one says why it cannot be read.
    """

    resource: Resource
    scope: str
    spans: Iterable[Span | str]


class Refusal(Exception):
    """A span cannot be kept."""


class Reader:
    """Reads the spans of one request.

    Args:
        groups: What was sent.
        conventions: What attributes mean.
        experiment_keys: Resource attributes that name the experiment by its integer key.
    """

    def __init__(self, groups: Iterable[Group], conventions: Conventions, experiment_keys: tuple[str, ...]) -> None:
        self.refused: Counter[str] = Counter()
        self._conventions = conventions
        self._telling = conventions.keys()
        self._experiment_keys = experiment_keys
        self._rest = self._read(groups)

    def batches(self, most: int) -> dict[str, SpanBatch] | None:
        """The next spans.

        Args:
            most: At most so many.

        Returns:
            Them by the experiment that their resource names, empty for none; `None` when all are read.
        """
        batches: dict[str, SpanBatch] = {}
        read = 0
        for experiment, resource, span, attributes in islice(self._rest, most):
            read += 1
            batch = batches.get(experiment)
            if batch is None:
                batch = batches[experiment] = SpanBatch([], {})
            batch.spans.append(span)
            self._tell(batch.traces, span, resource, attributes)
        return batches if read else None

    def _read(
        self, groups: Iterable[Group]
    ) -> Iterator[tuple[str, Mapping[str, str], NewSpan, Mapping[str, Any] | None]]:
        for group in groups:
            resource = _attributes(group.resource.attributes, [0])
            experiment = next((str(resource[key]) for key in self._experiment_keys if key in resource), "")
            tags = self._tags(resource)
            for span in group.spans:
                try:
                    new, telling = self._span(span, group.scope)
                except Refusal as refusal:
                    self.refused[str(refusal)] += 1
                    continue
                yield experiment, tags, new, telling

    def _tags(self, resource: Mapping[str, Any]) -> dict[str, str]:
        tags: dict[str, str] = {}
        for key, value in list(resource.items())[:MAX_RESOURCE]:
            if isinstance(value, (str, int, float, bool)) and not key.startswith(self._conventions.hidden):
                tags[key] = cut(str(value), MAX_TAG - MAX_KEY)
        return tags

    def _span(self, span: Span | str, scope: str) -> tuple[NewSpan, Mapping[str, Any] | None]:
        """One span, and its attributes where they say something to us."""
        if isinstance(span, str):
            raise Refusal(span)
        trace_id, span_id, parent_id = _ids(span)
        start_ns, end_ns = span.start_time_unix_nano, span.end_time_unix_nano
        if start_ns >= _LARGEST or end_ns >= _LARGEST:
            raise Refusal("with a time beyond 64 bits")
        cuts = [0]
        attributes = _attributes(span.attributes, cuts)
        told = not self._telling.isdisjoint(attributes)
        kind, tokens = self._told(attributes) if told else ("", None)
        status = span.status
        new = NewSpan(
            trace_id,
            span_id,
            parent_id,
            cut(span.name, MAX_SPAN_NAME),
            kind or _OTEL_KINDS.get(span.kind, ""),
            status.code if 0 <= status.code <= _ERROR else 0,
            cut(status.message, _MAX_MESSAGE),
            start_ns,
            end_ns or None,
            tokens.input if tokens else None,
            tokens.output if tokens else None,
            tokens.total if tokens else None,
            encode(_content(span, attributes, scope, cuts)),
        )
        return new, attributes if told or parent_id is None else None

    def _told(self, attributes: Mapping[str, Any]) -> tuple[str, Tokens | None]:
        return self._conventions.kind_of(attributes), self._conventions.tokens_of(attributes)

    def _tell(
        self,
        traces: dict[str, TraceFacts],
        span: NewSpan,
        resource: Mapping[str, str],
        attributes: Mapping[str, Any] | None,
    ) -> None:
        """Add what a span says of its trace."""
        facts = traces.get(span.trace_id)
        if facts is None:
            facts = traces[span.trace_id] = TraceFacts(span.start_ns // _NS, resource=resource)
        facts.start_ms = min(facts.start_ms, span.start_ns // _NS)
        if span.end_ns is not None:
            end_ms = span.end_ns // _NS
            facts.end_ms = end_ms if facts.end_ms is None else max(facts.end_ms, end_ms)
        facts.has_tokens = facts.has_tokens or span.total_tokens is not None
        if attributes is not None:
            facts.session = facts.session or self._conventions.session_of(attributes)
            facts.user = facts.user or self._conventions.user_of(attributes)
        if span.parent_id is None:
            self._tell_root(facts, span, attributes or {})

    def _tell_root(self, facts: TraceFacts, span: NewSpan, attributes: Mapping[str, Any]) -> None:
        facts.name = span.name
        if span.end_ns is not None:
            facts.state = TraceState.ERROR if span.status == _ERROR else TraceState.OK
        facts.request = self._conventions.request_of(attributes)
        facts.response = self._conventions.response_of(attributes)
        prefix = self._conventions.tag_prefix
        for key in [key for key in attributes if prefix and key.startswith(prefix)]:
            tag, value = key[len(prefix) :], attributes[key]
            if tag == self._conventions.name_tag:
                facts.name = cut(str(value), MAX_SPAN_NAME)
            elif tag:
                facts.tags[tag] = cut(str(value), MAX_TAG - MAX_KEY)


def _ids(span: Span) -> tuple[str, int, int | None]:
    """Public trace id, span id and parent id.

    Raises:
        Refusal: one of them is no id.
    """
    trace_id, span_id, parent_id = span.trace_id, span.span_id, span.parent_span_id
    if len(trace_id) != _TRACE_BYTES or not any(trace_id):
        raise Refusal("without a trace id of 16 bytes")
    if len(span_id) != _SPAN_BYTES or not any(span_id):
        raise Refusal("without a span id of 8 bytes")
    if parent_id and len(parent_id) != _SPAN_BYTES:
        raise Refusal("with a parent id that is not of 8 bytes")
    parent = int.from_bytes(parent_id, "big", signed=True) or None
    return ID_PREFIX + trace_id.hex(), int.from_bytes(span_id, "big", signed=True), parent


def _content(span: Span, attributes: dict[str, Any], scope: str, cuts: list[int]) -> dict[str, Any]:
    content: dict[str, Any] = {"attributes": attributes}
    if span.events:
        cuts[0] += max(0, len(span.events) - MAX_ITEMS)
        content["events"] = [
            (cut(each.name, MAX_SPAN_NAME), each.time_unix_nano % _LARGEST, _attributes(each.attributes, cuts))
            for each in span.events[:MAX_ITEMS]
        ]
    if span.links:
        cuts[0] += max(0, len(span.links) - MAX_ITEMS)
        content["links"] = [
            (each.trace_id[:_TRACE_BYTES].hex(), each.span_id[:_SPAN_BYTES].hex(), _attributes(each.attributes, cuts))
            for each in span.links[:MAX_ITEMS]
        ]
    if scope:
        content["scope"] = scope
    lost = cuts[0] + span.dropped_attributes_count
    if lost:
        content["cut"] = lost
    return content


def _attributes(given: Iterable[KeyValue], cuts: list[int], depth: int = 0) -> dict[str, Any]:
    """Attributes as JSON values; `cuts` counts what was cut."""
    found: dict[str, Any] = {}
    for each in given:
        key, value = each.key, each.value
        if len(key) > _MAX_KEY:
            cuts[0] += 1
            key = cut(key, _MAX_KEY)
        kind = value.WhichOneof("value")
        if kind == "string_value":  # by far the most are texts
            text = value.string_value
            if len(text) > MAX_TEXT:
                cuts[0] += 1
                text = cut(text)
            found[key] = text
        elif kind == "int_value" or kind == "bool_value":  # noqa: PLR1714 measured: faster than a set, per attribute
            found[key] = getattr(value, kind)
        else:
            found[key] = _other_value(value, kind, cuts, depth)
        if len(found) >= MAX_ITEMS:
            cuts[0] += 1
            break
    return found


def _other_value(value: AnyValue, kind: str | None, cuts: list[int], depth: int) -> Any:
    if kind == "double_value":
        return number_value(value.double_value)
    if kind == "bytes_value":
        cuts[0] += len(value.bytes_value) > MAX_TEXT
        return bytes_value(value.bytes_value[:MAX_TEXT])
    if kind in _NESTED and depth >= MAX_DEPTH:
        cuts[0] += 1
        return "…"
    if kind == "array_value":
        values = value.array_value.values
        cuts[0] += max(0, len(values) - MAX_ITEMS)
        return [_value(each, cuts, depth + 1) for each in values[:MAX_ITEMS]]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values, cuts, depth + 1)
    return None


def _value(value: AnyValue, cuts: list[int], depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        cuts[0] += len(value.string_value) > MAX_TEXT
        return cut(value.string_value)
    return getattr(value, kind) if kind in ("int_value", "bool_value") else _other_value(value, kind, cuts, depth)
