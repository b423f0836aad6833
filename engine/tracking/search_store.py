"""Search over runs: from a filter and an order to integer keys, a page or all of them.

Four ways through a big workspace, chosen per question after a look at a few index entries:
- Some part of the filter leaves few runs: those are read and sorted.
- Those few are still many pages, and no small share of all: the index of the order is walked, and of the runs it meets
  only those among the few are looked at, until the page is full.
- Else the index of the order is walked and the filter asked of every run it meets, until the page is full.
- When a look at the beginning says that this walk would be long, the filter is first asked of all runs at once, and
  the walk only looks runs up in the sets that pass.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple

from engine.core.errors import InvalidInput
from engine.core.query import Entity, Operator
from engine.db.conditions import Sql
from engine.tracking.filter_store import FilterCompiler, candidates, without
from engine.tracking.order_store import Stretch, after, ranked, sorted_by, stretches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.core.query import Comparison, Filter, OrderBy
    from engine.db.transaction import Snapshot

_PIECE = 20_000
"""Characters of listed keys that are read at a time."""

_LIFECYCLES = {"active": "r.deleted_ms IS NULL", "deleted": "r.deleted_ms IS NOT NULL", "all": "1"}

Lifecycle = Literal["active", "deleted", "all"]


class Effort(NamedTuple):
    """When to choose which way; the defaults were measured at 100,000 runs.

    Args:
        few: Runs that are read and sorted sooner than an index is walked.
        looks: Parts of a filter whose number of runs is looked up.
        sample: Runs at the beginning of a walk that the filter is asked of to foresee its length.
        reach: Runs that a walk may meet; when it would meet more, the filter is asked of all runs at once.
        detour: Runs that a walk may meet for each of the few, rather than that all of the few are read and sorted: to
            meet a run costs a tenth of reading one.
    """

    few: int = 5_000
    looks: int = 8
    sample: int = 200
    reach: int = 20_000
    detour: int = 6


USUAL = Effort()


@dataclass(frozen=True, slots=True)
class Search:
    """A question about runs, parsed.

    Args:
        filter: Which runs; `None` for all.
        order: Sort keys, most significant first, without the ties.
        experiments: Only runs of the experiments of these integer keys.
        lifecycle: `active`, `deleted` or `all`.
        effort: When to choose which way to find them.
    """

    filter: Filter | None
    order: tuple[OrderBy, ...]
    experiments: tuple[int, ...] | None
    lifecycle: Lifecycle
    effort: Effort = USUAL

    @property
    def experiment(self) -> int | None:
        """The only experiment whose runs are asked for, if it is one."""
        return self.experiments[0] if self.experiments is not None and len(self.experiments) == 1 else None

    @property
    def newest_first(self) -> bool:
        """Whether the order begins with the time of the start, along which runs are indexed."""
        if not self.order:
            return True
        first = self.order[0].field
        return first.entity is Entity.ATTRIBUTE and first.key == "start_time"


Position = tuple[object, ...]
"""What a run has under each sort term: the same however it was found, so that the next page may be found otherwise."""


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
    plan = _Plan(snapshot, search, wanted=limit, continued=position is not None)
    start = 0 if position is None else _stretch_of(position, plan.stretches)
    rows: list[Position] = []
    for number in range(start, len(plan.stretches)):
        stretch = plan.stretches[number]
        begin = position[len(stretch.lead) :] if position is not None and number == start else None
        wanted = limit + 1 - len(rows)
        statement = plan.statement(stretch, begin, sets=plan.walk_is_long(stretch, begin, wanted))
        cursor = snapshot.execute(f"{statement.text} LIMIT ?", (*statement.values, wanted))
        rows += ((row[0], *stretch.lead, *row[1:]) for row in cursor)
        if len(rows) > limit:
            break
    row_ids = tuple(int(str(row[0])) for row in rows[:limit])
    return Found(row_ids, rows[limit - 1][1:] if len(rows) > limit else None)


def keys(snapshot: Snapshot, search: Search) -> array[int]:
    """The integer keys of every run a search finds, in order.

    Raises:
        InvalidInput: there are too many sort keys, or a pattern is too long.
    """
    plan = _Plan(snapshot, search)
    if not plan.reads_few and not search.newest_first:
        newest_first = keys(snapshot, replace(search, order=()))
        return array("q", sorted_by(snapshot, newest_first, search.order))
    found = array("q")
    for stretch in plan.stretches:
        inner = plan.statement(stretch, None, sets=True, values=False)
        for piece in _listed(snapshot, inner):
            found.extend(piece)
    return found


def _listed(snapshot: Snapshot, source: Sql) -> Iterator[list[int]]:
    """What a query of column `id` finds, piece by piece."""
    # One row of JSON: half the time of 100,000 rows, and other threads run meanwhile.
    listed = snapshot.execute(f"SELECT json_group_array(id) FROM ({source.text})", source.values).fetchone()[0]
    for piece in _pieces(listed[1:-1]):
        yield json.loads(f"[{piece}]")


def _pieces(listed: str) -> Iterator[str]:
    """Cut numbers between commas into pieces, so that few are Python objects at once and no thread waits for all."""
    begin = 0
    while begin < len(listed):
        end = listed.find(",", begin + _PIECE)
        end = len(listed) if end < 0 else end
        yield listed[begin:end]
        begin = end + 1


def count(snapshot: Snapshot, search: Search) -> int:
    """How many runs a search finds.

    Raises:
        InvalidInput: a pattern is too long.
    """
    source = matching(snapshot, search).source or Sql("SELECT r.id FROM run r")
    return int(snapshot.execute(f"SELECT count(*) FROM ({source.text})", source.values).fetchone()[0])


class Matching(NamedTuple):
    """The runs that a search finds, as something to ask more of.

    Args:
        source: A query of column `id`, every run once; `None` for all runs there are.
        few: Whether they are few.
        marks: Where they are many and were read once: a byte for each integer key, 1 for those found; else nothing.
    """

    source: Sql | None
    few: bool
    marks: bytes = b""

    def marked(self, run: str) -> Sql:
        """The condition that a run is one of those that were marked; a byte is found in a fifth of a set's time.

        Args:
            run: SQL of the run's integer key.
        """
        return Sql(f"substr(?, {run} + 1, 1) = x'01'", (self.marks,))


def matching(snapshot: Snapshot, search: Search) -> Matching:
    """The runs that a search finds, in no order.

    Raises:
        InvalidInput: a pattern is too long.
    """
    if search.filter is None and _are_all(snapshot, search):
        return Matching(None, few=False)
    few = _fewest(snapshot, search)
    if few is None:
        for found, part in candidates(snapshot, search.filter):
            if part == search.filter and _are_all(snapshot, search):  # the index range is the answer
                return Matching(Sql(f"SELECT e.run AS id FROM ({found.text}) e", found.values), few=False)
    source, rest = Sql("run r"), search.filter
    if few is not None:
        rest = few.rest
        source = Sql(f"({few.source.text}) c CROSS JOIN run r ON r.id = c.run", few.source.values)
    where = _conditions(search, rest, FilterCompiler(snapshot, "r.id", sets=few is None))
    asked = Sql(f"SELECT r.id AS id FROM {source.text} WHERE {where.text}", source.values + where.values)
    return Matching(asked, few is not None)


def _are_all(snapshot: Snapshot, search: Search) -> bool:
    """Whether all runs there are would be found but for the filter."""
    if search.experiments is not None or search.lifecycle == "deleted":
        return False
    deleted = "SELECT EXISTS (SELECT 1 FROM run r INDEXED BY run_listing WHERE r.deleted_ms IS NOT NULL)"
    return search.lifecycle == "all" or not snapshot.execute(deleted).fetchone()[0]


def read_once(snapshot: Snapshot, found: Matching) -> tuple[Matching, int]:
    """Find many runs once, so that more can be asked of them without finding them anew.

    Args:
        snapshot: The view they were looked for in.
        found: The runs.

    Returns:
        The same runs, and how many they are.
    """
    if found.source is None:
        return found, int(snapshot.execute("SELECT count(*) FROM run").fetchone()[0])
    if found.few:
        sql = f"SELECT count(*) FROM ({found.source.text})"
        return found, int(snapshot.execute(sql, found.source.values).fetchone()[0])
    marks = bytearray((snapshot.execute("SELECT max(id) FROM run").fetchone()[0] or 0) + 1)
    amount = 0
    for piece in _listed(snapshot, found.source):
        amount += len(piece)
        for run in piece:
            marks[run] = 1
    return found._replace(marks=bytes(marks)), amount


class _Plan:
    """How one search is carried out: its stretches, and the few runs it looks at when the filter leaves few.

    Args:
        snapshot: The view to search in.
        search: The question.
        wanted: At most so many runs are wanted; all when `None`.
        continued: Whether an earlier page may have ended in the last stretch.
    """

    def __init__(
        self, snapshot: Snapshot, search: Search, *, wanted: int | None = None, continued: bool = False
    ) -> None:
        self._snapshot = snapshot
        self._search = search
        self._few = few = _fewest(snapshot, search)
        in_experiment = search.experiment is not None
        self.stretches: Sequence[Stretch] = ()
        self._walks = few is None or (wanted is not None and wanted < few.runs and self._may_meet_all(few.runs))
        if self._walks:
            self.stretches = stretches(snapshot, search.order, in_experiment=in_experiment, continued=continued)
            self._walks = few is None or self.stretches[0].is_walked
        if not self._walks:
            self.stretches = [ranked(snapshot, search.order)]

    def _may_meet_all(self, few: int) -> bool:
        """Whether a walk among which few runs are looked for is short, even if it has to go to its end."""
        runs = self._snapshot.execute("SELECT max(id) FROM run").fetchone()[0] or 0
        return bool(runs <= few * self._search.effort.detour)

    @property
    def reads_few(self) -> bool:
        """Whether the filter leaves few runs."""
        return self._few is not None

    def statement(self, stretch: Stretch, begin: Sequence[object] | None, *, sets: bool, values: bool = True) -> Sql:
        """The query of one stretch, from after `begin`; with the sort terms' values or only the key, `id`."""
        source, run = self._source(stretch)
        where = [self._asked(stretch, run, sets=sets and self._few is None), stretch.where]
        if begin is not None:
            where.append(after(stretch.terms, begin))
        columns = ["r.id AS id", *(term.text for term in stretch.terms)] if values else ["r.id AS id"]
        conditions = " AND ".join(part.text for part in where)
        order = ", ".join(term.clause for term in stretch.terms)
        text = f"SELECT {', '.join(columns)} FROM {source.text} WHERE {conditions} ORDER BY {order}"
        return Sql(text, source.values + tuple(chain.from_iterable(part.values for part in where)))

    def walk_is_long(self, stretch: Stretch, begin: Sequence[object] | None, wanted: int) -> bool:
        """Foresee from its beginning whether a walk will meet many runs before it has found enough."""
        if self._search.filter is None or self._few is not None:
            return False
        if stretch.rare or not stretch.is_walked:
            return True  # it meets every run anyway
        effort = self._search.effort
        met, passed = self._sample(stretch, begin)
        return met >= effort.sample and passed * effort.reach < wanted * effort.sample

    def _sample(self, stretch: Stretch, begin: Sequence[object] | None) -> tuple[int, int]:
        first = stretch.terms[0]
        where = stretch.where
        if begin is not None:
            bound = f"{where.text} AND {first.text} {'<=' if first.descending else '>='} ?"
            where = Sql(bound, (*where.values, begin[0]))
        ordered = f"WHERE {where.text} ORDER BY {first.clause} LIMIT ?"
        if stretch.source is None:
            source, run = f"(SELECT r.* FROM run r {stretch.walk} {ordered}) r", "r.id"
        else:
            table = stretch.source
            inner = f"SELECT o.* FROM {table} o INDEXED BY {table}_by_value {ordered}"
            source, run = f"({inner}) o CROSS JOIN run r ON r.id = o.run", "o.run"
        asked = self._asked(stretch, run, sets=False)
        sql = f"SELECT count(*), total(iif({asked.text}, 1, 0)) FROM {source}"
        values = (*asked.values, *where.values, self._search.effort.sample)
        met, passed = self._snapshot.execute(sql, values).fetchone()
        return int(met), int(passed)

    def _asked(self, stretch: Stretch, run: str, *, sets: bool) -> Sql:
        compiler = FilterCompiler(self._snapshot, run, sets=sets, at_hand=stretch.at_hand)
        few = self._few
        asked = _conditions(self._search, self._search.filter if few is None else few.rest, compiler)
        if few is None or not self._walks:
            return asked
        return Sql(f"{run} IN ({few.source.text}) AND {asked.text}", (*few.source.values, *asked.values))

    def _source(self, stretch: Stretch) -> tuple[Sql, str]:
        """FROM, and the SQL of the run's key in its outermost loop."""
        if self._few is not None and not self._walks:
            few = self._few.source
            text = f"({few.text}) c CROSS JOIN run r ON r.id = c.run {stretch.joins.text}"
            return Sql(text, few.values + stretch.joins.values), "c.run"
        if stretch.source is None:
            return Sql(f"run r {stretch.walk} {stretch.joins.text}", stretch.joins.values), "r.id"
        table = stretch.source
        text = f"{table} o INDEXED BY {table}_by_value CROSS JOIN run r ON r.id = o.run {stretch.joins.text}"
        return Sql(text, stretch.joins.values), "o.run"


def _conditions(search: Search, asked: Filter | None, compiler: FilterCompiler) -> Sql:
    parts = [Sql(_LIFECYCLES[search.lifecycle])]
    if search.experiment is not None:
        parts.append(Sql("r.experiment = ?", (search.experiment,)))
    elif search.experiments is not None:
        listed = json.dumps(search.experiments)
        parts.append(Sql("r.experiment IN (SELECT value FROM json_each(?))", (listed,)))
    if asked is not None:
        parts.append(compiler.condition(asked))
    return Sql(" AND ".join(part.text for part in parts), tuple(chain.from_iterable(part.values for part in parts)))


class _Few(NamedTuple):
    """The index range that has few runs.

    Args:
        source: A query of column `run`.
        rest: What is still to be asked of them.
        runs: How many they are.
    """

    source: Sql
    rest: Filter | None
    runs: int


def _fewest(snapshot: Snapshot, search: Search) -> _Few | None:
    """The index range with the fewest runs; `None` when there is none, or none has few."""
    found: list[tuple[Sql, Comparison | None]] = [*candidates(snapshot, search.filter)[: search.effort.looks]]
    found.sort(key=_is_wide)  # none is counted beyond the least before it
    if search.experiment is not None and not search.newest_first:
        text = "SELECT c.id AS run FROM run c INDEXED BY run_in_experiment WHERE c.experiment = ?"
        found.insert(0, (Sql(text, (search.experiment,)), None))
    least, few = search.effort.few + 1, None
    for source, part in found:
        size = _size(snapshot, source, least)
        if size < least:
            least, few = size, _Few(source, without(search.filter, part) if part else search.filter, size)
    return few


def _is_wide(candidate: tuple[Sql, Comparison | None]) -> bool:
    """Whether a range is one of many values."""
    return candidate[1] is None or candidate[1].operator is not Operator.EQUAL


def _size(snapshot: Snapshot, source: Sql, limit: int) -> int:
    sql = f"SELECT count(*) FROM ({source.text} LIMIT ?)"
    return int(snapshot.execute(sql, (*source.values, limit)).fetchone()[0])


def _stretch_of(position: Position, found: Sequence[Stretch]) -> int:
    """The number of the stretch that a position is in."""
    if all(value is None or isinstance(value, (str, int, float)) for value in position):
        for number, stretch in enumerate(found):
            in_it = position[: len(stretch.lead)] == stretch.lead
            if in_it and len(position) == len(stretch.lead) + len(stretch.terms):
                return number
    raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
