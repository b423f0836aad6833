"""Filters and orders of traces as SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from engine.core.errors import InvalidInput
from engine.core.query import And, Comparison, Entity, Field, Operator, Or, OrderBy
from engine.core.query import Not as Negation
from engine.core.query.schema import SPAN_ATTRIBUTES
from engine.db.conditions import Sql, compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.query import Filter
    from engine.db.transaction import Snapshot

MAX_KEYS = 16
"""Most sort keys."""

_SPANS = "(SELECT count(*) FROM span c WHERE c.trace = t.id)"

_ATTRIBUTES = {
    "trace_id": "t.trace_id",
    "name": "nullif(t.name, '')",
    "experiment": "(SELECT e.name FROM experiment e WHERE e.id = t.experiment)",
    "experiment_id": "CAST(t.experiment AS TEXT)",
    "client_request_id": "t.client_request_id",
    "request": "t.request",
    "response": "t.response",
    "session": "t.session",
    "user": "t.user",
    "state": "t.state",
    "start_time": "t.start_ms",
    "end_time": "coalesce(t.end_ms, t.start_ms)",
    "duration": "(t.end_ms - t.start_ms)",
    "spans": _SPANS,
    "input_tokens": "t.input_tokens",
    "output_tokens": "t.output_tokens",
    "total_tokens": "t.total_tokens",
    "run_id": "(SELECT min(l.target) FROM trace_link l WHERE l.trace = t.id AND l.kind = 'run')",
    "prompt": "(SELECT min(l.target) FROM trace_link l WHERE l.trace = t.id AND l.kind = 'prompt')",
    "text": "NULL",
}

_NEVER_NULL = frozenset({"trace_id", "experiment", "experiment_id", "state", "start_time", "end_time", "spans"})
_LINKS = {"run_id": "run", "prompt": "prompt"}
_PAIRS = {Entity.TAG: "trace_tag", Entity.METADATA: "trace_metadata"}
_ASSESSED = {Entity.FEEDBACK: "feedback", Entity.EXPECTATION: "expectation"}
_NULL_TESTS = (Operator.IS_NULL, Operator.IS_NOT_NULL)
_SPAN_COLUMNS = {
    "name": "s.name",
    "type": "s.kind",
    "status": "CASE s.status WHEN 1 THEN 'OK' WHEN 2 THEN 'ERROR' ELSE 'UNSET' END",
    "content": "s.content",
}

# A logged value as text and as number: booleans as JSON writes them, and no number unless it was logged as one.
_AS_TEXT = "iif(a.type IN ('true', 'false'), a.type, CAST(a.value AS TEXT))"
_AS_NUMBER = "CASE WHEN a.type IN ('integer', 'real') THEN a.value END"

Position = tuple[object, ...]
"""The sort terms of the last row of a page."""


class _Term(NamedTuple):
    sql: Sql
    descending: bool


def page(
    view: Snapshot,
    experiments: Sequence[int] | None,
    tree: Filter | None,
    order: Sequence[OrderBy],
    *,
    limit: int,
    after: Sequence[object] | None,
) -> tuple[list[int], Position | None]:
    """Find one page.

    Args:
        view: Where to look.
        experiments: Integer keys of the experiments to look in; `None` looks in all.
        tree: The filter; `None` for everything.
        order: Sort keys, the ties included.
        limit: At most so many traces.
        after: The position that the earlier page ended at.

    Returns:
        Integer keys in order, and the position to continue at, `None` on the last page.

    Raises:
        InvalidInput: there are too many sort keys, a pattern is too long, or the position is not of this order.
    """
    terms = _terms(order)
    if after is not None and not _fits(after, len(terms)):
        raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
    columns = "".join(f", {term.sql.text} AS t{place}" for place, term in enumerate(terms))
    values = tuple(value for term in terms for value in term.sql.values)
    where = _condition(tree) if tree is not None else Sql("1")
    inside = within(experiments)
    beyond = _beyond(terms, after) if after is not None else Sql("1")
    keys = ", ".join(f"t{place}{' DESC' if term.descending else ''}" for place, term in enumerate(terms))
    sql = f"""SELECT * FROM (SELECT t.id{columns} FROM trace t WHERE {inside.text} AND {where.text})
        WHERE {beyond.text} ORDER BY {keys} LIMIT ?"""
    rows = view.execute(sql, (*values, *inside.values, *where.values, *beyond.values, limit + 1)).fetchall()
    end = tuple(rows[limit - 1][1:]) if len(rows) > limit else None
    return [row[0] for row in rows[:limit]], end


def count(view: Snapshot, experiments: Sequence[int] | None, tree: Filter | None) -> int:
    """How many traces a filter finds.

    Args:
        view: Where to look.
        experiments: Integer keys of the experiments to look in; `None` looks in all.
        tree: The filter; `None` for everything.

    Raises:
        InvalidInput: a pattern is too long.
    """
    where = _condition(tree) if tree is not None else Sql("1")
    inside = within(experiments)
    sql = f"SELECT count(*) FROM trace t WHERE {inside.text} AND {where.text}"
    return int(view.execute(sql, (*inside.values, *where.values)).fetchone()[0])


def condition(tree: Filter, *, of_span: bool) -> Sql:
    """A filter as a condition on the trace `t`.

    Args:
        tree: The filter.
        of_span: Whether conditions on spans that stand alone or are joined by AND are conditions on the span `s`.

    Raises:
        InvalidInput: a pattern is too long.
    """
    if not of_span:
        return _condition(tree)
    parts = tree.parts if isinstance(tree, And) else (tree,)
    return _joined("AND", [_span(part) if _is_of_span(part) else _condition(part) for part in parts])


def within(experiments: Sequence[int] | None) -> Sql:
    """The condition that the trace `t` is of one of these experiments, by integer key; `None`: of any."""
    if experiments is None:
        return Sql("1")
    if len(experiments) == 1:  # the usual case, answered from the index in order
        return Sql("t.experiment = ?", (experiments[0],))
    return Sql("t.experiment IN (SELECT value FROM json_each(?))", (json.dumps(list(experiments)),))


def _terms(order: Sequence[OrderBy]) -> list[_Term]:
    distinct: dict[Field, OrderBy] = {}
    for key in order:
        distinct.setdefault(key.field, key)
    if len(distinct) > MAX_KEYS:
        raise InvalidInput(f"Lists are sorted by at most {MAX_KEYS} keys.", hint="Drop some.")
    terms: list[_Term] = []
    for key in distinct.values():
        value = _value(key.field)
        if key.field.entity is not Entity.ATTRIBUTE or key.field.key not in _NEVER_NULL:
            terms.append(_Term(Sql(f"({value.text}) IS NULL", value.values), descending=False))
        terms.append(_Term(value, key.descending))
    return terms


def _value(field: Field) -> Sql:
    if field.entity is Entity.ATTRIBUTE:
        return Sql(_ATTRIBUTES[field.key])
    if field.entity in _PAIRS:
        table = _PAIRS[field.entity]
        return Sql(f"(SELECT k.value FROM {table} k WHERE k.trace = t.id AND k.key = ?)", (field.key,))
    if field.entity in _ASSESSED:
        sql = (
            "(SELECT max(coalesce(k.number, k.text)) FROM assessment k WHERE k.trace = t.id AND k.valid AND k.kind = ?"
        )
        return Sql(f"{sql} AND k.name = ?)", (_ASSESSED[field.entity], field.key))
    raise InvalidInput("Traces cannot be sorted by what their spans hold.", hint="Sort by an attribute or a tag.")


def _fits(position: Sequence[object], length: int) -> bool:
    return len(position) == length and all(map(_is_bindable, position))


def _is_bindable(value: object) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return value is None or isinstance(value, float)


def _beyond(terms: Sequence[_Term], position: Sequence[object]) -> Sql:
    """The condition that a row comes after a position; NULL follows from the term before it, so it never decides."""
    condition = Sql("0")
    for place in range(len(terms) - 1, -1, -1):
        sign = "<" if terms[place].descending else ">"
        text = f"(coalesce(t{place} {sign} ?, 0) OR (t{place} IS ? AND {condition.text}))"
        condition = Sql(text, (position[place], position[place], *condition.values))
    if terms[0].sql.text == "t.start_ms" and terms[0].descending:  # said plainly, so that the index is entered there
        return Sql(f"(t0 <= ? AND {condition.text})", (position[0], *condition.values))
    return condition


def _condition(tree: Filter) -> Sql:
    if isinstance(tree, And):
        return _joined("AND", _conjunction(tree.parts))
    if isinstance(tree, Or):
        return _joined("OR", [_condition(part) for part in tree.parts])
    if isinstance(tree, Negation):
        return Sql(*_negated(_condition(tree.part)))
    return _comparison(tree)


def _conjunction(parts: Sequence[Filter]) -> list[Sql]:
    """Conditions on spans that stand side by side are asked of one and the same span."""
    on_spans = [part for part in parts if _is_of_span(part)]
    rest = [_condition(part) for part in parts if not _is_of_span(part)]
    if on_spans:
        rest.append(_some_span(_joined("AND", [_span(part) for part in on_spans])))
    return rest


def _is_of_span(part: Filter) -> TypeGuard[Comparison]:
    return isinstance(part, Comparison) and part.field.entity is Entity.SPAN and part.operator not in _NULL_TESTS


def _joined(word: str, parts: Sequence[Sql]) -> Sql:
    """Joined as a balanced tree: SQLite refuses one deeper than 1,000."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _joined(word, parts[:middle]), _joined(word, parts[middle:])
    return Sql(f"({left.text} {word} {right.text})", left.values + right.values)


def _negated(part: Sql) -> Sql:
    return Sql(f"(NOT {part.text})", part.values)


def _comparison(tree: Comparison) -> Sql:
    entity = tree.field.entity
    if entity is Entity.ATTRIBUTE:
        return _attribute(tree)
    if entity in _PAIRS:
        found = Sql(f"SELECT 1 FROM {_PAIRS[entity]} k WHERE k.trace = t.id AND k.key = ?", (tree.field.key,))
        return _keyed(tree, found, text="k.value")
    if entity in _ASSESSED:
        sql = "SELECT 1 FROM assessment k WHERE k.trace = t.id AND k.valid AND k.kind = ? AND k.name = ?"
        return _keyed(tree, Sql(sql, (_ASSESSED[entity], tree.field.key)), text="k.text")
    if tree.operator is Operator.IS_NULL:
        return _negated(_comparison(Comparison(tree.field, Operator.IS_NOT_NULL, None)))
    return _some_span(_span(tree))


def _attribute(tree: Comparison) -> Sql:
    key, operator = tree.field.key, tree.operator
    if key == "text":
        return _comparison(Comparison(Field(Entity.SPAN, "content"), operator, tree.value))
    if key in _LINKS:
        found = Sql("SELECT 1 FROM trace_link k WHERE k.trace = t.id AND k.kind = ?", (_LINKS[key],))
        return _keyed(tree, found, text="k.target")
    column = _ATTRIBUTES[key]
    if operator in _NULL_TESTS:
        return Sql(f"(({column}) {operator.value})")
    condition = compared(column, operator, tree.value)
    return condition if key in _NEVER_NULL else Sql(f"coalesce({condition.text}, 0)", condition.values)


def _keyed(tree: Comparison, found: Sql, *, text: str) -> Sql:
    """Whether one of the rows found holds; with a number, one that was read as a number."""
    if tree.operator in _NULL_TESTS:
        absent = tree.operator is Operator.IS_NULL
        return Sql(f"{'NOT ' if absent else ''}EXISTS ({found.text})", found.values)
    condition = compared(text if _is_text(tree) else "k.number", tree.operator, tree.value)
    return Sql(f"EXISTS ({found.text} AND {condition.text})", (*found.values, *condition.values))


def _some_span(condition: Sql) -> Sql:
    return Sql(f"EXISTS (SELECT 1 FROM span s WHERE s.trace = t.id AND {condition.text})", condition.values)


def _span(tree: Comparison) -> Sql:
    """A condition on the span `s`."""
    key = tree.field.key
    if not key.startswith(SPAN_ATTRIBUTES):
        if tree.operator is Operator.IS_NOT_NULL:
            return Sql("1")
        return compared(_SPAN_COLUMNS[key], tree.operator, tree.value)
    found = "EXISTS (SELECT 1 FROM json_each(s.content, '$.attributes') a WHERE a.key = ?"
    name = key[len(SPAN_ATTRIBUTES) :]
    if tree.operator is Operator.IS_NOT_NULL:
        return Sql(f"{found})", (name,))
    condition = compared(_AS_TEXT if _is_text(tree) else _AS_NUMBER, tree.operator, tree.value)
    return Sql(f"{found} AND {condition.text})", (name, *condition.values))


def _is_text(tree: Comparison) -> bool:
    literal = tree.value[0] if isinstance(tree.value, tuple) else tree.value
    return isinstance(literal, str)
