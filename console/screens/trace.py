"""One trace: its spans as a tree, where each stands in time, and what the chosen one says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.formats import TRACE_STATES, age, count, duration, moment, pill
from console.resources.traces import ACTIONS as TRACE_ACTIONS
from console.text import Part, fit, wrap
from console.views import Page
from console.widgets.document import Line, blank, fields, heading
from engine.core.text import clean
from engine.traces.model import SpanStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.core.events import Changes
    from engine.traces.model import Span, SpanNode, Tokens, Trace

MOST_SPANS = 2_000
"""Spans drawn; the rest is in `qd traces show --json`."""

_DEEPEST = 16
_NAME = 36
_TEXT = 4_000
_NS_PER_MS = 1_000_000
_LOOKS = {SpanStatus.ERROR: ("✗", "bad"), SpanStatus.OK: ("✓", "good"), SpanStatus.UNSET: ("·", "dim")}


def _show_span(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    from console.screens.record import show_json

    view = app.view
    span = view.span if isinstance(view, TraceView) else None
    if span is None:
        app.say("Move to a span first.", "warn")
        return
    show_json(app, span.name, span)


class TraceView(Page["Trace"]):
    """The trace that the location names."""

    kinds = frozenset({"trace"})
    actions = (
        Action("span", "Enter", "span", _show_span, "Everything the span under the cursor says."),
        *(action for action in TRACE_ACTIONS if action.name != "open"),
    )

    @property
    def span(self) -> Span | None:
        """The span under the cursor."""
        line = self.document.line
        found = line.subject if line is not None else None
        return found if _is_span(found) else None  # type: ignore[return-value]

    def fetch(self) -> Trace:
        """The trace with its spans.

        Raises:
            NotFound: there is no such trace.
        """
        return self.deck.engine.traces.get(self.location.name)

    def changed(self, changes: Changes) -> None:
        """Only news of this trace count."""
        if changes.missed or any(event.key == self.location.name for event in changes.events):
            self.load()

    def subject(self) -> object | None:
        """The trace, wherever the cursor is."""
        return self.data.summary if self.data is not None else None

    def lines(self, data: Trace, width: int) -> Sequence[Line]:
        """What is said of the whole, the tree, and what people think of it."""
        summary = data.summary
        lines = [
            Line([(" ", ""), (summary.name or summary.trace_id, "strong"), ("   ", ""), _state(data)]),
            Line([(f"   {moment(summary.start_ms)} ({age(summary.start_ms, self.deck.now_ms())})", "dim")]),
            blank(),
            *fields(_facts(data)),
        ]
        for name, text in (("request", summary.request), ("response", summary.response)):
            if text:
                lines += [blank(), heading(name.title()), *_wrapped(text, width)]
        lines += [blank(), heading("Spans", f"{count(summary.span_count)}; Enter shows all that one says")]
        lines += _tree(data, width)
        if data.assessments:
            lines += [blank(), heading("Assessments")]
            lines += fields([(each.name, (_assessed(each.value, each.rationale), "")) for each in data.assessments])
        return lines


def _is_span(found: object) -> bool:
    return hasattr(found, "span_id")


def _state(data: Trace) -> Part:
    return pill(TRACE_STATES, data.summary.state.value)


def _assessed(value: object, rationale: str | None) -> str:
    return f"{value}" + (f"  {rationale}" if rationale else "")


def _facts(data: Trace) -> list[tuple[str, Part]]:
    summary = data.summary
    known: list[tuple[str, Part]] = [
        ("id", (summary.trace_id, "dim")),
        ("took", (duration(summary.duration_ms), "")),
        ("experiment", (summary.experiment, "")),
    ]
    more = (
        ("tokens", _tokens(summary.tokens)),
        ("session", summary.session),
        ("user", summary.user),
        ("runs", " ".join(summary.runs)),
        ("prompts", " ".join(summary.prompts)),
        ("tags", "  ".join(f"{key}={value}" for key, value in sorted(summary.tags.items()))),
    )
    return known + [(name, (text, "")) for name, text in more if text]


def _tokens(tokens: Tokens | None) -> str:
    return f"{count(tokens.total)}  ({count(tokens.input)} in, {count(tokens.output)} out)" if tokens else ""


def _wrapped(text: str, width: int) -> list[Line]:
    shown = clean(_pretty(text), limit=_TEXT, newlines=True)
    pieces = [piece for line in shown.split("\n") for piece in (wrap(line, max(width - 4, 20)) if line else [""])]
    return [Line([(f"  {piece}", "")]) for piece in pieces]


def _pretty(text: str) -> str:
    """JSON laid out, where it is whole."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _tree(data: Trace, width: int) -> list[Line]:
    shown = data.tree[:MOST_SPANS]
    if not shown:
        return [Line([("  No spans have come yet.", "dim")])]
    first = min(node.span.start_ns for node in data.tree)
    last = max(node.span.end_ns or node.span.start_ns for node in data.tree)
    names = [f"{guide}{clean(node.span.name, limit=80)}" for guide, node in zip(_guides(shown), shown, strict=True)]
    room = min(_NAME, max(len(name) for name in names))
    wide = max(width - room - 40, 8)
    lines: list[Line] = []
    for name, node in zip(names, shown, strict=True):
        lines.append(_span_line(fit(name, room), node, (first, last), wide))
        if node.span.status_message:
            said = wrap(clean(node.span.status_message, limit=_TEXT), max(width - 10, 20))
            lines += [Line([(f"     {piece}", "bad")]) for piece in said]
    rest = data.summary.span_count - len(shown)
    if rest > 0:
        lines.append(Line([(f"  … and {count(rest)} more: qd traces show {data.summary.trace_id} --json", "dim")]))
    return lines


def _span_line(name: str, node: SpanNode, times: tuple[int, int], wide: int) -> Line:
    span = node.span
    mark, look = _LOOKS[span.status]
    took = "running" if span.duration_ns is None else duration_text(span.duration_ns)
    parts: list[Part] = [
        (" ", ""),
        (mark, look),
        (f" {name} ", "bad" if span.status is SpanStatus.ERROR else "name"),
        (f"{fit(clean(span.kind), 9)} ", "dim"),
        (f"{took:>10} ", ""),
        (_bar(span, times, wide), look if look != "dim" else "live"),
    ]
    if span.tokens is not None:
        parts.append((f" {count(span.tokens.total)} tok", "dim"))
    if node.is_detached:
        parts.append((" parent missing", "warn"))
    return Line(parts, key=span.span_id, subject=span)


def duration_text(ns: int) -> str:
    """How long a span took, to three digits: `850 µs`, `12.3 ms`, `4.56 s`."""
    for unit, size_ns in (("s", 1_000 * _NS_PER_MS), ("ms", _NS_PER_MS), ("µs", 1_000)):
        if ns >= size_ns:
            return f"{ns / size_ns:.3g} {unit}" if ns < 1_000 * size_ns else f"{ns // size_ns:,} {unit}"
    return f"{ns} ns"


def _bar(span: Span, times: tuple[int, int], wide: int) -> str:
    """Where a span stands between the first start and the last end; at least one cell."""
    first, last = times
    whole = max(1, last - first)
    begin = min(wide - 1, (span.start_ns - first) * wide // whole)
    end = last if span.end_ns is None else max(span.end_ns, span.start_ns)
    stop = min(wide, max(begin + 1, -((first - end) * wide // whole)))
    return f"{' ' * begin}{'━' * (stop - begin)}{' ' * (wide - stop)}"


def _guides(nodes: Sequence[SpanNode]) -> list[str]:
    """The lines that lead from a span to its parent; below a certain depth they are not drawn any more."""
    guides: list[str] = []
    open_at: list[bool] = []  # for each depth, whether a sibling follows further down
    for node in nodes:
        del open_at[node.depth :]
        open_at.append(not node.is_last)
        if node.depth == 0:
            guides.append("")
        elif node.depth > _DEEPEST:
            guides.append(f"{' ' * _DEEPEST}+{node.depth} ")
        else:
            above = "".join("│ " if is_open else "  " for is_open in open_at[1:-1])
            guides.append(f"{above}{'├─' if open_at[-1] else '└─'}")
    return guides
