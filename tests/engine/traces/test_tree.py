"""The order of span trees and what they add up to, whatever parents spans claim."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.traces.model import Span, SpanNode, Tokens
from engine.traces.tree import TokenNode, add_tokens, arrange
from tests.engine.traces.spans import span


def _shape(*spans: Span) -> list[tuple[str, int, bool, bool]]:
    return [(node.span.name, node.depth, node.is_last, node.is_detached) for node in arrange(spans)]


def test_parents_come_first_and_siblings_by_their_start() -> None:
    late, early = span(2, 1, start_ns=9), span(3, 1, start_ns=5)
    assert _shape(late, span(4, 3, start_ns=6), early, span(1)) == [
        ("span 1", 0, True, False),
        ("span 3", 1, False, False),
        ("span 4", 2, True, False),
        ("span 2", 1, True, False),
    ]


def test_a_span_whose_parent_is_missing_is_a_detached_root() -> None:
    assert _shape(span(1), span(2, 99, start_ns=3)) == [("span 1", 0, False, False), ("span 2", 0, True, True)]


def test_spans_that_are_each_others_parents_are_entered_at_the_earliest() -> None:
    assert _shape(span(1, 2, start_ns=5), span(2, 1, start_ns=3), span(3, 3)) == [
        ("span 3", 0, True, True),
        ("span 2", 0, True, True),
        ("span 1", 1, True, False),
    ]


def test_a_chain_as_deep_as_a_request_allows_is_walked() -> None:
    nodes = arrange([span(number, number - 1 or None, start_ns=number) for number in range(1, 20_001)])
    assert [node.depth for node in nodes] == list(range(20_000))


@st.composite
def _forests(draw: st.DrawFn) -> list[Span]:
    """Spans with any parents: missing ones, themselves, each other."""
    ids = draw(st.lists(st.integers(1, 12), unique=True, min_size=1))
    parents = st.one_of(st.none(), st.integers(1, 14))
    return [span(each, draw(parents), start_ns=draw(st.integers(0, 5))) for each in ids]


@given(_forests())
def test_every_span_stands_in_the_tree_once_below_a_parent_of_the_depth_above(spans: list[Span]) -> None:
    nodes = arrange(spans)
    assert sorted(node.span.span_id for node in nodes) == sorted(each.span_id for each in spans)
    above: list[SpanNode] = []
    for node in nodes:
        del above[node.depth :]
        assert len(above) == node.depth
        if node.depth:
            assert above[-1].span.span_id == node.span.parent_id
        above.append(node)


def test_a_span_that_counts_tokens_counts_them_for_those_below_it() -> None:
    nodes: list[TokenNode] = [
        (1, None, None, None, None),
        (2, 1, 10, 5, 15),
        (3, 2, None, None, None),
        (4, 3, 7, 3, 10),
        (5, 1, 1, 1, 2),
    ]
    assert add_tokens(nodes) == Tokens(11, 6, 17)


def test_without_counts_there_is_no_sum() -> None:
    assert add_tokens([(1, None, None, None, None)]) is None


def test_a_total_that_is_not_said_is_the_sum_of_both() -> None:
    assert add_tokens([(1, None, 4, 3, None)]) == Tokens(4, 3, 7)


def test_tokens_of_a_circle_are_counted_once() -> None:
    assert add_tokens([(1, 2, 4, 3, 7), (2, 1, 4, 3, 7)]) == Tokens(4, 3, 7)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 11), st.integers(0, 99)), unique_by=lambda each: each[0]))
def test_adding_up_ends_and_never_exceeds_the_flat_sum(spans: list[tuple[int, int, int]]) -> None:
    nodes: list[TokenNode] = [(each, parent or None, count or None, None, None) for each, parent, count in spans]
    found = add_tokens(nodes)
    counted = [count for _, _, count in spans if count]
    assert (found is None) is (not counted)
    assert found is None or max(counted) <= found.input <= sum(counted) or len(counted) > 1
