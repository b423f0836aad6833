"""SQL of measures: single values with what they are told apart by; they are summed up elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import InvalidInput
from engine.db.conditions import Sql
from engine.traces.measure_model import Quantity, Subject
from engine.traces.search_store import condition, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.core.query import Filter
    from engine.db.transaction import Snapshot
    from engine.traces.measure_model import MeasureQuery

MAX_VALUES = 1_000_000
"""Most values that one query looks at."""


class _Source(NamedTuple):
    tables: str
    time_ms: str
    quantities: Mapping[Quantity, str]
    groups: Mapping[str, str]


_SOURCES = {
    Subject.TRACES: _Source(
        tables="trace t",
        time_ms="t.start_ms",
        quantities={
            Quantity.COUNT: "1",
            Quantity.SESSIONS: "t.session",
            Quantity.LATENCY_MS: "t.end_ms - t.start_ms",
            Quantity.INPUT_TOKENS: "t.input_tokens",
            Quantity.OUTPUT_TOKENS: "t.output_tokens",
            Quantity.TOTAL_TOKENS: "t.total_tokens",
        },
        groups={"name": "nullif(t.name, '')", "state": "t.state"},
    ),
    Subject.SPANS: _Source(
        tables="trace t JOIN span s ON s.trace = t.id",
        time_ms="(s.start_ns / 1000000)",
        quantities={
            Quantity.COUNT: "1",
            Quantity.LATENCY_MS: "(s.end_ns - s.start_ns) / 1e6",
            Quantity.INPUT_TOKENS: "s.input_tokens",
            Quantity.OUTPUT_TOKENS: "s.output_tokens",
            Quantity.TOTAL_TOKENS: "s.total_tokens",
        },
        groups={
            "name": "s.name",
            "kind": "nullif(s.kind, '')",
            "status": "CASE s.status WHEN 1 THEN 'ok' WHEN 2 THEN 'error' ELSE 'unset' END",
        },
    ),
    Subject.ASSESSMENTS: _Source(
        tables="trace t JOIN assessment a ON a.trace = t.id",
        time_ms="t.start_ms",
        quantities={Quantity.COUNT: "1", Quantity.VALUE: "a.number"},
        groups={"name": "a.name", "kind": "a.kind", "value": "a.text"},
    ),
}

Value = tuple["int | None", tuple[str, ...], "float | str"]
"""Where its piece of time begins, what it is told apart by, and the value."""


def values(view: Snapshot, query: MeasureQuery, tree: Filter | None) -> list[Value]:
    """The values that a query measures, by time; what is missing, or lacks what it is told apart by, is left out.

    Args:
        view: Where to look.
        query: What to measure.
        tree: Its filter, parsed.

    Raises:
        InvalidInput: the subject does not have that quantity or group, or there are too many values.
    """
    source = _SOURCES[query.subject]
    quantity = source.quantities.get(query.quantity)
    if quantity is None or not source.groups.keys() >= set(query.by):
        quantities = ", ".join(each.value for each in source.quantities)
        raise InvalidInput(
            f"{query.subject.value} cannot be measured so.",
            hint=f"They have {quantities}, by {', '.join(source.groups)}.",
        )
    groups = [source.groups[name] for name in query.by]
    bucket, length = ("NULL", ()) if query.interval_ms is None else _bucket(source.time_ms, query.interval_ms)
    conditions = [within(query.experiment_ids), *_times(source, query)]
    if tree is not None:
        conditions.append(condition(tree, of_span=query.subject is Subject.SPANS))
    if query.assessment is not None and query.subject is Subject.ASSESSMENTS:
        conditions.append(Sql("a.name = ?", (query.assessment,)))
    conditions += [Sql(f"({each}) IS NOT NULL") for each in (quantity, *groups)]
    sql = f"""SELECT {", ".join((bucket, quantity, *groups))} FROM {source.tables}
        WHERE {" AND ".join(each.text for each in conditions)} ORDER BY 1 LIMIT ?"""
    bound = (value for each in conditions for value in each.values)
    found = view.execute(sql, (*length, *bound, MAX_VALUES + 1)).fetchall()
    if len(found) > MAX_VALUES:
        raise InvalidInput(f"More than {MAX_VALUES} values would be measured.", hint="Narrow the time or the filter.")
    return [(begin, tuple(map(str, told)), value) for begin, value, *told in found]


def _bucket(time_ms: str, interval_ms: int) -> tuple[str, tuple[int, ...]]:
    """The beginning of the piece of time, rounded down before 1970 too."""
    return f"{time_ms} - (({time_ms} % ?) + ?) % ?", (interval_ms, interval_ms, interval_ms)


def _times(source: _Source, query: MeasureQuery) -> list[Sql]:
    limits = ((">=", query.start_ms), ("<=", query.end_ms))
    return [Sql(f"{source.time_ms} {sign} ?", (limit,)) for sign, limit in limits if limit is not None]
