"""Compiles a filter over runs to SQL conditions. Keys become integer ids, literals become bound parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.query import And, Comparison, Entity, Filter, Not, Operator, Or
from engine.db.conditions import NUMBERS, Sql, compared
from engine.tracking.attribute_store import attribute_condition
from engine.tracking.batch_store import key_id
from engine.tracking.inside_store import inside_condition, path_of, rows_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.query import Field
    from engine.db.transaction import Snapshot

_TABLES = {Entity.METRIC: "latest_metric", Entity.PARAM: "param", Entity.TAG: "tag"}
_KINDS = {Entity.METRIC: "metric", Entity.PARAM: "param", Entity.TAG: "tag"}


def joined(word: str, parts: Sequence[Sql]) -> Sql:
    """Parts joined by AND or OR as a balanced tree: SQLite refuses one deeper than 1,000."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = joined(word, parts[:middle]), joined(word, parts[middle:])
    return Sql(f"({left.text} {word} {right.text})", left.values + right.values)


class FilterCompiler:
    """Compiles one filter for one statement.

    Conditions are two-valued, as the tree's meaning is: what a run does not have is false, never NULL. A comparison is
    asked of each run that is met (a look along the primary key), or, when most runs will be met, of all runs at once
    (`sets`: one scan along the index by value gives the set of those that pass).

    Args:
        snapshot: Where keys are looked up.
        run: The SQL of the run's integer key in that statement.
        sets: Ask of all runs at once.
        at_hand: A field whose row the statement has already joined, as `o`.
    """

    def __init__(self, snapshot: Snapshot, run: str, *, sets: bool = False, at_hand: Field | None = None) -> None:
        self._snapshot = snapshot
        self._run = run
        self._sets = sets
        self._at_hand = at_hand

    def condition(self, tree: Filter) -> Sql:
        """The condition that a filter means; attributes are read from `run r`.

        Raises:
            InvalidInput: a pattern is longer than SQLite takes.
        """
        if isinstance(tree, And):
            return joined("AND", [self.condition(part) for part in tree.parts])
        if isinstance(tree, Or):
            return joined("OR", [self.condition(part) for part in tree.parts])
        if isinstance(tree, Not):
            inner = self.condition(tree.part)
            return Sql(f"(NOT ({inner.text}))", inner.values)
        return self._comparison(tree)

    def _comparison(self, tree: Comparison) -> Sql:
        if tree.operator is Operator.DIFFERS:
            return self.condition(Not(Comparison(tree.field, Operator.EQUAL, tree.value)))
        if tree.field.entity is Entity.ATTRIBUTE:
            return attribute_condition(self._snapshot, tree, sets=self._sets)
        absent = "NOT " if tree.operator is Operator.IS_NULL else ""
        if tree.field == self._at_hand:
            return value_condition(tree, "o") or Sql("0" if absent else "1")
        if tree.field.entity is Entity.DATASET:
            source = _with(Sql(f"{_USES} WHERE 1"), _dataset_condition(tree))
        elif self._sets:
            source = self._keyed(tree, "SELECT v.run FROM {0} v INDEXED BY {0}_by_value WHERE v.key = ?")
        else:
            found = self._keyed(tree, f"SELECT 1 FROM {{0}} v WHERE v.run = {self._run} AND v.key = ?")
            return Sql(f"{absent}EXISTS ({found.text})", found.values)
        return Sql(f"{self._run} {absent}IN ({source.text})", source.values)

    def _keyed(self, tree: Comparison, text: str) -> Sql:
        entity, path = tree.field.entity, path_of(tree.field)
        if path is not None:
            key = key_id(self._snapshot, _KINDS[entity], path.key)
            rows = rows_inside(_TABLES[entity], path, key, "" if self._sets else self._run)
            return _with(Sql(f"SELECT v.run FROM ({rows.text}) v WHERE 1", rows.values), inside_condition(tree, "v"))
        key = key_id(self._snapshot, _KINDS[entity], tree.field.key)
        return _with(Sql(text.format(_TABLES[entity]), (key,)), value_condition(tree, "v"))


_NULL_TESTS = (Operator.IS_NULL, Operator.IS_NOT_NULL)
_USES = "SELECT u.run FROM run_dataset u JOIN dataset d ON d.id = u.dataset"


def _dataset_condition(tree: Comparison) -> Sql | None:
    if tree.operator in _NULL_TESTS:
        return None
    return compared(_dataset_column(tree.field.key), tree.operator, tree.value)


def _dataset_column(key: str) -> str:
    return "u.context" if key == "context" else f"d.{key}"


def _with(source: Sql, condition: Sql | None) -> Sql:
    if condition is None:
        return source
    return Sql(f"{source.text} AND {condition.text}", source.values + condition.values)


def value_condition(tree: Comparison, alias: str) -> Sql | None:
    """What a comparison of a metric, parameter or tag asks of the row of its table; `None` when being there is all."""
    if tree.operator in _NULL_TESTS:
        return None
    literal = tree.value[0] if isinstance(tree.value, tuple) else tree.value
    if tree.field.entity is Entity.METRIC:
        condition = compared(f"{alias}.value", tree.operator, tree.value)
        if tree.operator in (Operator.GREATER, Operator.AT_LEAST):
            return Sql(f"({condition.text} AND {alias}.value {NUMBERS})", condition.values)
        return condition
    if isinstance(literal, str):
        return compared(f"{alias}.value", tree.operator, tree.value)
    condition = compared(f"{alias}.number", tree.operator, tree.value)
    return Sql(f"({alias}.number IS NOT NULL AND {condition.text})", condition.values)


def candidates(snapshot: Snapshot, tree: Filter | None) -> list[tuple[Sql, Comparison]]:
    """Index ranges that hold every run a filter can let through, each as a query of column `run`, every run once.

    Args:
        snapshot: Where keys are looked up.
        tree: The filter.

    Returns:
        One for every part joined by AND that an index answers, and that part: it holds for exactly those runs.
    """
    parts = tree.parts if isinstance(tree, And) else () if tree is None else (tree,)
    found = ((_candidate(snapshot, part), part) for part in parts if isinstance(part, Comparison))
    return [(each, part) for each, part in found if each is not None]


def without(tree: Filter | None, part: Comparison | None) -> Filter | None:
    """A filter less one of its parts joined by AND, which is known to hold; `None` when nothing is left."""
    if part is None or tree is None or not isinstance(tree, And):
        return None if tree == part else tree
    rest = tuple(each for each in tree.parts if each != part)
    return And(rest) if len(rest) > 1 else next(iter(rest), None)


_RANGES = frozenset({Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST, Operator.IN})


def _candidate(snapshot: Snapshot, tree: Comparison) -> Sql | None:
    entity = tree.field.entity
    if entity is Entity.ATTRIBUTE:
        if tree.field.key == "run_id" and tree.operator in (Operator.EQUAL, Operator.IN):
            where = compared("c.run_id", tree.operator, tree.value)
            return Sql(f"SELECT c.id AS run FROM run c WHERE {where.text}", where.values)
        return None
    if entity is Entity.DATASET:
        return _dataset_candidate(tree)
    if path_of(tree.field) is not None:
        return None
    by_value = entity is Entity.METRIC or isinstance(tree.value, str)
    condition = value_condition(tree, "c") if tree.operator in _RANGES and by_value else None
    if condition is None:
        return None
    key = key_id(snapshot, _KINDS[entity], tree.field.key)
    table = _TABLES[entity]
    text = f"SELECT c.run FROM {table} c INDEXED BY {table}_by_value WHERE c.key = ? AND {condition.text}"
    return Sql(text, (key, *condition.values))


def _dataset_candidate(tree: Comparison) -> Sql | None:
    if tree.operator is not Operator.EQUAL or tree.field.key == "context":
        return None
    where = compared(_dataset_column(tree.field.key), tree.operator, tree.value)
    text = "SELECT DISTINCT u.run FROM dataset d JOIN run_dataset u ON u.dataset = d.id WHERE"
    return Sql(f"{text} {where.text}", where.values)
