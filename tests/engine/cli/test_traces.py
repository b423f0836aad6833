"""`qd traces`."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.traces.model import SpanStatus, TraceReport, TraceState
from tests.engine.cli.driver import Qd
from tests.engine.traces.spans import DEFAULT, START_MS, batch, new_span, trace_id


@pytest.fixture(autouse=True)
def traced(workspace: Path) -> None:
    """Trace 1 has a root, a step that failed and one whose parent is missing; trace 2 has no spans."""
    with engine.open(workspace) as opened:
        opened.experiments.ensure_default()
        opened.traces.record(
            batch(
                new_span(1, name="answer", kind="CHAIN", took_ms=100, tokens=(10, 5, 15)),
                new_span(2, 1, name="look\x1b[31m up", begin_ms=20, took_ms=30, status=SpanStatus.ERROR),
                new_span(3, 2, name="fetch", begin_ms=25, took_ms=None),
                new_span(4, 99, name="lost", begin_ms=50, took_ms=10),
                tags={"service": "shop"},
            ),
            DEFAULT,
        )
        opened.traces.report(TraceReport(trace_id(2), DEFAULT, START_MS - 86_400_000, state=TraceState.ERROR))


def test_the_list_says_what_a_person_looks_for(qd: Qd) -> None:
    lines = qd("traces", "list").out.splitlines()
    assert lines[0].split() == [
        *("trace_id", "name", "state", "started", "took", "spans", "tokens", "experiment", "request", "tags")
    ]
    assert [line.split()[0] for line in lines[1:]] == [trace_id(1), trace_id(2)]
    assert {"answer", "ok", "15", "service=shop"} <= set(lines[1].split())


def test_filters_orders_and_pages(qd: Qd) -> None:
    found = qd("traces", "list", "--filter", "span.status = 'ERROR'", "--json").json["items"]
    assert [item["trace_id"] for item in found] == [trace_id(1)]
    first = qd("traces", "list", "--order-by", "start_time", "--limit", "1", "--json").json
    assert first["items"][0]["trace_id"] == trace_id(2)
    token = first["next_page_token"]
    rest = qd("traces", "list", "--order-by", "start_time", "--limit", "1", "--page-token", token, "--json").json
    assert [item["trace_id"] for item in rest["items"]] == [trace_id(1)]
    assert qd("traces", "count", "--filter", "state = 'error'").out == "1\n"
    assert "olumn" in qd("traces", "list", "--filter", "span.colour = 1", code=2).err


def test_a_trace_is_drawn_as_a_tree_with_bars(qd: Qd) -> None:
    lines = qd("traces", "show", "tr-00000000000000000000000000000001").out.splitlines()
    head, tree = lines[: lines.index("")], lines[lines.index("") + 1 :]
    assert [head[1], head[-2]] == ["name        answer", "tokens      15 (10 in, 5 out)"]
    width = len("`- look· up")
    assert [line[:width].rstrip() for line in tree] == ["answer", "`- look· up", "  `- fetch", "lost"]
    assert "error" in tree[1]
    assert "20.00 ms" in tree[1]
    assert "30.00 ms" in tree[1]
    assert "running" in tree[2]
    assert "parent is missing" in tree[3]
    bars = [line[line.index("|") : line.rindex("|")] for line in tree]
    assert [bar.index("=") for bar in bars] == sorted(bar.index("=") for bar in bars)
    assert "\x1b" not in "".join(lines)


def test_only_so_many_spans_are_drawn(qd: Qd) -> None:
    assert "… and 3 more" in qd("traces", "show", trace_id(1), "--spans", "1").out


def test_a_trace_without_spans_says_so(qd: Qd) -> None:
    assert "No spans have come yet." in qd("traces", "show", trace_id(2)).out


def test_programs_get_the_whole_tree(qd: Qd) -> None:
    found = qd("traces", "show", trace_id(1), "--json").json
    assert found["summary"]["tokens"] == {"input": 10, "output": 5, "total": 15}
    assert [(node["span"]["name"], node["depth"]) for node in found["tree"]] == [
        ("answer", 0),
        ("look\x1b[31m up", 1),
        ("fetch", 2),
        ("lost", 0),
    ]
    assert found["tree"][1]["span"]["status"] == "error"


def test_tags_are_set_and_removed(qd: Qd) -> None:
    assert qd("traces", "tag", trace_id(2), "a=1", "b=2", "--json").json["tags"] == {"a": "1", "b": "2"}
    assert qd("traces", "tag", trace_id(2), "--remove", "a", "--json").json["tags"] == {"b": "2"}


def test_deleting_needs_a_word_where_nobody_can_be_asked(qd: Qd) -> None:
    assert "--yes" in qd("traces", "delete", trace_id(2), code=2).err
    qd("traces", "delete", trace_id(2), "--yes")
    assert "not found" in qd("traces", "show", trace_id(2), code=1).err


def test_old_traces_are_pruned(qd: Qd) -> None:
    assert "--yes" in qd("traces", "prune", "--older-than", "1s", code=2).err
    assert qd("traces", "prune", "--older-than", "1s", "--yes", "--json").json["deleted"] == 2
    assert qd("traces", "prune", "--older-than", "1s", "--json").json["deleted"] == 0
