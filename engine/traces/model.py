"""Traces as values: what is handed in, what is handed out, and what a name stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.core.query import Filter, OrderBy
    from engine.traces.assessment_model import Assessment

ID_PREFIX = "tr-"
"""What stands before the 32 hex digits of an OpenTelemetry trace id in a trace's public id."""


class TraceState(Enum):
    """How a trace went."""

    UNSPECIFIED = "unspecified"
    IN_PROGRESS = "in_progress"
    OK = "ok"
    ERROR = "error"


class SpanStatus(IntEnum):
    """How a span went, numbered as OpenTelemetry does."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that language models read and wrote.

    Args:
        input: Tokens read.
        output: Tokens written.
        total: Both together, as the program says it.
    """

    input: int
    output: int
    total: int


class NewSpan(NamedTuple):
    """A span to be recorded (a tuple: tens of thousands are made a second, and taken apart at once).

    Args:
        trace_id: Public id of its trace.
        span_id: Its 64 bits as a signed integer.
        parent_id: Those of the span it happened in, or `None` for a root.
        name: What it is called.
        kind: What kind of step it is, such as `LLM` or `SERVER`; empty when unsaid.
        status: A `SpanStatus`.
        status_message: Why it failed.
        start_ns: When it began, in nanoseconds since the epoch.
        end_ns: When it ended; `None` while it runs.
        input_tokens: Tokens read, where it says so.
        output_tokens: Tokens written.
        total_tokens: Both together.
        content: Attributes, events and links as `engine.traces.content.encode` writes them.
    """

    trace_id: str
    span_id: int
    parent_id: int | None
    name: str
    kind: str
    status: int
    status_message: str
    start_ns: int
    end_ns: int | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    content: str


@dataclass(slots=True)
class TraceFacts:
    """What some spans of a trace say of the whole; filled span by span.

    Args:
        start_ms: The earliest start, in milliseconds since the epoch.
        end_ms: The latest end; `None` while nothing has ended.
        name: The root's name; empty without a root.
        state: Read off the root; `IN_PROGRESS` without one.
        request: What the root was asked, shortened; `None` when unsaid.
        response: What it answered.
        session: Conversation it belongs to.
        user: Whom it was done for.
        resource: What produced the spans, as tags; tags that are there already stay.
        tags: Tags that the program set.
        has_tokens: Whether a span counts tokens.
    """

    start_ms: int
    end_ms: int | None = None
    name: str = ""
    state: TraceState = TraceState.IN_PROGRESS
    request: str | None = None
    response: str | None = None
    session: str | None = None
    user: str | None = None
    resource: Mapping[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    has_tokens: bool = False


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Spans to be recorded together.

    Args:
        spans: The spans, of any traces.
        traces: What they say of each of these traces, by public id.
    """

    spans: list[NewSpan]
    traces: dict[str, TraceFacts]


@dataclass(frozen=True, slots=True)
class TraceReport:
    """What a program says of a whole trace; it holds against what is read off the spans.

    Args:
        trace_id: Public id.
        experiment: Integer key of the experiment.
        start_ms: When it began, in milliseconds since the epoch.
        end_ms: When it ended; `None` while it runs.
        state: How it went.
        name: What it is called; `None` leaves it to the spans.
        client_request_id: The program's own name for it.
        request: What was asked, shortened.
        response: What was answered.
        session: Conversation it belongs to.
        user: Whom it was done for.
        tokens: Tokens of the whole.
        tags: Tags; others stay.
        metadata: What the program says of itself; other keys stay.
        runs: Ids of runs it belongs to.
        assessments: What is thought of it.
        final: Whether the program says no more of it; until it does, its spans go on telling how it goes.
    """

    trace_id: str
    experiment: int
    start_ms: int
    end_ms: int | None = None
    state: TraceState = TraceState.UNSPECIFIED
    name: str | None = None
    client_request_id: str | None = None
    request: str | None = None
    response: str | None = None
    session: str | None = None
    user: str | None = None
    tokens: Tokens | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    final: bool = True


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Which traces, in which order.

    Args:
        filter: In the filter language over `TRACES`, or parsed; empty for all.
        order_by: Sort keys such as `duration DESC`, or parsed; the newest first without any.
        experiment_ids: Integer keys of the experiments to look in; `None` looks in all.
        limit: Traces per page, 1 to 1,000.
        page_token: Continues an earlier page.
    """

    filter: str | Filter = ""
    order_by: str | tuple[str, ...] | tuple[OrderBy, ...] = ()
    experiment_ids: tuple[int, ...] | None = None
    limit: int = 100
    page_token: str | None = None


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace without its spans: what lists show.

    Args:
        row_id: Its integer key; events of it carry it.
        trace_id: Public id.
        experiment: Name of its experiment.
        experiment_id: Integer key of its experiment.
        name: What it is called; empty while its root is unknown.
        state: How it went.
        start_ms: When it began, in milliseconds since the epoch.
        duration_ms: How long it took; `None` while it runs, never negative.
        span_count: How many spans are stored.
        client_request_id: The program's own name for it.
        request: What was asked, shortened; `None` when unsaid.
        response: What was answered.
        session: Conversation it belongs to.
        user: Whom it was done for.
        tokens: Tokens of the whole, where spans count them; a span counts for those below it.
        tags: Its tags.
        metadata: What the program says of itself.
        runs: Ids of runs it belongs to.
        prompts: Prompt versions it used, as `name/version`.
        final: Whether the program has said itself how the whole went.
    """

    row_id: int
    trace_id: str
    experiment: str
    experiment_id: int
    name: str
    state: TraceState
    start_ms: int
    duration_ms: int | None
    span_count: int
    client_request_id: str | None
    request: str | None
    response: str | None
    session: str | None
    user: str | None
    tokens: Tokens | None
    tags: Mapping[str, str]
    metadata: Mapping[str, str]
    runs: tuple[str, ...]
    prompts: tuple[str, ...]
    final: bool


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span.

    Args:
        name: What it is called; `exception` for one raised.
        time_ns: When, in nanoseconds since the epoch.
        attributes: Details.
    """

    name: str
    time_ns: int
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A span of this or another trace that this one has to do with.

    Args:
        trace_id: The other's trace id, 32 hex digits.
        span_id: The other's id, 16 hex digits.
        attributes: Details.
    """

    trace_id: str
    span_id: str
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a trace.

    Args:
        span_id: Its id, 16 hex digits.
        parent_id: That of the span it happened in, or `None` for a root.
        name: What it is called.
        kind: What kind of step it is, such as `LLM` or `SERVER`; empty when unsaid.
        status: How it went.
        status_message: Why it failed.
        start_ns: When it began, in nanoseconds since the epoch.
        end_ns: When it ended; `None` while it runs.
        tokens: Tokens it counts, those of the spans below it included if it says so.
        attributes: What was logged with it; texts, numbers, booleans, `None`, bytes, lists and mappings of them.
        events: What happened meanwhile.
        links: What it has to do with.
        cut: How many texts, attributes, events or links were cut because they were too large.
    """

    span_id: str
    parent_id: str | None
    name: str
    kind: str
    status: SpanStatus
    status_message: str
    start_ns: int
    end_ns: int | None
    tokens: Tokens | None
    attributes: Mapping[str, object]
    events: tuple[SpanEvent, ...]
    links: tuple[SpanLink, ...]
    cut: int

    @property
    def duration_ns(self) -> int | None:
        """How long it took, in nanoseconds; `None` while it runs, 0 when its clock went back."""
        return None if self.end_ns is None else max(0, self.end_ns - self.start_ns)


@dataclass(frozen=True, slots=True)
class SpanNode:
    """A span at its place in the tree; nodes stand in the order in which a tree is read, parents first.

    Args:
        span: The span.
        depth: How many spans it is in; 0 for a root.
        is_last: Whether no sibling follows.
        is_detached: Whether it should be in another span that is not stored, or in itself by a circle of parents.
    """

    span: Span
    depth: int
    is_last: bool
    is_detached: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace with its spans.

    Args:
        summary: The trace as lists show it.
        tree: Its spans as a tree in reading order, roots and siblings by their start.
        assessments: What is thought of it, oldest first.
        truncated: Whether there are more spans than were read.
    """

    summary: TraceSummary
    tree: tuple[SpanNode, ...]
    assessments: tuple[Assessment, ...]
    truncated: bool = False

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans by their start."""
        return tuple(sorted((node.span for node in self.tree), key=lambda span: (span.start_ns, span.span_id)))


def hex_id(span_id: int) -> str:
    """A span's id as 16 hex digits."""
    return f"{span_id & 0xFFFF_FFFF_FFFF_FFFF:016x}"
