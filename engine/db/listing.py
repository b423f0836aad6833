"""Lists of things that number in thousands: a filter and an order compiled to one statement, read page by page.

Every condition is asked of every row; no index is chosen. What numbers in millions (runs, spans) has its own search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import InvalidInput
from engine.core.paging import decode_token, encode_token
from engine.core.query import (
    And,
    Comparison,
    Entity,
    Field,
    Filter,
    Not,
    Operator,
    Or,
    OrderBy,
    parse_filter,
    parse_order_by,
)
from engine.db.conditions import NUMBERS, Sql, compared

if TYPE_CHECKING:
    from engine.core.query import Schema
    from engine.db.transaction import Snapshot

MAX_KEYS = 20
"""Most sort keys."""

MAX_PAGE = 10_000
"""Most rows of a page."""

ALWAYS = Sql("1")
"""The condition that every row meets."""

_NULL_TESTS = (Operator.IS_NULL, Operator.IS_NOT_NULL)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is searched.

    Args:
        schema: What can be asked of it.
        row: SQL of the row's integer key.
        source: The tables, with their aliases.
        attributes: SQL of each attribute.
        nullable: Attributes that may be NULL.
        tables: Tables of the keyed entities.
        owner: Their column that holds the row's integer key.
        such_that: A condition on every row.
        newest: SQL of the order of keyed entities that have several rows `k` a key; the first is sorted by.
        only: Conditions on the rows `k` of keyed entities: filters look at no others.
        only_sorted: The same for sorting, by sort key.
    """

    schema: Schema
    row: str
    source: str
    attributes: Mapping[str, str]
    nullable: frozenset[str]
    tables: Mapping[Entity, str]
    owner: str
    such_that: Sql = ALWAYS
    newest: Mapping[Entity, str] = field(default_factory=dict)
    only: Mapping[Entity, Sql] = field(default_factory=dict)
    only_sorted: Mapping[Field, Sql] = field(default_factory=dict)


class Question(NamedTuple):
    """What a list was asked; a page token holds for the same question alone.

    Args:
        filter: In the filter language; empty for all.
        order_by: Sort keys; the schema's own order without any.
        limit: Rows per page, 1 to `MAX_PAGE`.
        page_token: Continues an earlier page.
        name: Only rows whose attribute `name` is this one; `None` for all.
    """

    filter: str
    order_by: tuple[str, ...]
    limit: int
    page_token: str | None = None
    name: str | None = None


def answer(view: Snapshot, subject: Subject, asked: Question, *, now_ms: int) -> tuple[list[int], str | None]:
    """Find one page and the token of the next.

    Args:
        view: Where to look.
        subject: What is searched.
        asked: The question.
        now_ms: The present, in milliseconds since the epoch, for ages in filters.

    Returns:
        Integer keys in order, and the token to continue with, `None` on the last page.

    Raises:
        FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
        InvalidInput: the limit is out of range, there are too many sort keys, a pattern is too long, or the token is
            not of this question.
    """
    if not 1 <= asked.limit <= MAX_PAGE:
        raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
    tree = parse_filter(asked.filter, schema=subject.schema, now_ms=now_ms)
    order = (*parse_order_by(asked.order_by, schema=subject.schema), *subject.schema.ties)
    row_ids, end = page(view, subject, _within(asked, tree), order, limit=asked.limit, after=_position(asked, subject))
    return row_ids, None if end is None else encode_token([_fingerprint(asked, subject), *end])


def _fingerprint(asked: Question, subject: Subject) -> str:
    from hashlib import sha256  # only a second page needs it

    narrowed = subject.such_that, dict(subject.only), dict(subject.only_sorted)
    return sha256(repr((asked.filter, asked.order_by, asked.name, narrowed)).encode()).hexdigest()[:16]


def _position(asked: Question, subject: Subject) -> list[object] | None:
    if asked.page_token is None:
        return None
    position = decode_token(asked.page_token)
    if not isinstance(position, list) or not position or position[0] != _fingerprint(asked, subject):
        raise InvalidInput("The page token is not of this query.", hint="Start again without a page token.")
    return position[1:]


def _within(asked: Question, tree: Filter | None) -> Filter | None:
    if asked.name is None:
        return tree
    own = Comparison(Field(Entity.ATTRIBUTE, "name"), Operator.EQUAL, asked.name)
    return own if tree is None else And((own, tree))


Position = tuple[object, ...]
"""The sort terms of the last row of a page."""


def page(
    view: Snapshot,
    subject: Subject,
    tree: Filter | None,
    order: Sequence[OrderBy],
    *,
    limit: int,
    after: Sequence[object] | None,
) -> tuple[list[int], Position | None]:
    """Find one page.

    Args:
        view: Where to look.
        subject: What is searched.
        tree: The filter; `None` for everything.
        order: Sort keys, the ties included.
        limit: At most so many rows.
        after: The position that the earlier page ended at.

    Returns:
        Integer keys in order, and the position to continue at, `None` on the last page.

    Raises:
        InvalidInput: there are too many sort keys, a pattern is too long, or the position is not of this order.
    """
    terms = _terms(subject, order)
    if after is not None and not _fits(after, len(terms)):
        raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
    columns = "".join(f", {term.sql.text} AS t{place}" for place, term in enumerate(terms))
    values = tuple(value for term in terms for value in term.sql.values)
    where = _condition(subject, tree) if tree is not None else ALWAYS
    beyond = _beyond(terms, after) if after is not None else ALWAYS
    keys = ", ".join(f"t{place}{' DESC' if term.descending else ''}" for place, term in enumerate(terms))
    sql = f"""SELECT * FROM (SELECT {subject.row} AS row_id{columns} FROM {subject.source}
        WHERE ({subject.such_that.text}) AND {where.text}) WHERE {beyond.text} ORDER BY {keys} LIMIT ?"""
    rows = view.execute(sql, (*values, *subject.such_that.values, *where.values, *beyond.values, limit + 1)).fetchall()
    end = tuple(rows[limit - 1][1:]) if len(rows) > limit else None
    return [row[0] for row in rows[:limit]], end


class _Term(NamedTuple):
    sql: Sql
    descending: bool


def _terms(subject: Subject, order: Sequence[OrderBy]) -> list[_Term]:
    distinct: dict[Field, OrderBy] = {}
    for key in order:
        distinct.setdefault(key.field, key)
    if len(distinct) > MAX_KEYS:
        raise InvalidInput(f"Lists are sorted by at most {MAX_KEYS} keys.", hint="Drop some.")
    terms: list[_Term] = []
    for key in distinct.values():
        value = _value(subject, key.field)
        if key.field.entity is Entity.METRIC:
            rank = f"(SELECT iif(x {NUMBERS}, 0, iif(x IS NULL, 2, 1)) FROM (SELECT {value.text} AS x))"
            terms.append(_Term(Sql(rank, value.values), descending=False))
        elif key.field.entity is not Entity.ATTRIBUTE or key.field.key in subject.nullable:
            terms.append(_Term(Sql(f"({value.text}) IS NULL", value.values), descending=False))
        terms.append(_Term(value, key.descending))
    return terms


def _value(subject: Subject, asked: Field) -> Sql:
    if asked.entity is Entity.ATTRIBUTE:
        return Sql(subject.attributes[asked.key])
    only = subject.only_sorted.get(asked, ALWAYS)
    newest = subject.newest.get(asked.entity)
    first = f" ORDER BY {newest} LIMIT 1" if newest else ""
    text = f"SELECT k.value FROM {subject.tables[asked.entity]} k WHERE k.{subject.owner} = {subject.row} AND k.key = ?"
    return Sql(f"({text} AND {only.text}{first})", (asked.key, *only.values))


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
    return condition


def _condition(subject: Subject, tree: Filter) -> Sql:
    if isinstance(tree, And):
        return _joined("AND", [_condition(subject, part) for part in tree.parts])
    if isinstance(tree, Or):
        return _joined("OR", [_condition(subject, part) for part in tree.parts])
    if isinstance(tree, Not):
        return _negated(_condition(subject, tree.part))
    if tree.operator is Operator.DIFFERS:
        return _negated(_condition(subject, Comparison(tree.field, Operator.EQUAL, tree.value)))
    return _attribute(subject, tree) if tree.field.entity is Entity.ATTRIBUTE else _keyed(subject, tree)


def _joined(word: str, parts: Sequence[Sql]) -> Sql:
    """Joined as a balanced tree: SQLite refuses one deeper than 1,000."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _joined(word, parts[:middle]), _joined(word, parts[middle:])
    return Sql(f"({left.text} {word} {right.text})", left.values + right.values)


def _negated(part: Sql) -> Sql:
    return Sql(f"(NOT {part.text})", part.values)


def _attribute(subject: Subject, tree: Comparison) -> Sql:
    column = subject.attributes[tree.field.key]
    if tree.operator in _NULL_TESTS:
        return Sql(f"(({column}) {tree.operator.value})")
    condition = compared(column, tree.operator, tree.value)
    return Sql(f"coalesce({condition.text}, 0)", condition.values)


def _keyed(subject: Subject, tree: Comparison) -> Sql:
    table = subject.tables[tree.field.entity]
    only = subject.only.get(tree.field.entity, ALWAYS)
    found = f"SELECT 1 FROM {table} k WHERE k.{subject.owner} = {subject.row} AND k.key = ? AND {only.text}"
    values = (tree.field.key, *only.values)
    if tree.operator in _NULL_TESTS:
        absent = tree.operator is Operator.IS_NULL
        return Sql(f"{'NOT ' if absent else ''}EXISTS ({found})", values)
    literal = tree.value[0] if isinstance(tree.value, tuple) else tree.value
    is_metric = tree.field.entity is Entity.METRIC
    condition = compared("k.value" if is_metric or isinstance(literal, str) else "k.number", tree.operator, tree.value)
    text = f"EXISTS ({found} AND {condition.text}"
    if is_metric and tree.operator in (Operator.GREATER, Operator.AT_LEAST):
        text += f" AND k.value {NUMBERS}"
    return Sql(f"{text})", (*values, *condition.values))
