"""Recording traces: spans once, in any order, and what their program says of the whole."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from engine.api import Engine
from engine.audit.model import AuditFilter
from engine.core.access import Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from engine.core.events import Changes, Event
from engine.traces import recording
from engine.traces.model import SpanStatus, Tokens, TraceQuery, TraceReport, TraceState
from engine.traces.service import Traces
from tests.engine.traces.spans import DEFAULT, START_MS, batch, new_span, trace_id

OF_TRACES = AuditFilter(kind="trace")


def _events(changes: Changes | None) -> tuple[Event, ...]:
    assert changes is not None
    return changes.events


def test_a_span_sent_twice_is_stored_once(traces: Traces) -> None:
    sent = batch(new_span(1), new_span(2, 1))
    assert traces.record(sent, DEFAULT) == 2
    assert traces.record(sent, DEFAULT) == 0
    assert traces.summary(trace_id(1)).span_count == 2


def test_a_span_that_has_ended_is_not_changed_by_another_of_its_id(traces: Traces) -> None:
    traces.record(batch(new_span(1, name="first")), DEFAULT)
    traces.record(batch(new_span(1, name="second")), DEFAULT)
    assert [each.name for each in traces.get(trace_id(1)).spans] == ["first"]


def test_a_span_that_was_running_is_replaced_once_it_has_ended(traces: Traces) -> None:
    traces.record(batch(new_span(1, took_ms=None)), DEFAULT)
    assert traces.summary(trace_id(1)).state is TraceState.IN_PROGRESS
    assert traces.summary(trace_id(1)).duration_ms is None
    traces.record(batch(new_span(1, took_ms=30)), DEFAULT)
    found = traces.summary(trace_id(1))
    assert (found.state, found.duration_ms, found.span_count) == (TraceState.OK, 30, 1)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_trace_comes_to_the_same_whatever_the_order_of_its_spans(traces: Traces, order: tuple[int, ...]) -> None:
    spans = [
        new_span(1, name="root", begin_ms=5, took_ms=50, status=SpanStatus.ERROR),
        new_span(2, 1, begin_ms=3, took_ms=10),
        new_span(3, 2, begin_ms=20, took_ms=80),
    ]
    for place in order:
        traces.record(batch(spans[place]), DEFAULT)
    found = traces.summary(trace_id(1))
    assert (found.name, found.state) == ("root", TraceState.ERROR)
    assert (found.start_ms, found.duration_ms) == (START_MS + 3, 97)


def test_tokens_are_added_up_along_the_tree_over_several_batches(traces: Traces) -> None:
    traces.record(batch(new_span(3, 2, tokens=(5, 5, 10)), new_span(4, 1, tokens=(1, 1, 2))), DEFAULT)
    assert traces.summary(trace_id(1)).tokens == Tokens(6, 6, 12)
    traces.record(batch(new_span(1), new_span(2, 1, tokens=(6, 6, 12))), DEFAULT)
    assert traces.summary(trace_id(1)).tokens == Tokens(7, 7, 14)


def test_the_resource_becomes_tags_that_do_not_replace_those_set(traces: Traces) -> None:
    traces.record(batch(new_span(1), tags={"service.name": "shop"}), DEFAULT)
    traces.set_tag(trace_id(1), "service.name", "mine")
    traces.record(batch(new_span(2, 1), tags={"service.name": "shop", "os": "linux"}), DEFAULT)
    assert traces.summary(trace_id(1)).tags == {"service.name": "mine", "os": "linux"}


def test_what_the_program_says_of_the_whole_holds_over_its_spans(traces: Traces) -> None:
    given = TraceReport(
        trace_id(1), DEFAULT, START_MS, START_MS + 7, TraceState.OK, name="said", tokens=Tokens(1, 2, 3), request="q"
    )
    traces.report(given)
    traces.record(batch(new_span(1, name="root", begin_ms=-50, took_ms=500, tokens=(9, 9, 18))), DEFAULT)
    found = traces.summary(trace_id(1))
    assert (found.name, found.start_ms, found.duration_ms, found.tokens) == ("said", START_MS, 7, Tokens(1, 2, 3))
    assert (found.final, found.request, found.span_count) == (True, "q", 1)


def test_a_report_sent_twice_changes_nothing(traces: Traces) -> None:
    given = TraceReport(trace_id(1), DEFAULT, START_MS, tags={"a": "1"}, metadata={"m": "2"}, runs=("r1",))
    traces.report(given)
    before = traces.summary(trace_id(1))
    traces.report(given)
    assert traces.summary(trace_id(1)) == before
    assert (before.tags, before.metadata, before.runs) == ({"a": "1"}, {"m": "2"}, ("r1",))


def test_a_trace_can_be_begun_and_ended(traces: Traces) -> None:
    made = traces.start(DEFAULT, START_MS, {"a": "1"}, {})
    assert (traces.summary(made).state, traces.summary(made).final) == (TraceState.IN_PROGRESS, False)
    traces.end(made, START_MS + 9, TraceState.ERROR, {"b": "2"}, {"m": "3"})
    found = traces.summary(made)
    assert (found.state, found.duration_ms, found.final) == (TraceState.ERROR, 9, True)
    assert (found.tags, found.metadata) == ({"a": "1", "b": "2"}, {"m": "3"})


def test_a_trace_gets_its_name_with_its_beginning_or_its_end_or_nothing_is_kept(traces: Traces) -> None:
    made = traces.start(DEFAULT, START_MS, {}, {}, name="first")
    assert traces.summary(made).name == "first"
    with pytest.raises(InvalidInput):
        traces.start(DEFAULT, START_MS, {}, {}, name="n" * 10_000)
    with pytest.raises(InvalidInput):
        traces.end(made, START_MS + 9, TraceState.OK, {}, {}, name="n" * 10_000)
    assert traces.summary(made).state is TraceState.IN_PROGRESS
    assert len(traces.page(TraceQuery()).items) == 1
    traces.end(made, START_MS + 9, TraceState.OK, {}, {}, name="second")
    assert traces.summary(made).name == "second"


def test_spans_and_the_run_of_their_trace_are_kept_together_or_not_at_all(traces: Traces) -> None:
    with pytest.raises(InvalidInput):
        traces.record(batch(new_span(1)), DEFAULT, "r" * 10_000)
    assert traces.page(TraceQuery()).items == ()
    traces.record(batch(new_span(1)), DEFAULT, "r1")
    assert traces.summary(trace_id(1)).runs == ("r1",)


def test_a_clock_that_went_back_gives_no_negative_duration(traces: Traces) -> None:
    traces.record(batch(new_span(1, took_ms=-500)), DEFAULT)
    assert traces.summary(trace_id(1)).duration_ms == 0
    assert traces.get(trace_id(1)).spans[0].duration_ns == 0


def test_an_experiment_that_is_not_there_or_deleted_is_refused(opened: Engine) -> None:
    with pytest.raises(NotFound, match="No Experiment with id=77"):
        opened.traces.record(batch(new_span(1)), 77)
    made = opened.experiments.create("gone")
    opened.experiments.delete("gone")
    with pytest.raises(Conflict, match="active"):
        opened.traces.record(batch(new_span(1)), made.id)
    assert opened.traces.count() == 0


@pytest.mark.parametrize(
    "given",
    [
        TraceReport("../etc", DEFAULT, START_MS),
        TraceReport("", DEFAULT, START_MS),
        TraceReport("x" * 129, DEFAULT, START_MS),
        TraceReport("tr-1", DEFAULT, 2**60),
        TraceReport("tr-1", DEFAULT, START_MS, end_ms=-(2**60)),
        TraceReport("tr-1", DEFAULT, START_MS, tags={"k" * 251: "v"}),
        TraceReport("tr-1", DEFAULT, START_MS, tags={"k": "v" * 8_001}),
        TraceReport("tr-1", DEFAULT, START_MS, metadata={"k": "\ud800"}),
        TraceReport("tr-1", DEFAULT, START_MS, name="\0"),
    ],
)
def test_a_report_that_cannot_be_kept_is_refused_whole(traces: Traces, given: TraceReport) -> None:
    with pytest.raises(InvalidInput):
        traces.report(given)
    assert traces.count() == 0


def test_tags_are_set_replaced_and_removed(traces: Traces) -> None:
    traces.record(batch(new_span(1)), DEFAULT)
    traces.set_tag(trace_id(1), "a", "1")
    traces.set_tag(trace_id(1), "a", "2")
    assert traces.summary(trace_id(1)).tags == {"a": "2"}
    traces.set_tag(trace_id(1), "a", None)
    assert traces.summary(trace_id(1)).tags == {}
    with pytest.raises(NotFound, match="No trace tag with key 'a'"):
        traces.set_tag(trace_id(1), "a", None)
    with pytest.raises(NotFound, match="not found"):
        traces.set_tag(trace_id(9), "a", "1")


def test_traces_are_linked_to_runs_and_prompts_once(traces: Traces) -> None:
    traces.record(batch(new_span(1), new_span(1, trace=2)), DEFAULT)
    for _ in range(2):
        traces.link([trace_id(1), trace_id(9)], run_id="r1", prompts=["greet/1"])
    found = traces.summary(trace_id(1))
    assert (found.runs, found.prompts) == (("r1",), ("greet/1",))
    assert traces.summary(trace_id(2)).runs == ()
    with pytest.raises(InvalidInput, match="more than 100"):
        traces.link([trace_id(each) for each in range(101)], run_id="r")


def test_a_new_name_is_kept(traces: Traces) -> None:
    traces.record(batch(new_span(1, name="root")), DEFAULT)
    traces.rename(trace_id(1), "better")
    traces.record(batch(new_span(2, name="other root")), DEFAULT)
    assert traces.summary(trace_id(1)).name == "better"


def test_deleting_takes_all_that_belongs_to_a_trace(opened: Engine) -> None:
    traces = opened.traces
    traces.record(batch(*(new_span(1, trace=each, begin_ms=each) for each in range(1, 6))), DEFAULT)
    assert traces.delete(DEFAULT, trace_ids=[trace_id(5), trace_id(99)]) == 1
    assert traces.delete(DEFAULT, until_ms=START_MS + 3, most=2) == 2
    assert [each.trace_id for each in traces.page().items] == [trace_id(4), trace_id(3)]
    traces.delete_one(trace_id(4))
    assert traces.get_all([trace_id(4)]) == ()
    verbs = [(entry.verb, entry.kind) for entry in opened.audit.page(OF_TRACES).items]
    assert verbs == [("delete", "trace")] * 3


def test_deleting_says_which(traces: Traces) -> None:
    with pytest.raises(InvalidInput, match="must be specified"):
        traces.delete(DEFAULT)


def test_deleting_stays_within_the_experiment(opened: Engine) -> None:
    other = opened.experiments.create("other").id
    opened.traces.record(batch(new_span(1)), other)
    assert opened.traces.delete(DEFAULT, trace_ids=[trace_id(1)]) == 0
    assert opened.traces.count() == 1


def test_pruning_takes_the_old_ones_in_many_transactions_and_is_audited_once(opened: Engine) -> None:
    traces = opened.traces
    traces.record(batch(*(new_span(1, trace=each, begin_ms=each) for each in range(1, 2_501))), DEFAULT)
    assert traces.prune(START_MS + 2_400) == 2_399
    assert traces.count() == 101
    entries = opened.audit.page(OF_TRACES).items
    assert [(entry.verb, entry.after) for entry in entries] == [
        ("prune", {"traces": 2_399, "begun_before_ms": START_MS + 2_400})
    ]
    assert traces.prune(START_MS) == 0
    assert len(opened.audit.page(OF_TRACES).items) == 1


def test_pruning_takes_a_trace_of_many_spans_and_what_belongs_to_it(opened: Engine) -> None:
    traces = opened.traces
    large = [new_span(each, None if each == 1 else 1) for each in range(1, 2_051)]
    traces.record(batch(*large, new_span(1, trace=2, begin_ms=50)), DEFAULT)
    traces.set_tag(trace_id(1), "a", "1")
    assert traces.prune(START_MS + 1) == 1
    assert [each.trace_id for each in traces.page().items] == [trace_id(2)]


def test_pruning_told_to_stop_audits_what_is_gone_and_is_taken_up_again(
    opened: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PRUNING_S", -1.0)
    stop = threading.Event()
    stop.set()
    traces = opened.traces
    traces.record(batch(*(new_span(1, trace=each) for each in range(1, 101))), DEFAULT)
    first = traces.prune(START_MS + 1, stop=stop)
    assert 0 < first < 100
    assert traces.prune(START_MS + 1) == 100 - first
    entries = opened.audit.page(OF_TRACES).items
    assert sorted(entry.after["traces"] for entry in entries if entry.after) == sorted([first, 100 - first])


def test_others_write_while_pruning_rests(opened: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PRUNING_S", -1.0)
    monkeypatch.setattr(recording, "PRUNING_REST_S", 60.0)
    traces, stop = opened.traces, threading.Event()
    traces.record(batch(*(new_span(1, trace=each, begin_ms=each) for each in range(1, 101))), DEFAULT)
    with ThreadPoolExecutor(1) as beside:
        pruning = beside.submit(traces.prune, START_MS + 1_000, stop=stop)
        deadline = time.monotonic() + 30
        while traces.count() == 100:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        traces.set_tag(trace_id(100), "a", "1")
        assert not pruning.done()
        stop.set()
        assert pruning.result(30) == 100


def test_a_writer_may_log_but_not_delete(opened: Engine) -> None:
    writer = opened.acting(Actor("ci"), Role.WRITER).traces
    writer.record(batch(new_span(1)), DEFAULT)
    writer.set_tag(trace_id(1), "a", "1")
    for act in (
        lambda: writer.delete(DEFAULT, until_ms=START_MS),
        lambda: writer.delete_one(trace_id(1)),
        lambda: writer.prune(START_MS),
    ):
        with pytest.raises(PermissionDenied):
            act()
    with pytest.raises(PermissionDenied):
        opened.acting(Actor("guest"), Role.VIEWER).traces.record(batch(new_span(2)), DEFAULT)


def test_live_screens_hear_of_a_trace_by_name_and_of_many_at_once(opened: Engine) -> None:
    with closing(opened.feed()) as feed:
        opened.traces.record(batch(new_span(1)), DEFAULT)
        opened.traces.record(batch(*(new_span(1, trace=each) for each in range(10, 30))), DEFAULT)
        opened.traces.set_tag(trace_id(1), "a", "1")
        news = [(event.kind, event.change, event.key) for event in _events(feed.poll())]
    assert news == [("trace", "created", trace_id(1)), ("trace", "logged", ""), ("trace", "changed", trace_id(1))]


def test_ages_in_filters_count_from_the_clock(traces: Traces, clock: ManualClock) -> None:
    ahead_ms = START_MS - clock.now_ms()
    clock.advance(ahead_ms + 60_000)
    traces.record(batch(new_span(1)), DEFAULT)
    assert traces.count(TraceQuery("start_time > '2m'")) == 1
    assert traces.count(TraceQuery("start_time > '30s'")) == 0


def test_secrets_are_replaced_before_anything_is_stored(traces: Traces) -> None:
    attributes = {"api_key": "abc", "deep": [{"password": "xyz"}], "url": "https://u:hunter2@host/", "max_tokens": "5"}
    spans = batch(new_span(1, attributes=attributes), tags={"db.password": "p"})
    spans.traces[trace_id(1)].request = "Bearer abcdefghijklmnopqrstuvwxyz"
    traces.record(spans, DEFAULT)
    traces.report(TraceReport(trace_id(2), DEFAULT, START_MS, tags={"api_key": "k"}, metadata={"secret": "s"}))
    traces.set_tag(trace_id(2), "access_token", "t")
    (span,) = traces.get(trace_id(1)).spans
    assert span.attributes == {
        "api_key": "[redacted]",
        "deep": [{"password": "[redacted]"}],
        "url": "https://u:[redacted]@host/",
        "max_tokens": "5",
    }
    first, second = traces.summary(trace_id(1)), traces.summary(trace_id(2))
    assert (first.request, first.tags) == ("Bearer [redacted]", {"db.password": "[redacted]"})
    assert second.tags == {"api_key": "[redacted]", "access_token": "[redacted]"}
    assert second.metadata == {"secret": "[redacted]"}
