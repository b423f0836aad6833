"""Recursive descent over the tokens. MLflow's filters mean what they mean there; OR, NOT, parentheses are ours.

filter     = conjunction {OR conjunction}
conjunction = negation {AND negation}
negation   = NOT negation | "(" filter ")" | comparison
comparison = field operator literal | field [NOT] IN "(" literal {"," literal} ")" | field IS [NOT] NULL
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from engine.core.query.lexer import Token, tokenize
from engine.core.query.literals import check_operator, check_same_type, compare, read_literal
from engine.core.query.schema import RUNS, SPAN_ATTRIBUTES, Schema
from engine.core.query.source import ENTITIES, Source
from engine.core.query.tree import And, Comparison, Entity, Field, Filter, Not, Operator, Or, OrderBy, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.core.errors import FilterSyntaxError

MAX_DEPTH = 64
"""How deep parentheses and NOT may nest."""

_SYMBOLS = {
    operator.value: operator
    for operator in (
        Operator.EQUAL,
        Operator.NOT_EQUAL,
        Operator.LESS,
        Operator.AT_MOST,
        Operator.GREATER,
        Operator.AT_LEAST,
    )
}
_SLIPS = {"==": "=", "<>": "!=", "=<": "<=", "=>": ">=", "=!": "!=", "~": "LIKE", "=~": "LIKE"}
_RESERVED = frozenset({"AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE"})


def parse_filter(text: str, *, schema: Schema, now_ms: int | None = None) -> Filter | None:
    """Parse a filter.

    Args:
        text: Such as `metrics.auc > 0.9 AND params.model = 'tree'`.
        schema: What it may ask, such as `RUNS`.
        now_ms: The present, in milliseconds since the epoch, for ages such as `start_time > '2h'`.

    Returns:
        The tree, with aliases resolved and times in milliseconds; `None` for blank text.

    Raises:
        FilterSyntaxError: the text does not parse; `details["column"]` says where, from 1.
    """
    source = Source(text, schema, now_ms)
    parser = _Parser(source, tokenize(source))
    if parser.token.kind == "end":
        return None
    parsed = parser.any_of(0)
    if parser.token.kind != "end":
        raise parser.expected("AND, OR or the end")
    return parsed


def parse_order_by(text: str | Sequence[str], *, schema: Schema = RUNS) -> tuple[OrderBy, ...]:
    """Parse sort keys.

    Args:
        text: `metrics.auc DESC, start_time`, or one such clause (or several) an item; blank items are skipped.
        schema: What can be sorted by.

    Returns:
        The keys, most significant first. The schema's `ties` are not appended.

    Raises:
        FilterSyntaxError: a clause does not parse; the column counts within its own item.
    """
    keys: list[OrderBy] = []
    for item in (text,) if isinstance(text, str) else text:
        source = Source(item, schema)
        parser = _Parser(source, tokenize(source))
        while parser.token.kind != "end":
            keys.append(parser.order_key())
            if not parser.accept(",") and parser.token.kind != "end":
                raise parser.expected("ASC, DESC, a comma or the end")
    return tuple(keys)


class _Parser:
    """A place in the tokens of one source; each method reads one rule of the grammar and moves on."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self._source = source
        self._tokens = tokens
        self._next = 0

    @property
    def token(self) -> Token:
        """The token to be read next."""
        return self._tokens[self._next]

    def take(self) -> Token:
        """Read one token; `end` is read again and again."""
        token = self.token
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def accept(self, word: str) -> bool:
        """Read a keyword or mark if it comes next; say whether it did."""
        token = self.token
        if token.keyword != word and not (token.kind == "mark" and token.raw == word):
            return False
        self.take()
        return True

    def expected(self, what: str, hint: str = "") -> FilterSyntaxError:
        """The error for a next token that is not `what`."""
        token = self.token
        found = "the text ends" if token.kind == "end" else f"found {token.raw[:40]}"
        return self._source.error(token.start, f"expected {what}, but {found}.", hint)

    def any_of(self, depth: int) -> Filter:
        """Read parts joined by OR."""
        parts = self._joined("OR", lambda: self._all_of(depth))
        return parts[0] if len(parts) == 1 else Or(parts)

    def _all_of(self, depth: int) -> Filter:
        parts = self._joined("AND", lambda: self._one(depth))
        return parts[0] if len(parts) == 1 else And(parts)

    def _joined(self, word: str, read: Callable[[], Filter]) -> tuple[Filter, ...]:
        parts = [read()]
        while self.accept(word):
            parts.append(read())
        return tuple(parts)

    def _one(self, depth: int) -> Filter:
        if depth >= MAX_DEPTH:
            raise self._source.error(self.token.start, f"nested deeper than {MAX_DEPTH}.", "Flatten the filter.")
        if self.accept("NOT"):
            return Not(self._one(depth + 1))
        if not self.accept("("):
            return self._comparison()
        inner = self.any_of(depth + 1)
        if not self.accept(")"):
            raise self.expected("AND, OR or )")
        return inner

    def field(self) -> Field:
        """Read a key."""
        token = self.token
        if token.kind not in ("word", "quoted") or token.keyword in _RESERVED:
            raise self.expected("a key such as metrics.auc", self._text_first(token))
        self.take()
        after = self.token
        has_quoted = token.kind == "word" and _is_prefix(token.raw)
        quoted = after if has_quoted and after.kind == "quoted" and after.start == token.end else None
        if quoted:
            self.take()
        return self._source.field(token, quoted)

    @staticmethod
    def _text_first(token: Token) -> str:
        return "Keys stand in `backticks`, not in single quotes." if token.kind == "text" else ""

    def _comparison(self) -> Comparison:
        field = self.field()
        place = self.token.start
        operator = self._operator()
        check_operator(self._source, field, operator, place)
        return compare(self._source, field, operator, self._value(field, operator))

    def _operator(self) -> Operator:
        token = self.token
        if token.kind == "operator" and token.raw in _SYMBOLS:
            self.take()
            return _SYMBOLS[token.raw]
        for words, operator in _WORDS:
            if self._accept_all(words):
                return operator
        slip = _SLIPS.get(token.raw)
        raise self.expected("an operator", f"Did you mean {slip}?" if slip else f"Operators are {_OPERATOR_LIST}.")

    def _accept_all(self, words: tuple[str, ...]) -> bool:
        ahead = self._tokens[self._next : self._next + len(words)]
        if tuple(token.keyword for token in ahead) != words:
            return False
        self._next += len(words)
        return True

    def _value(self, field: Field, operator: Operator) -> Value:
        if operator in (Operator.IS_NULL, Operator.IS_NOT_NULL):
            return None
        if operator not in (Operator.IN, Operator.NOT_IN):
            return read_literal(self._source, field, operator, self.take())
        if not self.accept("("):
            raise self.expected("( and a list")
        tokens = [self.take()]
        while self.accept(",") and self.token.raw != ")":
            tokens.append(self.take())
        values = tuple(read_literal(self._source, field, operator, token) for token in tokens)
        if not self.accept(")"):
            raise self.expected(", or )")
        check_same_type(self._source, values, tokens)
        return cast("Value", values)

    def order_key(self) -> OrderBy:
        """Read a key and its direction."""
        place = self.token.start
        field = self.field()
        if field.entity is Entity.DATASET:
            raise self._source.error(place, "datasets cannot be sorted by.", "Sort by a metric, parameter or tag.")
        if self.accept("DESC"):
            return OrderBy(field, descending=True)
        self.accept("ASC")
        return OrderBy(field)


def _is_prefix(word: str) -> bool:
    """Whether a word ends where a quoted key may follow: `tags.`, `span.attributes.`."""
    prefix, _, rest = word.partition(".")
    return word.endswith(".") and (not rest or (rest == SPAN_ATTRIBUTES and ENTITIES.get(prefix) is Entity.SPAN))


_WORDS = tuple(
    (tuple(operator.value.split()), operator)
    for operator in (
        Operator.LIKE,
        Operator.ILIKE,
        Operator.IN,
        Operator.NOT_IN,
        Operator.IS_NULL,
        Operator.IS_NOT_NULL,
    )
)
_OPERATOR_LIST = ", ".join((*_SYMBOLS, *(operator.value for _, operator in _WORDS)))
