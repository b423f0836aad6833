"""What people and programs think of traces."""

from __future__ import annotations

import pytest

from engine.core.clock import ManualClock
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.traces.assessment_model import Assessment, AssessmentChange, AssessmentKind
from engine.traces.service import Traces
from tests.engine.traces.spans import DEFAULT, batch, new_span, trace_id

FEEDBACK = AssessmentKind.FEEDBACK


@pytest.fixture(autouse=True)
def _traced(traces: Traces) -> None:
    traces.record(batch(new_span(1), new_span(1, trace=2)), DEFAULT)


def test_an_assessment_gets_an_id_and_times(traces: Traces, clock: ManualClock) -> None:
    made = traces.assess(trace_id(1), Assessment("quality", FEEDBACK, 0.5, rationale="ok", metadata={"m": "1"}))
    assert made.assessment_id.startswith("a-")
    assert (made.trace_id, made.created_ms, made.updated_ms) == (trace_id(1), clock.now_ms(), clock.now_ms())
    assert traces.assessment(trace_id(1), made.assessment_id) == made
    assert traces.get(trace_id(1)).assessments == (made,)
    assert traces.assessments([trace_id(1), trace_id(2), trace_id(9)]) == {trace_id(1): [made], trace_id(2): []}


@pytest.mark.parametrize("value", [None, True, 5, 0.1, "text", [1, "a"], {"a": {"b": [None]}}, "", "ü"])
def test_any_json_value_comes_back(traces: Traces, value: object) -> None:
    made = traces.assess(trace_id(1), Assessment("q", AssessmentKind.EXPECTATION, value))
    assert traces.assessment(trace_id(1), made.assessment_id).value == value


def test_one_that_takes_the_place_of_another_makes_it_invalid_until_it_is_taken_back(traces: Traces) -> None:
    first = traces.assess(trace_id(1), Assessment("q", FEEDBACK, "good"))
    second = traces.assess(trace_id(1), Assessment("q", FEEDBACK, "bad", overrides=first.assessment_id))
    assert [each.valid for each in traces.get(trace_id(1)).assessments] == [False, True]
    for _ in range(2):
        traces.delete_assessment(trace_id(1), second.assessment_id)
    assert [each.valid for each in traces.get(trace_id(1)).assessments] == [True]


def test_a_change_leaves_what_it_does_not_name(traces: Traces, clock: ManualClock) -> None:
    made = traces.assess(trace_id(1), Assessment("q", FEEDBACK, "good", rationale="why", metadata={"a": "1"}))
    clock.advance(1_000)
    changed = traces.change_assessment(
        trace_id(1), made.assessment_id, AssessmentChange(FEEDBACK, value=(None,), metadata={"b": "2"})
    )
    assert (changed.value, changed.rationale, changed.metadata) == (None, "why", {"a": "1", "b": "2"})
    assert (changed.created_ms, changed.updated_ms) == (made.created_ms, clock.now_ms())
    assert traces.assessment(trace_id(1), made.assessment_id) == changed


def test_an_expectation_does_not_become_feedback(traces: Traces) -> None:
    made = traces.assess(trace_id(1), Assessment("q", AssessmentKind.EXPECTATION, 1))
    with pytest.raises(InvalidInput, match="Cannot update feedback"):
        traces.change_assessment(trace_id(1), made.assessment_id, AssessmentChange(FEEDBACK, value=(2,)))


def test_an_id_of_another_trace_is_refused(traces: Traces) -> None:
    made = traces.assess(trace_id(1), Assessment("q", FEEDBACK, 1))
    with pytest.raises(Conflict, match="another trace"):
        traces.assess(trace_id(2), Assessment("q", FEEDBACK, 2, assessment_id=made.assessment_id))
    assert traces.assessment(trace_id(1), made.assessment_id).value == 1


def test_what_is_not_there_is_not_found(traces: Traces) -> None:
    with pytest.raises(NotFound, match="Trace with ID"):
        traces.assess(trace_id(9), Assessment("q", FEEDBACK, 1))
    with pytest.raises(NotFound, match="Assessment with ID 'a-1' not found"):
        traces.assessment(trace_id(1), "a-1")
    with pytest.raises(NotFound, match="Assessment with ID 'a-1' not found"):
        traces.assess(trace_id(1), Assessment("q", FEEDBACK, 1, overrides="a-1"))
    assert traces.get(trace_id(1)).assessments == ()


@pytest.mark.parametrize(
    "given",
    [
        Assessment("", FEEDBACK, 1),
        Assessment("q" * 251, FEEDBACK, 1),
        Assessment("q\0", FEEDBACK, 1),
        Assessment("q", FEEDBACK, 1, assessment_id="../x"),
        Assessment("q", FEEDBACK, "x" * 2_000_000),
        Assessment("q", FEEDBACK, 1, rationale="\ud800"),
        Assessment("q", FEEDBACK, 1, metadata={"a": "v" * 9_000}),
        Assessment("q", FEEDBACK, 1, created_ms=2**60),
        Assessment("q", FEEDBACK, {1, 2}),
    ],
)
def test_what_cannot_be_kept_is_refused(traces: Traces, given: Assessment) -> None:
    with pytest.raises(InvalidInput):
        traces.assess(trace_id(1), given)
    assert traces.get(trace_id(1)).assessments == ()


def test_a_value_with_a_lone_surrogate_is_refused(traces: Traces) -> None:
    with pytest.raises(InvalidInput, match="Unicode"):
        traces.assess(trace_id(1), Assessment("q", FEEDBACK, "\ud800"))
