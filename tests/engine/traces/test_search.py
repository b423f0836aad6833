"""Finding traces by what they are, carry and hold; every filter means what it means in memory."""

from __future__ import annotations

from itertools import pairwise
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.api import Engine
from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.core.ids import CountingIds
from engine.traces.assessment_model import Assessment, AssessmentKind
from engine.traces.model import SpanStatus, TraceQuery, TraceReport, TraceState
from engine.traces.service import Traces
from tests.engine.traces.spans import DEFAULT, START_MS, batch, new_span, trace_id


@pytest.fixture
def filled(opened: Engine) -> Traces:
    """Three traces: 1 is fine, 2 has failed in a tool, 3 has only been reported."""
    traces = opened.traces
    chat = {"model": "big", "temperature": 0.5, "stream": True, "n": 3, "text": "grün"}
    traces.record(
        batch(
            new_span(1, name="answer", took_ms=100, tokens=(10, 5, 15)),
            new_span(2, 1, name="chat", kind="LLM", attributes=chat),
            new_span(3, 1, name="look up", kind="TOOL", attributes={"model": "small"}),
            tags={"service": "shop", "rows": "12"},
        ),
        DEFAULT,
    )
    traces.record(
        batch(
            new_span(1, trace=2, name="plan", begin_ms=1000, took_ms=2000, status=SpanStatus.ERROR),
            new_span(2, 1, trace=2, name="look up", kind="TOOL", begin_ms=1000, status=SpanStatus.ERROR),
            tags={"service": "Shop"},
        ),
        DEFAULT,
    )
    other = opened.experiments.create("other").id
    traces.report(
        TraceReport(
            trace_id(3), other, START_MS + 5_000, state=TraceState.IN_PROGRESS, client_request_id="c-1",
            session="s-1", user="ada", metadata={"stage": "test"}, runs=("r1", "r2"), request="why?",
        )
    )  # fmt: skip
    traces.link([trace_id(1)], prompts=["greet/3"])
    traces.assess(trace_id(1), Assessment("quality", AssessmentKind.FEEDBACK, 0.75))
    traces.assess(trace_id(2), Assessment("quality", AssessmentKind.FEEDBACK, "poor"))
    traces.assess(trace_id(2), Assessment("answer", AssessmentKind.EXPECTATION, {"a": 1}))
    return traces


def _found(traces: Traces, text: str, **more: Any) -> list[int]:
    items = traces.page(TraceQuery(text, **more)).items
    return [int(item.trace_id[3:], 16) for item in items]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [3, 2, 1]),
        ("name = 'answer'", [1]),
        ("name IS NULL", [3]),
        ("status = 'OK'", [1]),
        ("trace.status != 'OK'", [3, 2]),
        ("attributes.state IN ('error', 'in_progress')", [3, 2]),
        ("duration > '1s'", [2]),
        ("execution_time_ms <= 100", [1]),
        (f"timestamp_ms >= {START_MS + 1000}", [3, 2]),
        (f"end_time = {START_MS + 100}", [1]),
        ("experiment = 'other'", [3]),
        ("experiment_id = '0'", [2, 1]),
        ("client_request_id LIKE 'c-%'", [3]),
        ("session_id = 's-1' AND user = 'ada'", [3]),
        ("run_id = 'r2'", [3]),
        ("run_id IS NULL", [2, 1]),
        ("prompt = 'greet/3'", [1]),
        ("request LIKE '%wh%'", [3]),
        ("total_tokens > 14", [1]),
        ("tokens IS NULL", [3, 2]),
        ("spans = 2", [2]),
        ("tags.service = 'shop'", [1]),
        ("tag.service ILIKE 'SHOP'", [2, 1]),
        ("tags.service != 'shop'", [2]),
        ("tags.rows > 8", [1]),
        ("tags.rows = '12'", [1]),
        ("tags.rows IS NULL", [3, 2]),
        ("metadata.stage = 'test'", [3]),
        ("request_metadata.stage IS NOT NULL", [3]),
        ("span.name = 'look up'", [2, 1]),
        ("span.type = 'LLM'", [1]),
        ("span.status = 'ERROR'", [2]),
        ("span.name = 'look up' AND span.status = 'ERROR'", [2]),
        ("span.name = 'chat' AND span.attributes.model = 'small'", []),
        ("span.name = 'chat' AND NOT span.attributes.model = 'small'", []),
        ("span.type = 'TOOL' AND span.attributes.model = 'small'", [1]),
        ("span.attributes.model LIKE 's%'", [1]),
        ("span.attributes.`model` IN ('big', 'bigger')", [1]),
        ("span.attributes.temperature < 0.6", [1]),
        ("span.attributes.stream = 'true'", [1]),
        ("span.attributes.n = '3'", [1]),
        ("span.attributes.n = 3", [1]),
        ("span.attributes.absent IS NULL", [3, 2, 1]),
        ("span.attributes.model IS NOT NULL", [1]),
        ("span.name IS NULL", [3]),
        ("text LIKE '%grün%'", [1]),
        ("trace.text ILIKE '%BIG%'", [1]),
        ("feedback.quality > 0.5", [1]),
        ("feedback.quality = 'poor'", [2]),
        ("feedback.quality IS NOT NULL", [2, 1]),
        ("expectation.answer LIKE '%a%'", [2]),
        ("feedback.answer IS NULL", [3, 2, 1]),
        ("name = 'answer' OR (status = 'ERROR' AND duration > 5)", [2, 1]),
        ("NOT name = 'answer'", [3, 2]),
    ],
)
def test_a_filter_finds(filled: Traces, text: str, numbers: list[int]) -> None:
    assert _found(filled, text) == numbers
    assert filled.count(TraceQuery(text)) == len(numbers)


def test_feedback_that_was_replaced_is_not_found(filled: Traces) -> None:
    first = filled.get(trace_id(1)).assessments[0]
    override = Assessment("quality", AssessmentKind.FEEDBACK, 0.1, overrides=first.assessment_id)
    filled.assess(trace_id(1), override)
    assert _found(filled, "feedback.quality > 0.5") == []


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        ("timestamp ASC", [1, 2, 3]),
        ("duration DESC", [2, 1, 3]),
        ("duration", [1, 2, 3]),
        ("name", [1, 2, 3]),
        ("name DESC", [2, 1, 3]),
        ("tags.service DESC", [1, 2, 3]),
        ("feedback.quality", [1, 2, 3]),
        ("experiment_id DESC, name", [3, 1, 2]),
        ("spans, trace_id", [3, 2, 1]),
        ("total_tokens DESC", [1, 3, 2]),
    ],
)
def test_an_order_puts_what_is_missing_last(filled: Traces, order: str, numbers: list[int]) -> None:
    assert _found(filled, "", order_by=order) == numbers
    seen = [_found(filled, "", order_by=order, limit=1)[0]]
    token = filled.page(TraceQuery(order_by=order, limit=1)).next_page_token
    while token is not None:
        page = filled.page(TraceQuery(order_by=order, limit=1, page_token=token))
        seen += [int(item.trace_id[3:], 16) for item in page.items]
        token = page.next_page_token
    assert seen == numbers


def test_a_search_can_be_kept_within_experiments(filled: Traces, opened: Engine) -> None:
    other = opened.experiments.get("other").id
    assert _found(filled, "", experiment_ids=(other,)) == [3]
    assert _found(filled, "", experiment_ids=(DEFAULT, other)) == [3, 2, 1]
    assert _found(filled, "", experiment_ids=()) == []


@pytest.mark.parametrize(
    "query",
    [
        TraceQuery("span.colour = 'red'"),
        TraceQuery("span.attributes. = 'x'"),
        TraceQuery("metrics.auc > 1"),
        TraceQuery("status = OK"),
        TraceQuery("name RLIKE 'a'"),
        TraceQuery("foo.bar = 1"),
        TraceQuery(order_by="nothing"),
    ],
)
def test_what_does_not_parse_is_refused_with_its_place(traces: Traces, query: TraceQuery) -> None:
    with pytest.raises(FilterSyntaxError, match="Column"):
        traces.page(query)


@pytest.mark.parametrize(
    "query",
    [
        TraceQuery(limit=0),
        TraceQuery(limit=1_001),
        TraceQuery(order_by="span.name"),
        TraceQuery(order_by=", ".join(f"tags.t{number}" for number in range(20))),
    ],
)
def test_what_cannot_be_answered_is_refused(traces: Traces, query: TraceQuery) -> None:
    with pytest.raises(InvalidInput):
        traces.page(query)


@pytest.mark.parametrize("token", ["nonsense", "WzFd", "eyJhIjoxfQ", "WzFlOTk5LCAiYSIsIDFd", "", "ä"])
def test_a_token_of_another_search_is_refused(traces: Traces, token: str) -> None:
    with pytest.raises(InvalidInput, match="page token"):
        traces.page(TraceQuery(page_token=token))


def test_pages_follow_each_other_without_gaps_while_traces_come(traces: Traces) -> None:
    traces.record(batch(*(new_span(1, trace=each, begin_ms=each // 3) for each in range(1, 60))), DEFAULT)
    first = traces.page(TraceQuery(limit=20))
    traces.record(batch(*(new_span(1, trace=each, begin_ms=1_000) for each in range(100, 110))), DEFAULT)
    seen = list(first.items)
    token = first.next_page_token
    while token is not None:
        page = traces.page(TraceQuery(limit=20, page_token=token))
        seen += page.items
        token = page.next_page_token
    assert sorted(item.trace_id for item in seen) == [trace_id(each) for each in range(1, 60)]
    starts = [(-item.start_ms, item.trace_id) for item in seen]
    assert all(before < after for before, after in pairwise(starts))


def test_keys_and_rows_are_the_page_in_two_steps(filled: Traces) -> None:
    keys = filled.keys(TraceQuery("duration IS NOT NULL"))
    rows = filled.rows(keys)
    assert [rows[key] for key in keys] == list(filled.page(TraceQuery("duration IS NOT NULL")).items)
    assert filled.rows([999]) == {}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Sixty traces whose tags and durations have every value there is."""
    path = engine.create(tmp_path_factory.mktemp("many") / "workspace").path
    opened = engine.open(path, ids=CountingIds())
    opened.experiments.ensure_default()
    for number in range(60):
        tags = {"a": "xyz"[number % 3]} if number % 4 else {}
        end_ms = START_MS + number % 7 if number % 5 else None
        state = list(TraceState)[number % 4]
        opened.traces.report(TraceReport(trace_id(number), DEFAULT, START_MS, end_ms, state, tags=tags))
    return opened


_CLAUSES = st.one_of(
    st.tuples(st.just("tag"), st.sampled_from(("=", "!=")), st.sampled_from("xyzw")),
    st.tuples(st.just("duration"), st.sampled_from(("<", ">=", "=", "!=")), st.integers(0, 7)),
    st.tuples(st.just("state"), st.sampled_from(("=", "!=")), st.sampled_from([each.value for each in TraceState])),
)
_TREES = st.recursive(
    _CLAUSES,
    lambda inner: st.one_of(
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.sampled_from(("AND", "OR")), inner, inner),
    ),
    max_leaves=6,
)


def _text(tree: Any) -> str:
    if tree[0] == "NOT":
        return f"NOT ({_text(tree[1])})"
    if tree[0] in ("AND", "OR"):
        return f"({_text(tree[1])}) {tree[0]} ({_text(tree[2])})"
    field, operator, value = tree
    return f"{'tags.a' if field == 'tag' else field} {operator} {value if field == 'duration' else repr(value)}"


def _holds(tree: Any, tag: str | None, duration: int | None, state: str) -> bool:
    if tree[0] == "NOT":
        return not _holds(tree[1], tag, duration, state)
    if tree[0] in ("AND", "OR"):
        parts = [_holds(part, tag, duration, state) for part in tree[1:]]
        return all(parts) if tree[0] == "AND" else any(parts)
    field, operator, value = tree
    stored: Any = {"tag": tag, "duration": duration, "state": state}[field]
    if stored is None:
        return False
    compare = {"=": stored == value, "!=": stored != value}
    if field == "duration":
        compare |= {"<": stored < value, ">=": stored >= value}
    return bool(compare[operator])


@given(_TREES)
def test_any_filter_means_in_sql_what_it_means_in_memory(many: Engine, tree: Any) -> None:
    everything = many.traces.page(TraceQuery(limit=100)).items
    expected = [each for each in everything if _holds(tree, each.tags.get("a"), each.duration_ms, each.state.value)]
    found = many.traces.page(TraceQuery(_text(tree), limit=100)).items
    assert list(map(attrgetter("trace_id"), found)) == [each.trace_id for each in expected]
