"""A trace as lines of text: its spans as a tree, with a bar where each stands in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.cells import duration, moment_and_age
from engine.core.text import clean, fit, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.traces.model import Span, SpanNode, Tokens, Trace

_BAR = 30
_NAME = 48
_DEEPEST = 16
_LINE = 160
_NS = 1_000_000


def head(trace: Trace) -> list[str]:
    """What is said of the whole, a line a field.

    Args:
        trace: The trace.

    Returns:
        The lines; logged text in them is cleaned.
    """
    summary = trace.summary
    fields = (
        ("trace", summary.trace_id),
        ("name", summary.name),
        ("state", summary.state.value),
        ("started", moment_and_age(summary.start_ms)),
        ("took", duration(summary.duration_ms)),
        ("experiment", summary.experiment),
        ("runs", ", ".join(summary.runs)),
        ("prompts", ", ".join(summary.prompts)),
        ("session", summary.session),
        ("user", summary.user),
        ("tokens", _tokens(summary.tokens)),
        ("request", summary.request),
        ("response", summary.response),
        ("tags", ", ".join(f"{key}={value}" for key, value in summary.tags.items())),
        *(
            (each.kind.value, _assessed(each.name, each.value, each.rationale))
            for each in trace.assessments
            if each.valid
        ),
    )
    return [f"{name:<12}{clean(value, limit=_LINE)}" for name, value in fields if value]


def _assessed(name: str, value: object, rationale: str | None) -> str:
    return f"{name} = {value}" + (f" ({rationale})" if rationale else "")


def _tokens(tokens: Tokens | None) -> str:
    return "" if tokens is None else f"{tokens.total} ({tokens.input} in, {tokens.output} out)"


def waterfall(trace: Trace, *, most: int) -> Iterator[str]:
    """The spans, a line each.

    Args:
        trace: The trace.
        most: At most so many spans.

    Returns:
        The lines, names cleaned.
    """
    shown = trace.tree[:most]
    if not shown:
        yield "No spans have come yet."
        return
    first = min(node.span.start_ns for node in trace.tree)
    last = max(node.span.end_ns or node.span.start_ns for node in trace.tree)
    names = [f"{guide}{clean(node.span.name)}" for guide, node in zip(_guides(shown), shown, strict=True)]
    room = min(_NAME, max(map(width, names)))
    for name, node in zip(names, shown, strict=True):
        yield _line(fit(name, room), node, first, last)
    rest = trace.summary.span_count - len(shown)
    if rest > 0:
        yield f"… and {rest} more; see --spans and --json."


def _line(name: str, node: SpanNode, first: int, last: int) -> str:
    span = node.span
    parts = [
        name,
        fit(clean(span.kind) or "-", 12),
        fit(span.status.name.lower(), 6),
        fit(_milliseconds(span.start_ns - first), 12, right=True),
        fit("running" if span.duration_ns is None else _milliseconds(span.duration_ns), 12, right=True),
        _bar(span, first, last),
    ]
    if span.tokens is not None:
        parts.append(f"{span.tokens.total} tokens")
    if node.is_detached:
        parts.append("(its parent is missing)")
    if span.status_message:
        parts.append(clean(span.status_message, limit=80))
    return "  ".join(parts).rstrip()


def _bar(span: Span, first: int, last: int) -> str:
    """Where a span stands between the first start and the last end; at least one cell."""
    whole = max(1, last - first)
    begin = min(_BAR - 1, (span.start_ns - first) * _BAR // whole)
    end = last if span.end_ns is None else max(span.end_ns, span.start_ns)
    stop = min(_BAR, max(begin + 1, -((first - end) * _BAR // whole)))
    return f"|{' ' * begin}{'=' * (stop - begin)}{' ' * (_BAR - stop)}|"


def _milliseconds(span_ns: int) -> str:
    return f"{span_ns / _NS:.2f} ms" if span_ns < 100_000 * _NS else f"{span_ns // (1000 * _NS)} s"


def _guides(nodes: Sequence[SpanNode]) -> Iterator[str]:
    """The lines that lead from a span to its parent; below a certain depth they are not drawn any more."""
    open_at: list[bool] = []  # for each depth, whether a sibling follows further down
    for node in nodes:
        del open_at[node.depth :]
        open_at.append(not node.is_last)
        if node.depth == 0:
            yield ""
        elif node.depth > _DEEPEST:
            yield f"{' ' * _DEEPEST}+{node.depth} "
        else:
            above = "".join("| " if is_open else "  " for is_open in open_at[1:-1])
            yield f"{above}{'+-' if open_at[-1] else '`-'} "
