"""Measures over many traces."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Engine
from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.traces.assessment_model import Assessment, AssessmentKind
from engine.traces.measure_model import Measure, MeasureQuery, Quantity, Subject
from engine.traces.measuring import percentile
from engine.traces.model import SpanStatus, TraceReport, TraceState
from engine.traces.service import Traces
from tests.engine.traces.spans import DEFAULT, START_MS, batch, new_span, trace_id

LATENCY = Quantity.LATENCY_MS


@pytest.fixture
def filled(traces: Traces) -> Traces:
    """Ten traces of 1 to 10 ms, even ones called `even`, each with a tool of half the time; the last has failed."""
    for number in range(1, 11):
        status = SpanStatus.ERROR if number == 10 else SpanStatus.OK
        name = "odd" if number % 2 else "even"
        traces.record(
            batch(
                new_span(1, trace=number, name=name, begin_ms=number * 1_000, took_ms=number * 2, status=status),
                new_span(2, 1, trace=number, name="tool", kind="TOOL", begin_ms=number * 1_000, took_ms=number),
            ),
            DEFAULT,
        )
    return traces


def _counts(measures: tuple[Measure, ...]) -> dict[tuple[str, ...], int]:
    return {tuple(each.group.values()): each.count for each in measures}


def test_all_traces_are_counted(filled: Traces) -> None:
    assert filled.measure() == (Measure(None, {}, 10, 10.0, 1.0, 1.0, {}),)


def test_latency_is_told_by_name_with_percentiles(filled: Traces) -> None:
    query = MeasureQuery(quantity=LATENCY, by=("name",), percentiles=(0, 50, 100))
    even, odd = filled.measure(query)
    assert (even.group, even.count, even.total, even.mean) == ({"name": "even"}, 5, 60, 12)
    assert (even.least, even.greatest, even.percentiles) == (4, 20, {0: 4, 50: 12, 100: 20})
    assert (odd.group, odd.percentiles[50]) == ({"name": "odd"}, 10)


def test_time_is_cut_into_pieces(filled: Traces) -> None:
    query = MeasureQuery(start_ms=START_MS + 2_000, end_ms=START_MS + 7_000, interval_ms=4_000)
    assert [(each.start_ms, each.count) for each in filled.measure(query)] == [(START_MS, 2), (START_MS + 4_000, 4)]


def test_pieces_before_1970_begin_below(traces: Traces) -> None:
    traces.report(TraceReport(trace_id(1), DEFAULT, -1))
    (found,) = traces.measure(MeasureQuery(interval_ms=1_000))
    assert found.start_ms == -1_000


def test_a_filter_on_spans_is_of_the_measured_span(filled: Traces) -> None:
    by = MeasureQuery(Subject.SPANS, by=("name", "kind"), filter="name = 'even'")
    assert _counts(filled.measure(by)) == {("tool", "TOOL"): 5}
    spans = MeasureQuery(Subject.SPANS, by=("name", "status"), filter="span.name != 'tool'")
    assert _counts(filled.measure(spans)) == {("even", "ok"): 4, ("even", "error"): 1, ("odd", "ok"): 5}
    both = MeasureQuery(Subject.SPANS, filter="state = 'error' AND span.type = 'TOOL'")
    assert filled.measure(both)[0].count == 1


def test_what_has_no_value_or_group_is_left_out(traces: Traces) -> None:
    traces.report(TraceReport(trace_id(1), DEFAULT, START_MS, state=TraceState.IN_PROGRESS))
    assert traces.measure(MeasureQuery(quantity=LATENCY)) == ()
    assert traces.measure(MeasureQuery(by=("name",))) == ()
    assert _counts(traces.measure(MeasureQuery(by=("state",)))) == {("in_progress",): 1}


def test_sessions_are_counted_once(traces: Traces) -> None:
    for number, session in enumerate(("a", "b", "a", None), start=1):
        traces.report(TraceReport(trace_id(number), DEFAULT, START_MS, session=session))
    assert traces.measure(MeasureQuery(quantity=Quantity.SESSIONS))[0].count == 2


def test_assessments_are_measured_by_name_and_value(filled: Traces) -> None:
    for number, value in ((1, 0.5), (2, 1.0), (3, "poor")):
        filled.assess(trace_id(number), Assessment("quality", AssessmentKind.FEEDBACK, value))
    filled.assess(trace_id(1), Assessment("other", AssessmentKind.FEEDBACK, 9))
    by_value = MeasureQuery(Subject.ASSESSMENTS, by=("value",), assessment="quality")
    assert _counts(filled.measure(by_value)) == {("0.5",): 1, ("1.0",): 1, ("poor",): 1}
    values = MeasureQuery(Subject.ASSESSMENTS, Quantity.VALUE, by=("name",))
    assert [(each.group["name"], each.mean) for each in filled.measure(values)] == [("other", 9), ("quality", 0.75)]


def test_measures_stay_within_experiments_and_the_limit(filled: Traces, opened: Engine) -> None:
    other = opened.experiments.create("other").id
    assert filled.measure(MeasureQuery(experiment_ids=(other,))) == ()
    assert len(filled.measure(MeasureQuery(by=("name",), limit=1))) == 1


@pytest.mark.parametrize(
    "query",
    [
        MeasureQuery(Subject.SPANS, Quantity.SESSIONS),
        MeasureQuery(Subject.ASSESSMENTS, LATENCY),
        MeasureQuery(by=("kind",)),
        MeasureQuery(by=("name; DROP TABLE trace",)),
        MeasureQuery(limit=0),
        MeasureQuery(interval_ms=0),
        MeasureQuery(percentiles=(101,)),
        MeasureQuery(start_ms=2**70),
    ],
)
def test_what_cannot_be_measured_is_refused(filled: Traces, query: MeasureQuery) -> None:
    with pytest.raises(InvalidInput):
        filled.measure(query)


def test_a_wrong_filter_points_at_its_column(traces: Traces) -> None:
    with pytest.raises(FilterSyntaxError, match="Column 1"):
        traces.measure(MeasureQuery(filter="nothing = 1"))


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=40))
def test_percentiles_are_those_of_the_standard_library(values: list[float]) -> None:
    ordered = sorted(values)
    expected = statistics.quantiles(ordered, n=4, method="inclusive")
    found = [percentile(ordered, share) for share in (25, 50, 75)]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)
