"""What the numbers of many runs come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.query import RUNS, Entity, parse_order_by
from engine.core.text import clean
from engine.tracking import aggregate_store, search_store
from engine.tracking.batch_store import key_id
from engine.tracking.inside_store import path_of
from engine.tracking.model import RunQuery
from engine.tracking.reading import RunReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.aggregates import Aggregate, Aggregates
    from engine.core.query import Field
    from engine.db.transaction import Snapshot
    from engine.tracking.aggregate_store import Numbers
    from engine.tracking.search_store import Matching

MOST_COLUMNS = 200
"""Columns of one request."""

_TABLES = {
    Entity.METRIC: ("metric", aggregate_store.METRICS),
    Entity.PARAM: ("param", aggregate_store.PARAMS),
    Entity.TAG: ("tag", aggregate_store.TAGS),
}


class RunAggregating(RunReading):
    """Adds up what runs logged."""

    def aggregates(self, query: RunQuery | None = None, columns: Sequence[str] = ("duration",)) -> Aggregates:
        """Count, least, mean and greatest of the numbers in some columns, over every run that a query finds.

        Args:
            query: Which runs; `order_by`, `limit` and `page_token` do not matter.
            columns: Such as `metrics.auc`, `params.lr`, `tags.size`, and `duration` in milliseconds; 1 to 200.

        Returns:
            The number of runs, and one aggregate for each column, in their order.

        Raises:
            FilterSyntaxError: the filter, the query or a column does not parse.
            NotFound: there is no such experiment.
            InvalidInput: a column holds no numbers, there are too many, or the lifecycle is not valid.
        """
        from engine.core.aggregates import Aggregates

        fields = numeric_fields(columns)
        with self._database.snapshot() as snapshot:
            found = search_store.matching(snapshot, self._search(snapshot, query or RunQuery()))
            runs, things = search_store.read_once(snapshot, found)
            return Aggregates(things, add_up(snapshot, columns, fields, runs, things))


def numeric_fields(columns: Sequence[str]) -> list[Field]:
    """The fields of columns that can be added up.

    Raises:
        FilterSyntaxError: a column does not parse.
        InvalidInput: a column holds no numbers, or there are none or too many.
    """
    if not 1 <= len(columns) <= MOST_COLUMNS:
        raise InvalidInput(f"Name 1 to {MOST_COLUMNS} columns.")
    return [_field(column) for column in columns]


def add_up(
    snapshot: Snapshot, columns: Sequence[str], fields: Sequence[Field], runs: Matching, things: int
) -> tuple[Aggregate, ...]:
    """What columns come to.

    Args:
        snapshot: The view to read in.
        columns: How they are called.
        fields: Their fields, as `numeric_fields` gave them.
        runs: Of which runs.
        things: How many these are.
    """
    numbers = _numbers(snapshot, fields, runs)
    return tuple(_aggregate(column, found, things) for column, found in zip(columns, numbers, strict=True))


def _field(column: str) -> Field:
    [order] = parse_order_by([column], schema=RUNS)
    field = order.field
    if field.entity in _TABLES and path_of(field) is None:
        return field
    if field.entity is Entity.ATTRIBUTE and field.key == "duration":
        return field
    hint = "Name metrics.KEY, params.KEY, tags.KEY or duration."
    raise InvalidInput(f"{clean(column)} has no numbers to add up.", hint=hint)


def _numbers(snapshot: Snapshot, fields: Sequence[Field], runs: Matching) -> list[Numbers]:
    """What each field's numbers come to, asked once for each table."""
    found: dict[Field, Numbers] = {}
    for entity, (kind, table) in _TABLES.items():
        asked = [(field, key_id(snapshot, kind, field.key)) for field in fields if field.entity is entity]
        keys = sorted({key for _, key in asked if key is not None})
        by_key = aggregate_store.of_keys(snapshot, table, keys, runs) if keys else {}
        found |= {field: by_key.get(key or 0, aggregate_store.NONE) for field, key in asked}
    if any(field not in found for field in fields):
        took = aggregate_store.of_durations(snapshot, runs)
        found |= {field: took for field in fields if field not in found}
    return [found[field] for field in fields]


def _aggregate(column: str, found: Numbers, things: int) -> Aggregate:
    from engine.core.aggregates import Aggregate, mean

    return Aggregate(
        column, found.amount, things - found.amount, found.least, mean(found.total, found.amount), found.greatest
    )
