"""How runs are ordered in SQL: sort terms, the stretches of an order that an index walks, and keyset positions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.core.errors import InvalidInput
from engine.core.query import RUNS, Entity, OrderBy
from engine.db.conditions import NUMBERS, Sql
from engine.tracking.attribute_store import ATTRIBUTES, NULLABLE
from engine.tracking.batch_store import key_id
from engine.tracking.inside_store import path_of, rows_inside
from engine.tracking.rules import NAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.core.query import Field
    from engine.db.transaction import Snapshot

MAX_KEYS = 20
"""Most sort keys; each costs a join, and SQLite joins 64 tables at most."""

_TABLES = {Entity.METRIC: "latest_metric", Entity.PARAM: "param", Entity.TAG: "tag"}
_KINDS = {Entity.METRIC: "metric", Entity.PARAM: "param", Entity.TAG: "tag"}


class Term(NamedTuple):
    """One SQL expression to sort by.

    Args:
        text: The expression.
        descending: The greatest first.
        nullable: It may be NULL; a term before it then says so, and sorts.
    """

    text: str
    descending: bool = False
    nullable: bool = False

    @property
    def clause(self) -> str:
        """Its part of ORDER BY."""
        return f"{self.text} DESC" if self.descending else self.text


class Stretch(NamedTuple):
    """A part of the order, all of whose runs come before those of the next part.

    Args:
        source: The table that the index walk drives, as `o`; `None` walks `run`.
        where: What its rows fulfil.
        terms: The sort terms within it.
        joins: Joins that later terms need.
        walk: How `run` is read when it drives: an index, or nothing for SQLite's choice.
        at_hand: The field whose row `o` is.
        rare: Whether its runs are few among many that the walk meets.
        lead: What the positions of its runs begin with, before the values of `terms`.
    """

    source: str | None
    where: Sql
    terms: tuple[Term, ...]
    joins: Sql
    walk: str = ""
    at_hand: Field | None = None
    rare: bool = False
    lead: tuple[object, ...] = ()

    @property
    def is_walked(self) -> bool:
        """Whether an index leads along its first term, so that reading can stop early."""
        return self.terms[0].text == ("r.start_ms" if self.source is None else "o.value")


def stretches(
    snapshot: Snapshot, order: Sequence[OrderBy], *, in_experiment: bool, continued: bool = False
) -> list[Stretch]:
    """Cut an order into stretches.

    A metric that comes first gives three: runs with a number (walked along its index), with NaN, and without; a
    parameter or tag two; an attribute one.

    Args:
        snapshot: Where keys are looked up.
        order: Sort keys, without the ties.
        in_experiment: Whether only one experiment's runs are asked for.
        continued: Whether an earlier page may have ended in the last stretch, which must then not be left out.

    Returns:
        The stretches, in order; the last is left out when it is known to be empty.

    Raises:
        InvalidInput: there are more than `MAX_KEYS` sort keys.
    """
    _check_count(order)
    keys = _distinct(order)
    first, rest = keys[0], keys[1:]
    if first.field.entity is Entity.ATTRIBUTE or path_of(first.field) is not None:
        joins, terms = _terms(snapshot, keys)
        walk = ""
        if first.field.key == "start_time":
            walk = "INDEXED BY run_in_experiment" if in_experiment else "INDEXED BY run_listing"
        return [Stretch(None, Sql("1"), terms, joins, walk)]
    joins, terms = _terms(snapshot, rest)
    found = _keyed_stretches(snapshot, first, terms, joins)
    return found if continued or found[-1].where != _NOBODY else found[:-1]


def ranked(snapshot: Snapshot, order: Sequence[OrderBy]) -> Stretch:
    """The whole order as one stretch, for runs that are all read and sorted: reading them once is enough.

    Args:
        snapshot: Where keys are looked up.
        order: Sort keys, without the ties.

    Returns:
        The stretch; its positions are those of `stretches`.

    Raises:
        InvalidInput: there are more than `MAX_KEYS` sort keys.
    """
    _check_count(order)
    joins, terms = _terms(snapshot, _distinct(order))
    return Stretch(None, Sql("1"), terms, joins)


_LOOK_UP = 10
"""Runs that are read along an index in the time in which one is looked up."""

_LISTED = "(SELECT value FROM json_each(?))"
_NOBODY = Sql("0")
_RARE = 0.05


def _check_count(order: Sequence[OrderBy]) -> None:
    if len(order) > MAX_KEYS:
        raise InvalidInput(f"Runs are sorted by at most {MAX_KEYS} keys.", hint="Drop some.")


def _keyed_stretches(snapshot: Snapshot, first: OrderBy, terms: tuple[Term, ...], joins: Sql) -> list[Stretch]:
    entity = first.field.entity
    table = _TABLES[entity]
    key = key_id(snapshot, _KINDS[entity], first.field.key)
    leading = (Term("o.value", first.descending), *terms)
    if entity is Entity.METRIC:
        found = [
            Stretch(table, Sql(f"o.key = ? AND o.value {NUMBERS}", (key,)), leading, joins),
            Stretch(table, Sql("o.key = ? AND o.value = ?", (key, NAN)), terms, joins, lead=(1, NAN)),
        ]
    else:
        found = [Stretch(table, Sql("o.key = ?", (key,)), leading, joins)]
    found = [each._replace(at_hand=first.field, lead=each.lead or (0,)) for each in found]
    share = _share_without(snapshot, key)
    without = _NOBODY
    if share >= _RARE:
        without = Sql(f"NOT EXISTS (SELECT 1 FROM {table} n WHERE n.run = r.id AND n.key = ?)", (key,))
    elif share > 0:
        text = f"r.id NOT IN (SELECT n.run FROM {table} n INDEXED BY {table}_by_value WHERE n.key = ?)"
        without = Sql(text, (key,))
    rest = Stretch(None, without, terms, joins, "INDEXED BY run_listing", rare=share < _RARE, lead=(len(found), None))
    return [*found, rest]


def _share_without(snapshot: Snapshot, key: int | None) -> float:
    """Which share of all runs lacks a key: from the count kept with it; the integer keys of runs have no gaps."""
    sql = "SELECT (SELECT runs FROM run_key WHERE id = ?), (SELECT max(id) FROM run)"
    having, runs = snapshot.execute(sql, (key,)).fetchone()
    return 1 - (having or 0) / runs if runs else 0.0


def _distinct(order: Sequence[OrderBy]) -> list[OrderBy]:
    """The order with its ties, each field once; nothing after the run id, which is unique."""
    kept: dict[object, OrderBy] = {}
    for key in (*order, *RUNS.ties):
        kept.setdefault(key.field, key)
        if key.field.entity is Entity.ATTRIBUTE and key.field.key == "run_id":
            break
    return list(kept.values())


def _terms(snapshot: Snapshot, keys: Sequence[OrderBy]) -> tuple[Sql, tuple[Term, ...]]:
    joins: list[str] = []
    values: list[object] = []
    terms: list[Term] = []
    for number, key in enumerate(keys):
        entity, descending = key.field.entity, key.descending
        if entity is Entity.ATTRIBUTE:
            column, nullable = ATTRIBUTES[key.field.key], key.field.key in NULLABLE
            rank = f"({column} IS NULL)"
        else:
            alias = f"s{number}"
            column, nullable = f"{alias}.value", True
            rank = f"iif({column} {NUMBERS}, 0, iif({column} IS NULL, 2, 1))"
            if entity is not Entity.METRIC:
                rank = f"({column} IS NULL)"
            join = _joined(snapshot, key.field, alias)
            joins.append(join.text)
            values += join.values
        if nullable:
            terms.append(Term(rank))
        terms.append(Term(column, descending, nullable))
    return Sql(" ".join(joins), tuple(values)), tuple(terms)


def _joined(snapshot: Snapshot, field: Field, alias: str) -> Sql:
    """A join that gives each run its value under a field, if it has one."""
    table, path = _TABLES[field.entity], path_of(field)
    key = key_id(snapshot, _KINDS[field.entity], field.key if path is None else path.key)
    if path is None:
        return Sql(f"LEFT JOIN {table} {alias} ON {alias}.run = r.id AND {alias}.key = ?", (key,))
    rows = rows_inside(table, path, key)
    return Sql(f"LEFT JOIN ({rows.text}) {alias} ON {alias}.run = r.id", rows.values)


def after(terms: Sequence[Term], values: Sequence[object]) -> Sql:
    """The condition that a row comes after a position.

    Args:
        terms: The sort terms.
        values: The position's value for each term.

    Returns:
        The condition, beginning with a range on the first term that an index can seek.
    """
    condition: Sql | None = None
    for term, value in reversed(list(zip(terms, values, strict=True))):
        beyond = Sql(f"{term.text} {'<' if term.descending else '>'} ?", (value,))
        if condition is None:
            condition = beyond
            continue
        text = f"({beyond.text} OR ({term.text} IS ? AND {condition.text}))"
        condition = Sql(text, (*beyond.values, value, *condition.values))
    if condition is None:
        return Sql("1")
    bound = Sql(f"{terms[0].text} {'<=' if terms[0].descending else '>='} ?", (values[0],))
    return Sql(f"{bound.text} AND {condition.text}", bound.values + condition.values)


def sorted_by(snapshot: Snapshot, row_ids: Iterable[int], order: Sequence[OrderBy]) -> list[int]:
    """Sort a whole result in memory: one scan along an index a sort key, where SQL would look up run after run.

    Of few among many runs only theirs are looked up.

    Args:
        snapshot: Where values are read.
        row_ids: Integer keys of runs, in the order of the ties.
        order: Sort keys, most significant first.

    Returns:
        The keys by that order: by each key numbers or texts, then NaN, then missing.

    Raises:
        InvalidInput: there are more than `MAX_KEYS` sort keys.
    """
    _check_count(order)
    found = list(row_ids)
    runs = snapshot.execute("SELECT max(id) FROM run").fetchone()[0] or 0
    listed = json.dumps(found) if len(found) * _LOOK_UP < runs else None
    for key in reversed(order):
        values = _values(snapshot, key.field, listed)
        nan = NAN if key.field.entity is Entity.METRIC else None
        present = [row_id for row_id in found if values.get(row_id, nan) != nan]
        # Sorting keeps the order of equals, backwards too, so the keys after this one stay in force.
        present.sort(key=values.__getitem__, reverse=key.descending)
        undefined = [row_id for row_id in found if row_id in values and values[row_id] == nan]
        missing = [row_id for row_id in found if row_id not in values]
        found = [*present, *undefined, *missing]
    return found


def _values(snapshot: Snapshot, field: Field, listed: str | None) -> dict[int, Any]:
    """What every run, or every one of a JSON list, has under a field, by integer key; who has nothing is left out."""
    only, among = ("", ()) if listed is None else (f" AND {{}} IN {_LISTED}", (listed,))
    if field.entity is Entity.ATTRIBUTE:
        column = ATTRIBUTES[field.key]
        sql = f"SELECT r.id, {column} FROM run r WHERE {column} IS NOT NULL{only.format('r.id')}"
        return dict(snapshot.execute(sql, among))
    table, path = _TABLES[field.entity], path_of(field)
    if path is not None:
        rows = rows_inside(table, path, key_id(snapshot, _KINDS[field.entity], path.key))
        sql = f"SELECT run, value FROM ({rows.text}) WHERE value IS NOT NULL{only.format('run')}"
        # Texts come after numbers, as in SQL.
        return {run: (isinstance(value, str), value) for run, value in snapshot.execute(sql, (*rows.values, *among))}
    index = f" INDEXED BY {table}_by_value" if listed is None else ""
    sql = f"SELECT o.run, o.value FROM {table} o{index} WHERE o.key = ?{only.format('o.run')}"
    return dict(snapshot.execute(sql, (key_id(snapshot, _KINDS[field.entity], field.key), *among)))
