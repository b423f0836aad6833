"""Finding and reading traces. No role is needed beyond opening the workspace."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, cast

from engine.core.errors import InvalidInput
from engine.core.paging import Page, decode_token, encode_token
from engine.core.query import TRACES, OrderBy, parse_filter, parse_order_by
from engine.traces import assessment_store, search_store, store
from engine.traces.lookup import TraceService, known, resolve
from engine.traces.model import SpanStatus, Tokens, Trace, TraceQuery, TraceState, TraceSummary, hex_id
from engine.traces.rules import MAX_PAGE, MAX_SPANS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.query import Filter
    from engine.db.transaction import Snapshot
    from engine.traces.assessment_model import Assessment
    from engine.traces.model import Span

_ALL = 10_000_000


class TraceReading(TraceService):
    """Finds and reads traces."""

    def page(self, query: TraceQuery | None = None) -> Page[TraceSummary]:
        """One page of a search.

        Args:
            query: Which traces, in which order; the newest 100 by default.

        Returns:
            The traces, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            InvalidInput: the limit is not valid, or the token is not of this query.
        """
        query = query or TraceQuery()
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        after = None if query.page_token is None else _position(query.page_token)
        with self._database.snapshot() as view:
            found, end = self._found(view, query, query.limit, after)
            traces = _load(view, found)
        items = tuple(traces[key] for key in found if key in traces)
        return Page(items, None if end is None else encode_token(list(end)))

    def keys(self, query: TraceQuery | None = None) -> array[int]:
        """The integer keys of a whole result, in order; `limit` and `page_token` are not looked at.

        Args:
            query: Which traces, in which order.

        Returns:
            8 bytes a trace; `rows` reads those that are shown.

        Raises:
            FilterSyntaxError: the filter or an order does not parse.
        """
        with self._database.snapshot() as view:
            found, _ = self._found(view, query or TraceQuery(), _ALL, None)
        return array("q", found)

    def rows(self, row_ids: Sequence[int]) -> dict[int, TraceSummary]:
        """Traces by integer key, for the rows of a table that are shown.

        Args:
            row_ids: Integer keys.

        Returns:
            The traces that exist, by key.
        """
        with self._database.snapshot() as view:
            return _load(view, row_ids)

    def count(self, query: TraceQuery | None = None) -> int:
        """How many traces a query finds; its order, limit and token do not matter.

        Raises:
            FilterSyntaxError: the filter does not parse.
        """
        query = query or TraceQuery()
        with self._database.snapshot() as view:
            return search_store.count(view, query.experiment_ids, self._parsed(query))

    def get(self, trace_id: str) -> Trace:
        """One trace with its spans as a tree.

        Args:
            trace_id: Its public id, or a beginning of it that no other shares, with at least 4 of its digits.

        Returns:
            The trace, with its earliest 20,000 spans.

        Raises:
            NotFound: there is none.
            InvalidInput: several traces' ids begin so; the message lists them.
        """
        with self._database.snapshot() as view:
            return _trace(view, resolve(view, trace_id))

    def get_all(self, trace_ids: Sequence[str]) -> tuple[Trace, ...]:
        """Several traces with their spans.

        Args:
            trace_ids: Their public ids, in full.

        Returns:
            Those that exist, in the order asked for, each once.
        """
        with self._database.snapshot() as view:
            keys = store.keys(view, trace_ids)
            return tuple(_trace(view, keys[each]) for each in dict.fromkeys(trace_ids) if each in keys)

    def summaries(self, trace_ids: Sequence[str]) -> tuple[TraceSummary, ...]:
        """Several traces without their spans.

        Args:
            trace_ids: Their public ids, in full.

        Returns:
            Those that exist, in the order asked for, each once.
        """
        with self._database.snapshot() as view:
            keys = store.keys(view, trace_ids)
            loaded = _load(view, list(keys.values()))
        return tuple(loaded[keys[each]] for each in dict.fromkeys(trace_ids) if each in keys)

    def summary(self, trace_id: str) -> TraceSummary:
        """One trace without its spans.

        Args:
            trace_id: Its public id, in full.

        Raises:
            NotFound: there is none.
        """
        with self._database.snapshot() as view:
            key = known(view, trace_id)
            return _load(view, [key])[key]

    def assessments(self, trace_ids: Sequence[str]) -> dict[str, list[Assessment]]:
        """What is thought of traces.

        Args:
            trace_ids: Public ids, in full.

        Returns:
            The assessments of those that exist, oldest first, by public id.
        """
        with self._database.snapshot() as view:
            keys = store.keys(view, trace_ids)
            found = assessment_store.of_traces(view, list(keys.values()))
        return {trace_id: found[key] for trace_id, key in keys.items()}

    def _found(
        self, view: Snapshot, query: TraceQuery, limit: int, after: Sequence[object] | None
    ) -> tuple[list[int], search_store.Position | None]:
        order = (*_order(query), *TRACES.ties)
        tree = self._parsed(query)
        return search_store.page(view, query.experiment_ids, tree, order, limit=limit, after=after)

    def _parsed(self, query: TraceQuery) -> Filter | None:
        if not isinstance(query.filter, str):
            return query.filter
        return parse_filter(query.filter, schema=TRACES, now_ms=self._clock.now_ms())


def _order(query: TraceQuery) -> tuple[OrderBy, ...]:
    given = query.order_by
    if isinstance(given, tuple) and given and isinstance(given[0], OrderBy):
        return given
    return parse_order_by(cast("str | tuple[str, ...]", given), schema=TRACES)


def _position(token: str) -> list[object]:
    position = decode_token(token)
    if not isinstance(position, list):
        raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
    return cast("list[object]", position)


def _load(view: Snapshot, keys: Sequence[int]) -> dict[int, TraceSummary]:
    wanted = list(keys)
    tags = store.pairs(view, "trace_tag", wanted)
    metadata = store.pairs(view, "trace_metadata", wanted)
    links = store.links(view, wanted)
    return {key: _summary(row, tags[key], metadata[key], links[key]) for key, row in store.rows(view, wanted).items()}


def _summary(
    row: store.TraceRow, tags: dict[str, str], metadata: dict[str, str], links: dict[str, list[str]]
) -> TraceSummary:
    return TraceSummary(
        row_id=row.id,
        trace_id=row.trace_id,
        experiment=row.experiment,
        experiment_id=row.experiment_id,
        name=row.name,
        state=TraceState(row.state),
        start_ms=row.start_ms,
        duration_ms=None if row.end_ms is None else max(0, row.end_ms - row.start_ms),
        span_count=row.spans,
        client_request_id=row.client_request_id,
        request=row.request,
        response=row.response,
        session=row.session,
        user=row.user,
        tokens=_tokens(row.input_tokens, row.output_tokens, row.total_tokens),
        tags=tags,
        metadata=metadata,
        runs=tuple(links["run"]),
        prompts=tuple(links["prompt"]),
        final=bool(row.final),
    )


def _tokens(read: int | None, written: int | None, total: int | None) -> Tokens | None:
    return None if total is None else Tokens(read or 0, written or 0, total)


def _trace(view: Snapshot, key: int) -> Trace:
    from engine.traces.tree import arrange  # lists do without

    summary = _load(view, [key])[key]
    spans = [_span(row) for row in store.spans(view, key, MAX_SPANS)]
    found = assessment_store.of_traces(view, [key])[key]
    return Trace(summary, arrange(spans), tuple(found), truncated=summary.span_count > len(spans))


def _span(row: store.SpanRow) -> Span:
    from engine.traces.content import decode
    from engine.traces.model import Span

    content = decode(row.content)
    return Span(
        span_id=hex_id(row.span_id),
        parent_id=None if row.parent_id is None else hex_id(row.parent_id),
        name=row.name,
        kind=row.kind,
        status=SpanStatus(row.status),
        status_message=row.status_message,
        start_ns=row.start_ns,
        end_ns=row.end_ns,
        tokens=_tokens(row.input_tokens, row.output_tokens, row.total_tokens),
        attributes=content.attributes,
        events=content.events,
        links=content.links,
        cut=content.cut,
    )
