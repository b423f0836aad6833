"""Reading one trace: by a beginning of its id, with its tree, and never more than can be shown."""

from __future__ import annotations

import pytest

from engine.core.errors import InvalidInput, NotFound
from engine.traces.content import encode
from engine.traces.model import SpanEvent, SpanStatus, TraceReport
from engine.traces.rules import MAX_SPANS
from engine.traces.service import Traces
from tests.engine.traces.spans import DEFAULT, START_MS, batch, new_span, trace_id


def test_a_trace_is_read_with_its_tree(traces: Traces) -> None:
    traces.record(batch(new_span(2, 1, name="b", begin_ms=1, tokens=(1, 2, 3)), new_span(1, name="a")), DEFAULT)
    found = traces.get(trace_id(1))
    assert [(node.span.name, node.depth) for node in found.tree] == [("a", 0), ("b", 1)]
    assert [(each.span_id, each.parent_id) for each in found.spans] == [
        ("0" * 15 + "1", None),
        ("0" * 15 + "2", "0" * 15 + "1"),
    ]
    assert found.truncated is False


def test_what_was_logged_with_a_span_comes_back(traces: Traces) -> None:
    content = encode({"attributes": {"a": [1, {"b": None}]}, "events": [("e", 5, {"x": 1.5})], "cut": 2})
    span = new_span(-1, status=SpanStatus.ERROR)._replace(content=content, status_message="bad\n", kind="LLM")
    traces.record(batch(span), DEFAULT)
    (found,) = traces.get(trace_id(1)).spans
    assert (found.span_id, found.kind, found.status, found.status_message) == (
        "f" * 16,
        "LLM",
        SpanStatus.ERROR,
        "bad\n",
    )
    assert (found.attributes, found.events, found.cut) == ({"a": [1, {"b": None}]}, (SpanEvent("e", 5, {"x": 1.5}),), 2)


@pytest.mark.parametrize("given", ["tr-00ab", "00ab", "00AB", "tr-00ab" + "0" * 28])
def test_the_beginning_of_an_id_is_enough(traces: Traces, given: str) -> None:
    traces.report(TraceReport("tr-00ab" + "0" * 28, DEFAULT, START_MS))
    assert traces.get(given).summary.trace_id == "tr-00ab" + "0" * 28


def test_an_ambiguous_beginning_lists_the_traces(traces: Traces) -> None:
    for end in "12":
        traces.report(TraceReport("tr-00ab" + "0" * 27 + end, DEFAULT, START_MS))
    with pytest.raises(InvalidInput, match=r"Several traces begin with tr-00ab: tr-00ab0+1, tr-00ab0+2\."):
        traces.get("00ab")


@pytest.mark.parametrize("given", ["", "tr-", "0a", "tr-ffff", "%", "tr-00a\0", "x" * 5_000, "tr-\U0010ffff" * 3])
def test_an_id_that_names_none_is_not_found(traces: Traces, given: str) -> None:
    traces.report(TraceReport(trace_id(1), DEFAULT, START_MS))
    with pytest.raises(NotFound):
        traces.get(given)


def test_several_are_read_in_the_order_asked_for_each_once(traces: Traces) -> None:
    traces.record(batch(*(new_span(1, trace=each) for each in (1, 2, 3))), DEFAULT)
    asked = [trace_id(3), trace_id(9), trace_id(1), trace_id(3)]
    assert [each.summary.trace_id for each in traces.get_all(asked)] == [trace_id(3), trace_id(1)]
    assert [each.trace_id for each in traces.summaries(asked)] == [trace_id(3), trace_id(1)]


def test_of_a_huge_trace_the_earliest_spans_are_read(traces: Traces) -> None:
    count = MAX_SPANS + 10
    traces.record(batch(*(new_span(each, begin_ms=-each) for each in range(1, count + 1))), DEFAULT)
    found = traces.get(trace_id(1))
    assert (len(found.tree), found.truncated, found.summary.span_count) == (MAX_SPANS, True, count)
    assert found.tree[0].span.start_ns == min(node.span.start_ns for node in found.tree)
