"""Pure rules of span trees: their reading order, whatever parents spans claim, and what they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.traces.model import SpanNode, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.traces.model import Span

TokenNode = tuple[int, "int | None", "int | None", "int | None", "int | None"]
"""Span id, parent id, input, output and total tokens."""


def arrange(spans: Iterable[Span]) -> tuple[SpanNode, ...]:
    """Put spans into the reading order of a tree: parents first, roots and siblings by their start.

    A span whose parent is missing becomes a detached root; of spans that are each other's ancestors the earliest does.

    Args:
        spans: Spans with distinct ids, in any order.

    Returns:
        Every span once.
    """
    ordered = sorted(spans, key=lambda span: (span.start_ns, span.span_id))
    known = {span.span_id for span in ordered}
    children: dict[str | None, list[Span]] = {}
    for span in ordered:
        children.setdefault(span.parent_id if span.parent_id in known else None, []).append(span)
    nodes: list[SpanNode] = []
    reached: set[str] = set()
    roots = children.pop(None, [])
    _walk(roots, children, nodes, reached)
    for span in ordered:  # what is left goes round in circles
        if span.span_id not in reached:
            _walk([span], children, nodes, reached)
    return tuple(nodes)


def _walk(
    roots: Sequence[Span], children: dict[str | None, list[Span]], into: list[SpanNode], reached: set[str]
) -> None:
    """Depth first with a stack of our own: hostile traces are deeper than Python's."""
    stack = [(span, 0, span is roots[-1]) for span in reversed(roots)]
    while stack:
        span, depth, is_last = stack.pop()
        if span.span_id in reached:
            continue
        reached.add(span.span_id)
        into.append(SpanNode(span, depth, is_last, is_detached=depth == 0 and span.parent_id is not None))
        below = children.get(span.span_id, [])
        stack.extend((child, depth + 1, child is below[-1]) for child in reversed(below))


def add_tokens(nodes: Iterable[TokenNode]) -> Tokens | None:
    """Tokens of a whole trace: a span that counts tokens counts them for all spans below it.

    Args:
        nodes: Every span of the trace.

    Returns:
        The sums; `None` when no span counts.
    """
    parents: dict[int, int | None] = {}
    counts: dict[int, Tokens] = {}
    for span, parent, read, written, total in nodes:
        parents[span] = parent
        if read is not None or written is not None or total is not None:
            counts[span] = Tokens(read or 0, written or 0, (read or 0) + (written or 0) if total is None else total)
    covered: dict[int, bool] = {}
    top = [count for span, count in counts.items() if not _is_covered(span, parents, counts, covered)]
    if not top:
        return next(iter(counts.values()), None)
    return Tokens(sum(each.input for each in top), sum(each.output for each in top), sum(each.total for each in top))


def _is_covered(span: int, parents: dict[int, int | None], counts: dict[int, Tokens], covered: dict[int, bool]) -> bool:
    """Whether a span above counts already; every span is asked once, so a chain of any length costs linear time."""
    path: list[int] = []
    at = span
    answer = False
    while at not in covered:
        covered[at] = False  # should the parents go round in a circle
        path.append(at)
        above = parents.get(at)
        if above is None or above not in parents:
            break
        if above in counts:
            answer = True
            break
        at = above
    else:
        answer = covered[at]
    for each in path:
        covered[each] = answer
    return answer
