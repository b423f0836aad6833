"""SQL of traces and spans: writing them in bulk, and reading them back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from engine.core.query import number_of
from engine.traces.model import TraceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.traces.model import NewSpan, Tokens, TraceFacts, TraceReport
    from engine.traces.tree import TokenNode

_UNDECIDED = f"('{TraceState.UNSPECIFIED.value}', '{TraceState.IN_PROGRESS.value}')"

_MERGE_FACTS = f"""INSERT INTO trace
    (trace_id, experiment, name, state, start_ms, end_ms, request, response, session, user)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (trace_id) DO UPDATE SET
    name = iif(trace.name = '', excluded.name, trace.name),
    state = iif(trace.state IN {_UNDECIDED} AND excluded.state NOT IN {_UNDECIDED}, excluded.state, trace.state),
    start_ms = iif(trace.final, trace.start_ms, min(trace.start_ms, excluded.start_ms)),
    end_ms = iif(trace.final, trace.end_ms,
        max(coalesce(trace.end_ms, excluded.end_ms), coalesce(excluded.end_ms, trace.end_ms))),
    request = coalesce(trace.request, excluded.request),
    response = coalesce(trace.response, excluded.response),
    session = coalesce(trace.session, excluded.session),
    user = coalesce(trace.user, excluded.user)"""

# A span that has ended is as it is: sent again it changes nothing. One that was still running is replaced.
_INSERT_SPAN = """INSERT INTO span
    (trace, span_id, parent_id, name, kind, status, status_message, start_ns, end_ns,
     input_tokens, output_tokens, total_tokens, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (trace, span_id) DO UPDATE SET
    parent_id = excluded.parent_id, name = excluded.name, kind = excluded.kind, status = excluded.status,
    status_message = excluded.status_message, start_ns = excluded.start_ns, end_ns = excluded.end_ns,
    input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
    total_tokens = excluded.total_tokens, content = excluded.content
    WHERE span.end_ns IS NULL AND excluded.end_ns IS NOT NULL"""

_REPORT = """INSERT INTO trace
    (trace_id, experiment, name, state, start_ms, end_ms, request, response, session, user,
     client_request_id, input_tokens, output_tokens, total_tokens, final)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (trace_id) DO UPDATE SET
    experiment = excluded.experiment,
    name = iif(excluded.name = '', trace.name, excluded.name),
    state = excluded.state, start_ms = excluded.start_ms, end_ms = excluded.end_ms,
    request = coalesce(excluded.request, trace.request), response = coalesce(excluded.response, trace.response),
    session = coalesce(excluded.session, trace.session), user = coalesce(excluded.user, trace.user),
    client_request_id = excluded.client_request_id,
    input_tokens = coalesce(excluded.input_tokens, trace.input_tokens),
    output_tokens = coalesce(excluded.output_tokens, trace.output_tokens),
    total_tokens = coalesce(excluded.total_tokens, trace.total_tokens),
    final = max(trace.final, excluded.final)"""

_TABLES = ("span", "trace_tag", "trace_metadata", "trace_link", "assessment")


class TraceRow(NamedTuple):
    """A trace as stored, with the name of its experiment and the number of its spans."""

    id: int
    trace_id: str
    experiment: str
    experiment_id: int
    name: str
    state: str
    start_ms: int
    end_ms: int | None
    final: int
    client_request_id: str | None
    request: str | None
    response: str | None
    session: str | None
    user: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    spans: int


class SpanRow(NamedTuple):
    """A span as stored."""

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


_ROW = """t.id, t.trace_id, e.name, t.experiment, t.name, t.state, t.start_ms, t.end_ms, t.final, t.client_request_id,
    t.request, t.response, t.session, t.user, t.input_tokens, t.output_tokens, t.total_tokens,
    (SELECT count(*) FROM span s WHERE s.trace = t.id)"""
_SPAN = ", ".join(SpanRow._fields)


def experiment_is_open(view: Snapshot, experiment: int) -> bool | None:
    """Whether an experiment can be logged to: `False` when it is deleted, `None` when there is none."""
    row = view.execute("SELECT deleted_ms IS NULL FROM experiment WHERE id = ?", (experiment,)).fetchone()
    return None if row is None else bool(row[0])


def merge_facts(tx: Transaction, experiment: int, traces: Mapping[str, TraceFacts]) -> dict[str, int]:
    """Add traces, or what is new of them; their integer keys by public id."""
    rows = [
        (
            trace_id,
            experiment,
            facts.name,
            facts.state.value,
            facts.start_ms,
            facts.end_ms,
            facts.request,
            facts.response,
            facts.session,
            facts.user,
        )
        for trace_id, facts in traces.items()
    ]
    tx.executemany(_MERGE_FACTS, rows)
    return keys(tx, list(traces))


def keys(view: Snapshot, trace_ids: Sequence[str]) -> dict[str, int]:
    """The integer keys of those of these traces that are stored, by public id."""
    sql = "SELECT trace_id, id FROM trace WHERE trace_id IN (SELECT value FROM json_each(?))"
    return dict(view.execute(sql, (json.dumps(trace_ids),)))


def insert_spans(tx: Transaction, traces: Mapping[str, int], spans: Iterable[NewSpan]) -> int:
    """Add spans to traces given by public id; how many of them were new or ended now."""
    return tx.executemany(_INSERT_SPAN, [(traces[span[0]], *span[1:]) for span in spans]).rowcount


def newest(tx: Transaction) -> int:
    """The greatest integer key of a trace; 0 without traces."""
    return int(tx.execute("SELECT coalesce(max(id), 0) FROM trace").fetchone()[0])


def report(tx: Transaction, given: TraceReport) -> int:
    """Add a trace as its program reports it, or let the report hold over what was read off spans; its integer key."""
    tokens = given.tokens
    row = (
        given.trace_id,
        given.experiment,
        given.name or "",
        given.state.value,
        given.start_ms,
        given.end_ms,
        given.request,
        given.response,
        given.session,
        given.user,
        given.client_request_id,
        tokens and tokens.input,
        tokens and tokens.output,
        tokens and tokens.total,
        given.final,
    )
    tx.execute(_REPORT, row)
    return keys(tx, [given.trace_id])[given.trace_id]


def end(tx: Transaction, trace: int, end_ms: int, state: str) -> None:
    """Note the end of a trace."""
    tx.execute("UPDATE trace SET end_ms = ?, state = ?, final = 1 WHERE id = ?", (end_ms, state, trace))


def set_name(tx: Transaction, trace: int, name: str) -> None:
    """Call a trace something else."""
    tx.execute("UPDATE trace SET name = ? WHERE id = ?", (name, trace))


def set_tags(tx: Transaction, rows: Iterable[tuple[int, str, str]], *, keep: bool = False) -> None:
    """Set tags of traces; `keep` leaves those that are there. rows: (trace, key, value)."""
    numbered = [(trace, key, value, number_of(value)) for trace, key, value in rows]
    sql = "INSERT INTO trace_tag VALUES (?, ?, ?, ?) ON CONFLICT DO "
    replaced = "UPDATE SET value = excluded.value, number = excluded.number"
    tx.executemany(sql + ("NOTHING" if keep else replaced), numbered)


def set_metadata(tx: Transaction, trace: int, pairs: Mapping[str, str]) -> None:
    """Add metadata to a trace; a key that is there gets the new value."""
    rows = [(trace, key, value, number_of(value)) for key, value in pairs.items()]
    tx.executemany("INSERT OR REPLACE INTO trace_metadata VALUES (?, ?, ?, ?)", rows)


def delete_tag(tx: Transaction, trace: int, key: str) -> bool:
    """Take a tag away; whether it was there."""
    return tx.execute("DELETE FROM trace_tag WHERE trace = ? AND key = ?", (trace, key)).rowcount > 0


def link(tx: Transaction, traces: Iterable[int], kind: str, targets: Sequence[str]) -> None:
    """Note that traces belong to runs (`run`) or use prompts (`prompt`)."""
    rows = [(trace, kind, target) for trace in traces for target in targets]
    tx.executemany("INSERT OR IGNORE INTO trace_link VALUES (?, ?, ?)", rows)


def token_nodes(view: Snapshot, trace: int, limit: int) -> list[TokenNode]:
    """The ids, parents and tokens of a trace's spans, at most so many."""
    sql = "SELECT span_id, parent_id, input_tokens, output_tokens, total_tokens FROM span WHERE trace = ? LIMIT ?"
    return view.execute(sql, (trace, limit)).fetchall()


def set_tokens(tx: Transaction, trace: int, tokens: Tokens) -> None:
    """Note the tokens of a whole trace, unless its program has reported them."""
    sql = """UPDATE trace SET input_tokens = ?, output_tokens = ?, total_tokens = ?
        WHERE id = ? AND NOT (final AND total_tokens IS NOT NULL)"""
    tx.execute(sql, (tokens.input, tokens.output, tokens.total, trace))


def rows(view: Snapshot, traces: Sequence[int]) -> dict[int, TraceRow]:
    """Traces by their integer keys."""
    sql = f"""SELECT {_ROW} FROM trace t JOIN experiment e ON e.id = t.experiment
        WHERE t.id IN (SELECT value FROM json_each(?))"""
    return {row[0]: TraceRow(*row) for row in view.execute(sql, (json.dumps(traces),))}


def pairs(view: Snapshot, table: str, traces: Sequence[int]) -> dict[int, dict[str, str]]:
    """The tags (`trace_tag`) or metadata (`trace_metadata`) of traces, by integer key."""
    found: dict[int, dict[str, str]] = {trace: {} for trace in traces}
    sql = f"SELECT trace, key, value FROM {table} WHERE trace IN (SELECT value FROM json_each(?)) ORDER BY trace, key"
    for trace, key, value in view.execute(sql, (json.dumps(traces),)):
        found[trace][key] = value
    return found


def links(view: Snapshot, traces: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    """The runs and prompts of traces, by integer key and kind."""
    found: dict[int, dict[str, list[str]]] = {trace: {"run": [], "prompt": []} for trace in traces}
    sql = "SELECT trace, kind, target FROM trace_link WHERE trace IN (SELECT value FROM json_each(?))"
    for trace, kind, target in view.execute(sql, (json.dumps(traces),)):
        found[trace][kind].append(target)
    return found


def spans(view: Snapshot, trace: int, limit: int) -> list[SpanRow]:
    """The earliest spans of a trace, at most so many."""
    sql = f"SELECT {_SPAN} FROM span WHERE trace = ? ORDER BY start_ns, id LIMIT ?"
    return [SpanRow(*row) for row in view.execute(sql, (trace, limit))]


def with_prefix(view: Snapshot, prefix: str, limit: int) -> list[str]:
    """Public ids that begin so, at most so many."""
    sql = "SELECT trace_id FROM trace WHERE trace_id >= ? AND trace_id < ? ORDER BY trace_id LIMIT ?"
    return [row[0] for row in view.execute(sql, (prefix, prefix + "\U0010ffff", limit))]


def to_delete(
    view: Snapshot, experiment: int, *, trace_ids: Sequence[str] | None, until_ms: int | None, limit: int
) -> list[tuple[int, str]]:
    """Keys and ids of an experiment's traces, the oldest first: those given, those begun by a time, at most so many."""
    sql = """SELECT id, trace_id FROM trace WHERE experiment = ?
        AND (? IS NULL OR trace_id IN (SELECT value FROM json_each(?))) AND (? IS NULL OR start_ms <= ?)
        ORDER BY start_ms, trace_id LIMIT ?"""
    listed = None if trace_ids is None else json.dumps(trace_ids)
    return view.execute(sql, (experiment, listed, listed, until_ms, until_ms, limit)).fetchall()


def begun_before(view: Snapshot, before_ms: int, limit: int) -> list[int]:
    """Integer keys of traces begun before a time, the oldest first, at most so many."""
    sql = "SELECT id FROM trace WHERE start_ms < ? ORDER BY start_ms LIMIT ?"
    return [row[0] for row in view.execute(sql, (before_ms, limit))]


def delete_spans(tx: Transaction, traces: Sequence[int], limit: int) -> int:
    """Take spans of traces away, at most so many; how many went."""
    sql = """DELETE FROM span WHERE id IN
        (SELECT id FROM span WHERE trace IN (SELECT value FROM json_each(?)) LIMIT ?)"""
    return tx.execute(sql, (json.dumps(traces), limit)).rowcount


def delete(tx: Transaction, traces: Sequence[int]) -> int:
    """Take traces away with all that belongs to them; how many spans went."""
    listed = (json.dumps(traces),)
    gone = 0
    for table in _TABLES:
        count = tx.execute(f"DELETE FROM {table} WHERE trace IN (SELECT value FROM json_each(?))", listed).rowcount
        gone = count if table == "span" else gone
    tx.execute("DELETE FROM trace WHERE id IN (SELECT value FROM json_each(?))", listed)
    return gone
