"""Search over runs: from a filter and an order to integer keys, a page or all of them.

Two ways through a big workspace, chosen per question by looking at most `FEW` index entries ahead: when some part of
the filter leaves few runs, those are read and sorted; else the index of the order is walked, the filter asked of every
run it meets, and the walk ends as soon as the page is full.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal

from engine.core.errors import InvalidInput
from engine.tracking.filter_store import FilterCompiler, Sql, candidates
from engine.tracking.order_store import Stretch, after, stretches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.query import Filter, OrderBy
    from engine.db.transaction import Snapshot

FEW = 5_000
"""Runs that are read and sorted sooner than an index of 100,000 is walked; 20 ms."""

_MOST_LOOKS = 8
_CHUNK = 2_000
_LIFECYCLES = {"active": "r.deleted_ms IS NULL", "deleted": "r.deleted_ms IS NOT NULL", "all": "1"}

Lifecycle = Literal["active", "deleted", "all"]


@dataclass(frozen=True, slots=True)
class Search:
    """A question about runs, parsed.

    Args:
        filter: Which runs; `None` for all.
        order: Sort keys, most significant first, without the ties.
        experiment: Only runs of the experiment of this integer key.
        lifecycle: `active`, `deleted` or `all`.
    """

    filter: Filter | None
    order: tuple[OrderBy, ...]
    experiment: int | None
    lifecycle: Lifecycle


Position = tuple[object, ...]
"""Number of the stretch, then the value of each of its sort terms."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of keys.

    Args:
        row_ids: Integer keys of the runs, in order.
        end: The position of the last, when there are more.
    """

    row_ids: tuple[int, ...]
    end: Position | None


def page(snapshot: Snapshot, search: Search, limit: int, position: Position | None) -> Found:
    """One page of a search.

    Args:
        snapshot: The view to search in.
        search: The question.
        limit: At most so many runs, from 1.
        position: Where the page before ended.

    Returns:
        The keys and where they end.

    Raises:
        InvalidInput: the position is not of this search, there are too many sort keys, or a pattern is too long.
    """
    plan = _Plan(snapshot, search, continued=position is not None)
    start = 0 if position is None else _stretch_number(position, plan.stretches)
    rows: list[Position] = []
    for number in range(start, len(plan.stretches)):
        begin = position[1:] if position is not None and number == start else None
        statement = plan.statement(plan.stretches[number], begin)
        cursor = snapshot.execute(f"{statement.text} LIMIT ?", (*statement.values, limit + 1 - len(rows)))
        rows += ((row[0], number, *row[1:]) for row in cursor)
        if len(rows) > limit:
            break
    row_ids = tuple(int(str(row[0])) for row in rows[:limit])
    return Found(row_ids, rows[limit - 1][1:] if len(rows) > limit else None)


def keys(snapshot: Snapshot, search: Search) -> array[int]:
    """The integer keys of every run a search finds, in order.

    Raises:
        InvalidInput: there are too many sort keys, or a pattern is too long.
    """
    found = array("q")
    plan = _Plan(snapshot, search)
    for stretch in plan.stretches:
        statement = plan.statement(stretch, None, values=False)
        cursor = snapshot.execute(statement.text, statement.values)
        while rows := cursor.fetchmany(_CHUNK):
            found.extend(chain.from_iterable(rows))
    return found


def count(snapshot: Snapshot, search: Search) -> int:
    """How many runs a search finds.

    Raises:
        InvalidInput: a pattern is too long.
    """
    few = _fewest(snapshot, search, most=None)
    source = Sql("run r") if few is None else Sql(f"({few.text}) c CROSS JOIN run r ON r.id = c.run", few.values)
    where = _conditions(snapshot, search, "r.id")
    sql = f"SELECT count(*) FROM {source.text} WHERE {where.text}"
    return int(snapshot.execute(sql, source.values + where.values).fetchone()[0])


class _Plan:
    """How one search is carried out: its stretches, and the few runs it reads when the filter leaves few."""

    def __init__(self, snapshot: Snapshot, search: Search, *, continued: bool = False) -> None:
        self._snapshot = snapshot
        self._search = search
        self._few = _fewest(snapshot, search, most=FEW)
        self.stretches = stretches(
            snapshot, search.order, in_experiment=search.experiment is not None, continued=continued
        )

    def statement(self, stretch: Stretch, begin: Sequence[object] | None, *, values: bool = True) -> Sql:
        """The query of one stretch, from after `begin`; with the sort terms' values or only the key."""
        source, run = self._source(stretch)
        where = [_conditions(self._snapshot, self._search, run), stretch.where]
        if begin is not None:
            where.append(after(stretch.terms, begin))
        columns = ["r.id", *(term.text for term in stretch.terms)] if values else ["r.id"]
        conditions = " AND ".join(part.text for part in where)
        order = ", ".join(term.clause for term in stretch.terms)
        text = f"SELECT {', '.join(columns)} FROM {source.text} WHERE {conditions} ORDER BY {order}"
        return Sql(text, source.values + tuple(chain.from_iterable(part.values for part in where)))

    def _source(self, stretch: Stretch) -> tuple[Sql, str]:
        """FROM, and the SQL of the run's key in its outermost loop."""
        few = self._few
        if few is not None:
            text = f"({few.text}) c CROSS JOIN run r ON r.id = c.run"
            if stretch.source is not None:
                text += f" CROSS JOIN {stretch.source} o ON o.run = c.run"
            return Sql(f"{text} {stretch.joins.text}", few.values + stretch.joins.values), "c.run"
        if stretch.source is None:
            return Sql(f"run r {stretch.walk} {stretch.joins.text}", stretch.joins.values), "r.id"
        table = stretch.source
        text = f"{table} o INDEXED BY {table}_by_value CROSS JOIN run r ON r.id = o.run {stretch.joins.text}"
        return Sql(text, stretch.joins.values), "o.run"


def _conditions(snapshot: Snapshot, search: Search, run: str) -> Sql:
    parts = [Sql(_LIFECYCLES[search.lifecycle])]
    if search.experiment is not None:
        parts.append(Sql("r.experiment = ?", (search.experiment,)))
    if search.filter is not None:
        parts.append(FilterCompiler(snapshot, run).condition(search.filter))
    return Sql(" AND ".join(part.text for part in parts), tuple(chain.from_iterable(part.values for part in parts)))


def _fewest(snapshot: Snapshot, search: Search, *, most: int | None) -> Sql | None:
    """The index range with the fewest runs; `None` when there is none, or it has more than `most`."""
    ranges = candidates(snapshot, search.filter)[:_MOST_LOOKS]
    if search.experiment is not None:
        text = "SELECT c.id AS run FROM run c INDEXED BY run_in_experiment WHERE c.experiment = ?"
        ranges.append(Sql(text, (search.experiment,)))
    if not ranges:
        return None
    sizes = [_size(snapshot, each, FEW + 1) for each in ranges]
    smallest = min(range(len(ranges)), key=sizes.__getitem__)
    return ranges[smallest] if most is None or sizes[smallest] <= most else None


def _size(snapshot: Snapshot, source: Sql, limit: int) -> int:
    sql = f"SELECT count(*) FROM ({source.text} LIMIT ?)"
    return int(snapshot.execute(sql, (*source.values, limit)).fetchone()[0])


def _stretch_number(position: Position, found: Sequence[Stretch]) -> int:
    number = position[0] if position else None
    if (
        type(number) is not int
        or not 0 <= number < len(found)
        or len(position) != 1 + len(found[number].terms)
        or not all(value is None or isinstance(value, (str, int, float)) for value in position)
    ):
        raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
    return number
